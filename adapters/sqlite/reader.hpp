// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "readers.hpp"
#include "telemetry/query.hpp"

/// What a store answers, on a connection that nobody else uses meanwhile. Throw SQLite::Exception.
namespace telemetry::sqlite {

/// Store::query.
[[nodiscard]] Result<void> run_query(Reader& reader, Clock& clock, const Query& query,
                                     const RowVisitor& visit);

/// Store::latest.
void run_latest(Reader& reader, std::string_view topic_filter, const RowVisitor& visit);

}  // namespace telemetry::sqlite
