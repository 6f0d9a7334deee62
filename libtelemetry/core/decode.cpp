// SPDX-License-Identifier: Apache-2.0
// One pass over the tokens of a payload, driven by the tables of its schema.
//
// A level is an open object or array that the schema declares; there are at most schema_depth_max
// of them, on an explicit stack. What the schema does not look into (undeclared members, `any`) is
// skipped as a whole, still checked as JSON. A member's key is looked for from the key behind the
// last hit on, round the object's keys: devices write their fields in one order, so this is one
// comparison a key.
//
// Limits: payload_bytes_max; json_depth_max; the caller's buffers. A broken rule is noted and the
// pass goes on; only bytes that are not JSON end it. Violations come in the order in which they
// are seen: what is missing in an object, and how many items an array has, is seen at its end.
#include "telemetry/core/decode.hpp"

#include <array>
#include <cstring>
#include <limits>

#include "telemetry/core/json_pull.hpp"

namespace telemetry::core {
namespace {

/// One bit a field of an object.
class FieldSet {
 public:
  [[nodiscard]] bool has(std::size_t field) const noexcept {
    return ((words_[word(field)] >> (field % 32)) & 1u) != 0;
  }
  void add(std::size_t field) noexcept { words_[word(field)] |= std::uint32_t{1} << (field % 32); }

 private:
  static std::size_t word(std::size_t field) noexcept { return field % fields_per_object_max / 32; }
  std::array<std::uint32_t, fields_per_object_max / 32> words_;
};

/// An open object or array.
struct Level {
  struct Array {
    std::uint32_t items;
    std::uint32_t begin;  // offset of its first byte
  };
  struct Object {
    FieldSet seen;  // also those that were null
    FieldSet given;
  };
  const Node* node;
  std::uint16_t cursor;  // object: where the search for the next key begins
  std::uint8_t present;  // object: fields in `given`, at most fields_per_object_max
  bool in_array;         // an array, or a part of one: has no slots and lists no extras
  union {                // without initialisers, so that only what is in use is ever written
    Array array;
    Object object;
  };
};

Rule to_rule(JsonError error) noexcept {
  static_assert(static_cast<int>(Rule::json_syntax) == static_cast<int>(JsonError::syntax));
  static_assert(static_cast<int>(Rule::json_surrogate) == static_cast<int>(JsonError::surrogate));
  static_assert(static_cast<int>(Rule::trailing_bytes) ==
                static_cast<int>(JsonError::trailing_bytes));
  return static_cast<Rule>(error);
}

/// 0 less, 1 equal, 2 greater: the bit of a Relation. Texts are equal or not, never less.
unsigned order_of(const Value& left, const Value& right) noexcept {
  if (left.kind() == ValueKind::text) return left.as_text() == right.as_text() ? 1 : 2;
  return static_cast<unsigned>(compare(left.as_decimal(), right.as_decimal()) + 1);
}

struct Noting {
  CoercionHook coercion;
  std::span<Violation> notes;
};

/// Two decoders, so that strict mode pays nothing for the other, and firmware never links it.
template <bool lenient>
class Decoder {
 public:
  Decoder(const SchemaView& schema, std::string_view payload, const DecodeBuffers& buffers,
          PatternHook pattern, const Noting* noting) noexcept
      : schema_(schema),
        payload_(payload),
        buffers_(buffers),
        pattern_(pattern),
        noting_(noting),
        json_(payload) {}

  DecodeResult run() noexcept;

 private:
  // Every function that reads tokens returns false when the payload is not JSON.
  bool read_document() noexcept;
  bool read_member() noexcept;
  bool read_value(const Node& node, JsonToken token) noexcept;
  bool read_undeclared(std::string_view key) noexcept;
  bool skip(JsonToken token) noexcept;
  bool mismatch(const Node& node, JsonToken token) noexcept;
  bool coerce(const Node& node, JsonToken token) noexcept;

  void open_level(const Node& node) noexcept;
  void close_object() noexcept;
  void check_comparisons(const Node& node) noexcept;
  void close_array() noexcept;
  std::string_view read_text(const Node& node) noexcept;
  void check_text(const Node& node, std::string_view text) noexcept;
  void check_number(const Node& node, const JsonPull& read) noexcept;
  void check_timestamp(const Node& node, JsonToken token) noexcept;
  void check_bounds(const Node& node, const JsonPull& read) noexcept;
  int order(const JsonPull& read, std::uint16_t bound) const noexcept;
  bool is_listed(const Node& node, std::string_view text) const noexcept;
  bool is_listed(const Node& node, const Decimal& number) const noexcept;

