// SPDX-License-Identifier: Apache-2.0
#include "catch.hpp"

#include <thread>

#include "telemetry/consumer.hpp"

using namespace telemetry;

namespace {

BatchPtr batch(std::uint64_t after, std::uint64_t last, std::size_t bytes = 10) {
  auto made = std::make_shared<Batch>();
  made->arena = Arena(bytes);
  (void)made->arena.allocate(bytes);
  made->after = after;
  made->last = last;
  return made;
}

}  // namespace

TEST_CASE("a feed finds the batch that holds what follows a sequence") {
  Feed feed(1 << 20);
  const std::size_t reader = feed.join();
  CHECK(feed.after(reader, 0) == nullptr);
  CHECK(feed.last() == 0);
  feed.publish(batch(10, 20));
  feed.publish(batch(20, 21));
  feed.publish(batch(21, 40));
  CHECK(feed.last() == 40);
  CHECK(feed.after(reader, 9) == nullptr);
  CHECK(feed.after(reader, 10)->last == 20);
  CHECK(feed.after(reader, 15)->last == 20);
  CHECK(feed.after(reader, 20)->last == 21);
  CHECK(feed.after(reader, 21)->last == 40);
  CHECK(feed.after(reader, 40) == nullptr);
}

TEST_CASE("a feed lets go of what all readers have taken, not before") {
  Feed feed(1 << 20);
  const std::size_t fast = feed.join();
  const std::size_t slow = feed.join();
  const auto first = batch(0, 10);
  feed.publish(first);
  feed.publish(batch(10, 20));
  CHECK(feed.after(fast, 20) == nullptr);
  CHECK(feed.after(slow, 5) == first);
  CHECK(first.use_count() == 2);
  CHECK(feed.after(slow, 10)->last == 20);
  CHECK(first.use_count() == 1);
  CHECK(feed.after(slow, 20) == nullptr);
  feed.publish(batch(20, 30));
  CHECK(feed.after(fast, 20)->last == 30);
  CHECK(feed.last() == 30);
}

TEST_CASE("a feed holds no more memory than it may, also for batches that use little of theirs") {
  Feed feed(100'000);
  const std::size_t reader = feed.join();
  for (std::uint64_t i = 0; i < 100; ++i) {
    auto large = std::make_shared<Batch>();
    large->arena = Arena(20'000);
    (void)large->arena.allocate(1);
    large->after = i;
    large->last = i + 1;
    feed.publish(large);
  }
  CHECK(feed.after(reader, 90) == nullptr);
  CHECK(feed.after(reader, 96) != nullptr);
  CHECK(feed.after(reader, 99) != nullptr);
}

TEST_CASE("a waiting consumer is woken by news and by stop") {
  Feed feed(1 << 20);
  std::stop_source stop;
  SECTION("news") {
    const std::jthread publisher([&] { feed.publish(batch(0, 5)); });
    feed.wait(4, 60'000'000'000, stop.get_token());
    CHECK(feed.last() == 5);
  }
  SECTION("enough news") {
    const std::jthread publisher([&] {
      for (std::uint64_t i = 0; i < 10; ++i) feed.publish(batch(i, i + 1));
    });
    feed.wait(7, 60'000'000'000, stop.get_token());
    CHECK(feed.last() >= 8);
  }
  SECTION("stop") {
    const std::jthread stopper([&] { stop.request_stop(); });
    feed.wait(4, 60'000'000'000, stop.get_token());
    CHECK(stop.stop_requested());
  }
  SECTION("time") { feed.wait(4, 1'000'000, stop.get_token()); }
}
