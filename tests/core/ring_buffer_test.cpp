// SPDX-License-Identifier: Apache-2.0
#include "telemetry/core/ring_buffer.hpp"

#include <catch2/catch.hpp>
#include <deque>
#include <random>
#include <string>
#include <thread>
#include <vector>

using namespace telemetry::core;

namespace {

std::span<const std::uint8_t> bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// The oldest record, or "-" when there is none.
std::string pop(ByteRing& ring) {
  std::vector<std::uint8_t> out(ring.capacity());
  std::size_t size = 0;
  if (!ring.pop(out, size)) return "-";
  return {reinterpret_cast<const char*>(out.data()), size};
}

}  // namespace

TEST_CASE("records come out whole and in order") {
  std::vector<std::uint8_t> storage(64);
  ByteRing ring(storage);
  CHECK(ring.empty());
  CHECK(ring.push(bytes("topic"), bytes("payload")));
  CHECK(ring.push({}));
  CHECK(ring.push(bytes("x")));
  CHECK_FALSE(ring.empty());
  CHECK(ring.bytes_used() == 16 + 4 + 8);
  CHECK(pop(ring) == "topicpayload");
  CHECK(pop(ring) == "");
  CHECK(pop(ring) == "x");
  CHECK(pop(ring) == "-");
  CHECK(ring.empty());
  CHECK(ring.dropped() == 0);
}

TEST_CASE("a record that does not fit is refused and counted, and changes nothing") {
  std::vector<std::uint8_t> storage(64);
  ByteRing ring(storage);
  CHECK(ring.push(bytes(std::string(40, 'a'))));
  CHECK_FALSE(ring.push(bytes(std::string(20, 'b'))));
  CHECK(ring.push(bytes(std::string(16, 'c'))));
  CHECK_FALSE(ring.push({}));
  CHECK(ring.dropped() == 2);
  CHECK(pop(ring) == std::string(40, 'a'));
  CHECK(pop(ring) == std::string(16, 'c'));
}

TEST_CASE("a record of capacity minus 4 bytes fits, a larger one never does") {
  std::vector<std::uint8_t> storage(64);
  for (const RingPolicy policy : {RingPolicy::reject, RingPolicy::drop_oldest}) {
    ByteRing ring(storage, policy);
    CHECK(ring.push(bytes(std::string(60, 'a'))));
    CHECK(pop(ring) == std::string(60, 'a'));
    CHECK_FALSE(ring.push(bytes(std::string(61, 'a'))));
    CHECK(ring.empty());
  }
}

TEST_CASE("with drop_oldest the newest records are kept and the lost ones counted") {
  std::vector<std::uint8_t> storage(64);
  ByteRing ring(storage, RingPolicy::drop_oldest);
  for (char c = 'a'; c <= 'j'; ++c) CHECK(ring.push(bytes(std::string(12, c))));
  CHECK(ring.dropped() == 6);
  CHECK(pop(ring) == std::string(12, 'g'));
  CHECK(pop(ring) == std::string(12, 'h'));
  CHECK(ring.push(bytes(std::string(60, 'z'))));
  CHECK(ring.dropped() == 8);
  CHECK(pop(ring) == std::string(60, 'z'));
  CHECK(pop(ring) == "-");
}

TEST_CASE("a record stays when the reader's buffer is too small") {
  std::vector<std::uint8_t> storage(64);
  ByteRing ring(storage);
  REQUIRE(ring.push(bytes("payload")));
  std::vector<std::uint8_t> small(6);
  std::size_t size = 0;
  CHECK_FALSE(ring.pop(small, size));
  CHECK(size == 7);
  CHECK(pop(ring) == "payload");
}

TEST_CASE("storage is used up to a power of two, and none is refused") {
  std::vector<std::uint8_t> storage(100);
  CHECK(ByteRing(storage).capacity() == 64);
  ByteRing tiny({storage.data(), 63});
  CHECK(tiny.capacity() == 0);
  CHECK_FALSE(tiny.push({}));
  CHECK_FALSE(tiny.push(bytes("x")));
  CHECK(tiny.empty());
}

TEST_CASE("the ring behaves as a queue of strings, whatever is pushed and popped") {
  std::mt19937 random(5);
  std::vector<std::uint8_t> storage(256);
  ByteRing ring(storage);
  std::deque<std::string> model;
  std::size_t refused = 0;
  for (int i = 0; i < 50'000; ++i) {
    if (random() % 2 == 0) {
      const std::string head(random() % 40, static_cast<char>('a' + random() % 26));
      const std::string tail(random() % 40, static_cast<char>('a' + random() % 26));
      std::size_t used = 0;
      for (const std::string& record : model) used += 4 + (record.size() + 3) / 4 * 4;
      const bool fits = used + 4 + (head.size() + tail.size() + 3) / 4 * 4 <= ring.capacity();
      REQUIRE(ring.push(bytes(head), bytes(tail)) == fits);
      if (fits) model.push_back(head + tail);
      refused += fits ? 0u : 1u;
    } else {
      REQUIRE(pop(ring) == (model.empty() ? "-" : model.front()));
      if (!model.empty()) model.pop_front();
    }
  }
  CHECK(refused > 0);
  CHECK(ring.dropped() == refused);
}

TEST_CASE("one producer and one consumer thread lose and tear nothing") {
  constexpr std::uint32_t count = 100'000;
  std::vector<std::uint8_t> storage(1024);
  ByteRing ring(storage);
  std::thread producer([&ring] {
    for (std::uint32_t i = 0; i < count;) {
      // Number i, then as many bytes of it as its low digits say.
      std::uint8_t head[4];
      std::memcpy(head, &i, 4);
      const std::vector<std::uint8_t> tail(i % 61, static_cast<std::uint8_t>(i));
      if (ring.push(head, tail)) {
        ++i;
      } else {
        std::this_thread::yield();
      }
    }
  });
  std::uint32_t wrong = 0;
  for (std::uint32_t expected = 0; expected < count;) {
    std::uint8_t out[128];
    std::size_t size = 0;
    if (!ring.pop(out, size)) {
      std::this_thread::yield();
      continue;
    }
    std::uint32_t number = 0;
    std::memcpy(&number, out, 4);
    bool good = number == expected && size == 4 + expected % 61;
    for (std::size_t i = 4; i < size; ++i)
      good = good && out[i] == static_cast<std::uint8_t>(number);
    wrong += good ? 0u : 1u;
    ++expected;
  }
  producer.join();
  CHECK(wrong == 0);
  CHECK(ring.empty());
}
