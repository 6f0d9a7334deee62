// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "settings.hpp"
#include "telemetry/schema.hpp"

namespace telemetry::command_line {

/// The schemas of a path; without one those of the configuration.
[[nodiscard]] Result<std::shared_ptr<const SchemaSet>> load_schemas(
    const Settings& settings, std::string path, std::vector<Diagnostic>& diagnostics);

/// What JSON says of a schema, without braces.
[[nodiscard]] std::string members_of(const Schema& schema);

}  // namespace telemetry::command_line
