// SPDX-License-Identifier: Apache-2.0
#include "schema/json_value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>

#include "schema/json_ends.hpp"
#include "schema/specification.hpp"
#include "telemetry/core/json_pull.hpp"

namespace telemetry::schemas {
namespace {

using core::JsonToken;
using Kind = JsonValue::Kind;

/// Of an exponent: beyond this it does not matter by how much.
std::int64_t exponent_in(std::string_view text) {
  constexpr std::int64_t far = 1'000'000'000'000;
  if (text.starts_with('+')) text.remove_prefix(1);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return text.starts_with('-') ? -far : far;
  return std::clamp(value, -far, far);
}

}  // namespace

/// Builds the tree token by token, so that both judges agree on what a payload says.
class JsonTree::Parser {
 public:
  using Names = std::span<const std::string_view>;

  Parser(JsonTree& tree, std::string_view json, std::size_t values_max, std::string& refusal)
      : tree_(tree),
        json_(json),
        pull_(json),
        values_max_(values_max),
        left_(values_max),
        refusal_(refusal) {
    tree_.open_.clear();
  }

  /// @param to_records null: looks into all of it
  bool value(JsonToken token, JsonValue& out, const Names* to_records = nullptr) {
    if (!count()) return false;
    const std::size_t begin = pull_.offset();
    const bool good = to_records != nullptr && to_records->empty()
                          ? records(token, out)
                          : content(token, out, to_records);
    if (!good) return false;
    out.written = json_.substr(begin, pull_.end_offset() - begin);
    return true;
  }
  JsonToken next() { return pull_.next(); }

 private:
  /// What stands where the records are, without a look into them.
  bool records(JsonToken token, JsonValue& out) {
    std::size_t end = std::string_view::npos;
    if (token == JsonToken::array_begin) {
      out.kind = Kind::array;
      end = items(pull_.end_offset(), out);
    } else if (token == JsonToken::object_begin) {
      out.kind = Kind::object;
      end = json_end(json_, pull_.offset());
    }
    if (end == std::string_view::npos) return false;
    pull_.close_container(end);
    return true;
  }

  /// @returns the offset behind the array; npos: it is none
  std::size_t items(std::size_t at, JsonValue& out) {
    const std::size_t first = tree_.open_.size();
    at = behind_space(at);
    // Behind a comma there is an item.
    for (bool empty = true; at != json_.size() && (json_[at] != ']' || !empty); empty = false) {
      JsonMember& item = tree_.open_.emplace_back();
      item.value.kind = kind_of(json_[at]);
      const bool plain = json_[at] != '{' && json_[at] != '[' && json_[at] != '"';
      const std::size_t end = plain ? json_.find_first_of(",]} \t\r\n", at) : json_end(json_, at);
      if (end == json_.npos || end == at || !count()) return json_.npos;
      item.value.written = json_.substr(at, end - at);
      at = behind_space(end);
      if (at == json_.size() || json_[at] != ',') break;
      at = behind_space(at + 1);
    }
    if (at == json_.size() || json_[at] != ']') return json_.npos;
    out = tree_.make(Kind::array, std::span(tree_.open_).subspan(first));
    tree_.open_.resize(first);
    return at + 1;
  }
  [[nodiscard]] std::size_t behind_space(std::size_t at) const noexcept {
    const auto is_space = [](char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; };
    while (at < json_.size() && is_space(json_[at])) ++at;
    return at;
  }

  bool content(JsonToken token, JsonValue& out, const Names* to_records) {
    switch (token) {
      case JsonToken::null_:
        return true;
      case JsonToken::true_:
      case JsonToken::false_:
        out.kind = Kind::boolean;
        out.truth = token == JsonToken::true_;
        return true;
      case JsonToken::number:
        out.kind = Kind::number;
        out.text = json_.substr(pull_.offset(), pull_.end_offset() - pull_.offset());
        return true;
      case JsonToken::string:
        out.kind = Kind::string;
        out.text = text();
        return true;
      case JsonToken::array_begin:
        return inside(Kind::array, JsonToken::array_end, out, nullptr);
      case JsonToken::object_begin:
        return inside(Kind::object, JsonToken::object_end, out, to_records);
      default:
        refusal_ = fmt::format("is not JSON at byte {}", pull_.offset() + 1);
        return false;
    }
  }

  bool count() {
    if (left_-- != 0) return true;
    refusal_ = fmt::format("has more than {} values", values_max_);
    return false;
  }

  std::string_view text() {
    const std::string_view raw = pull_.text();
    if (!pull_.escaped()) return raw;
    const auto room = tree_.arena_.allocate(raw.size());
    return {room.data(), core::json_unescape(raw, room)};
  }