  std::uint16_t find_key(Level& level, std::string_view name) const noexcept;
  /// Of the key or string that was read last.
  std::string_view text() noexcept;
  /// Where the node's value goes.
  Value& slot(const Node& node) noexcept {
    return node.slot == no_index ? nowhere_ : buffers_.values[node.slot];
  }
  void count_rounding(const Node& node) noexcept;
  void note(const Node& node, std::uint16_t kind) noexcept;
  void fill_defaults() noexcept;

  void report(Rule rule, const Node* node, std::uint16_t key, std::size_t offset,
              std::size_t length) noexcept;
  /// From `begin` to behind the last token.
  void report_from(Rule rule, const Node& node, std::size_t begin) noexcept {
    report(rule, &node, no_index, begin, json_.end_offset() - begin);
  }
  void report_token(Rule rule, const Node& node) noexcept {
    report_from(rule, node, json_.offset());
  }
  /// Nothing was found, and the last token is where that is seen.
  void report_missing(Rule rule, const Node* node, std::size_t key) noexcept {
    report(rule, node, static_cast<std::uint16_t>(key), json_.offset(), 0);
  }
  void report_key(Rule rule, const Node& node, std::uint16_t key, std::string_view text) noexcept {
    report(rule, &node, key, offset_of(text), text.size());
  }
  std::uint16_t index_of(const Node& node) const noexcept {
    return static_cast<std::uint16_t>(&node - schema_.nodes.data());
  }
  std::string_view written(std::size_t begin) const noexcept {
    return {payload_.data() + begin, json_.end_offset() - begin};
  }
  std::size_t offset_of(std::string_view part) const noexcept {
    return static_cast<std::size_t>(part.data() - payload_.data());
  }

