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

/// An open object or array. Without initialisers, so that only levels in use are ever written.
struct Level {
  std::uint16_t node;
  std::uint16_t cursor;   // object: where the search for the next key begins
  std::uint16_t present;  // object: fields in `given`
  bool in_array;          // an item, or a part of one: has no slots and lists no extras
  std::uint32_t items;    // array
  std::uint32_t begin;    // offset of its first byte
  FieldSet seen;          // object: also those that were null
  FieldSet given;
};

Rule to_rule(JsonError error) noexcept {
  switch (error) {
    case JsonError::none:
    case JsonError::syntax:
      return Rule::json_syntax;
    case JsonError::depth:
      return Rule::json_depth;
    case JsonError::utf8:
      return Rule::json_utf8;
    case JsonError::surrogate:
      return Rule::json_surrogate;
    case JsonError::number_range:
      return Rule::number_range;
    case JsonError::trailing_bytes:
      return Rule::trailing_bytes;
  }
  return Rule::json_syntax;
}

/// 0 less, 1 equal, 2 greater: the bit of a Relation. Texts are equal or not, never less.
unsigned order(const Value& left, const Value& right) noexcept {
  switch (left.kind()) {
    case ValueKind::text:
    case ValueKind::json:
      return left.as_text() == right.as_text() ? 1 : 2;
    case ValueKind::boolean:
    case ValueKind::time:
      return left.as_integer() < right.as_integer()    ? 0
             : left.as_integer() == right.as_integer() ? 1
                                                       : 2;
    default: {
      const int order = compare(left.as_decimal(), right.as_decimal());
      return order < 0 ? 0 : order == 0 ? 1 : 2;
    }
  }
}

struct Coercion {
  CoercionHook hook;
  std::span<Violation> noted;
};

/// Two decoders, so that strict mode pays nothing for the other, and firmware never links it.
template <bool lenient>
class Decoder {
 public:
  Decoder(const SchemaView& schema, std::string_view payload, const DecodeBuffers& buffers,
          PatternHook pattern, const Coercion* coercion) noexcept
      : schema_(schema),
        payload_(payload),
        buffers_(buffers),
        pattern_(pattern),
        coercion_(coercion),
        json_(payload) {}

  DecodeResult run() noexcept;

 private:
  // Every function that reads tokens returns false when the payload is not JSON.
  bool read_document() noexcept;
  bool read_member() noexcept;
  bool read_value(std::uint16_t node, JsonToken token, bool in_array) noexcept;
  bool read_undeclared(std::string_view key) noexcept;
  bool skip(JsonToken token) noexcept;
  bool mismatch(std::uint16_t node, JsonToken token) noexcept;
  bool coerce(std::uint16_t node, JsonToken token) noexcept;

  void open_level(std::uint16_t node, bool in_array) noexcept;
  void close_object() noexcept;
  void check_comparisons(std::uint16_t node) noexcept;
  void close_array() noexcept;
  std::string_view read_text(std::uint16_t node) noexcept;
  void check_text(std::uint16_t node, std::string_view text) noexcept;
  void check_number(std::uint16_t node, Decimal number) noexcept;
  void check_timestamp(std::uint16_t node, JsonToken token) noexcept;
  void check_bounds(std::uint16_t node, Decimal number) noexcept;
  bool is_listed(const Node& node, std::string_view text) const noexcept;
  bool is_listed(const Node& node, Decimal number) const noexcept;

  std::uint16_t find_key(Level& level, std::string_view name) const noexcept;
  std::string_view unescaped(std::string_view raw) noexcept;
  void put(std::uint16_t node, Value value) noexcept;
  void fill_defaults() noexcept;
  void report(Rule rule, std::uint16_t node, std::uint16_t key, std::size_t offset,
              std::size_t length) noexcept;
  /// The rule broken by the token that was read last.
  void report_token(Rule rule, std::uint16_t node) noexcept {
    report(rule, node, no_index, json_.offset(), json_.end_offset() - json_.offset());
  }
  std::size_t offset_of(std::string_view part) const noexcept {
    return static_cast<std::size_t>(part.data() - payload_.data());
  }

