// SPDX-License-Identifier: Apache-2.0
#include "telemetry/metrics.hpp"

#include <thread>
#include <vector>

#include "catch.hpp"

using namespace telemetry;

TEST_CASE("a duration is counted in the bucket of the nearest bound that is not below it") {
  for (const auto& [ns, bucket] :
       std::vector<std::pair<std::int64_t, std::size_t>>{{-5, 0},
                                                         {0, 0},
                                                         {1, 0},
                                                         {50'000, 0},
                                                         {50'001, 1},
                                                         {100'000, 1},
                                                         {100'001, 2},
                                                         {200'000, 2},
                                                         {200'001, 3},
                                                         {26'214'400'000, 19},
                                                         {26'214'400'001, 20},
                                                         {INT64_MAX / 2, 20}}) {
    Histogram histogram;
    histogram.observe(ns);
    CAPTURE(ns);
    CHECK(histogram.counts().of[bucket] == 1);
    CHECK(histogram.counts().all() == 1);
  }
}

TEST_CASE("a quantile is the bound below which that part of the durations lies") {
  Histogram histogram;
  CHECK(histogram.counts().quantile_ns(0.5) == 0);
  for (int i = 0; i < 90; ++i) histogram.observe(60'000);
  for (int i = 0; i < 10; ++i) histogram.observe(3'000'000);
  CHECK(histogram.counts().quantile_ns(0.5) == 100'000);
  CHECK(histogram.counts().quantile_ns(0.9) == 100'000);
  CHECK(histogram.counts().quantile_ns(0.99) == 3'200'000);
  CHECK(histogram.counts().sum_ns == 90 * 60'000 + 10 * 3'000'000);
}

TEST_CASE("durations of many threads are all counted") {
  Histogram histogram;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < 10'000; ++n) histogram.observe(n * 1'000);
      });
    }
  }
  CHECK(histogram.counts().all() == 40'000);
  CHECK(histogram.counts().sum_ns == 4 * 1'000ll * 9'999 * 10'000 / 2);
}

TEST_CASE("the exposition has one head a family, labels, and cumulative buckets") {
  Histogram histogram;
  histogram.observe(40'000);
  histogram.observe(90'000);
  Exposition text;
  text.add("t_up", MetricType::gauge, "1 while it runs", {}, 1);
  text.add("t_rows_total", MetricType::counter, "Rows", Exposition::label("store", "a\"b\\c\nd"),
           12);
  text.add("t_rows_total", MetricType::counter, "Rows", Exposition::label("store", "x"), 1e300);
  text.add("t_seconds", "Time", "store=\"x\"", histogram.counts());
  const std::string& seen = text.text();
  CHECK_THAT(seen, Catch::StartsWith("# HELP t_up 1 while it runs.\n# TYPE t_up gauge\nt_up 1\n"
                                     "# HELP t_rows_total Rows.\n# TYPE t_rows_total counter\n"
                                     "t_rows_total{store=\"a\\\"b\\\\c\\nd\"} 12\n"
                                     "t_rows_total{store=\"x\"} 1e+300\n"));
  CHECK_THAT(seen, Catch::Contains("# TYPE t_seconds histogram\n"
                                   "t_seconds_bucket{store=\"x\",le=\"5e-05\"} 1\n"
                                   "t_seconds_bucket{store=\"x\",le=\"0.0001\"} 2\n"));
  CHECK_THAT(seen, Catch::EndsWith("t_seconds_bucket{store=\"x\",le=\"+Inf\"} 2\n"
                                   "t_seconds_sum{store=\"x\"} 0.00013\n"
                                   "t_seconds_count{store=\"x\"} 2\n"));
}
