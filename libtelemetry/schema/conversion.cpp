// SPDX-License-Identifier: Apache-2.0
#include "schema/conversion.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "schema/path.hpp"
#include "schema/specification.hpp"

namespace telemetry::schemas {
namespace {

__extension__ using Wide = __int128;

constexpr std::array non_finite_words = {
    std::string_view("nan"),   std::string_view("inf"),       std::string_view("+inf"),
    std::string_view("-inf"),  std::string_view("infinity"),  std::string_view("+infinity"),
    std::string_view("-nan"),  std::string_view("-infinity"), std::string_view("1.#qnan"),
    std::string_view("1.#inf")};

bool is_non_finite(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  });
  return std::ranges::find(non_finite_words, lower) != non_finite_words.end();
}

/// Half away from 0.
Wide divided(Wide number, Wide by) {
  const Wide half = by / 2;
  return (number < 0 ? number - half : number + half) / by;
}

/// The nearest Decimal; nothing beyond its exponents.
std::optional<core::Decimal> held(Wide mantissa, std::int64_t exponent) {
  constexpr Wide mantissa_max = 999'999'999'999'999'999;
  while (mantissa > mantissa_max || mantissa < -mantissa_max) {
    // Once: rounding twice could end on the wrong side.
    Wide by = 10;
    int digits = 1;
    while (mantissa / by > mantissa_max || mantissa / by < -mantissa_max) by *= 10, ++digits;
    mantissa = divided(mantissa, by);
    exponent += digits;
  }
  if (mantissa == 0) return core::Decimal{};
  if (exponent < core::read_exponent_min || exponent > core::read_exponent_max) return {};
  return normalized({static_cast<std::int64_t>(mantissa), static_cast<std::int16_t>(exponent)});
}

Wide power_of_ten(std::int64_t exponent) {
  Wide power = 1;
  while (exponent-- > 0) power *= 10;
  return power;
}

/// "1.234,5" or "1234,5": thousands by points or spaces.
std::string with_point(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '.' || c == ' ') continue;
    out += c == ',' ? '.' : c;
  }
  return out;
}

/// The whole number in hexadecimal digits, in decimal ones; empty: there is none.
std::string decimal_of_hex(std::string_view text) {
  if (text.starts_with("0x") || text.starts_with("0X")) text.remove_prefix(2);
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number, 16);
  if (text.empty() || error != std::errc() || stop != end) return {};
  return std::to_string(number);
}

}  // namespace

bool operator==(const ConversionSpec& a, const ConversionSpec& b) {
  const auto same = [](const std::optional<core::Decimal>& x,
                       const std::optional<core::Decimal>& y) {
    return x.has_value() == y.has_value() && (!x || core::compare(*x, *y) == 0);
  };
  return a.words == b.words && a.no_value == b.no_value &&
         a.non_finite_absent == b.non_finite_absent && a.decimal_comma == b.decimal_comma &&
         a.hex == b.hex && same(a.scale, b.scale) && same(a.offset, b.offset) &&
         a.decimals == b.decimals && a.time_patterns == b.time_patterns &&
         a.local_epoch == b.local_epoch && a.zone == b.zone;
}

std::optional<core::Decimal> scaled(core::Decimal number, core::Decimal by, core::Decimal plus) {
  Wide mantissa = Wide{number.mantissa} * by.mantissa;
  std::int64_t exponent = std::int64_t{number.exponent} + by.exponent;
  if (plus.mantissa == 0) return held(mantissa, exponent);
  // To one exponent, as far as 128 bits reach; beyond it one of the two does not count.
  const auto product = held(mantissa, exponent);
  if (!product) return {};
  if (product->mantissa == 0) return held(plus.mantissa, plus.exponent);
  const std::int64_t low = std::min(product->exponent, plus.exponent);
  constexpr std::int64_t reach = 19;
  if (product->exponent - low > reach) return product;
  if (plus.exponent - low > reach) return held(plus.mantissa, plus.exponent);
  mantissa = Wide{product->mantissa} * power_of_ten(product->exponent - low) +
             Wide{plus.mantissa} * power_of_ten(plus.exponent - low);
  return held(mantissa, low);
}

core::Decimal rounded(core::Decimal number, std::int32_t decimals) {
  const std::int64_t digits = -std::int64_t{decimals} - number.exponent;  // that go
  if (digits <= 0) return number;
  if (digits > 19) return {};
  return normalized({static_cast<std::int64_t>(divided(number.mantissa, power_of_ten(digits))),
                     static_cast<std::int16_t>(-decimals)});
}