  const SchemaView& schema_;
  std::string_view payload_;
  const DecodeBuffers& buffers_;
  PatternHook pattern_;
  const Coercion* coercion_;
  JsonPull json_;
  DecodeResult result_;
  std::size_t depth_ = 0;
  std::array<Level, schema_depth_max> levels_;
};

template <bool lenient>
DecodeResult Decoder<lenient>::run() noexcept {
  for (std::size_t i = 0; i < schema_.slot_count && i < buffers_.values.size(); ++i) {
    buffers_.values[i] = Value();
  }
  if (payload_.size() > payload_bytes_max || payload_.size() > buffers_.scratch.size() ||
      buffers_.values.size() < schema_.slot_count) {
    report(Rule::payload_too_large, no_index, no_index, 0, 0);
    return result_;
  }
  if (!read_document()) {
    report(to_rule(json_.error()), no_index, no_index, json_.offset(), 0);
  }
  fill_defaults();
  return result_;
}

template <bool lenient>
bool Decoder<lenient>::read_document() noexcept {
  const JsonToken first = json_.next();
  if (first == JsonToken::error) return false;
  if (first != JsonToken::object_begin) {
    if (!mismatch(0, first)) return false;
  } else {
    open_level(0, false);
  }
  while (depth_ > 0) {
    switch (const JsonToken token = json_.next()) {
      case JsonToken::error:
        return false;
      case JsonToken::key:
        if (!read_member()) return false;
        break;
      case JsonToken::object_end:
        close_object();
        break;
      case JsonToken::array_end:
        close_array();
        break;
      default: {
        Level& array = levels_[depth_ - 1];
        ++array.items;
        if (!read_value(schema_.nodes[array.node].first, token, true)) return false;
      }
    }
  }
  return json_.next() == JsonToken::end;
}

template <bool lenient>
bool Decoder<lenient>::read_member() noexcept {
  Level& level = levels_[depth_ - 1];
  const std::string_view raw = json_.text();
  const std::uint16_t index = find_key(level, json_.escaped() ? unescaped(raw) : raw);
  if (index == no_index) return read_undeclared(raw);
  const Key& key = schema_.keys[index];
  if (level.seen.has(key.field)) {
    report(Rule::duplicate_key, key.node, index, offset_of(raw), raw.size());
    return skip(json_.next());
  }
  level.seen.add(key.field);
  const JsonToken token = json_.next();
  if (token == JsonToken::null_ && schema_.nodes[key.node].nulls == Nulls::absent) return true;
  level.given.add(key.field);
  ++level.present;
  return read_value(key.node, token, level.in_array);
}

template <bool lenient>
bool Decoder<lenient>::read_undeclared(std::string_view key) noexcept {
  const Level& level = levels_[depth_ - 1];
  const std::uint16_t node = level.node;
  const bool in_array = level.in_array;
  const JsonToken token = json_.next();
  const std::size_t begin = json_.offset();
  if (!skip(token)) return false;
  if (!schema_.nodes[node].extra_allowed) {
    report(Rule::unknown_field, node, no_index, offset_of(key), key.size());
  } else if (!in_array) {
    if (result_.extras == buffers_.extras.size()) {
      report(Rule::unknown_field, node, no_index, offset_of(key), key.size());
    } else {
      buffers_.extras[result_.extras++] = {
          node, key, {payload_.data() + begin, json_.end_offset() - begin}};
    }
  }
  return true;
}

