// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "telemetry/condition.hpp"
#include "telemetry/core/schema_view.hpp"
#include "telemetry/core/value.hpp"
#include "telemetry/error.hpp"
#include "telemetry/time_zone.hpp"

/// What can be asked of stored messages. Every front end translates to this, every store executes
/// it, and Api checks it once. Also messages without schema count: fields are reached by their path
/// in the JSON, a bare value is called `value`.
namespace telemetry {

/// Which rows.
struct Selection {
  std::vector<std::string> topics{"#"};  ///< topic filters, any of them
  std::vector<std::string> devices;      ///< any of these; empty = all
  std::vector<std::string> schemas;      ///< names, any of these; empty = all, and without schema
  std::optional<std::int64_t> since;     ///< ns, inclusive, of `time`
  std::optional<std::int64_t> until;     ///< ns, exclusive
  std::vector<Condition> where;          ///< all must hold
  /// What spans in conditions on timestamps ("15m") count back from; Api sets it if nobody has.
  std::optional<std::int64_t> now;
  TimeZone zone;  ///< of times without offset in such conditions, and of days, weeks and months
  /// Fields, schemas and types that only other topics have are unknown, as if they were nowhere.
  /// Api sets it for who has a scope.
  bool hides_others = false;
  /// Asked now and then by the thread of the query, also while no row is found; true ends it with
  /// `cancelled`. It must not throw.
  std::function<bool()> should_stop;

  static constexpr std::size_t topics_max = 1'000;
};

enum class Order : std::uint8_t { time_ascending, time_descending };

/// A place between two rows of an answer: behind `time` and `id`. It holds the highest id of its
/// first page too, so that pages do not change while data comes in, and the times of the query, so
/// that "since an hour ago" does not move.
struct Cursor {
  std::int64_t time = 0;
  std::uint64_t id = 0;
  std::uint64_t id_max = 0;
  std::int64_t since = INT64_MIN;
  std::int64_t until = INT64_MAX;
};

/// Rows.
struct Query : Selection {
  /// What to return: slot paths, objects for all of their members, `extra` for the undeclared
  /// members; empty = all. The names of what every row has are allowed and change nothing.
  std::vector<std::string> fields;
  Order order = Order::time_ascending;
  std::uint64_t limit = 0;  ///< 0 = no limit
  std::optional<Cursor> after;
  /// Rows with lower ids are left out: what came since Shape::id_max was one less.
  std::uint64_t id_min = 0;
};

/// The newest row of each topic by `time`, where it is one of the selection: so `until` finds the
/// topics that have been silent since, and a condition those whose last value meets it.
struct Latest : Selection {
  std::vector<std::string> fields;
  std::uint64_t limit = 0;  ///< 0 = no limit
  std::string after;        ///< topic; behind it in the order of bytes
};

/// A function over the values of a field in a group.
struct Measure {
  enum class Function : std::uint8_t {
    count,  ///< of the values; of the rows without a field
    avg,    ///< mean; null where the sum is beyond doubles
    min,    ///< numbers, then booleans, times, texts, JSON
    max,
    sum,     ///< whole where all values are, and it fits int64
    stddev,  ///< of the sample (n - 1); null below two values, or beyond doubles
    first,   ///< of the earliest row that has the field
    last,
    percentile,  ///< nearest rank: a value that occurred
  };
  Function function = Function::count;
  double rank = 0;    ///< percentile: 0 to 100
  std::string field;  ///< count: may be empty

