// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <re2/re2.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "schema/json_value.hpp"

/// The draft-07 keywords that compare a value, judged exactly. See json_rule.cpp.
namespace telemetry::schemas {

struct ExactTest {
  std::string keyword;
  std::string text;  ///< JSON of what is allowed
  std::function<bool(const JsonValue&)> keeps;
};

[[nodiscard]] bool is_exact(std::string_view keyword) noexcept;
/// @param allowed the value of the keyword, checked.
/// Errors: throws std::invalid_argument when a pattern is none.
[[nodiscard]] ExactTest exact_test(const std::string& keyword, const JsonValue& allowed);

/// The same text for values that draft-07 calls equal.
[[nodiscard]] std::string canonical_text(const JsonValue& value);
/// Errors: throws std::invalid_argument.
[[nodiscard]] std::shared_ptr<const RE2> expression(std::string_view pattern);

}  // namespace telemetry::schemas