  bool inside(Kind kind, JsonToken end, JsonValue& out, const Names* to_records) {
    const std::size_t first = tree_.open_.size();
    const Names behind = to_records == nullptr ? Names() : to_records->subspan(1);
    for (auto token = pull_.next(); token != end; token = pull_.next()) {
      JsonMember member;
      if (kind == Kind::object) {
        if (token != JsonToken::key) return value(JsonToken::error, out);
        if (!count()) return false;
        member.name = text();
        token = pull_.next();
      }
      const bool leads = to_records != nullptr && member.name == to_records->front();
      if (!value(token, member.value, leads ? &behind : nullptr)) return false;
      tree_.open_.push_back(member);
    }
    const auto members = std::span(tree_.open_).subspan(first);
    if (kind == Kind::object && has_twice(members)) return false;
    out = tree_.make(kind, members);
    tree_.open_.resize(first);
    return true;
  }

  bool has_twice(std::span<const JsonMember> members) {
    constexpr std::size_t few = 8;
    if (members.size() <= few && !has_twice_of_few(members)) return false;
    auto& names = tree_.names_;
    names.clear();
    for (const JsonMember& member : members) names.push_back(member.name);
    std::sort(names.begin(), names.end());
    const auto twice = std::adjacent_find(names.begin(), names.end());
    if (twice == names.end()) return false;
    refusal_ = fmt::format("has the key '{}' twice in one object", *twice);
    return true;
  }

  static bool has_twice_of_few(std::span<const JsonMember> members) noexcept {
    for (std::size_t i = 1; i < members.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (members[i].name == members[j].name) return true;
      }
    }
    return false;
  }

  JsonTree& tree_;
  std::string_view json_;
  core::JsonPull pull_;
  std::size_t values_max_;
  std::size_t left_;
  std::string& refusal_;
};

JsonValue::Kind kind_of(char first) noexcept {
  switch (first) {
    case '{':
      return Kind::object;
    case '[':
      return Kind::array;
    case '"':
      return Kind::string;
    case 't':
    case 'f':
      return Kind::boolean;
    case 'n':
      return Kind::null;
    default:
      return Kind::number;
  }
}

const JsonValue* JsonValue::find(std::string_view name) const noexcept {
  if (kind != Kind::object) return nullptr;
  for (const JsonMember& member : inside) {
    if (member.name == name) return &member.value;
  }
  return nullptr;
}

bool JsonTree::parse(std::string_view text, std::size_t values_max, JsonValue& out,
                     std::string& refusal) {
  Parser parser(*this, text, values_max, refusal);
  return parser.value(parser.next(), out);
}

bool JsonTree::outline(std::string_view text, std::size_t values_max,
                       std::span<const std::string_view> to_records, JsonValue& out) {
  std::string refusal;
  Parser parser(*this, text, values_max, refusal);
  return parser.value(parser.next(), out, &to_records);
}

JsonValue JsonTree::make(JsonValue::Kind kind, std::span<const JsonMember> inside) {
  JsonValue out;
  out.kind = kind;
  if (inside.empty()) return out;
  const auto room = arena_.allocate(inside.size_bytes(), alignof(JsonMember));
  auto* first = reinterpret_cast<JsonMember*>(room.data());
  std::uninitialized_copy(inside.begin(), inside.end(), first);
  out.inside = {first, inside.size()};
  return out;
}

std::string json_text(const JsonValue& value) {
  std::string out;
  switch (value.kind) {
    case Kind::null:
      return "null";
    case Kind::boolean:
      return value.truth ? "true" : "false";
    case Kind::number:
      return canonical_number(value.text);
    case Kind::string:
      return json_string(value.text);
    case Kind::array:
    case Kind::object:
      break;
  }
  const bool object = value.kind == Kind::object;
  for (const JsonMember& member : value.inside) {
    if (!out.empty()) out += ',';
    if (object) out += json_string(member.name) + ":";
    out += json_text(member.value);
  }
  return object ? "{" + out + "}" : "[" + out + "]";
}

LongNumber long_number(std::string_view json) {
  LongNumber out;
  out.negative = json.starts_with('-');
  if (out.negative) json.remove_prefix(1);
  const std::size_t mark = std::min(json.find_first_of("eE"), json.size());
  if (mark != json.size()) out.exponent = exponent_in(json.substr(mark + 1));
  const std::string_view mantissa = json.substr(0, mark);
  const std::size_t point = std::min(mantissa.find('.'), mantissa.size());
  if (point != mantissa.size())
    out.exponent -= static_cast<std::int64_t>(mantissa.size() - point - 1);
  out.digits = mantissa.substr(0, point);
  if (point != mantissa.size()) out.digits += mantissa.substr(point + 1);
  out.digits.erase(0, std::min(out.digits.find_first_not_of('0'), out.digits.size()));
  const std::size_t kept = out.digits.find_last_not_of('0') + 1;  // of none: 0
  out.exponent += static_cast<std::int64_t>(out.digits.size() - kept);
  out.digits.resize(kept);
  return out.digits.empty() ? LongNumber{} : out;
}

std::string canonical_number(std::string_view json) {
  const auto number = text_number(json);
  if (number && number->rest == core::Rest::none) return number_text(number->value);
  const LongNumber exact = long_number(json);
  return fmt::format("{}{}e{}", exact.negative ? "-" : "", exact.digits, exact.exponent);
}

}  // namespace telemetry::schemas
