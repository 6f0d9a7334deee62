// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "schema/compiled.hpp"

/// Schemas as a C++ header of constant tables.
namespace telemetry::schemas {

struct CppSchema {
  const CompiledSchema* schema = nullptr;
  std::string identifier;  ///< "temperature_sensor_v1"
};

/// The text as a C++ identifier: what is no ASCII letter, digit or `_` becomes `_`.
[[nodiscard]] std::string cpp_identifier(std::string_view text);
/// Names joined by `::`, none of them reserved.
[[nodiscard]] bool is_cpp_namespace(std::string_view text);
/// @param schemas with tables that firmware can read, each identifier once.
[[nodiscard]] std::string cpp_header(std::span<const CppSchema> schemas,
                                     std::string_view name_space);

}  // namespace telemetry::schemas