Conversion::Conversion(ConversionSpec specification, core::FieldType type, TimeZone zone,
                       std::int32_t zone_offset_s, core::TimeFormat format, bool lenient)
    : spec_(std::move(specification)),
      type_(type),
      zone_(zone),
      zone_offset_s_(zone_offset_s),
      format_(format),
      lenient_(lenient) {}

Conversion::Outcome Conversion::apply(const JsonValue& value, std::int64_t received_at,
                                      std::string& json) const {
  std::string_view text;
  if (!scalar_text(value, text)) return Outcome::as_it_is;
  const bool is_text = value.kind == JsonValue::Kind::string;
  const auto same_number = [&](const std::string& word) {
    const auto a = is_text ? std::nullopt : text_number(text);
    const auto b = a ? text_number(word) : std::nullopt;
    return b && core::compare(a->value, b->value) == 0;
  };
  for (const std::string& word : spec_.no_value) {
    if (text == word || same_number(word)) return Outcome::absent;
  }
  if (spec_.non_finite_absent && is_text && is_non_finite(text)) return Outcome::absent;
  for (const auto& [word, meaning] : spec_.words) {
    if (text != word && !same_number(word)) continue;
    json += meaning;
    return Outcome::converted;
  }
  const bool number = type_ == core::FieldType::integer || type_ == core::FieldType::number;
  if (spec_.hex) {
    // Cells and bare values of decimal digits only have become numbers.
    const std::string decimal = decimal_of_hex(without_blanks(text));
    if (decimal.empty()) return Outcome::as_it_is;
    JsonValue inner;
    inner.kind = JsonValue::Kind::number;
    inner.text = inner.written = decimal;
    if (number ? !convert_number(decimal, false, json) : !convert_time(inner, received_at, json))
      json += decimal;
    return Outcome::converted;
  }
  if (number && convert_number(text, is_text, json)) return Outcome::converted;
  if (type_ == core::FieldType::timestamp && convert_time(value, received_at, json))
    return Outcome::converted;
  return Outcome::as_it_is;
}

bool Conversion::convert_number(std::string_view text, bool is_text, std::string& json) const {
  const bool changes = spec_.scale || spec_.offset || spec_.decimals;
  if (!changes && !spec_.decimal_comma) return false;
  std::string plain;
  if (is_text) {
    if (!spec_.decimal_comma && !lenient_) return false;
    text = without_blanks(text);
    if (spec_.decimal_comma) text = plain = with_point(text);
  }
  const auto number = text_number(text);
  if (!number) return false;
  if (!changes) {
    json += text;
    return true;
  }
  auto result = scaled(number->value, spec_.scale.value_or(core::Decimal{1, 0}),
                       spec_.offset.value_or(core::Decimal{}));
  if (!result) return false;
  if (spec_.decimals) result = rounded(*result, *spec_.decimals);
  json += number_text(*result);
  return true;
}

bool Conversion::convert_time(const JsonValue& value, std::int64_t received_at,
                              std::string& json) const {
  std::string_view text = value.text;
  std::int64_t ns = 0;
  bool known = false;
  const auto to_utc = [&](std::int64_t local) {
    if (!zone_.is_utc()) return zone_.utc_of(local, received_at);
    std::int64_t out = 0;
    const std::int64_t offset = std::int64_t{zone_offset_s_} * core::ns_per_second;
    return __builtin_sub_overflow(local, offset, &out) ? local : out;
  };
  if (value.kind == JsonValue::Kind::string) {
    text = without_blanks(text);
    for (const std::string& pattern : spec_.time_patterns) {
      const auto time = read_time(text, pattern);
      if (!time) continue;
      ns = time->offset_s ? time->local_ns - *time->offset_s * core::ns_per_second
                          : to_utc(time->local_ns);
      known = true;
      break;
    }
    std::int64_t local = 0;
    std::int64_t east = 0;
    if (!known && core::parse_time(text, 0, local) && core::parse_time(text, 3600, east)) {
      ns = local == east ? local : to_utc(local);
      known = true;
    }
  }
  // A number, also as a text.
  const auto number = known ? std::nullopt : text_number(text);
  if (number && core::epoch_to_ns(number->value, format_, ns)) {
    if (spec_.local_epoch) ns = to_utc(ns);
    known = true;
  }
  if (!known) return false;
  std::array<char, core::time_text_bytes_max> out;
  json += '"';
  json.append(out.data(), core::format_time(ns, out));
  json += '"';
  return true;
}

}  // namespace telemetry::schemas
