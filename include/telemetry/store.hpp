// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "telemetry/query.hpp"
#include "telemetry/sink.hpp"

namespace telemetry {

/// A sink that answers queries. Queries use connections of their own and may run beside writes,
/// from any thread, also in a process that does not write.
class Store : public Sink {
 public:
  /// Streams matching rows; constant memory. No read transaction is held longer than about 1 s; the
  /// upper bound of ids is fixed at the start, so a running writer cannot make it endless.
  /// Errors: invalid_argument  unknown field or bad filter; not_found  the store does not exist
  /// yet.
  [[nodiscard]] virtual Result<void> query(const Query& query, const RowVisitor& visit) = 0;
  /// The newest row by `time` of each matching topic, ordered by topic.
  [[nodiscard]] virtual Result<void> latest(std::string_view topic_filter,
                                            const RowVisitor& visit) = 0;
};

}  // namespace telemetry
