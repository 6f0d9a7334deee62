// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/message.hpp"
#include "telemetry/query.hpp"

namespace telemetry {

enum class RowFormat : std::uint8_t { table, csv, json, jsonl, table_per_schema };

/// Writes rows as text. `out` gets pieces of whole lines; return false from it to stop (closed
/// pipe).
///
/// json/jsonl: {"topic":..., "payload":{...}, "timestamp":..., "received_at":...}, then
/// "retained":true where it was; json is an array of them, one a line. csv: RFC 4180 with the
/// columns topic,timestamp,received_at,device,retained and the union of the fields of the first
/// 1,000 rows (or `fields`), then `extra` (undeclared members) and `payload` (of topics without
/// schema) where these rows have any. A field that has the name of one of these columns gets a `_`
/// behind it. table: the same, aligned, for people; control characters are escaped, so that a
/// payload cannot command the terminal. table_per_schema: a table for each schema, by name. Memory:
/// constant; csv and table hold back at most 1,000 rows or 4 MB of them. The text of
/// table_per_schema is held back until there are 16 MB of it, then the tables begin again.
class RowWriter {
 public:
  using Out = std::function<bool(std::string_view)>;
  /// @param fields what the columns of csv and table are: slot paths, objects for all of their
  /// members, `extra`, `payload`; empty = those that come. A name is looked for in JSON payloads
  /// without schema, too, where `value` is a bare value.
  /// @param columns_max table: width of the terminal; long texts are cut and columns left out (and
  /// named below the table) to fit. 0 = as wide as need be.
  /// @param zone of the times
  /// @param continues csv, json, jsonl: the text goes on where another writer with the same
  /// `fields` ended without finish(): no header, no bracket
  [[nodiscard]] static std::unique_ptr<RowWriter> make(RowFormat format,
                                                       std::vector<std::string> fields, Out out,
                                                       std::size_t columns_max = 0,
                                                       const TimeZone& zone = {},
                                                       bool continues = false);
  virtual ~RowWriter() = default;
  virtual bool write(const Row& row) = 0;
  /// Hands out what csv, json and jsonl hold back. False when `out` refused.
  virtual bool flush() { return true; }
  /// Ends the document. False when `out` refused.
  virtual bool finish() = 0;
  /// csv, table: values that had no column, because their field first came after 1,000 rows.
  [[nodiscard]] virtual std::uint64_t left_out() const noexcept { return 0; }
};

/// Writes the rows of an Aggregate: a column or member `time` where there are buckets, those of
/// `by`, then the measures by their names. json: an array of objects, one a line. table_per_schema
/// is table. Memory: constant; a table holds back at most 1,000 rows.
class AggregateWriter {
 public:
  /// @param aggregate is looked at as long as this lives
  AggregateWriter(RowFormat format, const Aggregate& aggregate, RowWriter::Out out);
  bool write(const AggregateRow& row);
  bool finish();

 private:
  bool write_json(const AggregateRow& row);
  bool write_line(const std::vector<std::string>& cells);
  bool release();

  RowFormat format_;
  const Aggregate& aggregate_;
  RowWriter::Out out_;
  std::vector<std::string> names_;
  std::vector<std::vector<std::string>> held_;  // table: rows whose widths are not known yet
  std::vector<std::size_t> widths_;
  std::size_t left_columns_ = 0;  // those that stand to the left: time and texts
  std::string text_;
  bool released_ = false;
  std::uint64_t rows_ = 0;
};

/// How the payload of a topic without schema is written in JSON, and stored: `json` when it is one
/// JSON document, `text` when it is UTF-8 without a NUL byte, at which much of what reads text (SQL
/// functions too) ends it, else `binary`.
[[nodiscard]] Row::RawKind payload_kind(std::string_view payload) noexcept;

/// Appends the payload of a row as JSON on one line: nested as the schema nests, absent fields left
/// out, undeclared members where they were.
void append_payload_json(const Row& row, std::string& out, const TimeZone& zone = {});
/// The text of a JSON string.
[[nodiscard]] std::string text_of_json(std::string_view string);
/// A payload without schema from what append_payload_json() makes of it: of a string its text, of
/// {"base64": ...} its bytes, else the JSON itself.
[[nodiscard]] std::string payload_of_json(std::string_view json);
/// Appends the record of a row: {"topic", "payload", "timestamp", "received_at"}, and "retained"
/// where it is true, without line end.
void append_record_json(const Row& row, std::string& out, const TimeZone& zone = {});
/// The four members that every record has, without braces, for records that have more.
void append_record_members(const Row& row, std::string& out, const TimeZone& zone = {});
/// Appends the record as the gateway gives it: the four members, then "id", "device", "schema" and
/// "retained", null where there is none. On one line, without line end.
void append_full_record_json(const Row& row, std::string_view id, std::string& out,
                             const TimeZone& zone = {});
/// Appends the record of a row as a line of CSV (RFC 4180, with its line end): topic, timestamp,
/// received_at, and the payload as JSON. The same columns for every schema.
void append_record_csv(const Row& row, std::string& out);
inline constexpr std::string_view record_csv_header = "topic,timestamp,received_at,payload\r\n";
/// Puts what stands from `begin` on into quotes where a cell of CSV needs them.
void quote_csv(std::size_t begin, std::string& out);
/// Makes `row` what a store that took this reading would show. Its views are good as long as the
/// reading's batch. Where `row` is used again nothing is allocated.
void fill_row(const Reading& reading, Row& row);
/// Appends a JSON string with its quotes. Control characters (C0, DEL, C1) are escaped; bytes that
/// are not UTF-8 become U+FFFD.
void append_json_string(std::string_view text, std::string& out);
/// Appends a value; decimals exactly as they are: 23.51, 1e300.
void append_json_value(const core::Value& value, std::string& out, const TimeZone& zone = {});
/// Appends a time in quotes, RFC 3339.
void append_json_time(std::int64_t ns, std::string& out, const TimeZone& zone = {});

}  // namespace telemetry