  /// Texts and times have none of it.
  [[nodiscard]] bool wants_numbers() const noexcept {
    return function == Function::avg || function == Function::sum || function == Function::stddev ||
           function == Function::percentile;
  }
  /// "avg(temperature)": how it is written, and called in results.
  [[nodiscard]] std::string name() const;
};
/// "avg(temperature), p95(location.lat), count()" as measures. Functions: avg min max sum count
/// stddev first last median and p0 to p100, also p99.9; count(*) is count().
/// Errors: invalid_argument
[[nodiscard]] Result<std::vector<Measure>> parse_measures(std::string_view text);

/// Stretches of time that rows are grouped by.
struct Bucket {
  enum class Kind : std::uint8_t { none, fixed, day, week, month };
  Kind kind = Kind::none;
  /// Fixed: ns. Widths that divide a day are counted from each midnight of the selection's zone, so
  /// that the last one before a change of clocks may be shorter; others from 1970 in UTC.
  std::int64_t width_ns = 0;
};
/// "10s", "15m", "1h", "7d"; "1d" and "day", "1w" and "week" (from Monday), "1mo" and "month" are
/// those of the calendar.
/// Errors: invalid_argument
[[nodiscard]] Result<Bucket> parse_bucket(std::string_view text);

/// What stands in buckets without rows, between the first and the last bucket of each group, or
/// since and until where they are given.
enum class Fill : std::uint8_t {
  none,      ///< no row for them
  null,      ///< null; counts are 0
  previous,  ///< the value before
  linear,    ///< numbers on the line between their neighbours; null at the ends
};

/// One row for each bucket and group, in the order of (bucket, group).
struct Aggregate : Selection {
  std::vector<Measure> measures;
  Bucket bucket;
  std::vector<std::string> by;  ///< topic, device, schema, or fields
  Fill fill = Fill::none;
  Order order = Order::time_ascending;
  std::uint64_t limit = 0;  ///< 0 = no limit

  static constexpr std::size_t buckets_max = 1'000'000;
  static constexpr std::size_t measures_max = 100;
  static constexpr std::size_t by_max = 8;
  /// Groups, and the values that percentiles keep.
  static constexpr std::size_t memory_bytes_max = 64 * 1024 * 1024;
};
/// Views are valid during the visit.
struct AggregateRow {
  std::optional<std::int64_t> time;  ///< begin of the bucket, ns; nothing without buckets
  std::span<const core::Value> by;
  std::span<const core::Value> values;
};
/// Called per row, in order. Return false to stop.
using AggregateVisitor = std::function<bool(const AggregateRow&)>;

/// Numbers over time, for charts of a given width. A series is a topic and a field. Of each column
/// that has more than four rows with the field, the answer has the first, the last, the lowest and
/// the highest (each once), so that a line through its points looks like one through all rows (M4);
/// of other columns it has all rows. Of equal values the earliest counts.
struct Series : Selection {
  /// Those of a Query; empty = all. Those that are never a number have no series. Booleans count as
  /// 0 and 1; numbers inside of arrays do not count.
  std::vector<std::string> fields;
  std::uint64_t columns = 1'000;  ///< 1 to columns_max
  std::uint64_t limit = 50;       ///< series, 1 to limit_max: the first by topic, then field

  static constexpr std::uint64_t columns_max = 10'000;
  static constexpr std::uint64_t limit_max = 200;
  /// Of all series together. The answer ends before the series that would come to more; so memory
  /// is bounded too, by some 50 MB.
  static constexpr std::uint64_t points_max = 1'000'000;
  /// Paths in JSON that are longer have no series.
  static constexpr std::size_t path_bytes_max = 1'000;
};

/// The columns of a Series: stretches of equal width, of which one begins at 1970. So the first and
/// the last may be cut by the range, and all others stay the same while a range of the same length
/// moves.
struct TimeColumns {
  std::int64_t since = 0;      ///< ns, inclusive
  std::int64_t last = 0;       ///< ns, inclusive
  std::uint64_t width_ns = 1;  ///< of the length of the range and the number asked for alone

