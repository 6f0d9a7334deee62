// SPDX-License-Identifier: Apache-2.0
//
// What a leaf of a condition says of one value. This is the meaning that every store must
// reproduce. JSON is read once, without heap but for texts with escapes; the first member of a name
// counts.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "telemetry/condition.hpp"
#include "telemetry/core/json_pull.hpp"
#include "telemetry/message.hpp"

namespace telemetry {
namespace {

constexpr double two_to_63 = 9223372036854775808.0;

std::partial_ordering compare(std::int64_t whole, double real) noexcept {
  if (std::isnan(real)) return std::partial_ordering::unordered;
  if (real >= two_to_63) return std::partial_ordering::less;
  if (real < -two_to_63) return std::partial_ordering::greater;
  const auto floor = static_cast<std::int64_t>(real);  // towards 0, exactly
  if (whole != floor) return whole <=> floor;
  return 0.0 <=> real - static_cast<double>(floor);
}

bool holds(Condition::Op op, std::partial_ordering order) noexcept {
  switch (op) {
    case Condition::Op::eq:
      return order == 0;
    case Condition::Op::ne:
      return order != 0;
    case Condition::Op::lt:
      return order < 0;
    case Condition::Op::le:
      return order <= 0;
    case Condition::Op::gt:
      return order > 0;
    case Condition::Op::ge:
      return order >= 0;
  }
  return false;
}

/// A leaf whose value is there. `order` says how it stands to a literal, nothing where they do not
/// compare.
template <class Order>
Truth compare_all(const Condition& leaf, const Order& order) {
  const bool in = leaf.kind == Condition::Kind::in;
  Truth result = Truth::no;
  for (const Literal& literal : leaf.literals) {
    const std::optional<std::partial_ordering> found = order(literal);
    const Condition::Op op = in ? Condition::Op::eq : leaf.op;
    const Truth one = found ? truth(holds(op, *found)) : Truth::unknown;
    result = std::max(result, one);
  }
  return result;
}

using core::JsonPull;
using core::JsonToken;
using Ordering = std::optional<std::partial_ordering>;

/// The text between the quotes with its escapes decoded, into `room` where it has any.
std::string_view decoded(const JsonPull& pull, std::string& room) {
  if (!pull.escaped()) return pull.text();
  room.resize(pull.text().size());
  room.resize(core::json_unescape(pull.text(), room));
  return room;
}

/// How a value stands to a literal, by the JSON type of both; nothing where they differ.
Ordering order(const Literal& literal, const std::optional<Number>& number,
               std::optional<bool> boolean, std::optional<std::string_view> text) {
  const bool is_boolean =
      !literal.quoted() && (literal.text() == "true" || literal.text() == "false");
  const bool is_number = !literal.quoted() && literal.number();
  if (number && is_number) return *number <=> *literal.number();
  if (boolean && is_boolean) {
    return static_cast<int>(*boolean) <=> static_cast<int>(literal.text() == "true");
  }
  if (text && !is_boolean && !is_number) return text->compare(literal.text()) <=> 0;
  return std::nullopt;
}

/// Looks through an object that was just opened, up to its end. Nothing when it lacks the path.
/// Recursion: json_depth_max at most, the pull ends with an error before.
std::optional<std::string_view> look(std::string_view json, JsonPull& pull, std::string_view path) {
  std::string room;
  while (pull.next() == JsonToken::key) {
    const std::string_view key = decoded(pull, room);
    const bool whole = key == path;
    const bool inside =
        path.size() > key.size() && path[key.size()] == '.' && path.starts_with(key);
    const std::string_view rest = inside ? path.substr(key.size() + 1) : std::string_view();
    const JsonToken token = pull.next();
    const std::size_t begin = pull.offset();
    const bool container = token == JsonToken::object_begin || token == JsonToken::array_begin;
    if (token == JsonToken::object_begin && inside && !whole) {
      if (const auto found = look(json, pull, rest)) return found;
    } else if (container && !pull.skip_container()) {
      return std::nullopt;
    }
    if (whole && token == JsonToken::error) return std::nullopt;
    if (whole) return json.substr(begin, pull.end_offset() - begin);
  }
  return std::nullopt;
}

// LIKE: a pattern is pieces with % between them. The first is held against the begin of the text,
// the last against its end, and each other is looked for where the one before it ended.

constexpr int any_one = 256;  // `_`, among the bytes of a piece

bool is_plain(std::string_view piece) noexcept {
  return piece.find_first_of("_\\") == std::string_view::npos;
}

bool continues(char c) noexcept { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

/// Takes what is before the next %, or all.
std::string_view take_piece(std::string_view& pattern) noexcept {
  std::size_t end = 0;
  while (end < pattern.size() && pattern[end] != '%') end += pattern[end] == '\\' ? 2U : 1U;
  const std::string_view piece = pattern.substr(0, end);
  pattern.remove_prefix(piece.size());
  return piece;
}

/// The byte that a piece wants at `p`, which moves on, or any_one.
int next_element(std::string_view piece, std::size_t& p) noexcept {
  if (piece[p] == '_') return ++p, any_one;
  if (piece[p] == '\\' && p + 1 < piece.size()) ++p;
  return static_cast<unsigned char>(piece[p++]);
}

void skip_character(std::string_view text, std::size_t& t) noexcept {
  do {
    ++t;
  } while (t < text.size() && continues(text[t]));
}

/// Takes the piece from the text's begin.
bool take_front(std::string_view& text, std::string_view piece) noexcept {
  std::size_t t = 0;
  for (std::size_t p = 0; p < piece.size();) {
    if (t == text.size()) return false;
    const int wanted = next_element(piece, p);
    if (wanted == any_one) {
      skip_character(text, t);
    } else if (static_cast<unsigned char>(text[t++]) != wanted) {
      return false;
    }
  }
  text.remove_prefix(t);
  return true;
}

bool ends_like(std::string_view text, std::string_view piece) noexcept {
  std::size_t begin = text.size();
  for (std::size_t p = 0; p < piece.size();) {
    const int wanted = next_element(piece, p);
    if (wanted != any_one && continues(static_cast<char>(wanted))) continue;
    do {  // back by a character
      if (begin == 0) return false;
      --begin;
    } while (begin > 0 && continues(text[begin]));
  }
  text.remove_prefix(begin);
  return take_front(text, piece) && text.empty();
}

/// Takes up to the end of the first place that has the piece. Its first 64 elements are looked for
/// in one pass: bit i says that elements 0 to i are met by what ends here.
bool take_first(std::string_view& text, std::string_view piece) noexcept {
  if (text.empty()) return piece.empty();  // it may have no address, which memmem refuses
  if (is_plain(piece)) {
    const void* const at = ::memmem(text.data(), text.size(), piece.data(), piece.size());
    if (at == nullptr) return false;
    const auto before = static_cast<std::size_t>(static_cast<const char*>(at) - text.data());
    text.remove_prefix(before + piece.size());
    return true;
  }
  std::array<std::uint64_t, 256> wants{};
  std::uint64_t wild = 0, bit = 1;
  std::size_t p = 0;
  for (std::uint64_t next = 1; next != 0 && p < piece.size(); next <<= 1) {
    bit = next;
    const int wanted = next_element(piece, p);
    if (wanted == any_one) {
      wild |= bit;
    } else {
      wants[static_cast<std::size_t>(wanted)] |= bit;
    }
  }
  std::uint64_t met = 0;
  for (std::size_t t = 0; t < text.size(); ++t) {
    const bool inside = continues(text[t]);  // of a character: goes on with the `_` that has it
    const std::uint64_t stay = inside ? met & wild : 0;
    const std::uint64_t begin = inside && t > 0 ? 0 : 1;
    met =
        (((met ^ stay) << 1 | begin) & (wants[static_cast<unsigned char>(text[t])] | wild)) | stay;
    if ((met & bit) == 0 || (t + 1 < text.size() && (wild & bit) != 0 && continues(text[t + 1]))) {
      continue;
    }
    std::string_view rest = text.substr(t + 1);
    if (!take_front(rest, piece.substr(p))) continue;
    text = rest;
    return true;
  }
  return false;
}

}  // namespace

std::optional<Number> Number::read(std::string_view text) noexcept {
  const char* const end = text.data() + text.size();
  std::int64_t whole = 0;
  const auto as_whole = std::from_chars(text.data(), end, whole);
  if (text.empty()) return std::nullopt;
  if (as_whole.ec == std::errc() && as_whole.ptr == end) return Number(whole);
  double real = 0;
  const auto as_real = std::from_chars(text.data(), end, real);
  if (as_real.ptr != end) return std::nullopt;
  if (as_real.ec == std::errc()) {
    if (!std::isfinite(real)) return std::nullopt;  // "inf" and "nan" are words
    return Number(real);
  }
  core::JsonPull pull(text);  // too large, or too near to 0
  if (pull.next() != core::JsonToken::number || pull.number().exponent > 0) return std::nullopt;
  return Number(0.0);
}

Number Number::of(const core::Value& value) noexcept {
  if (value.kind() == core::ValueKind::decimal) return Number(to_double(value.as_decimal()));
  return Number(value.as_integer());
}

core::Value Number::value() const noexcept {
  if (is_whole_) return core::Value::integer(whole_);
  return core::Value::decimal(to_decimal(real_));
}

std::partial_ordering Number::operator<=>(const Number& other) const noexcept {
  if (is_whole_ && other.is_whole_) return whole_ <=> other.whole_;
  if (is_whole_) return compare(whole_, other.real_);
  if (other.is_whole_) return 0 <=> compare(other.whole_, real_);
  return real_ <=> other.real_;
}

Literal::Literal(std::string text, bool quoted)
    : text_(std::move(text)), number_(Number::read(text_)), quoted_(quoted) {}

std::optional<bool> boolean_of(const Literal& literal) noexcept {
  if (literal.text() == "true" || literal.text() == "1") return true;
  if (literal.text() == "false" || literal.text() == "0") return false;
  return std::nullopt;
}

Truth leaf_meets_text(const Condition& leaf, std::string_view value) {
  if (leaf.kind == Condition::Kind::is_null) return Truth::no;
  if (leaf.kind == Condition::Kind::like) {
    return truth(is_like(value, leaf.literals.front().text()));
  }
  return compare_all(leaf, [&](const Literal& literal) -> Ordering {
    return value.compare(literal.text()) <=> 0;
  });
}

Truth leaf_meets_bare_text(const Condition& leaf, std::string_view value) {
  if (leaf.kind == Condition::Kind::is_null || leaf.kind == Condition::Kind::like) {
    return leaf_meets_text(leaf, value);
  }
  return compare_all(leaf, [&](const Literal& literal) { return order(literal, {}, {}, value); });
}

Truth leaf_meets_number(const Condition& leaf, const Number& value) {
  if (leaf.kind == Condition::Kind::is_null) return Truth::no;
  if (leaf.kind == Condition::Kind::like) return Truth::unknown;
  return compare_all(leaf, [&](const Literal& literal) -> Ordering {
    if (!literal.number()) return std::nullopt;
    return value <=> *literal.number();
  });
}

Truth leaf_meets_boolean(const Condition& leaf, bool value) {
  if (leaf.kind == Condition::Kind::is_null) return Truth::no;
  if (leaf.kind == Condition::Kind::like) return Truth::unknown;
  return compare_all(leaf, [&](const Literal& literal) -> Ordering {
    const auto wanted = boolean_of(literal);
    if (!wanted) return std::nullopt;
    return static_cast<int>(value) <=> static_cast<int>(*wanted);
  });
}

Truth leaf_meets_json(const Condition& leaf, std::string_view json, std::string_view path) {
  const auto value = path.empty() ? json : json_member(json, path);
  const bool asks_null = leaf.kind == Condition::Kind::is_null;
  if (!value) return asks_null ? Truth::yes : Truth::unknown;
  JsonPull pull(*value);
  const JsonToken token = pull.next();
  if (asks_null) return truth(token == JsonToken::null_ || token == JsonToken::error);
  std::optional<Number> number;
  std::optional<bool> boolean;
  std::optional<std::string_view> text;
  std::string room;
  if (token == JsonToken::number) {
    number = Number::read(value->substr(pull.offset(), pull.end_offset() - pull.offset()));
  } else if (token == JsonToken::string) {
    text = decoded(pull, room);
  } else if (token == JsonToken::true_ || token == JsonToken::false_) {
    boolean = token == JsonToken::true_;
  }
  if (leaf.kind == Condition::Kind::like) {
    return text ? truth(is_like(*text, leaf.literals.front().text())) : Truth::unknown;
  }
  return compare_all(leaf,
                     [&](const Literal& literal) { return order(literal, number, boolean, text); });
}

std::optional<std::string_view> payload_member(std::string_view json, std::string_view path) {
  const auto member = json_member(json, path);
  if (member || path != "value" || JsonPull(json).next() == JsonToken::object_begin) return member;
  return json;
}

std::optional<std::string_view> json_member(std::string_view json, std::string_view path) {
  JsonPull pull(json);
  if (pull.next() != JsonToken::object_begin) return std::nullopt;
  return look(json, pull, path);
}

std::size_t like_window(std::string_view pattern) noexcept {
  std::size_t most = 0;
  for (bool first = true;; first = false) {
    const std::string_view piece = take_piece(pattern);
    if (pattern.empty()) return most;  // the last one is held against the end
    pattern.remove_prefix(1);
    if (first || is_plain(piece)) continue;
    std::size_t size = 0;
    for (std::size_t p = 0; p < piece.size(); ++size) (void)next_element(piece, p);
    most = std::max(most, size);
  }
}

bool is_like(std::string_view text, std::string_view pattern) noexcept {
  std::string_view piece = take_piece(pattern);
  if (!take_front(text, piece)) return false;
  if (pattern.empty()) return text.empty();
  for (;;) {
    pattern.remove_prefix(1);
    piece = take_piece(pattern);
    if (pattern.empty()) return ends_like(text, piece);
    if (!take_first(text, piece)) return false;
  }
}

}  // namespace telemetry