template <bool lenient>
bool Decoder<lenient>::read_value(std::uint16_t node_index, JsonToken token,
                                  bool in_array) noexcept {
  const Node& node = schema_.nodes[node_index];
  const std::size_t begin = json_.offset();
  switch (node.type) {
    case FieldType::string:
      if (token != JsonToken::string) return mismatch(node_index, token);
      check_text(node_index, read_text(node_index));
      return true;
    case FieldType::integer:
    case FieldType::number:
      if (token != JsonToken::number) return mismatch(node_index, token);
      check_number(node_index, json_.number());
      return true;
    case FieldType::boolean:
      if (token != JsonToken::true_ && token != JsonToken::false_) {
        return mismatch(node_index, token);
      }
      put(node_index, Value::boolean(token == JsonToken::true_));
      return true;
    case FieldType::timestamp:
      if (token != JsonToken::string && token != JsonToken::number) {
        return mismatch(node_index, token);
      }
      check_timestamp(node_index, token);
      return true;
    case FieldType::object:
    case FieldType::array: {
      const bool array = node.type == FieldType::array;
      if (token != (array ? JsonToken::array_begin : JsonToken::object_begin)) {
        return mismatch(node_index, token);
      }
      if (depth_ == levels_.size()) {
        report_token(Rule::json_depth, node_index);
        return skip(token);
      }
      open_level(node_index, in_array || array);
      return true;
    }
    case FieldType::any:
      if (token == JsonToken::null_ && node.nulls == Nulls::refused) {
        return mismatch(node_index, token);
      }
      if (!skip(token)) return false;
      put(node_index, Value::json({payload_.data() + begin, json_.end_offset() - begin}));
      return true;
  }
  return true;
}

/// Reads the rest of a value that nobody looks at.
template <bool lenient>
bool Decoder<lenient>::skip(JsonToken token) noexcept {
  if (token == JsonToken::error) return false;
  if (token != JsonToken::object_begin && token != JsonToken::array_begin) return true;
  return json_.skip_container();
}

template <bool lenient>
bool Decoder<lenient>::mismatch(std::uint16_t node, JsonToken token) noexcept {
  if (token == JsonToken::null_ && schema_.nodes[node].nulls == Nulls::accepted) return true;
  if constexpr (lenient) {
    if (coerce(node, token)) return true;
  }
  const std::size_t begin = json_.offset();
  if (!skip(token)) return false;
  report(Rule::type, node, no_index, begin, json_.end_offset() - begin);
  return true;
}

/// False when the value is what the payload says: of another type.
template <bool lenient>
bool Decoder<lenient>::coerce(std::uint16_t node_index, JsonToken token) noexcept {
  const Node& node = schema_.nodes[node_index];
  if (node.slot == no_index) return false;
  Value found;
  if (token == JsonToken::string) {
    found = Value::text(json_.escaped() ? unescaped(json_.text()) : json_.text());
  } else if (token == JsonToken::number) {
    found = Value::decimal(json_.number());
  } else if (token == JsonToken::true_ || token == JsonToken::false_) {
    found = Value::boolean(token == JsonToken::true_);
  } else {
    return false;
  }
  const std::size_t offset = json_.offset();
  const std::size_t length = json_.end_offset() - offset;
  const Value value = coercion_->hook.coerce(coercion_->hook.context, node_index, found,
                                             {payload_.data() + offset, length});
  if (value.is_null()) return false;
  if (result_.coercions < coercion_->noted.size()) {
    coercion_->noted[result_.coercions] = {Rule::none, node_index, no_index,
                                           static_cast<std::uint32_t>(offset),
                                           static_cast<std::uint32_t>(length)};
  }
  if (result_.coercions != std::numeric_limits<std::uint16_t>::max()) ++result_.coercions;
  if (node.type == FieldType::string) {
    check_text(node_index, value.as_text());
  } else if (node.type == FieldType::integer || node.type == FieldType::number) {
    check_number(node_index, value.as_decimal());
  } else {
    put(node_index, value);
  }
  return true;
}

template <bool lenient>
void Decoder<lenient>::open_level(std::uint16_t node, bool in_array) noexcept {
  Level& level = levels_[depth_++];
  level = Level{};
  level.node = node;
  level.in_array = in_array;
  level.begin = static_cast<std::uint32_t>(json_.offset());
  level.cursor = schema_.nodes[node].first;
}