  /// The range divided by `count`, rounded up: to ms where it comes to 1 ms, else to us where it
  /// comes to 1 us. So `count` columns cover the range, or one more where they do not begin with
  /// it.
  [[nodiscard]] static TimeColumns of(std::int64_t since, std::int64_t last,
                                      std::uint64_t count) noexcept;
  /// Counted from 1970.
  [[nodiscard]] std::int64_t number_of(std::int64_t time) const noexcept;
  /// What of time is in the column of `time`, both inclusive.
  [[nodiscard]] std::pair<std::int64_t, std::int64_t> span_of(std::int64_t time) const noexcept;
};

struct SeriesPoint {
  std::int64_t time;  ///< ns
  Number value;
};
/// Views are valid during the visit.
struct SeriesLine {
  std::string_view topic, device;  ///< device may be empty
  std::string_view schema, unit;   ///< of the newest row that has the field; may be empty
  std::string_view field;
  std::uint64_t rows = 0;               ///< that have the field
  std::span<const SeriesPoint> points;  ///< by time, in the order of the rows
};
/// Called per series, in the order of (topic, field). Return false to stop.
using SeriesVisitor = std::function<bool(const SeriesLine&)>;
struct SeriesEnd {
  /// Where `since` is not given they begin at the first row of the selection, and where `until` is
  /// not given they end with the last. Nothing: there is none.
  std::optional<TimeColumns> columns;
  bool more = false;  ///< there are more series
};

/// What rows of a selection may have, known without reading them.
struct Shape {
  struct Field {
    std::string path;
    core::FieldType type = core::FieldType::any;  ///< any: schemas differ, or leave it open
  };
  std::vector<Field> fields;  ///< in the order of the schemas
  bool extra = false;         ///< undeclared members
  bool payload = false;       ///< messages without schema
  std::uint64_t id_max = 0;   ///< of all rows: for a Cursor that begins here
  std::uint64_t rows_max = 0;
  std::int64_t time_min = 0, time_max = 0;  ///< of them; only when rows_max > 0
};

/// RFC 3339, "YYYY-MM-DD" and times without offset in `zone`, epoch seconds, or a span back from
/// `now` ("15m", "24h", "7d").
[[nodiscard]] Result<std::int64_t> parse_query_time(std::string_view text, std::int64_t now,
                                                    const TimeZone& zone = {});

/// A cursor as an opaque text, which belongs to its query: one with other topics, devices, schemas,
/// conditions or order refuses it.
[[nodiscard]] std::string to_text(const Cursor& cursor, const Query& query);
/// Errors: invalid_argument  not the cursor of this query.
[[nodiscard]] Result<Cursor> parse_cursor(std::string_view text, const Query& query);

/// True when `path` is the field `name`, or a member of the object `name`.
[[nodiscard]] bool is_field_or_member(std::string_view path, std::string_view name) noexcept;

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

/// Called with the path of a number, which is valid during the call.
using NumberVisitor = std::function<void(std::string_view path, const Number& number)>;
/// The numbers of a row, booleans as 0 and 1: declared fields, and members of what is JSON, at any
/// depth but not inside of arrays. A path comes twice where a name of the JSON does; the first is
/// what counts. The reference of a Series: stores find the same.
void for_each_number(const Row& row, const NumberVisitor& visit);
/// Of one JSON text. @param name  of the text itself; empty: its members have no name before theirs
/// @param bare  what a text that is no object is called
void for_each_number(std::string_view json, std::string_view name, std::string_view bare,
                     const NumberVisitor& visit);

/// True when `topic` matches one of the filters.
[[nodiscard]] bool matches_any(const std::vector<std::string>& filters, std::string_view topic);

/// The reference: what a row says to a condition, and whether it is one of a selection. Stores give
/// the same answers; live streams and alerts ask here.
/// @param row with all of its fields
[[nodiscard]] Truth evaluate(const Condition& condition, const Row& row, const Selection& context);
[[nodiscard]] bool is_selected(const Selection& selection, const Row& row);

/// The value of a field of a row as a reference has it: of a declared field, or of a member of what
/// is undeclared or without schema. JSON numbers, booleans and texts have their kinds; objects and
/// arrays stay JSON. What is not there is null.
/// @param room holds the text of a member that had escapes
[[nodiscard]] core::Value value_of(const Row& row, std::string_view field, std::string& room);

}  // namespace telemetry
