// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "readers.hpp"
#include "telemetry/store.hpp"

/// What a store answers, on a connection that nobody else uses meanwhile. Throw SQLite::Exception.
namespace telemetry::sqlite {

/// Store::query.
[[nodiscard]] Result<std::uint64_t> run_query(Reader& reader, const Query& query,
                                              const RowVisitor& visit);

/// Store::stream. `path` and `readers` outlive it.
[[nodiscard]] Result<std::unique_ptr<RowStream>> open_stream(const std::string& path,
                                                             Readers& readers,
                                                             std::unique_ptr<Reader> reader,
                                                             const Query& query);

/// Store::latest.
[[nodiscard]] Result<void> run_latest(Reader& reader, const Latest& latest,
                                      const RowVisitor& visit);

/// Store::shape.
[[nodiscard]] Result<Shape> run_shape(Reader& reader, const Selection& selection);

/// Store::aggregate.
[[nodiscard]] Result<void> run_aggregate(Reader& reader, const Aggregate& aggregate,
                                         const AggregateVisitor& visit);

/// Store::series.
[[nodiscard]] Result<SeriesEnd> run_series(Reader& reader, const Series& series,
                                           const SeriesVisitor& visit);

}  // namespace telemetry::sqlite
