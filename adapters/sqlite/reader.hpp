// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "connection.hpp"
#include "telemetry/query.hpp"

namespace telemetry::sqlite {

/// Store::query on a connection of its own.
[[nodiscard]] Result<void> run_query(const SqliteOptions& options, Clock& clock, const Query& query,
                                     const RowVisitor& visit);

/// Store::latest on a connection of its own.
[[nodiscard]] Result<void> run_latest(const SqliteOptions& options, std::string_view topic_filter,
                                      const RowVisitor& visit);

}  // namespace telemetry::sqlite