template <bool lenient>
void Decoder<lenient>::close_object() noexcept {
  const Level& level = levels_[--depth_];
  const Node& node = schema_.nodes[level.node];
  if (!schema_.comparisons.empty()) check_comparisons(level.node);
  if (level.present == node.fields) return;
  for (std::size_t i = node.first; i < std::size_t{node.first} + node.count; ++i) {
    const Key& key = schema_.keys[i];
    const bool own_name = i == node.first || schema_.keys[i - 1].field != key.field;
    if (key.required && own_name && !level.given.has(key.field)) {
      report(Rule::required, level.node, static_cast<std::uint16_t>(i), json_.offset(), 0);
    }
  }
  for (const Requires& pair : schema_.requires_) {
    if (pair.node != level.node || !level.given.has(pair.field) || level.given.has(pair.needs)) {
      continue;
    }
    std::uint16_t missing = node.first;
    while (schema_.keys[missing].field != pair.needs) ++missing;
    report(Rule::requires_, level.node, missing, json_.offset(), 0);
  }
}

/// Slots of what has not been read are null here: defaults come last.
template <bool lenient>
[[gnu::noinline]] void Decoder<lenient>::check_comparisons(std::uint16_t node) noexcept {
  for (std::size_t i = 0; i < schema_.comparisons.size(); ++i) {
    const Comparison& one = schema_.comparisons[i];
    if (one.node != node) continue;
    const Value& left = buffers_.values[one.left];
    const Value& right = buffers_.values[one.right];
    if (left.is_null() || right.is_null()) continue;
    const auto allowed = static_cast<unsigned>(one.relation);
    if ((allowed & (1u << order(left, right))) == 0) {
      report(Rule::comparison, node, static_cast<std::uint16_t>(i), json_.offset(), 0);
    }
  }
}

template <bool lenient>
void Decoder<lenient>::close_array() noexcept {
  const Level& level = levels_[--depth_];
  const Node& node = schema_.nodes[level.node];
  const std::size_t bytes = json_.end_offset() - level.begin;
  if (level.items < node.length_min) {
    report(Rule::min_items, level.node, no_index, level.begin, bytes);
  }
  if (level.items > node.length_max) {
    report(Rule::max_items, level.node, no_index, level.begin, bytes);
  }
  put(level.node, Value::json({payload_.data() + level.begin, bytes}));
}

template <bool lenient>
std::string_view Decoder<lenient>::read_text(std::uint16_t node) noexcept {
  if (!json_.escaped()) return json_.text();
  const std::string_view text = unescaped(json_.text());
  if (schema_.nodes[node].slot != no_index) {
    result_.scratch_used += static_cast<std::uint32_t>(text.size());
  }
  return text;
}

template <bool lenient>
void Decoder<lenient>::check_text(std::uint16_t node_index, std::string_view text) noexcept {
  const Node& node = schema_.nodes[node_index];
  if (node.length_min != 0 || node.length_max != std::numeric_limits<std::uint32_t>::max()) {
    const std::size_t length = count_code_points(text);
    if (length < node.length_min) report_token(Rule::min_length, node_index);
    if (length > node.length_max) report_token(Rule::max_length, node_index);
  }
  if (node.count != 0 && !is_listed(node, text)) report_token(Rule::enum_, node_index);
  if (node.pattern != no_index && !pattern_.matches(pattern_.context, node.pattern, text)) {
    report_token(Rule::pattern, node_index);
  }
  put(node_index, Value::text(text));
}

template <bool lenient>
void Decoder<lenient>::check_number(std::uint16_t node_index, Decimal number) noexcept {
  const Node& node = schema_.nodes[node_index];
  if (node.type == FieldType::integer) {
    std::int64_t whole = 0;
    if (!to_int64(number, whole)) {
      report_token(number.exponent < 0 ? Rule::type : Rule::number_range, node_index);
      return;
    }
    put(node_index, Value::integer(whole));
  } else {
    put(node_index, Value::decimal(number));
  }
  check_bounds(node_index, number);
  if (node.count != 0 && !is_listed(node, number)) report_token(Rule::enum_, node_index);
}

