// SPDX-License-Identifier: Apache-2.0
//
// Series of a store against the plain meaning: the numbers of all rows held in memory, put into
// columns with 128 bits, each column sorted. TELEMETRY_QUERIES, TELEMETRY_QUERIES_BESIDE and
// TELEMETRY_SEED change the run.
#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "query/beside_writer.hpp"

using namespace telemetry;
using namespace telemetry::test;

namespace {

__extension__ using Wide = __int128;

struct PlainPoint {
  std::int64_t time;
  std::uint64_t id;
  Number value;
};

/// A series as it was shown, or shall be.
struct Drawn {
  std::string topic, device, schema, unit, field;
  std::uint64_t rows = 0;
  std::vector<SeriesPoint> points;
};
struct Drawing {
  std::vector<Drawn> lines;
  SeriesEnd end;
};

Wide column_of(std::int64_t time, std::uint64_t width) {
  const Wide below = Wide{time} % Wide{width};
  return (Wide{time} - (below < 0 ? below + Wide{width} : below)) / Wide{width};
}

std::uint64_t width_of(std::int64_t since, std::int64_t last, std::uint64_t columns) {
  const Wide length = Wide{last} - Wide{since} + 1;
  Wide width = (length + Wide{columns} - 1) / Wide{columns};
  const Wide unit = width >= 1'000'000 ? 1'000'000 : width >= 1'000 ? 1'000 : 1;
  width = (width + unit - 1) / unit * unit;
  return static_cast<std::uint64_t>(width);
}

/// The first, last, lowest and highest of a column with more than four points, the earliest of
/// equal ones.
std::vector<PlainPoint> chosen(std::vector<PlainPoint> column) {
  const auto earlier = [](const PlainPoint& a, const PlainPoint& b) {
    return std::pair(a.time, a.id) < std::pair(b.time, b.id);
  };
  std::sort(column.begin(), column.end(), earlier);
  if (column.size() <= 4) return column;
  std::vector<PlainPoint> by_value = column;
  std::stable_sort(by_value.begin(), by_value.end(),
                   [](const PlainPoint& a, const PlainPoint& b) { return a.value < b.value; });
  const PlainPoint lowest = by_value.front();
  const auto highest = std::find_if(by_value.begin(), by_value.end(), [&](const PlainPoint& one) {
    return one.value == by_value.back().value;
  });
  std::vector<PlainPoint> out{column.front(), lowest, *highest, column.back()};
  std::sort(out.begin(), out.end(), earlier);
  out.erase(std::unique(out.begin(), out.end(),
                        [](const PlainPoint& a, const PlainPoint& b) { return a.id == b.id; }),
            out.end());
  return out;
}

class SeriesRig : public RandomQuestions {
 public:
  using RandomQuestions::RandomQuestions;

  std::uint64_t asked = 0, with_lines = 0, refused = 0, thinned = 0, cut = 0;

  Result<Drawing> draw(const Series& series) {
    Drawing drawing;
    auto end = f.store->series(series, [&](const SeriesLine& line) {
      drawing.lines.push_back({std::string(line.topic),
                               std::string(line.device),
                               std::string(line.schema),
                               std::string(line.unit),
                               std::string(line.field),
                               line.rows,
                               {line.points.begin(), line.points.end()}});
      return true;
    });
    if (!end) return end.error();
    drawing.end = *end;
    return drawing;
  }

  /// The numbers of the selected rows, by topic and field.
  std::map<std::pair<std::string, std::string>, std::vector<PlainPoint>> numbers_of(
      const Series& series) {
    std::map<std::pair<std::string, std::string>, std::vector<PlainPoint>> all;
    for (const auto& held : rows) {
      const Row& row = held->row;
      if (!is_selected(series, row)) continue;
      std::set<std::string, std::less<>> seen;
      for_each_number(row, [&](std::string_view path, const Number& number) {
        const bool wanted =
            series.fields.empty() || std::ranges::any_of(series.fields, [&](const auto& name) {
              return is_field_or_member(path, name);
            });
        if (!wanted || !seen.emplace(path).second) return;
        all[{std::string(row.topic), std::string(path)}].push_back({row.time, row.id, number});
      });
    }
    return all;
  }

