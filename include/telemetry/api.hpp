// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "telemetry/store.hpp"

namespace telemetry {

/// What every front end (command line, later HTTP and Python) asks. It translates nothing back:
/// rows go to the visitor as they come. Thread: any.
class Api {
 public:
  explicit Api(std::shared_ptr<Store> store) noexcept : store_(std::move(store)) {}

  /// Checks the query (filter syntax, time range, limit) and streams the rows.
  /// Errors: invalid_argument  the query is wrong; not_found  nothing is stored yet.
  [[nodiscard]] Result<void> query(const Query& query, const RowVisitor& visit);
  [[nodiscard]] Result<void> latest(const std::string& topic_filter, const RowVisitor& visit);

 private:
  std::shared_ptr<Store> store_;
};

}  // namespace telemetry
