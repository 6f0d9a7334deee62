// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "telemetry/query.hpp"
#include "telemetry/sink.hpp"

namespace telemetry {

/// Rows that are pulled. Thread: one at a time.
class RowStream {
 public:
  virtual ~RowStream() = default;
  /// Shows the next rows in order: at least one, some ten thousand at most. When `visit` says
  /// false the next call goes on behind that row.
  /// @returns false when there are no more.
  [[nodiscard]] virtual Result<bool> next(const RowVisitor& visit) = 0;
};

/// A sink that answers queries. Queries use connections of their own and may run beside writes,
/// from any thread, also in a process that does not write. No read transaction is held longer than
/// about 1 s; the upper bound of ids is fixed at the start, so a running writer cannot make a query
/// endless. What is asked was checked by Api.
/// Errors of all: invalid_argument  an unknown field or schema, a literal that does not fit, a
/// function that does not apply; not_found  the store does not exist yet.
class Store : public Sink {
 public:
  /// Streams matching rows; constant memory.
  /// @returns the upper bound of ids: rows above it came too late for this answer.
  [[nodiscard]] virtual Result<std::uint64_t> query(const Query& query,
                                                    const RowVisitor& visit) = 0;
  /// The same for who takes rows at his own pace. The store outlives it.
  [[nodiscard]] virtual Result<std::unique_ptr<RowStream>> stream(const Query& query) = 0;
  /// Ordered by topic.
  [[nodiscard]] virtual Result<void> latest(const Latest& latest, const RowVisitor& visit) = 0;
  /// Without conditions.
  [[nodiscard]] virtual Result<Shape> shape(const Selection& selection) = 0;
  /// Errors: resource_exhausted  more groups and values than Aggregate::memory_bytes_max holds.
  [[nodiscard]] virtual Result<void> aggregate(const Aggregate& aggregate,
                                               const AggregateVisitor& visit) = 0;
  /// Reads each row of the first topics once, in any order; shows series when it has read all.
  [[nodiscard]] virtual Result<SeriesEnd> series(const Series& series,
                                                 const SeriesVisitor& visit) = 0;
};

}  // namespace telemetry
