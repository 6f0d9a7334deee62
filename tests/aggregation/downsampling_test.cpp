// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <random>

#include "catch.hpp"
#include "telemetry/aggregation.hpp"

using namespace telemetry;

namespace {

constexpr std::int64_t thousand = 1'000;

struct Shown {
  std::string field;
  std::uint64_t rows, schema;
  std::vector<std::pair<std::int64_t, double>> points;
};

std::vector<Shown> finished(Downsampling& downsampling) {
  std::vector<Shown> shown;
  downsampling.finish([&](const SeriesLine& line, std::uint64_t schema) {
    Shown& one = shown.emplace_back();
    one.field = line.field;
    one.rows = line.rows;
    one.schema = schema;
    for (const SeriesPoint& point : line.points)
      one.points.emplace_back(point.time, point.value.real());
    return true;
  });
  return shown;
}

/// False when the series is not wanted.
bool feed(Downsampling& downsampling, const std::string& field, std::int64_t time, double value,
          std::uint64_t id) {
  Downsampling::Line* const line = downsampling.line("t", field);
  if (line != nullptr) downsampling.add(*line, time, id, Number(value), 7);
  return line != nullptr;
}

}  // namespace

TEST_CASE("columns are as wide as the range and their number say, in whole ms and us") {
  const auto width = [](std::int64_t length, std::uint64_t count, std::int64_t since = 12'345) {
    return TimeColumns::of(since, since + length - 1, count).width_ns;
  };
  CHECK(width(3'600'000'000'000, 1'000) == 3'600'000'000);
  CHECK(width(3'600'000'000'000, 700) == 5'143'000'000);  // 5142857142.9 ns
  CHECK(width(3'600'000'000'000, 700, -77) == 5'143'000'000);
  CHECK(width(1'500'000, 1'000) == 2'000);
  CHECK(width(999, 10) == 100);
  CHECK(width(1, 10'000) == 1);
  const auto all = TimeColumns::of(INT64_MIN, INT64_MAX, 1);
  CHECK(all.width_ns == UINT64_MAX);
  CHECK(all.span_of(0) == std::pair<std::int64_t, std::int64_t>(0, INT64_MAX));
  CHECK(all.span_of(-1) == std::pair<std::int64_t, std::int64_t>(INT64_MIN, -1));
  CHECK(TimeColumns::of(INT64_MIN, INT64_MAX, 10'000).width_ns % 1'000'000 == 0);
}

TEST_CASE("one column begins at 1970, and the range cuts the first and the last") {
  const TimeColumns columns{-25, 34, 10};
  CHECK(columns.number_of(0) == 0);
  CHECK(columns.number_of(9) == 0);
  CHECK(columns.number_of(-1) == -1);
  CHECK(columns.number_of(-10) == -1);
  CHECK(columns.number_of(-11) == -2);
  CHECK(columns.span_of(5) == std::pair<std::int64_t, std::int64_t>(0, 9));
  CHECK(columns.span_of(-1) == std::pair<std::int64_t, std::int64_t>(-10, -1));
  CHECK(columns.span_of(-25) == std::pair<std::int64_t, std::int64_t>(-25, -21));
  CHECK(columns.span_of(30) == std::pair<std::int64_t, std::int64_t>(30, 34));
}

TEST_CASE("a column of up to four rows comes whole, another by its first, last, low and high") {
  const Series series;
  Downsampling downsampling(series, TimeColumns{0, 99, 10});
  std::uint64_t id = 100;
  for (const std::int64_t time : {3, 1, 2, 0}) feed(downsampling, "a", time, 5, ++id);
  // Equal values: the earliest. Equal times: the lower id.
  feed(downsampling, "a", 15, 7, 20);
  feed(downsampling, "a", 12, 7, 19);
  feed(downsampling, "a", 14, 1, 22);
  feed(downsampling, "a", 14, 1, 21);
  feed(downsampling, "a", 19, 3, 30);
  feed(downsampling, "a", 10, 3, 17);
  feed(downsampling, "a", 10, 4, 18);
  feed(downsampling, "a", 10, 99, 18);  // of the same row
  const auto shown = finished(downsampling);
  REQUIRE(shown.size() == 1);
  CHECK(shown[0].rows == 11);
  CHECK(shown[0].schema == 7);
  const std::vector<std::pair<std::int64_t, double>> wanted{{0, 5},  {1, 5},  {2, 5},  {3, 5},
                                                            {10, 3}, {12, 7}, {14, 1}, {19, 3}};
  CHECK(shown[0].points == wanted);
  CHECK_FALSE(downsampling.more());
}

TEST_CASE("of more series than the limit the first come, whatever comes first") {
  Series series;
  series.limit = 3;
  std::vector<std::string> names{"a", "b", "c", "d", "e", "f", "g"};
  std::mt19937 random(1);
  for (int round = 0; round < 50; ++round) {
    Downsampling downsampling(series, TimeColumns{0, 99, 10});
    for (std::uint64_t id = 1; id <= 20; ++id) {
      std::shuffle(names.begin(), names.end(), random);
      for (const std::string& name : names)
        feed(downsampling, name, static_cast<std::int64_t>(id), static_cast<double>(id), id);
    }
    CHECK(downsampling.more());
    CHECK(downsampling.takes("t"));
    CHECK_FALSE(downsampling.takes("u"));
    const auto shown = finished(downsampling);
    REQUIRE(shown.size() == 3);
    CHECK(shown[0].field == "a");
    CHECK(shown[2].field == "c");
    for (const Shown& one : shown) CHECK(one.rows == 20);
  }
}

TEST_CASE("only the fields that are asked for, and what is inside them, have series") {
  Series series;
  series.fields = {"place", "note.x"};
  Downsampling downsampling(series, TimeColumns{0, 99, 10});
  CHECK(feed(downsampling, "place.lat", 1, 1, 1));
  CHECK(feed(downsampling, "place", 1, 1, 1));
  CHECK(feed(downsampling, "note.x", 1, 1, 1));
  CHECK_FALSE(feed(downsampling, "note", 1, 1, 1));
  CHECK_FALSE(feed(downsampling, "placed", 1, 1, 1));
}

TEST_CASE("more points than an answer holds drop the last series, the same ones in any order") {
  Series series;
  series.limit = Series::limit_max;
  series.columns = Series::columns_max;
  constexpr std::uint64_t per_series = 10'000;  // columns in use: 25 series have all of the room
  std::vector<std::pair<int, std::int64_t>> rows;
  for (int field = 0; field < 40; ++field) {
    for (std::uint64_t i = 0; i < per_series; ++i)
      rows.emplace_back(field, static_cast<std::int64_t>(i) * thousand);
  }
  std::mt19937 random(2);
  for (int round = 0; round < 3; ++round) {
    Downsampling downsampling(series, TimeColumns{0, 10'000 * thousand - 1, thousand});
    std::uint64_t id = 0;
    for (const auto& [field, time] : rows) {
      std::string name = std::to_string(field);
      name.insert(0, 3 - name.size(), '0');
      feed(downsampling, name, time, 1, ++id);
    }
    CHECK(downsampling.more());
    const auto shown = finished(downsampling);
    REQUIRE(shown.size() == Series::points_max / 4 / per_series);
    CHECK(shown.back().field == "024");
    for (const Shown& one : shown) CHECK(one.points.size() == per_series);
    if (round == 0)
      std::reverse(rows.begin(), rows.end());
    else
      std::shuffle(rows.begin(), rows.end(), random);
  }
}
