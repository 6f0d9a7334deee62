// SPDX-License-Identifier: Apache-2.0
#include "ingest/topic_cache.hpp"

#include "catch.hpp"

using namespace telemetry;

TEST_CASE("a cache of topics is bounded in topics") {
  TopicCache cache(100);
  for (int i = 0; i < 1'000; ++i) {
    REQUIRE(cache.find("t/" + std::to_string(i), nullptr) != nullptr);
    CHECK(cache.bytes() <= 100 * 6);
  }
}

TEST_CASE("a cache of topics is bounded in bytes, too") {
  TopicCache cache(1'000);
  for (int i = 0; i < 100; ++i) {
    const std::string topic = std::to_string(i) + std::string(60'000, 'x');
    const KnownTopic* known = cache.find(topic, nullptr);
    REQUIRE(known != nullptr);
    CHECK(known->topic == topic);
    CHECK(cache.bytes() < 1'000 * 256 + 65'536);
  }
}
