// SPDX-License-Identifier: Apache-2.0
//
// Stores against the plain meaning of queries. Seeded random rows of several schemas and without
// one go into a store; seeded random queries, latest queries and aggregates are asked of it and of
// all rows held in memory, where conditions are evaluate() and everything else is written to be
// read. Every operator, function, bucket and zone must be hit; most queries must return rows.
//
// TELEMETRY_QUERIES (default 600; in full 100000), TELEMETRY_QUERIES_BESIDE (those beside a writer:
// default 100; in full 2000) and TELEMETRY_SEED change the run.
#include <stdlib.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <deque>
#include <map>
#include <set>

#include "query/beside_writer.hpp"

using namespace telemetry;
using namespace telemetry::test;

namespace {

class Rig : public RandomQuestions {
 public:
  using RandomQuestions::RandomQuestions;

  std::uint64_t asked = 0, with_rows = 0, refused = 0;

  void count(std::size_t found) {
    ++asked;
    if (found > 0) ++with_rows;
  }
  /// True when the store says that the question is wrong, which it may.
  bool is_refused(const Error& error) {
    INFO(error.context);
    REQUIRE(error.code == Errc::invalid_argument);
    ++refused;
    return true;
  }

  void ask_rows() { ask_rows(some_query()); }
  void ask_rows(Query query) {
    if (choice.one_in(6)) query.id_min = choice.of(rows)->row.id;
    Ids wanted;
    for (const auto& held : rows) {
      const bool counts = held->row.id >= query.id_min && is_selected(query, held->row);
      if (counts) wanted.push_back(held->row.id);
    }
    if (query.order == Order::time_descending) std::reverse(wanted.begin(), wanted.end());
    const bool paged = query.limit > 0 && choice.one_in(2);
    if (query.limit > 0 && !paged && wanted.size() > query.limit) wanted.resize(query.limit);
    Ids found;
    for (;;) {
      std::size_t page = 0;
      Cursor cursor;
      const auto done = f.store->query(query, [&](const Row& row) {
        found.push_back(row.id);
        cursor.time = row.time;
        cursor.id = row.id;
        return ++page > 0;
      });
      if (!done && is_refused(done.error())) return;
      cursor.id_max = *done;
      if (!paged || page < query.limit || found.size() > wanted.size()) break;
      query.after = cursor;
    }
    INFO(say(query) << (query.order == Order::time_descending ? " newest" : " oldest") << " limit "
                    << query.limit << (paged ? " paged" : "") << ": " << found.size() << " of "
                    << wanted.size());
    REQUIRE(found == wanted);
    count(found.size());
  }

  void ask_latest() {
    const Latest latest = some_latest();
    std::map<std::string_view, const Row*> newest;
    for (const auto& held : rows) newest[held->row.topic] = &held->row;  // by time and id
    Ids wanted, found;
    for (const auto& [topic, row] : newest) {
      if (is_selected(latest, *row)) wanted.push_back(row->id);
    }
    const auto done = f.store->latest(latest, [&](const Row& row) {
      found.push_back(row.id);
      return true;
    });
    if (!done && is_refused(done.error())) return;
    INFO("latest " << say(latest));
    REQUIRE(found == wanted);
    count(found.size());
  }

  // --- aggregates, the plain way ---

