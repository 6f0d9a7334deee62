// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "schema/specification.hpp"
#include "telemetry/core/json_pull.hpp"
#include "telemetry/core/time.hpp"

namespace telemetry::schemas {

std::string_view type_name(core::FieldType type) noexcept {
  switch (type) {
    case core::FieldType::string:
      return "string";
    case core::FieldType::integer:
      return "integer";
    case core::FieldType::number:
      return "float";
    case core::FieldType::boolean:
      return "boolean";
    case core::FieldType::timestamp:
      return "timestamp";
    case core::FieldType::object:
      return "object";
    case core::FieldType::array:
      return "array";
    case core::FieldType::any:
      return "any";
  }
  return "any";
}

std::string_view nulls_name(core::Nulls nulls) noexcept {
  switch (nulls) {
    case core::Nulls::absent:
      return "absent";
    case core::Nulls::refused:
      return "refused";
    case core::Nulls::accepted:
      return "accepted";
  }
  return "absent";
}

std::string_view time_format_name(core::TimeFormat format) noexcept {
  switch (format) {
    case core::TimeFormat::automatic:
      return "auto";
    case core::TimeFormat::rfc3339:
      return "rfc3339";
    case core::TimeFormat::s:
      return "s";
    case core::TimeFormat::ms:
      return "ms";
    case core::TimeFormat::us:
      return "us";
    case core::TimeFormat::ns:
      return "ns";
  }
  return "auto";
}

std::string_view relation_name(core::Relation relation) noexcept {
  for (const RelationWord& word : relation_words) {
    if (word.relation == relation) return word.word;
  }
  return "equal";
}

unsigned orders_allowed(const FieldSpec& left, const FieldSpec& right) noexcept {
  unsigned allowed = 7;
  for (const ComparisonSpec& comparison : left.comparisons) {
    if (comparison.other == right.name) allowed &= static_cast<unsigned>(comparison.relation);
  }
  for (const ComparisonSpec& comparison : right.comparisons) {
    if (comparison.other != left.name) continue;
    const auto bits = static_cast<unsigned>(comparison.relation);
    allowed &= (bits & 1u) << 2 | (bits & 2u) | bits >> 2;  // less and greater change places
  }
  return allowed;
}

std::optional<TextNumber> text_number(std::string_view text) noexcept {
  core::JsonPull pull(text);
  if (pull.next() != core::JsonToken::number) return {};
  const TextNumber number{pull.number(), pull.rest()};
  if (pull.next() != core::JsonToken::end) return {};
  return number;
}

core::Decimal normalized(core::Decimal number) noexcept {
  if (number.mantissa == 0) return {};
  while (number.mantissa % 10 == 0 && number.exponent < INT16_MAX) {
    number.mantissa /= 10;
    ++number.exponent;
  }
  return number;
}

std::string number_text(core::Decimal number) {
  constexpr int plain_digits_max = 20;
  number = normalized(number);
  const bool negative = number.mantissa < 0;
  std::string digits = fmt::format("{}", number.mantissa).substr(negative ? 1 : 0);
  const int count = static_cast<int>(digits.size());
  const int exponent = number.exponent;
  if (exponent >= 0 && count + exponent <= plain_digits_max) {
    digits.append(static_cast<std::size_t>(exponent), '0');
  } else if (exponent < 0 && -exponent <= plain_digits_max) {
    if (count <= -exponent) digits.insert(0, static_cast<std::size_t>(1 - exponent - count), '0');
    digits.insert(digits.size() - static_cast<std::size_t>(-exponent), 1, '.');
  } else {
    digits += fmt::format("e{}", exponent);
  }
  return negative ? "-" + digits : digits;
}

std::string shown_number(core::Decimal number) {
  std::string text = number_text(number);
  const std::size_t power = text.find('e');
  const std::size_t first = text.starts_with('-') ? 1 : 0;
  if (power == std::string::npos || power == first + 1) return text;
  const auto more = static_cast<int>(power - first - 1);
  text.resize(power);
  text.insert(first + 1, 1, '.');
  return fmt::format("{}e{}", text, normalized(number).exponent + more);
}

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      out += fmt::format("\\u{:04x}", byte);
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string literal_text(const Literal& literal) {
  switch (literal.kind) {
    case core::ValueKind::boolean:
      return literal.integer != 0 ? "true" : "false";
    case core::ValueKind::integer:
    case core::ValueKind::decimal:
      return number_text(literal.number);
    case core::ValueKind::time: {
      std::array<char, core::time_text_bytes_max> text;
      return json_string({text.data(), core::format_time(literal.integer, text)});
    }
    case core::ValueKind::text:
    case core::ValueKind::json:
      return json_string(literal.text);
    case core::ValueKind::null:
      break;
  }
  return "null";
}

std::string pointer_step(std::string_view name) {
  std::string out = "/";
  for (const char c : name) {
    if (c == '~')
      out += "~0";
    else if (c == '/')
      out += "~1";
    else
      out += c;
  }
  return out;
}

std::string slot_pointer(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    out += pointer_step(path.substr(0, dot));
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return out;
}

std::string excerpt(std::string_view text, std::size_t bytes_max) {
  std::string out;
  std::size_t at = 0;
  for (; at < text.size() && out.size() < bytes_max; ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x20 || byte == 0x7F) {
      out += fmt::format("\\u{:04x}", byte);
    } else {
      out += text[at];
    }
  }
  if (at == text.size()) return core::is_valid_utf8(out) ? out : "(not UTF-8)";
  // Cut before the code point that the limit splits.
  while (!out.empty() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) {
    out.pop_back();
    --at;
  }
  return core::is_valid_utf8(out) ? out + "..." : "(not UTF-8)";
}

std::string broken_rule(const FieldSpec& field, const Literal& literal) {
  const bool number =
      literal.kind == core::ValueKind::integer || literal.kind == core::ValueKind::decimal;
  if (number && field.min &&
      core::compare(literal.number, *field.min) < (field.min_exclusive ? 1 : 0))
    return fmt::format("is {} {}", field.min_exclusive ? "not above exclusive_min" : "below min",
                       number_text(*field.min));
  if (number && field.max &&
      core::compare(literal.number, *field.max) > (field.max_exclusive ? -1 : 0))
    return fmt::format("is {} {}", field.max_exclusive ? "not below exclusive_max" : "above max",
                       number_text(*field.max));
  if (literal.kind == core::ValueKind::text) {
    const std::size_t length = core::count_code_points(literal.text);
    if (field.length_min && length < *field.length_min)
      return fmt::format("is shorter than min_length {}", *field.length_min);
    if (field.length_max && length > *field.length_max)
      return fmt::format("is longer than max_length {}", *field.length_max);
    if (field.expression && !RE2::PartialMatch(literal.text, *field.expression))
      return "does not match pattern " + field.pattern;
  }
  if (!field.enum_.empty()) {
    const std::string text = literal_text(literal);
    const bool listed = std::any_of(field.enum_.begin(), field.enum_.end(),
                                    [&](const Literal& one) { return literal_text(one) == text; });
    if (!listed) return "is not in enum";
  }
  return {};
}

}  // namespace telemetry::schemas

namespace telemetry {

std::string_view to_string(core::FieldType type) noexcept { return schemas::type_name(type); }

}  // namespace telemetry