template <bool lenient>
void Decoder<lenient>::check_bounds(std::uint16_t node_index, Decimal number) noexcept {
  const Node& node = schema_.nodes[node_index];
  if (node.min != no_index &&
      compare(number, schema_.bounds[node.min]) < (node.min_exclusive ? 1 : 0)) {
    report_token(Rule::min, node_index);
  }
  if (node.max != no_index &&
      compare(number, schema_.bounds[node.max]) > (node.max_exclusive ? -1 : 0)) {
    report_token(Rule::max, node_index);
  }
}

template <bool lenient>
void Decoder<lenient>::check_timestamp(std::uint16_t node_index, JsonToken token) noexcept {
  const Node& node = schema_.nodes[node_index];
  const bool text = token == JsonToken::string;
  const bool number = token == JsonToken::number;
  const bool as_text = node.time_format == TimeFormat::rfc3339;
  if ((text && !as_text && node.time_format != TimeFormat::automatic) || (number && as_text)) {
    if constexpr (lenient) {
      if (coerce(node_index, token)) return;
    }
    report_token(Rule::type, node_index);
    return;
  }
  std::int64_t ns = 0;
  const std::string_view raw = json_.text();
  const bool good =
      number ? epoch_to_ns(json_.number(), node.time_format, ns)
             : parse_time(json_.escaped() ? unescaped(raw) : raw, schema_.zone_offset_s, ns);
  if (!good) {
    report_token(Rule::time_format, node_index);
    return;
  }
  put(node_index, Value::time(ns));
}

template <bool lenient>
bool Decoder<lenient>::is_listed(const Node& node, std::string_view text) const noexcept {
  for (const Value& value : schema_.enums.subspan(node.first, node.count)) {
    if (value.kind() == ValueKind::text && value.as_text() == text) return true;
  }
  return false;
}

template <bool lenient>
bool Decoder<lenient>::is_listed(const Node& node, Decimal number) const noexcept {
  for (const Value& value : schema_.enums.subspan(node.first, node.count)) {
    if (value.kind() != ValueKind::text && compare(value.as_decimal(), number) == 0) return true;
  }
  return false;
}

template <bool lenient>
std::uint16_t Decoder<lenient>::find_key(Level& level, std::string_view name) const noexcept {
  const Node& node = schema_.nodes[level.node];
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

/// Unescapes into the free part of the scratch. A text that must stay is then counted as used.
template <bool lenient>
std::string_view Decoder<lenient>::unescaped(std::string_view raw) noexcept {
  const std::span<char> room = buffers_.scratch.subspan(result_.scratch_used);
  return {room.data(), json_unescape(raw, room)};
}

template <bool lenient>
void Decoder<lenient>::put(std::uint16_t node, Value value) noexcept {
  const std::uint16_t slot = schema_.nodes[node].slot;
  if (slot != no_index) buffers_.values[slot] = value;
}

template <bool lenient>
void Decoder<lenient>::fill_defaults() noexcept {
  for (const Default& entry : schema_.defaults) {
    Value& value = buffers_.values[entry.slot];
    if (value.is_null()) value = entry.value;
  }
}

template <bool lenient>
void Decoder<lenient>::report(Rule rule, std::uint16_t node, std::uint16_t key, std::size_t offset,
                              std::size_t length) noexcept {
  if (result_.first == Rule::none) result_.first = rule;
  if (result_.violations < buffers_.violations.size()) {
    buffers_.violations[result_.violations] = {rule, node, key, static_cast<std::uint32_t>(offset),
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
                    std::span<Violation> coercions) noexcept {
  if (coercion.coerce == nullptr) return decode(schema, payload, buffers, pattern);
  const Coercion lenient{coercion, coercions};
  return Decoder<true>(schema, payload, buffers, pattern, &lenient).run();
}

}  // namespace telemetry::core