  /// Begin of the bucket, by the C library's zones.
  std::int64_t begin_of(const Bucket& bucket, const TimeZone& zone, std::int64_t ns) {
    const auto floor = [](std::int64_t value, std::int64_t width) {
      return value - ((value % width) + width) % width;
    };
    if (bucket.kind == Bucket::Kind::none) return 0;
    const bool divides = day % std::max<std::int64_t>(bucket.width_ns, 1) == 0;
    if (bucket.kind == Bucket::Kind::fixed && (zone.is_utc() || !divides)) {
      return floor(ns, bucket.width_ns);
    }
    tm local = local_time(zone, floor(ns, second) / second);
    if (bucket.kind == Bucket::Kind::week) local.tm_mday -= (local.tm_wday + 6) % 7;
    if (bucket.kind == Bucket::Kind::month) local.tm_mday = 1;
    const std::int64_t midnight = midnight_of(zone, local);
    if (bucket.kind != Bucket::Kind::fixed) return midnight;
    return midnight + floor(ns - midnight, bucket.width_ns);
  }
  tm local_time(const TimeZone& zone, std::int64_t seconds) {
    static std::string current;
    if (current != zone.name()) {
      current = zone.name();
      setenv("TZ", current.c_str(), 1);
      tzset();
    }
    const auto time = static_cast<time_t>(seconds);
    tm local{};
    localtime_r(&time, &local);
    return local;
  }
  /// The first moment of a day there.
  std::int64_t midnight_of(const TimeZone& zone, tm date) {
    tm utc{};
    utc.tm_year = date.tm_year;
    utc.tm_mon = date.tm_mon;
    utc.tm_mday = date.tm_mday;
    const std::int64_t about = timegm(&utc);
    const auto key = std::pair(std::string(zone.name()), about);
    if (const auto known = midnights_.find(key); known != midnights_.end()) return known->second;
    for (std::int64_t at = about - 15 * 3'600;; at += 900) {
      const tm local = local_time(zone, at);
      if (local.tm_year == utc.tm_year && local.tm_mon == utc.tm_mon &&
          local.tm_mday == utc.tm_mday) {
        return midnights_[key] = at * second;
      }
    }
  }

  static bool less(const core::Value& a, const core::Value& b) {
    if (rank(a) != rank(b)) return rank(a) < rank(b);
    if (rank(a) == 0) return false;
    return rank(a) >= 4 ? a.as_text() < b.as_text() : Number::of(a) < Number::of(b);
  }

  static core::Value calculate(const Measure& measure, std::vector<core::Value> values) {
    std::erase_if(values, [](const core::Value& value) { return rank(value) == 0; });
    if (measure.function == Function::count) {
      return core::Value::integer(static_cast<std::int64_t>(values.size()));
    }
    std::vector<Number> numbers;
    for (const core::Value& value : values) {
      if (rank(value) == 1 || rank(value) == 2) numbers.push_back(Number::of(value));
    }
    if (values.empty()) return {};
    if (measure.function == Function::first) return values.front();
    if (measure.function == Function::last) return values.back();
    if (measure.function == Function::min)
      return *std::min_element(values.begin(), values.end(), less);
    if (measure.function == Function::max)
      return *std::max_element(values.begin(), values.end(), less);
    if (numbers.empty()) return {};
    if (measure.function == Function::percentile) {
      std::sort(numbers.begin(), numbers.end());
      const auto count = static_cast<double>(numbers.size());
      const double place = std::ceil(measure.rank * count / 100);
      return numbers[static_cast<std::size_t>(std::max(place, 1.0)) - 1].value();
    }
    long double sum = 0;
    for (const Number& number : numbers)
      sum += number.is_whole() ? static_cast<long double>(number.whole()) : number.real();
    const auto count = static_cast<long double>(numbers.size());
    if (measure.function == Function::sum) return Number(static_cast<double>(sum)).value();
    if (measure.function == Function::avg) return Number(static_cast<double>(sum / count)).value();
    if (numbers.size() < 2) return {};
    long double squares = 0;
    for (const Number& number : numbers) {
      const long double apart = number.real() - sum / count;
      squares += apart * apart;
    }
    if (squares > 1e307L) return {};  // near the end of doubles, where stores may give up
    return Number(static_cast<double>(std::sqrt(squares / (count - 1)))).value();
  }

