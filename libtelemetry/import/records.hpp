// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "telemetry/schema.hpp"

namespace telemetry::imports {

/// The payload with its times as the schema wants them: a store shows RFC 3339 where the device
/// sent seconds.
[[nodiscard]] std::string as_declared(const Schema& schema, std::string_view payload);

/// What stands in a row at a field's path, and at `extra`; nothing: it is absent.
using CellOf = std::function<std::optional<std::string_view>(std::string_view path)>;
/// The payload of a row that has a column for each field.
[[nodiscard]] std::string payload_of(const Schema& schema, const CellOf& cell_of);

}  // namespace telemetry::imports