  Drawing plain(const Series& series) {
    Drawing drawing;
    std::optional<std::int64_t> since = series.since, last;
    if (series.until) last = *series.until - 1;
    for (const auto& held : rows) {
      if (!is_selected(series, held->row)) continue;
      if (!series.since) since = std::min(since.value_or(INT64_MAX), held->row.time);
      if (!series.until) last = std::max(last.value_or(INT64_MIN), held->row.time);
    }
    if (!since || !last) return drawing;
    const std::uint64_t width = width_of(*since, *last, series.columns);
    drawing.end.columns = TimeColumns{*since, *last, width};
    std::map<std::uint64_t, const Row*> by_id;
    for (const auto& held : rows) by_id[held->row.id] = &held->row;
    for (auto& [key, points] : numbers_of(series)) {
      if (drawing.lines.size() == series.limit) {
        drawing.end.more = true;
        break;
      }
      std::map<Wide, std::vector<PlainPoint>> columns;
      for (const PlainPoint& point : points) columns[column_of(point.time, width)].push_back(point);
      const PlainPoint newest = *std::ranges::max_element(
          points, {}, [](const PlainPoint& one) { return std::pair(one.time, one.id); });
      const Row& row = *by_id.at(newest.id);
      Drawn line{key.first,
                 std::string(row.device),
                 std::string(row.schema),
                 "",
                 key.second,
                 points.size(),
                 {}};
      for (const auto& [number, column] : columns) {
        for (const PlainPoint& point : chosen(column))
          line.points.push_back({point.time, point.value});
      }
      if (line.points.size() < points.size()) ++thinned;
      drawing.lines.push_back(std::move(line));
    }
    return drawing;
  }

  void ask() {
    const Series series = some_series();
    std::string fields;
    for (const std::string& name : series.fields) fields += name + " ";
    INFO("series " << fields << "in " << series.columns << " columns, limit " << series.limit << " "
                   << say(series));
    ++asked;
    const auto drawn = draw(series);
    if (!drawn) {
      INFO(drawn.error().context);
      REQUIRE(drawn.error().code == Errc::invalid_argument);
      ++refused;
      return;
    }
    const Drawing wanted = plain(series);
    REQUIRE(drawn->end.columns.has_value() == wanted.end.columns.has_value());
    if (wanted.end.columns) {
      REQUIRE(drawn->end.columns->since == wanted.end.columns->since);
      REQUIRE(drawn->end.columns->last == wanted.end.columns->last);
      REQUIRE(drawn->end.columns->width_ns == wanted.end.columns->width_ns);
    }
    REQUIRE(drawn->lines.size() == wanted.lines.size());
    for (std::size_t i = 0; i < wanted.lines.size(); ++i) compare(drawn->lines[i], wanted.lines[i]);
    REQUIRE(drawn->end.more == wanted.end.more);
    if (!wanted.lines.empty()) ++with_lines;
    if (wanted.end.more) ++cut;
  }

  static void compare(const Drawn& found, const Drawn& wanted) {
    INFO(wanted.topic << " " << wanted.field);
    REQUIRE(found.topic == wanted.topic);
    REQUIRE(found.field == wanted.field);
    REQUIRE(found.device == wanted.device);
    REQUIRE(found.schema == wanted.schema);
    REQUIRE(found.rows == wanted.rows);
    REQUIRE(found.points.size() == wanted.points.size());
    for (std::size_t i = 0; i < wanted.points.size(); ++i) {
      INFO("point " << i);
      REQUIRE(found.points[i].time == wanted.points[i].time);
      REQUIRE(found.points[i].value == wanted.points[i].value);
    }
  }
};

/// Points of the columns that are whole in both ranges.
std::vector<SeriesPoint> within(const Drawn& line, std::int64_t first, std::int64_t end) {
  std::vector<SeriesPoint> out;
  for (const SeriesPoint& point : line.points) {
    if (point.time >= first && point.time < end) out.push_back(point);
  }
  return out;
}

}  // namespace

TEST_CASE("random series of random rows come to what they mean") {
  const std::uint64_t queries = setting("TELEMETRY_QUERIES", 600) / 2;
  const std::uint64_t seed = setting("TELEMETRY_SEED", 20261130);
  SeriesRig rig(seed);
  for (std::uint64_t i = 0; i < queries; ++i) {
    INFO("seed " << seed << " series " << i);
    rig.ask();
  }
  WARN(fmt::format("{} asked, {} with series, {} refused, {} cut by the limit, {} series thinned",
                   rig.asked, rig.with_lines, rig.refused, rig.cut, rig.thinned));
  CHECK(rig.with_lines * 10 >= rig.asked * 5);
  CHECK(rig.refused * 4 <= rig.asked);
  CHECK(rig.cut * 20 >= rig.asked);
  CHECK(rig.thinned >= rig.asked);
}

TEST_CASE("random series come to the same while rows are stored") {
  const std::uint64_t queries = setting("TELEMETRY_QUERIES_BESIDE", 100) / 2;
  SeriesRig rig(setting("TELEMETRY_SEED", 20261130));
  BesideWriter writer(rig);
  for (std::uint64_t i = 0; i < queries; ++i) {
    INFO("series " << i);
    rig.ask();
  }
  CHECK(writer.stop() > 0);
  CHECK(rig.with_lines * 10 >= rig.asked * 5);
}