  static bool agree(const core::Value& a, const core::Value& b, double largest, bool exact) {
    if (!exact && largest > 1e150 && (rank(a) == 0 || rank(b) == 0)) return true;
    if (rank(a) != rank(b)) return false;
    if (rank(a) == 0) return true;
    if (rank(a) >= 4) return a.as_text() == b.as_text();
    if (exact) return Number::of(a) == Number::of(b);
    const double x = Number::of(a).real(), y = Number::of(b).real();
    return std::abs(x - y) <= 1e-9 * std::max({std::abs(x), std::abs(y), largest}) + 1e-150;
  }

  void ask_aggregate() {
    std::set<std::string> used;
    const Aggregate aggregate = some_aggregate(used);

    std::map<std::pair<std::int64_t, std::string>,
             std::pair<std::vector<core::Value>, std::vector<const Row*>>>
        groups;
    std::deque<std::string> texts;
    const auto value = [&](const Row& row, const std::string& name) {
      const auto text = [](std::string_view view) {
        return view.empty() ? core::Value() : core::Value::text(view);
      };
      if (name == "topic") return text(row.topic);
      if (name == "device") return text(row.device);
      if (name == "schema") return text(row.schema);
      return value_of(row, name, texts.emplace_back());
    };
    for (const auto& held : rows) {
      if (!is_selected(aggregate, held->row)) continue;
      std::string key;
      std::vector<core::Value> by;
      for (const std::string& name : aggregate.by) {
        by.push_back(value(held->row, name));
        key += fmt::format("{} ", rank(by.back()));
        if (rank(by.back()) >= 4)
          key += by.back().as_text();
        else if (rank(by.back()) > 0)
          key += fmt::format("{}", Number::of(by.back()).real());
        key += '\0';
      }
      auto& group = groups[{begin_of(aggregate.bucket, aggregate.zone, held->row.time), key}];
      group.first = by;
      group.second.push_back(&held->row);
    }
    bool only_texts = false;  // of a function that wants numbers
    for (const Measure& measure : aggregate.measures) {
      if (!measure.wants_numbers()) continue;
      bool numbers = false, others = false;
      for (const auto& [key, group] : groups) {
        for (const Row* row : group.second) {
          const int kind = rank(value(*row, measure.field));
          (kind == 1 || kind == 2 ? numbers : others) |= kind != 0;
        }
      }
      only_texts = only_texts || (others && !numbers);
    }
    struct Wanted {
      std::int64_t time;
      std::vector<core::Value> by, values;
      std::vector<double> largest;
    };
    std::vector<Wanted> wanted;
    for (const auto& [key, group] : groups) {
      Wanted& one = wanted.emplace_back();
      one.time = key.first;
      one.by = group.first;
      for (const Measure& measure : aggregate.measures) {
        std::vector<core::Value> values;
        double largest = 0;
        for (const Row* row : group.second) {
          values.push_back(measure.field.empty() ? core::Value::integer(1)
                                                 : value(*row, measure.field));
          if (rank(values.back()) == 1)
            largest = std::max(largest, std::abs(Number::of(values.back()).real()));
        }
        one.values.push_back(calculate(measure, std::move(values)));
        one.largest.push_back(largest);
      }
    }
    if (wanted.empty() && aggregate.by.empty() && aggregate.bucket.kind == Bucket::Kind::none) {
      Wanted& none = wanted.emplace_back();
      none.time = 0;
      for (const Measure& measure : aggregate.measures)
        none.values.push_back(calculate(measure, {}));
      none.largest.resize(aggregate.measures.size());
    }
    std::sort(wanted.begin(), wanted.end(), [&](const Wanted& a, const Wanted& b) {
      if (a.time != b.time) return (aggregate.order == Order::time_ascending) == (a.time < b.time);
      return std::lexicographical_compare(a.by.begin(), a.by.end(), b.by.begin(), b.by.end(), less);
    });
    if (aggregate.limit > 0 && wanted.size() > aggregate.limit) wanted.resize(aggregate.limit);

    std::size_t at = 0;
    std::string asked_for;
    for (const Measure& measure : aggregate.measures) asked_for += measure.name() + " ";
    for (const std::string& name : aggregate.by) asked_for += "by " + name + " ";
    INFO(asked_for << fmt::format("every {}/{} ", static_cast<int>(aggregate.bucket.kind),
                                  aggregate.bucket.width_ns)
                   << say(aggregate));
    const auto done = f.store->aggregate(aggregate, [&](const AggregateRow& row) {
      REQUIRE(at < wanted.size());
      const Wanted& want = wanted[at++];
      INFO("row " << at << " of " << wanted.size());
      REQUIRE(row.time.value_or(0) == want.time);
      for (std::size_t i = 0; i < want.by.size(); ++i) {
        REQUIRE(agree(row.by[i], want.by[i], 0, true));
      }
      for (std::size_t i = 0; i < want.values.size(); ++i) {
        const Function function = aggregate.measures[i].function;
        const bool exact =
            function != Function::avg && function != Function::sum && function != Function::stddev;
        std::string shown;
        append_json_value(row.values[i], shown);
        shown += " for ";
        append_json_value(want.values[i], shown);
        INFO(aggregate.measures[i].name() << " " << shown);
        REQUIRE(agree(row.values[i], want.values[i], want.largest[i], exact));
      }
      return true;
    });
    if (!done && is_refused(done.error())) return;
    REQUIRE_FALSE(only_texts);
    REQUIRE(at == wanted.size());
    for (const std::string& one : used) ++hits[one];
    count(wanted.size());
  }

