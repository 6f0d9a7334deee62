// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/core/value.hpp"
#include "telemetry/error.hpp"

namespace telemetry {

/// A comparison of one field: "temperature > 30", "location.name = 'hall'".
struct Condition {
  enum class Op : std::uint8_t { eq, ne, lt, le, gt, ge };
  std::string field;  ///< slot path, or `topic`, `device`
  Op op = Op::eq;
  std::string value;  ///< text of the literal, quotes removed
  bool quoted = false;
};
/// Errors: invalid_argument  not of the form FIELD OP VALUE with OP one of = != < <= > >=.
[[nodiscard]] Result<Condition> parse_condition(std::string_view text);

enum class Order : std::uint8_t { time_ascending, time_descending };

struct Query {
  std::string topic_filter = "#";
  std::string schema;                 ///< name; empty = all
  std::optional<std::int64_t> since;  ///< ns, inclusive, of `time`
  std::optional<std::int64_t> until;  ///< ns, exclusive
  std::vector<Condition> where;       ///< all must hold
  std::vector<std::string> fields;    ///< slot paths to return; empty = all
  Order order = Order::time_ascending;
  std::uint64_t limit = 0;  ///< 0 = no limit
};
/// RFC 3339, "YYYY-MM-DD", epoch seconds, or a span back from `now` ("15m", "24h", "7d").
[[nodiscard]] Result<std::int64_t> parse_query_time(std::string_view text, std::int64_t now);

/// A named value of a row.
struct Field {
  std::string_view path;  ///< slot path; "a.b" is member b of object a
  core::Value value;
};

/// One stored message. Views are valid during the visit.
struct Row {
  std::uint64_t id = 0;
  std::string_view topic;
  std::string_view schema;       ///< name; empty for a topic without schema
  std::int64_t time = 0;         ///< ns
  std::int64_t received_at = 0;  ///< ns
  bool retained = false;
  std::vector<Field> fields;  ///< non-null ones, in schema order
  std::string_view extra;     ///< JSON object of undeclared members, or empty
  /// Without schema: the payload. `raw_kind` says how it is written in JSON.
  std::string_view raw;
  enum class RawKind : std::uint8_t { none, json, text, binary } raw_kind = RawKind::none;
};

/// Called per row, in order. Return false to stop.
using RowVisitor = std::function<bool(const Row&)>;

}  // namespace telemetry
