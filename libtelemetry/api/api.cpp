// SPDX-License-Identifier: Apache-2.0
//
// The one place that every front end asks, and that says no: what passes here is a query that makes
// sense, whatever store answers it.
#include "telemetry/api.hpp"

#include <fmt/format.h>

#include "telemetry/core/topic.hpp"

namespace telemetry {
namespace {

Result<void> check_filter(std::string_view filter) {
  if (core::without_share(filter) != filter) {
    return Error{Errc::invalid_argument,
                 fmt::format("\"{}\" is a shared subscription; query for {}", filter,
                             core::without_share(filter))};
  }
  if (!core::is_valid_filter(filter)) {
    return Error{
        Errc::invalid_argument,
        fmt::format("\"{}\" is not a topic filter: + stands for one whole level, # for all "
                    "remaining levels at the end, for example sensors/+/temperature",
                    filter)};
  }
  return {};
}

}  // namespace

Result<void> Api::query(const Query& query, const RowVisitor& visit) {
  if (auto checked = check_filter(query.topic_filter); !checked) return checked;
  if (query.since && query.until && *query.since >= *query.until) {
    return Error{Errc::invalid_argument, "the time range is empty: it ends before it begins"};
  }
  for (const Condition& condition : query.where) {
    if (condition.field.empty()) {
      return Error{Errc::invalid_argument, "a condition names no field"};
    }
  }
  for (const std::string& field : query.fields) {
    if (field.empty()) return Error{Errc::invalid_argument, "a field to return has no name"};
  }
  if (store_ == nullptr) {
    return Error{Errc::failed_precondition, "no store that answers queries is configured"};
  }
  return store_->query(query, visit);
}

Result<void> Api::latest(const std::string& topic_filter, const RowVisitor& visit) {
  if (auto checked = check_filter(topic_filter); !checked) return checked;
  if (store_ == nullptr) {
    return Error{Errc::failed_precondition, "no store that answers queries is configured"};
  }
  return store_->latest(topic_filter, visit);
}

}  // namespace telemetry