 private:
  std::map<std::pair<std::string, std::int64_t>, std::int64_t> midnights_;
};

}  // namespace

TEST_CASE("random queries of random rows come to what they mean") {
  const std::uint64_t queries = setting("TELEMETRY_QUERIES", 600);
  const std::uint64_t seed = setting("TELEMETRY_SEED", 20261130);
  Rig rig(seed);
  // Too rare among those of chance: some of the topics, and no device beside a condition on fields.
  Query without_device;
  without_device.topics = {"raw/#", "air"};
  without_device.where = {condition("device is null or temperature > 1000")};
  rig.ask_rows(without_device);
  for (std::uint64_t i = 0; i < queries; ++i) {
    INFO("seed " << seed << " query " << i);
    switch (rig.choice.below(5)) {
      case 0:
        rig.ask_latest();
        break;
      case 1:
      case 2:
        rig.ask_rows();
        break;
      default:
        rig.ask_aggregate();
    }
  }
  std::string table;
  std::uint64_t least = UINT64_MAX;
  for (const auto& [what, count] : rig.hits) {
    table += fmt::format("  {} {}\n", what, count);
    least = std::min(least, count);
  }
  WARN(fmt::format("{} asked, {} with rows, {} refused\n{}", rig.asked, rig.with_rows, rig.refused,
                   table));
  CHECK(rig.with_rows * 10 >= rig.asked * 6);
  CHECK(rig.refused * 4 <= queries);
  CHECK(least * 200 >= queries);  // 500 of 100,000
}

TEST_CASE("random queries come to the same while rows are stored") {
  const std::uint64_t queries = setting("TELEMETRY_QUERIES_BESIDE", 100);
  Rig rig(setting("TELEMETRY_SEED", 20261130));
  const auto begin = std::chrono::steady_clock::now();
  BesideWriter writer(rig);
  for (std::uint64_t i = 0; i < queries; ++i) {
    INFO("query " << i);
    if (rig.choice.one_in(2)) {
      rig.ask_rows();
    } else {
      rig.ask_aggregate();
    }
  }
  const std::uint64_t written = writer.stop();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  WARN(fmt::format("{} asked, {} refused in {:.0f} s beside a writer of {:.0f} rows/s", rig.asked,
                   rig.refused, seconds.count(), static_cast<double>(written) / seconds.count()));
  CHECK(written > 0);
  CHECK(rig.with_rows * 10 >= rig.asked * 6);
}
