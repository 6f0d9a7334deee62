// SPDX-License-Identifier: Apache-2.0
#include "telemetry/aggregation.hpp"

#include "catch.hpp"

#include "telemetry/export.hpp"

using namespace telemetry;

namespace {

constexpr std::int64_t second = 1'000'000'000;

Sample number(double real) { return {Sample::Kind::number, Number(real), {}}; }
Sample whole(std::int64_t count) { return {Sample::Kind::number, Number(count), {}}; }
Sample text(std::string_view value) { return {Sample::Kind::text, Number(std::int64_t{0}), value}; }

/// Aggregates rows of one field, `x`; each as "TIME KEY: VALUES".
class Sum {
 public:
  explicit Sum(const std::string& functions, const char* every = nullptr) {
    aggregate.measures = *parse_measures(functions);
    if (every != nullptr) aggregate.bucket = *parse_bucket(every);
  }
  void add(std::int64_t seconds, const Sample& sample, std::string_view key = {}) {
    if (all == nullptr) all = std::make_unique<Aggregation>(aggregate);
    const Sample by = text(key);
    const bool grouped = !aggregate.by.empty();
    const std::size_t group = all->group({&by, grouped ? std::size_t{1} : std::size_t{0}});
    std::vector<Sample> samples(all->fields().size(), sample);
    (void)all->add(group, seconds * second, ++id, samples);
  }
  std::vector<std::string> rows() {
    if (all == nullptr) all = std::make_unique<Aggregation>(aggregate);
    std::vector<std::string> result;
    const auto done = all->finish([&](const AggregateRow& row) {
      std::string line;
      if (row.time) line += std::to_string(*row.time / second) + " ";
      for (const core::Value& key : row.by) line += std::string(key.as_text()) + ": ";
      for (const core::Value& value : row.values) {
        append_json_value(value, line);
        line += ' ';
      }
      line.pop_back();
      result.push_back(line);
      return true;
    });
    REQUIRE(done);
    return result;
  }
  Aggregate aggregate;
  std::unique_ptr<Aggregation> all;
  std::uint64_t id = 0;
};
using Rows = std::vector<std::string>;

}  // namespace

TEST_CASE("each function sees what it counts") {
  Sum sum(
      "count(),count(x),avg(x),min(x),max(x),sum(x),stddev(x),first(x),last(x),median(x),p100(x)");
  sum.add(2, number(2.5));
  sum.add(1, whole(4));
  sum.add(3, {});
  sum.add(4, whole(1));
  CHECK(sum.rows() == Rows{"4 3 2.5 1 4 7.5 1.5 4 1 2.5 4"});
  Sum texts("count(x),min(x),max(x),last(x)");
  texts.add(1, text("b"));
  texts.add(2, text("a"));
  CHECK(texts.rows() == Rows{R"(2 "a" "b" "a")"});
  Sum mean("avg(x)");
  mean.add(1, text("b"));
  CHECK_THAT(mean.all->finish([](const AggregateRow&) { return true; }).error().context,
             Catch::Contains("avg(x): no value of 'x' is a number"));
  mean.add(2, whole(3));
  CHECK(mean.rows() == Rows{"3"});
  Sum nothing("count(),count(x),avg(x)");
  CHECK(nothing.rows() == Rows{"0 0 null"});
}

TEST_CASE("sums are whole while they can be, and lose nothing small beside something large") {
  Sum wholes("sum(x)");
  wholes.add(1, whole(INT64_MAX - 1));
  wholes.add(2, whole(1));
  CHECK(wholes.rows() == Rows{"9223372036854775807"});
  wholes.add(3, whole(1));
  CHECK(wholes.rows() == Rows{"9223372036854776000"});
  Sum reals("sum(x),avg(x)");
  reals.add(1, number(1e16));
  for (int i = 0; i < 8; ++i) reals.add(2, number(0.125));
  reals.add(3, number(-1e16));
  CHECK(reals.rows() == Rows{"1 0.1"});
}

TEST_CASE("percentiles are values that occurred, also among many") {
  Sum sum("p0(x),p1(x),p50(x),p99(x),p100(x)");
  for (int i = 10'000; i >= 1; --i) sum.add(i, whole(i % 1000));
  CHECK(sum.rows() == Rows{"0 9 499 989 999"});
}

TEST_CASE("the rank of a percentile that is whole is not rounded up") {
  Sum sum("p7(x),p14(x),p28(x),p99.9(x)");  // 7 / 100 * 100 is above 7 in doubles
  for (int i = 1; i <= 100; ++i) sum.add(i, whole(i));
  CHECK(sum.rows() == Rows{"7 14 28 100"});
}

TEST_CASE("buckets without rows are filled as wanted") {
  const auto filled = [](Fill fill, bool bounded = false) {
    Sum sum("avg(x),count(),last(x)", "10s");
    sum.aggregate.fill = fill;
    if (bounded) {
      sum.aggregate.since = 95 * second;
      sum.aggregate.until = 140 * second;
    }
    sum.add(101, number(1));
    sum.add(125, number(7));
    return sum.rows();
  };
  CHECK(filled(Fill::none) == Rows{"100 1 1 1", "120 7 1 7"});
  CHECK(filled(Fill::null) == Rows{"100 1 1 1", "110 null 0 null", "120 7 1 7"});
  CHECK(filled(Fill::previous) == Rows{"100 1 1 1", "110 1 0 1", "120 7 1 7"});
  CHECK(filled(Fill::linear) == Rows{"100 1 1 1", "110 4 0 4", "120 7 1 7"});
  CHECK(filled(Fill::previous, true) ==
        Rows{"90 null 0 null", "100 1 1 1", "110 1 0 1", "120 7 1 7", "130 7 0 7"});
  CHECK(filled(Fill::linear, true).back() == "130 null 0 null");
}

TEST_CASE("rows come by time, then by key; limits count rows") {
  const auto ordered = [](Order order, std::uint64_t limit) {
    Sum sum("sum(x)", "10s");
    sum.aggregate.by = {"key"};
    sum.aggregate.order = order;
    sum.aggregate.limit = limit;
    sum.add(15, whole(1), "b");
    sum.add(5, whole(2), "b");
    sum.add(15, whole(3), "a");
    sum.add(16, whole(4), "a");
    return sum.rows();
  };
  CHECK(ordered(Order::time_ascending, 0) == Rows{"0 b: 2", "10 a: 7", "10 b: 1"});
  CHECK(ordered(Order::time_descending, 0) == Rows{"10 a: 7", "10 b: 1", "0 b: 2"});
  CHECK(ordered(Order::time_ascending, 2) == Rows{"0 b: 2", "10 a: 7"});
}

TEST_CASE("memory and buckets are bounded, with what to ask instead") {
  Sum sum("p50(x)");
  bool more = true;
  std::int64_t rows = 0;
  sum.add(0, whole(0));
  const std::size_t group = sum.all->group({});
  while (more && rows < 20'000'000) {
    const Sample sample = whole(++rows);
    more = sum.all->add(group, 0, static_cast<std::uint64_t>(rows), {&sample, 1});
  }
  CHECK_FALSE(more);
  CHECK(rows > 1'000'000);
  const auto done = sum.all->finish([](const AggregateRow&) { return true; });
  REQUIRE_FALSE(done);
  CHECK(done.error().code == Errc::resource_exhausted);
  Sum narrow("count()", "1s");
  narrow.add(0, whole(0));
  CHECK(narrow.all->expect(0, 999'999 * second));
  CHECK_THAT(narrow.all->expect(0, 1'000'000 * second).error().context,
             Catch::Contains("1000001 buckets; at most 1000000"));
}
