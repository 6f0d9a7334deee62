// SPDX-License-Identifier: Apache-2.0
#include "schema/exact_keywords.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>
#include <utility>
#include <valijson/internal/adapter.hpp>
#include <vector>

#include "schema/specification.hpp"
#include "telemetry/core/json_pull.hpp"

namespace telemetry::schemas {
namespace {

using namespace std::string_view_literals;
using valijson::adapters::Adapter;
using Keeps = std::function<bool(const Adapter&)>;

constexpr std::int64_t pattern_memory_bytes_max = 2 * 1024 * 1024;
__extension__ using Wide = unsigned __int128;

/// Nothing when it is no number. A double is taken as the shortest decimal that names it.
std::optional<core::Decimal> number_of(const Adapter& value) {
  if (value.isInteger()) return core::Decimal{value.getInteger(), 0};
  if (!value.isDouble()) return {};
  const std::string text = fmt::format("{}", value.getDouble());
  core::JsonPull pull(text);
  const bool read = pull.next() == core::JsonToken::number;
  return read ? std::optional(normalized(pull.number())) : std::nullopt;
}

std::uint64_t magnitude(std::int64_t number) {
  return number < 0 ? 0 - static_cast<std::uint64_t>(number) : static_cast<std::uint64_t>(number);
}

/// True when number / divisor is whole.
bool is_multiple(core::Decimal number, core::Decimal divisor) {
  if (number.mantissa == 0) return true;
  const std::uint64_t whole = magnitude(number.mantissa);
  const std::uint64_t by = magnitude(divisor.mantissa);
  int shift = number.exponent - divisor.exponent;
  if (shift < 0) {
    constexpr int digits_max = 19;  // of `whole`
    if (shift < -digits_max) return false;
    Wide larger = by;
    for (; shift < 0; ++shift) larger *= 10;
    return whole % larger == 0;
  }
  Wide rest = whole % by;
  for (; shift > 0 && rest != 0; --shift) rest = rest * 10 % by;
  return rest == 0;
}

Keeps bound(const std::string& keyword, core::Decimal allowed) {
  const bool lower = keyword.ends_with("inimum");
  const bool exclusive = keyword.starts_with("exclusive");
  return [=](const Adapter& value) {
    const auto number = number_of(value);
    if (!number) return true;
    const int order = core::compare(*number, allowed) * (lower ? 1 : -1);
    return exclusive ? order > 0 : order >= 0;
  };
}

Keeps length(bool most, std::int64_t allowed) {
  return [=](const Adapter& value) {
    if (!value.isString()) return true;
    const auto points = static_cast<std::int64_t>(core::count_code_points(value.getString()));
    return most ? points <= allowed : points >= allowed;
  };
}

Keeps one_of(std::vector<std::string> allowed) {
  std::sort(allowed.begin(), allowed.end());
  return [allowed = std::move(allowed)](const Adapter& value) {
    return std::binary_search(allowed.begin(), allowed.end(), canonical_text(value));
  };
}

std::vector<std::string> item_texts(const Adapter& array) {
  std::vector<std::string> texts;
  array.applyToArray([&](const Adapter& item) {
    texts.push_back(canonical_text(item));
    return true;
  });
  return texts;
}

bool items_are_unique(const Adapter& value) {
  if (!value.isArray()) return true;
  auto texts = item_texts(value);
  std::sort(texts.begin(), texts.end());
  return std::adjacent_find(texts.begin(), texts.end()) == texts.end();
}

core::Decimal number_in(const Adapter& allowed) {
  if (const auto number = number_of(allowed)) return *number;
  throw std::invalid_argument("must be a number");
}

Keeps test_of(const std::string& keyword, const Adapter& allowed) {
  if (keyword == "const") return one_of({canonical_text(allowed)});
  if (keyword == "enum") return one_of(item_texts(allowed));
  if (keyword == "minLength" || keyword == "maxLength")
    return length(keyword == "maxLength", allowed.getInteger());
  if (keyword == "pattern") {
    return [pattern = expression(allowed.getString())](const Adapter& value) {
      return !value.isString() || RE2::PartialMatch(value.getString(), *pattern);
    };
  }
  if (keyword == "multipleOf") {
    return [divisor = number_in(allowed)](const Adapter& value) {
      const auto number = number_of(value);
      return !number || is_multiple(*number, divisor);
    };
  }
  if (keyword == "uniqueItems") {
    if (allowed.getBool()) return items_are_unique;
    return [](const Adapter&) { return true; };
  }
  return bound(keyword, number_in(allowed));
}

}  // namespace

bool is_exact(std::string_view keyword) noexcept {
  constexpr std::array keywords = {
      "const"sv,           "enum"sv,    "minLength"sv,  "maxLength"sv,        "pattern"sv,
      "minimum"sv,         "maximum"sv, "multipleOf"sv, "exclusiveMinimum"sv, "uniqueItems"sv,
      "exclusiveMaximum"sv};
  return std::find(keywords.begin(), keywords.end(), keyword) != keywords.end();
}

ExactTest exact_test(const std::string& keyword, const Adapter& allowed) {
  return {keyword, canonical_text(allowed), test_of(keyword, allowed)};
}

std::string canonical_text(const Adapter& value) {
  std::string out;
  if (value.isString()) return json_string(value.getString());
  if (value.isBool()) return value.getBool() ? "true" : "false";
  if (const auto number = number_of(value)) return number_text(*number);
  if (value.isArray()) {
    for (const std::string& item : item_texts(value)) out += (out.empty() ? "" : ",") + item;
    return "[" + out + "]";
  }
  if (value.isObject()) {
    std::vector<std::string> members;
    value.applyToObject([&](const std::string& name, const Adapter& member) {
      members.push_back(json_string(name) + ":" + canonical_text(member));
      return true;
    });
    std::sort(members.begin(), members.end());
    for (const std::string& member : members) out += (out.empty() ? "" : ",") + member;
    return "{" + out + "}";
  }
  return "null";
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