  const SchemaView& schema_;
  std::string_view payload_;
  const DecodeBuffers& buffers_;
  PatternHook pattern_;
  const Noting* noting_;
  JsonPull json_;
  DecodeResult result_;
  std::size_t depth_ = 0;
  Value nowhere_;  // what is inside arrays has no slot
  std::array<Level, schema_depth_max> levels_;
};

template <bool lenient>
DecodeResult Decoder<lenient>::run() noexcept {
  for (std::size_t i = 0; i < schema_.slot_count && i < buffers_.values.size(); ++i) {
    buffers_.values[i] = Value();
  }
  if (payload_.size() > payload_bytes_max || payload_.size() > buffers_.scratch.size() ||
      buffers_.values.size() < schema_.slot_count) {
    report_missing(Rule::payload_too_large, nullptr, no_index);
    return result_;
  }
  if (!read_document()) {
    report_missing(to_rule(json_.error()), nullptr, no_index);
  }
  fill_defaults();
  return result_;
}

template <bool lenient>
bool Decoder<lenient>::read_document() noexcept {
  const JsonToken first = json_.next();
  if (first == JsonToken::error) return false;
  if (first != JsonToken::object_begin) {
    if (!mismatch(schema_.nodes[0], first)) return false;
  } else {
    open_level(schema_.nodes[0]);
  }
  while (depth_ > 0) {
    const JsonToken token = json_.next();
    if (token == JsonToken::error) return false;
    if (token == JsonToken::key) {
      if (!read_member()) return false;
    } else if (token == JsonToken::object_end) {
      close_object();
    } else if (token == JsonToken::array_end) {
      close_array();
    } else {
      Level& level = levels_[depth_ - 1];
      ++level.array.items;
      if (!read_value(schema_.nodes[level.node->first], token)) return false;
    }
  }
  return json_.next() == JsonToken::end;
}

template <bool lenient>
bool Decoder<lenient>::read_member() noexcept {
  Level& level = levels_[depth_ - 1];
  const std::string_view raw = json_.text();
  const std::uint16_t index = find_key(level, text());
  if (index == no_index) return read_undeclared(raw);
  const Key& key = schema_.keys[index];
  const Node& node = schema_.nodes[key.node];
  if (level.object.seen.has(key.field)) {
    report_key(Rule::duplicate_key, node, index, raw);
    return skip(json_.next());
  }
  level.object.seen.add(key.field);
  const JsonToken token = json_.next();
  if (token == JsonToken::null_ && node.nulls == Nulls::absent) return true;
  level.object.given.add(key.field);
  ++level.present;
  return read_value(node, token);
}

template <bool lenient>
bool Decoder<lenient>::read_undeclared(std::string_view key) noexcept {
  const Level& level = levels_[depth_ - 1];
  const Node& node = *level.node;
  const bool in_array = level.in_array;
  const JsonToken token = json_.next();
  const std::size_t begin = json_.offset();
  if (!skip(token)) return false;
  if (node.extra_allowed && in_array) return true;
  if (!node.extra_allowed || result_.extras == buffers_.extras.size()) {
    report_key(Rule::unknown_field, node, no_index, key);
  } else {
    buffers_.extras[result_.extras++] = {index_of(node), key, written(begin)};
  }
  return true;
}

template <bool lenient>
bool Decoder<lenient>::read_value(const Node& node, JsonToken token) noexcept {
  switch (node.type) {
    case FieldType::string:
      if (token != JsonToken::string) break;
      check_text(node, read_text(node));
      return true;
    case FieldType::integer:
    case FieldType::number:
      if (token != JsonToken::number) break;
      check_number(node, json_);
      return true;
    case FieldType::boolean:
      if (token != JsonToken::true_ && token != JsonToken::false_) break;
      slot(node) = Value::boolean(token == JsonToken::true_);
      return true;
    case FieldType::timestamp:
      if (token != JsonToken::string && token != JsonToken::number) break;
      check_timestamp(node, token);
      return true;
    case FieldType::object:
    case FieldType::array:
      if (token !=
          (node.type == FieldType::array ? JsonToken::array_begin : JsonToken::object_begin))
        break;
      if (depth_ == levels_.size()) {
        report_token(Rule::json_depth, node);
        return skip(token);
      }
      open_level(node);
      return true;
    case FieldType::any: {
      if (token == JsonToken::null_ && node.nulls == Nulls::refused) break;
      const std::size_t begin = json_.offset();
      if (!skip(token)) return false;
      slot(node) = Value::json(written(begin));
      return true;
    }
  }
  return mismatch(node, token);
}

/// Reads the rest of a value that nobody looks at.
template <bool lenient>
bool Decoder<lenient>::skip(JsonToken token) noexcept {
  if (token == JsonToken::error) return false;
  if (token != JsonToken::object_begin && token != JsonToken::array_begin) return true;
  return json_.skip_container();
}

template <bool lenient>
bool Decoder<lenient>::mismatch(const Node& node, JsonToken token) noexcept {
  if (token == JsonToken::null_ && node.nulls == Nulls::accepted) {
    slot(node) = Value::given_null();
    return true;
  }
  if constexpr (lenient) {
    if (coerce(node, token)) return true;
  }
  const std::size_t begin = json_.offset();
  if (!skip(token)) return false;
  report_from(Rule::type, node, begin);
  return true;
}

/// False when the value is what the payload says: of another type.
template <bool lenient>
bool Decoder<lenient>::coerce(const Node& node, JsonToken token) noexcept {
  if (node.slot == no_index || noting_->coercion.coerce == nullptr) return false;
  Value found;
  if (token == JsonToken::string) {
    found = Value::text(text());
  } else if (token == JsonToken::number) {
    if (json_.rest() != Rest::none && node.type != FieldType::string) return false;
    found = Value::decimal(json_.number());
  } else if (token == JsonToken::true_ || token == JsonToken::false_) {
    found = Value::boolean(token == JsonToken::true_);
  } else {
    return false;
  }
  const Value value = noting_->coercion.coerce(noting_->coercion.context, index_of(node), found,
                                               written(json_.offset()));
  if (value.is_null()) return false;
  note(node, no_index);
  ++result_.coercions;
  if (node.type == FieldType::string) {
    check_text(node, value.as_text());
  } else if (node.type == FieldType::integer || node.type == FieldType::number) {
    JsonPull number(value.as_text());
    number.next();
    check_number(node, number);
  } else {
    slot(node) = value;
  }
  return true;
}

template <bool lenient>
void Decoder<lenient>::open_level(const Node& node) noexcept {
  const bool in_array =
      node.type == FieldType::array || (depth_ > 0 && levels_[depth_ - 1].in_array);
  Level& level = levels_[depth_++];
  level.node = &node;
  level.cursor = node.first;
  level.present = 0;
  level.in_array = in_array;
  if (node.type == FieldType::array) {
    level.array = {0, static_cast<std::uint32_t>(json_.offset())};
  } else {
    level.object = {};
  }
}

template <bool lenient>
void Decoder<lenient>::close_object() noexcept {
  const Level& level = levels_[--depth_];
  const Node& node = *level.node;
  if (!schema_.comparisons.empty()) check_comparisons(node);
  if (level.present == node.fields) return;
  for (std::size_t i = node.first; i < std::size_t{node.first} + node.count; ++i) {
    const Key& key = schema_.keys[i];
    const bool own_name = i == node.first || schema_.keys[i - 1].field != key.field;
    if (key.required && own_name && !level.object.given.has(key.field)) {
      report_missing(Rule::required, &node, i);
    }
  }
  for (const Requires& pair : schema_.requires_) {
    if (pair.node != index_of(node) || !level.object.given.has(pair.field) ||
        level.object.given.has(pair.needs)) {
      continue;
    }
    std::size_t missing = node.first;
    while (schema_.keys[missing].field != pair.needs) ++missing;
    report_missing(Rule::requires_, &node, missing);
  }
}

/// Slots of what has not been read are null here: defaults come last.
template <bool lenient>
[[gnu::noinline]] void Decoder<lenient>::check_comparisons(const Node& node) noexcept {
  const std::uint16_t index = index_of(node);
  for (std::size_t i = 0; i < schema_.comparisons.size(); ++i) {
    const Comparison& one = schema_.comparisons[i];
    if (one.node != index) continue;
    const Value& left = buffers_.values[one.left];
    const Value& right = buffers_.values[one.right];
    if (left.is_null() || right.is_null()) continue;
    const auto allowed = static_cast<unsigned>(one.relation);
    if ((allowed & (1u << order_of(left, right))) == 0) {
      report_missing(Rule::comparison, &node, i);
    }
  }
}

template <bool lenient>
void Decoder<lenient>::close_array() noexcept {
  const Level& level = levels_[--depth_];
  const Node& node = *level.node;
  if (level.array.items < node.length_min) report_from(Rule::min_items, node, level.array.begin);
  if (level.array.items > node.length_max) report_from(Rule::max_items, node, level.array.begin);
  slot(node) = Value::json(written(level.array.begin));
}

template <bool lenient>
std::string_view Decoder<lenient>::read_text(const Node& node) noexcept {
  const std::string_view found = text();
  if (json_.escaped() && node.slot != no_index) {
    result_.scratch_used += static_cast<std::uint32_t>(found.size());
  }
  return found;
}

template <bool lenient>
void Decoder<lenient>::check_text(const Node& node, std::string_view text) noexcept {
  if (node.length_min != 0 || node.length_max != std::numeric_limits<std::uint32_t>::max()) {
    const std::size_t length = count_code_points(text);
    if (length < node.length_min) report_token(Rule::min_length, node);
    if (length > node.length_max) report_token(Rule::max_length, node);
  }
  if (node.count != 0 && !is_listed(node, text)) report_token(Rule::enum_, node);
  if (node.pattern != no_index && !pattern_.matches(pattern_.context, node.pattern, text)) {
    report_token(Rule::pattern, node);
  }
  slot(node) = Value::text(text);
}

template <bool lenient>
void Decoder<lenient>::check_number(const Node& node, const JsonPull& read) noexcept {
  const Decimal& number = read.number();
  if (node.type == FieldType::integer) {
    std::int64_t whole = 0;
    if (read.rest() != Rest::none || !to_int64(number, whole)) {
      // With a rest, what has no digits behind the point is beyond 64 bits.
      report_token(number.exponent <= 0 ? Rule::type : Rule::number_range, node);
      return;
    }
    slot(node) = Value::integer(whole);
  } else {
    if (number.exponent > read_exponent_max) {
      report_token(Rule::number_range, node);
      return;
    }
    slot(node) = Value::decimal(number);
    if (read.rest() != Rest::none) count_rounding(node);
  }
  check_bounds(node, read);
  if (node.count != 0 && (read.rest() != Rest::none || !is_listed(node, number))) {
    report_token(Rule::enum_, node);
  }
}

template <bool lenient>
void Decoder<lenient>::check_bounds(const Node& node, const JsonPull& read) noexcept {
  if (node.min != no_index && order(read, node.min) < (node.min_exclusive ? 1 : 0)) {
    report_token(Rule::min, node);
  }
  if (node.max != no_index && order(read, node.max) > (node.max_exclusive ? -1 : 0)) {
    report_token(Rule::max, node);
  }
}

/// <0, 0, >0. The rest decides where the Decimal is the bound.
template <bool lenient>
int Decoder<lenient>::order(const JsonPull& read, std::uint16_t bound) const noexcept {
  return 2 * compare(read.number(), schema_.bounds[bound]) + static_cast<int>(read.rest());
}

template <bool lenient>
void Decoder<lenient>::check_timestamp(const Node& node, JsonToken token) noexcept {
  const bool text = token == JsonToken::string;
  const bool number = token == JsonToken::number;
  const bool as_text = node.time_format == TimeFormat::rfc3339;
  if ((text && !as_text && node.time_format != TimeFormat::automatic) || (number && as_text)) {
    if constexpr (lenient) {
      if (coerce(node, token)) return;
    }
    report_token(Rule::type, node);
    return;
  }
  std::int64_t ns = 0;
  auto read = TimeText::none;
  if (text) {
    read = read_time(this->text(), schema_.zone_offset_s, ns);
  } else if (epoch_to_ns(json_.number(), node.time_format, ns)) {
    read = TimeText::held;
  }
  if (read == TimeText::none) {
    report_token(Rule::time_format, node);
    return;
  }
  slot(node) = Value::time(ns);
  if (read == TimeText::moved) count_rounding(node);
}

template <bool lenient>
bool Decoder<lenient>::is_listed(const Node& node, std::string_view text) const noexcept {
  for (const Value& value : schema_.enums.subspan(node.first, node.count)) {
    if (value.as_text() == text) return true;
  }
  return false;
}

template <bool lenient>
bool Decoder<lenient>::is_listed(const Node& node, const Decimal& number) const noexcept {
  for (const Value& value : schema_.enums.subspan(node.first, node.count)) {
    if (compare(value.as_decimal(), number) == 0) return true;
  }
  return false;
}

template <bool lenient>
std::uint16_t Decoder<lenient>::find_key(Level& level, std::string_view name) const noexcept {
  const Node& node = *level.node;
  const std::size_t end = std::size_t{node.first} + node.count;
  std::size_t index = level.cursor;
  for (std::size_t tries = node.count; tries > 0; --tries) {
    if (index == end) index = node.first;
    if (schema_.keys[index].name == name) {
      level.cursor = static_cast<std::uint16_t>(index + 1);
      return static_cast<std::uint16_t>(index);
    }
    ++index;
  }
  return no_index;
}

/// Unescaped in the free part of the scratch. A text that must stay is then counted as used.
template <bool lenient>
std::string_view Decoder<lenient>::text() noexcept {
  const std::string_view raw = json_.text();
  if (!json_.escaped()) return raw;
  const std::span<char> room = buffers_.scratch.subspan(result_.scratch_used);
  return {room.data(), json_unescape(raw, room)};
}

/// What is inside an array is kept as it came.
template <bool lenient>
[[gnu::noinline]] void Decoder<lenient>::count_rounding(const Node& node) noexcept {
  if (node.slot == no_index) return;
  if constexpr (lenient) note(node, rounded_note);
  if (result_.roundings != std::numeric_limits<std::uint8_t>::max()) ++result_.roundings;
}

/// Of the token that was read last.
template <bool lenient>
void Decoder<lenient>::note(const Node& node, std::uint16_t kind) noexcept {
  if (result_.notes() >= noting_->notes.size()) return;
  noting_->notes[result_.notes()] = {
      Rule::none, index_of(node), kind, static_cast<std::uint32_t>(json_.offset()),
      static_cast<std::uint32_t>(json_.end_offset() - json_.offset())};
}

template <bool lenient>
void Decoder<lenient>::fill_defaults() noexcept {
  for (const Default& entry : schema_.defaults) {
    Value& value = buffers_.values[entry.slot];
    if (value.is_absent()) value = entry.value;
  }
}

template <bool lenient>
void Decoder<lenient>::report(Rule rule, const Node* node, std::uint16_t key, std::size_t offset,
                              std::size_t length) noexcept {
  if (result_.first == Rule::none) result_.first = rule;
  if (result_.violations < buffers_.violations.size()) {
    buffers_.violations[result_.violations] = {rule, node == nullptr ? no_index : index_of(*node),
                                               key, static_cast<std::uint32_t>(offset),
                                               static_cast<std::uint32_t>(length)};
  }
  if (result_.violations != std::numeric_limits<std::uint16_t>::max()) ++result_.violations;
}

}  // namespace

DecodeResult decode(const SchemaView& schema, std::string_view payload,
                    const DecodeBuffers& buffers, PatternHook pattern) noexcept {
  return Decoder<false>(schema, payload, buffers, pattern, nullptr).run();
}

DecodeResult decode(const SchemaView& schema, std::string_view payload,
                    const DecodeBuffers& buffers, PatternHook pattern, CoercionHook coercion,
                    std::span<Violation> notes) noexcept {
  if (coercion.coerce == nullptr) {
    const DecodeResult strict = decode(schema, payload, buffers, pattern);
    if (strict.roundings == 0 || notes.empty()) return strict;
  }
  const Noting noting{coercion, notes};
  return Decoder<true>(schema, payload, buffers, pattern, &noting).run();
}

}  // namespace telemetry::core
