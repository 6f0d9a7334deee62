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

/// A comparison of one field: "temperature > 30", "location.name = 'hall'". A row that does not
/// have the field does not meet it, nor does one whose value is of another type, whatever the
/// operator.
struct Condition {
  enum class Op : std::uint8_t { eq, ne, lt, le, gt, ge };
  /// Path of a field, of an undeclared member, or of a member of a payload without schema, where
  /// `value` is a bare value; or `topic`, `device`.
  std::string field;
  bool field_quoted = false;  ///< a field also if it is called `topic` or `device`
  Op op = Op::eq;
  std::string value;  ///< text of the literal, quotes removed
  bool quoted = false;

  /// True when it asks for the row's own topic or device, not for a field.
  [[nodiscard]] bool is_of_topic() const noexcept {
    return !field_quoted && (field == "topic" || field == "device");
  }
};
/// FIELD is bare, or in double quotes where it has spaces, quotes or operators; a quote in it is
/// doubled: location."odd ""name""". VALUE is a number, true, false, a text without spaces, or a
/// text in single or double quotes.
/// Errors: invalid_argument  not of the form FIELD OP VALUE with OP one of = != < <= > >=.
[[nodiscard]] Result<Condition> parse_condition(std::string_view text);

/// Where the schema does not say the type: compares a value by its JSON type, numbers by their
/// first 19 digits. A bare literal that is a number meets numbers, true and false meet booleans,
/// all else texts, by their bytes.
/// @param json the value, or an object that has it at `path`
/// @param path names joined by dots; a name may have dots too. Empty: `json` is the value.
/// @returns false also when there is no such member, or `json` is none.
[[nodiscard]] bool json_meets(std::string_view json, std::string_view path, Condition::Op op,
                              std::string_view literal, bool quoted);

/// The value of a member, as it is written in `json`; nothing where there is none.
/// @param path names joined by dots; a name may have dots too.
[[nodiscard]] std::optional<std::string_view> json_member(std::string_view json,
                                                          std::string_view path);

/// "a,b.c" as its paths; names with commas or quotes are quoted as in a condition.
/// Errors: invalid_argument  an empty name, or a quote that does not end.
[[nodiscard]] Result<std::vector<std::string>> parse_fields(std::string_view text);

/// True when `path` is the field `name`, or a member of the object `name`.
[[nodiscard]] bool is_field_or_member(std::string_view path, std::string_view name) noexcept;

enum class Order : std::uint8_t { time_ascending, time_descending };

struct Query {
  std::string topic_filter = "#";
  std::string schema;                 ///< name; empty = all
  std::optional<std::int64_t> since;  ///< ns, inclusive, of `time`
  std::optional<std::int64_t> until;  ///< ns, exclusive
  std::vector<Condition> where;       ///< all must hold
  /// What to return: slot paths, objects for all of their members, `extra` for the undeclared
  /// members; empty = all. The names of what every row has are allowed and change nothing.
  std::vector<std::string> fields;
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
  std::string_view device;       ///< what the topic names; may be empty
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