TEST_CASE("a range that moves by columns leaves the columns that it keeps as they are") {
  SeriesRig rig(setting("TELEMETRY_SEED", 20261130));
  const std::int64_t begin = rig.rows.front()->row.time, end = rig.rows.back()->row.time;
  std::uint64_t compared = 0;
  for (int i = 0; i < 60; ++i) {
    Series series;
    series.topics = {rig.choice.one_in(2) ? "air/d1/y" : "raw/#"};
    series.limit = Series::limit_max;
    series.columns = static_cast<std::uint64_t>(5 + rig.choice.below(200));
    series.since = begin + rig.choice.below(end - begin);
    series.until = *series.since + second + rig.choice.below(6 * day);
    const auto before = rig.draw(series);
    require(before);
    const auto width = static_cast<std::int64_t>(before->end.columns->width_ns);
    // As a page does, in milliseconds.
    if (*series.until - *series.since >= 1'000'000 * static_cast<std::int64_t>(series.columns))
      REQUIRE(width % 1'000'000 == 0);
    const std::int64_t by = width * (1 + rig.choice.below(4)) * (rig.choice.one_in(2) ? 1 : -1);
    series.since = *series.since + by;
    series.until = *series.until + by;
    const auto after = rig.draw(series);
    require(after);
    REQUIRE(after->end.columns->width_ns == before->end.columns->width_ns);
    REQUIRE_FALSE((before->end.more || after->end.more));
    // From the first whole column of the later range to the last of the earlier one.
    const std::int64_t low = std::max(*series.since, *series.since - by);
    const std::int64_t high = std::min(*series.until, *series.until - by);
    const std::int64_t first = low + (width - low % width) % width;
    const std::int64_t last = high - high % width;
    for (const Drawn& line : before->lines) {
      const auto same = std::ranges::find_if(after->lines, [&](const Drawn& one) {
        return one.topic == line.topic && one.field == line.field;
      });
      const auto kept = within(line, first, last);
      if (kept.empty()) continue;
      INFO(line.topic << " " << line.field);
      REQUIRE(same != after->lines.end());
      const auto now = within(*same, first, last);
      REQUIRE(now.size() == kept.size());
      for (std::size_t p = 0; p < kept.size(); ++p) {
        REQUIRE(now[p].time == kept[p].time);
        REQUIRE(now[p].value == kept[p].value);
      }
      compared += kept.size();
    }
  }
  CHECK(compared > 1'000);
}

TEST_CASE("the lowest and highest of all rows are in a series, and its first and last") {
  SeriesRig rig(setting("TELEMETRY_SEED", 20261130));
  for (const std::uint64_t columns : {1U, 9U, 400U}) {
    Series series;
    series.columns = columns;
    series.limit = Series::limit_max;
    const auto drawn = rig.draw(series);
    require(drawn);
    const auto all = rig.numbers_of(series);
    for (const Drawn& line : drawn->lines) {
      const auto& points = all.at({line.topic, line.field});
      const auto value = [](const auto& one) { return one.value; };
      const auto less = [](const Number& a, const Number& b) { return a < b; };
      CHECK(std::ranges::min_element(line.points, less, value)->value ==
            std::ranges::min_element(points, less, value)->value);
      CHECK(std::ranges::max_element(line.points, less, value)->value ==
            std::ranges::max_element(points, less, value)->value);
      CHECK(line.points.front().time == points.front().time);
      CHECK(line.points.back().time == points.back().time);
      CHECK(line.points.size() <= 4 * (columns + 1));
    }
  }
}

namespace {

constexpr std::uint64_t many = 50'000;
constexpr std::uint64_t rare = 18'000;  // behind the first block of the first table
std::int64_t time_of(std::uint64_t id) {
  return 1'792'800'000 * second + static_cast<std::int64_t>(id) * 100'000'000;
}

/// Rows of one topic in three tables of several blocks, each 50th of another, one of a third.
void fill(SqliteFixture& f, Choice& choice) {
  f.options.partition_rows = 20'000;
  f.open();
  const auto meter = parse_schema(meter_schema);
  for (std::uint64_t id = 0; id < many;) {
    BatchBuilder builder(id);
    for (int i = 0; i < 5'000; ++i) {
      ++id;
      const char* const topic = id == rare     ? "meter/rare"
                                : id % 50 == 0 ? "meter/other"
                                               : "meter/d1";
      Reading& reading =
          builder.add(topic, meter, fmt::format(R"({{"power":{}.5}})", choice.below(40)));
      reading.time = time_of(id);
      reading.flags |= core::frame_flag::time_from_device;
    }
    f.clock.advance(600 * second);
    f.write(builder.done());
  }
}

}  // namespace

TEST_CASE("rows are found in the blocks that have them, and in no others") {
  SqliteFixture f;
  Choice choice(1);
  fill(f, choice);
  const auto rows_of = [&](const Series& series) {
    std::uint64_t rows = 0;
    const auto end = f.store->series(series, [&](const SeriesLine& line) {
      rows += line.rows;
      return true;
    });
    require(end);
    return std::pair(rows, end->columns);
  };
  Series series;
  series.topics = {"meter/rare"};
  auto [rows, columns] = rows_of(series);
  CHECK(rows == 1);
  REQUIRE(columns);
  CHECK(columns->since == time_of(rare));
  CHECK(columns->last == time_of(rare));
  series.topics = {"meter/other"};
  std::tie(rows, columns) = rows_of(series);
  CHECK(rows == many / 50 - 1);
  CHECK(columns->since == time_of(50));
  CHECK(columns->last == time_of(many));
  series.topics = {"#"};
  std::tie(rows, columns) = rows_of(series);
  CHECK(rows == many);
  CHECK(columns->since == time_of(1));
  for (int i = 0; i < 50; ++i) {
    const auto first = 1 + static_cast<std::uint64_t>(choice.below(many - 1));
    const auto count = 1 + static_cast<std::uint64_t>(choice.below(30'000));
    const std::uint64_t end = std::min(first + count, many + 1);
    series.topics = {choice.one_in(2) ? "meter/#" : "#"};
    series.since = time_of(first);
    series.until = time_of(end);
    CHECK(rows_of(series).first == end - first);
    series.topics = {"meter/other"};
    CHECK(rows_of(series).first ==
          (end - 1) / 50 - (first - 1) / 50 - (first <= rare && rare < end ? 1 : 0));
  }
}

TEST_CASE("a spike of one row is seen wherever it is") {
  SqliteFixture f;
  Choice choice(setting("TELEMETRY_SEED", 20261130));
  fill(f, choice);
  Series series;
  series.topics = {"meter/d1"};
  series.fields = {"power"};
  series.columns = 100;
  int seen = 0;
  for (int i = 0; i < 100; ++i) {
    std::uint64_t id = 1 + static_cast<std::uint64_t>(choice.below(many - 1));
    if (id % 50 == 0) ++id;  // of another topic
    const bool down = choice.one_in(2);
    const auto set = [&](const std::string& value) {
      for (const char* table : {"meter_v2_p1", "meter_v2_p2", "meter_v2_p3"})
        f.run_sql(fmt::format("UPDATE {} SET power={} WHERE id={}", table, value, id));
    };
    set(down ? "-1000" : "1000");
    std::size_t points = 0;
    require(f.store->series(series, [&](const SeriesLine& line) {
      points += line.points.size();
      seen += static_cast<int>(std::ranges::count_if(line.points, [&](const SeriesPoint& point) {
        return point.value.real() == (down ? -1000 : 1000) && point.time == time_of(id);
      }));
      return true;
    }));
    CHECK(points <= 404);
    set("20.5");
  }
  CHECK(seen == 100);
}

TEST_CASE("a schema with more fields than a function of SQLite takes has a series of each") {
  std::string document =
      "name: wide\nversion: \"1.0\"\ntopic_pattern: wide/{device}\nfields:\n"
      "  - {name: note, type: any}\n";
  std::string payload = R"({"note":{"x":-1})";
  for (int i = 0; i < 120; ++i) {
    const char* const unit = i == 93 ? ", unit: bar" : "";
    document += fmt::format("  - {{name: f{:03}, type: float{}}}\n", i, unit);
    payload += fmt::format(R"(,"f{:03}":{}.5)", i, i);
  }
  SqliteFixture f;
  f.open();
  const auto wide = parse_schema(document.c_str());
  BatchBuilder builder(0);
  for (const char* const topic : {"wide/a", "wide/b"}) builder.add(topic, wide, payload + "}");
  f.write(builder.done());
  for (const std::size_t topics : {1U, 2U}) {
    Series series;
    series.limit = Series::limit_max;
    series.topics = {"wide/a"};
    if (topics == 2) series.topics.emplace_back("wide/b");
    std::size_t found = 0;
    const auto end = f.store->series(series, [&](const SeriesLine& line) {
      const std::size_t number = found++ % 121;
      REQUIRE(line.points.size() == 1);
      if (number < 120) {
        CHECK(line.field == fmt::format("f{:03}", number));
        CHECK(line.points[0].value.real() == static_cast<double>(number) + 0.5);
      } else {
        CHECK(line.field == "note.x");
        CHECK(line.points[0].value.real() == -1);
      }
      CHECK(line.unit == (number == 93 ? "bar" : ""));
      return true;
    });
    require(end);
    CHECK(found == (topics == 1 ? 121 : 200));
    CHECK(end->more == (topics == 2));
  }
}
