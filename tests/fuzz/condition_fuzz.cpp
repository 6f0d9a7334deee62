// SPDX-License-Identifier: Apache-2.0
// Up to a NUL byte: a condition as anyone may send it; the rest: a value. What is taken reads back
// as itself from its own text, and every leaf has an answer for every value.
#include <algorithm>

#include "fuzz.hpp"
#include "telemetry/condition.hpp"

using namespace telemetry;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = as_text(data, size);
  const std::size_t end = std::min(input.find('\0'), input.size());
  const auto condition = parse_condition(input.substr(0, end));
  if (!condition) {
    TELEMETRY_FUZZ_CHECK(condition.error().code == Errc::invalid_argument);
    return 0;
  }
  std::string once, again;
  append_condition(*condition, once);
  const auto reread = parse_condition(once);
  if (reread) {
    append_condition(*reread, again);
    TELEMETRY_FUZZ_CHECK(once == again);
  } else {  // its parentheses are levels, too
    TELEMETRY_FUZZ_CHECK(reread.error().context.find(" levels") != std::string::npos);
  }
  const std::string_view value = input.substr(std::min(end + 1, size));
  const Truth known = evaluate(*condition, [&](const Condition& leaf) {
    (void)leaf_meets_text(leaf, value);
    (void)leaf_meets_boolean(leaf, !value.empty());
    if (const auto number = Number::read(value)) (void)leaf_meets_number(leaf, *number);
    return std::max(leaf_meets_bare_text(leaf, value), leaf_meets_json(leaf, value, leaf.field));
  });
  TELEMETRY_FUZZ_CHECK(known <= Truth::yes);
  return 0;
}
