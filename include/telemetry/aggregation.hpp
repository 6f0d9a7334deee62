// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "telemetry/message.hpp"
#include "telemetry/query.hpp"

/// What a store that cannot aggregate by itself feeds its rows into.
namespace telemetry {

/// The stretches of time of an aggregate. Not for two threads at a time.
class Buckets {
 public:
  Buckets(const Bucket& bucket, const TimeZone& zone) : bucket_(bucket), zone_(zone) {}
  struct Span {
    std::int64_t begin;
    std::int64_t end;  ///< exclusive; INT64_MAX is the end of time
  };
  /// The bucket that holds a time. Without buckets: all of time.
  [[nodiscard]] Span of(std::int64_t time);

 private:
  [[nodiscard]] Span compute(std::int64_t time) const;

  Bucket bucket_;
  TimeZone zone_;
  Span last_{0, 0};
};

/// A value that is fed: what a row has in a field.
struct Sample {
  enum class Kind : std::uint8_t { null, number, boolean, time, text, json };
  Kind kind = Kind::null;
  Number number{std::int64_t{0}};  ///< of a boolean 0 or 1, of a time ns
  std::string_view text;

  [[nodiscard]] static Sample of(const core::Value& value) noexcept;
  [[nodiscard]] core::Value value() const noexcept;
};

/// Takes rows in any order and gives the rows of an Aggregate. Memory: bounded by
/// Aggregate::memory_bytes_max. Thread: one.
class Aggregation {
 public:
  /// @param aggregate is looked at as long as this lives
  explicit Aggregation(const Aggregate& aggregate);
  ~Aggregation();
  Aggregation(const Aggregation&) = delete;
  Aggregation& operator=(const Aggregation&) = delete;

  /// The distinct fields of the measures: what add() wants, in this order.
  [[nodiscard]] const std::vector<std::string>& fields() const noexcept { return fields_; }
  /// Rows may come from these times, both inclusive. Errors: invalid_argument  too many buckets.
  [[nodiscard]] Result<void> expect(std::int64_t first, std::int64_t last) const;
  /// The number of the group with these keys, one for each of `by`.
  [[nodiscard]] std::size_t group(std::span<const Sample> by);
  /// A row of a group. Booleans count as 0 and 1; only count, min, max, first and last see texts
  /// and times.
  /// @returns false when memory is used up: finish() has the error.
  bool add(std::size_t group, std::int64_t time, std::uint64_t id, std::span<const Sample> values);
  /// Shows the rows. Errors: resource_exhausted  memory was used up; invalid_argument  a field has
  /// texts or times alone, and a function wants numbers.
  [[nodiscard]] Result<void> finish(const AggregateVisitor& visit);

 private:
  struct Values;
  /// What the measures of a field ask for.
  struct Needs {
    bool values = false, ends = false, extremes = false, squares = false;
  };
  struct Slot {
    std::size_t group;
    std::int64_t begin;
    std::uint64_t rows = 0;
  };
  struct Group {
    std::vector<Sample> by;
    Buckets::Span span{0, 0};  // of the slot used last
    std::size_t slot = 0;
  };
  struct SlotHash {
    std::size_t operator()(const std::pair<std::size_t, std::int64_t>& key) const noexcept {
      return static_cast<std::size_t>(
          (static_cast<std::uint64_t>(key.second) ^ (key.first * 0x9E3779B97F4A7C15u)) *
          0xD6E8FEB86659FD93u);
    }
  };
  class Filler;

  std::size_t slot_for(std::size_t group, std::int64_t time);
  void take(Values& state, const Needs& needs, std::int64_t time, std::uint64_t id,
            const Sample& sample);
  [[nodiscard]] Result<void> check() const;
  [[nodiscard]] Sample result(const Measure& measure, std::size_t field, std::size_t slot);

  const Aggregate& aggregate_;
  Buckets buckets_;
  std::vector<std::string> fields_;
  std::vector<std::size_t> field_of_;  // of each measure; SIZE_MAX: counts rows
  std::vector<Needs> needs_;           // of each field
  struct Seen {
    bool number = false, other = false;
  };
  std::vector<Seen> seen_;  // of each field
  std::vector<Group> groups_;
  std::unordered_map<std::string, std::size_t> group_index_;
  std::vector<Slot> slots_;
  std::vector<Values> values_;  // of each slot, one a field
  std::unordered_map<std::pair<std::size_t, std::int64_t>, std::size_t, SlotHash> slot_index_;
  Arena arena_{16 * 1024};  // texts of keys
  std::size_t kept_bytes_ = 0;
  bool full_ = false;
};

/// Takes numbers of rows in any order and gives the points of a Series. Memory: some 50 MB at most,
/// whatever comes: of more series than the limit, and of more points than Series::points_max, the
/// last are dropped for good. Thread: one.
class Downsampling {
 public:
  class Line;
  /// @param series is looked at as long as this lives
  Downsampling(const Series& series, const TimeColumns& columns);
  ~Downsampling();
  Downsampling(const Downsampling&) = delete;
  Downsampling& operator=(const Downsampling&) = delete;

  /// Whether a series of this field, or of what is inside it, was asked for.
  [[nodiscard]] static bool wants(const Series& series, std::string_view field);
  /// The series of a field that has a number; null when it is not asked for, or is dropped. It is
  /// valid until dropped() changes.
  [[nodiscard]] Line* line(std::string_view topic, std::string_view field);
  /// A number of a row. Another one of the same row does not count.
  /// @param time within the columns @param schema  a number for what the row is of
  void add(Line& line, std::int64_t time, std::uint64_t id, const Number& number,
           std::uint64_t schema);
  /// How many series were dropped.
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }
  /// False when all series of a topic are, so that its rows need not be read.
  [[nodiscard]] bool takes(std::string_view topic) const;
  /// There were more series.
  [[nodiscard]] bool more() const noexcept { return end_.has_value(); }
  /// Shows what there is: topic, field, rows, and points. @param visit  and the number of the
  /// schema of the newest row
  void finish(const std::function<bool(SeriesLine& line, std::uint64_t schema)>& visit);

 private:
  using Key = std::pair<std::string, std::string>;  // topic and field
  void drop_last();

  const Series& series_;
  const TimeColumns columns_;
  const std::int64_t first_column_;
  struct Before {  // also of views
    using is_transparent = void;
    template <class A, class B>
    bool operator()(const A& a, const B& b) const noexcept {
      const int topics = std::string_view(a.first).compare(b.first);
      return topics != 0 ? topics < 0 : std::string_view(a.second) < std::string_view(b.second);
    }
  };
  std::map<Key, std::unique_ptr<Line>, Before> lines_;
  std::optional<Key> end_;            // this one and all behind it are dropped
  std::uint64_t columns_in_use_ = 0;  // of all lines
  std::uint64_t dropped_ = 0;
};

}  // namespace telemetry
