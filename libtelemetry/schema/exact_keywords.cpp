// SPDX-License-Identifier: Apache-2.0
#include "schema/exact_keywords.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "schema/specification.hpp"
#include "telemetry/core/time.hpp"
#include "telemetry/core/utf8.hpp"

namespace telemetry::schemas {
namespace {

using namespace std::string_view_literals;
using Keeps = std::function<bool(const JsonValue&)>;
using Kind = JsonValue::Kind;

constexpr std::int64_t pattern_memory_bytes_max = 2 * 1024 * 1024;
__extension__ using Wide = unsigned __int128;

/// True when number / divisor is whole.
/// @param divisor above 0, normalized.
bool is_multiple(const LongNumber& number, core::Decimal divisor) {
  if (number.digits.empty()) return true;
  // Neither ends with a 0, so the divisor must not have more digits behind the point.
  if (number.exponent < divisor.exponent) return false;
  const auto by = static_cast<std::uint64_t>(divisor.mantissa);
  Wide rest = 0;
  for (const char digit : number.digits)
    rest = (rest * 10 + static_cast<unsigned>(digit - '0')) % by;
  // 64 factors of 10 hold all that any divisor has of 2 and 5.
  for (auto left = std::min<std::int64_t>(number.exponent - divisor.exponent, 64);
       left > 0 && rest != 0; --left) {
    rest = rest * 10 % by;
  }
  return rest == 0;
}

Keeps bound(const std::string& keyword, core::Decimal allowed) {
  const bool lower = keyword.ends_with("inimum");
  const bool exclusive = keyword.starts_with("exclusive");
  return [=](const JsonValue& value) {
    if (value.kind != Kind::number) return true;
    const auto number = text_number(value.text);
    if (!number) return false;
    const int above = 2 * core::compare(number->value, allowed) + static_cast<int>(number->rest);
    const int order = lower ? above : -above;
    return exclusive ? order > 0 : order >= 0;
  };
}

Keeps length(bool most, std::int64_t allowed) {
  return [=](const JsonValue& value) {
    if (value.kind != Kind::string) return true;
    const auto points = static_cast<std::int64_t>(core::count_code_points(value.text));
    return most ? points <= allowed : points >= allowed;
  };
}

Keeps one_of(std::vector<std::string> allowed) {
  std::sort(allowed.begin(), allowed.end());
  return [allowed = std::move(allowed)](const JsonValue& value) {
    return std::binary_search(allowed.begin(), allowed.end(), canonical_text(value));
  };
}

std::string joined(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : ",") + text;
  return out;
}

std::vector<std::string> item_texts(const JsonValue& array) {
  std::vector<std::string> texts;
  for (const JsonMember& item : array.inside) texts.push_back(canonical_text(item.value));
  return texts;
}

bool items_are_unique(const JsonValue& value) {
  if (value.kind != Kind::array) return true;
  auto texts = item_texts(value);
  std::sort(texts.begin(), texts.end());
  return std::adjacent_find(texts.begin(), texts.end()) == texts.end();
}

/// Years 0000 to 9999, as RFC 3339 has them; no column holds it.
bool is_date_time(const JsonValue& value) {
  std::int64_t ns = 0;
  return value.kind != Kind::string || core::read_time(value.text, 0, ns) != core::TimeText::none;
}

core::Decimal number_in(const JsonValue& allowed) {
  const auto number =
      allowed.kind == Kind::number ? text_number(allowed.text) : std::optional<TextNumber>();
  if (!number || number->rest != core::Rest::none)
    throw std::invalid_argument("must be a number that can be held exactly");
  return normalized(number->value);
}

std::int64_t count_in(const JsonValue& allowed) {
  std::int64_t count = 0;
  if (!core::to_int64(number_in(allowed), count)) throw std::invalid_argument("must be a count");
  return count;
}

Keeps test_of(const std::string& keyword, const JsonValue& allowed) {
  const auto any = [](const JsonValue&) { return true; };
  if (keyword == "const") return one_of({canonical_text(allowed)});
  if (keyword == "enum") return one_of(item_texts(allowed));
  if (keyword == "format") return allowed.text == "date-time" ? Keeps(is_date_time) : Keeps(any);
  if (keyword == "minLength" || keyword == "maxLength")
    return length(keyword == "maxLength", count_in(allowed));
  if (keyword == "pattern") {
    return [pattern = expression(allowed.text)](const JsonValue& value) {
      return value.kind != Kind::string ||
             RE2::PartialMatch(re2::StringPiece(value.text.data(), value.text.size()), *pattern);
    };
  }
  if (keyword == "multipleOf") {
    const core::Decimal divisor = number_in(allowed);
    if (divisor.mantissa <= 0) throw std::invalid_argument("multipleOf must be above 0");
    return [divisor](const JsonValue& value) {
      return value.kind != Kind::number || is_multiple(long_number(value.text), divisor);
    };
  }
  if (keyword == "uniqueItems") return allowed.truth ? Keeps(items_are_unique) : Keeps(any);
  return bound(keyword, number_in(allowed));
}

}  // namespace

bool is_exact(std::string_view keyword) noexcept {
  constexpr std::array keywords = {"const"sv,
                                   "enum"sv,
                                   "minLength"sv,
                                   "maxLength"sv,
                                   "pattern"sv,
                                   "minimum"sv,
                                   "maximum"sv,
                                   "multipleOf"sv,
                                   "exclusiveMinimum"sv,
                                   "uniqueItems"sv,
                                   "exclusiveMaximum"sv,
                                   "format"sv};
  return std::find(keywords.begin(), keywords.end(), keyword) != keywords.end();
}

ExactTest exact_test(const std::string& keyword, const JsonValue& allowed) {
  return {keyword, canonical_text(allowed), test_of(keyword, allowed)};
}

std::string canonical_text(const JsonValue& value) {
  if (value.kind == Kind::array) return "[" + joined(item_texts(value)) + "]";
  if (value.kind != Kind::object) return json_text(value);
  std::vector<std::string> members;
  for (const JsonMember& member : value.inside)
    members.push_back(json_string(member.name) + ":" + canonical_text(member.value));
  std::sort(members.begin(), members.end());
  return "{" + joined(members) + "}";
}

std::shared_ptr<const RE2> expression(std::string_view pattern) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(pattern_memory_bytes_max);
  auto compiled =
      std::make_shared<const RE2>(re2::StringPiece(pattern.data(), pattern.size()), options);
  if (!compiled->ok()) throw std::invalid_argument("pattern: " + compiled->error());
  return compiled;
}

}  // namespace telemetry::schemas
