// SPDX-License-Identifier: Apache-2.0
#include "telemetry/core/ring_buffer.hpp"

#include <deque>
#include <random>
#include <string>
#include <thread>
#include <vector>
#include "catch.hpp"

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

/// The record at `at`, which moves on, or "-" when there is none.
std::string read(const ByteRing& ring, std::uint32_t& at) {
  std::vector<std::uint8_t> out(ring.capacity());
  std::size_t size = 0;
  if (!ring.read(at, out, size)) return "-";
  return {reinterpret_cast<const char*>(out.data()), size};
}

}  // namespace

TEST_CASE("records come out whole and in order") {
  std::vector<std::uint8_t> storage(64);
  ByteRing ring(storage);
  CHECK(ring.empty());
  CHECK(ring.push(bytes("to"), bytes("pic"), bytes("payload")));
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

TEST_CASE("records that were read stay until they are released") {
  std::vector<std::uint8_t> storage(64);
  ByteRing ring(storage);
  for (const char* text : {"one", "two", ""}) REQUIRE(ring.push(bytes(text)));
  std::uint32_t at = ring.begin();
  CHECK(read(ring, at) == "one");
  const std::uint32_t second = at;
  CHECK(read(ring, at) == "two");
  CHECK(read(ring, at) == "");
  CHECK(read(ring, at) == "-");
  CHECK(ring.holds(at));
  CHECK(ring.bytes_used() == 8 + 8 + 4);

  ring.release(second);
  CHECK(ring.begin() == second);
  CHECK(ring.bytes_used() == 8 + 4);
  std::uint32_t again = ring.begin();
  CHECK(read(ring, again) == "two");
  CHECK(pop(ring) == "two");
  ring.release(at);
  CHECK(ring.empty());
  CHECK(ring.holds(at));
}

TEST_CASE("reading into a buffer that is too small says how much is needed and stays") {
  std::vector<std::uint8_t> storage(64);
  ByteRing ring(storage);
  REQUIRE(ring.push(bytes("payload")));
  std::vector<std::uint8_t> small(6);
  std::uint32_t at = ring.begin();
  std::size_t size = 0;
  CHECK_FALSE(ring.read(at, small, size));
  CHECK(size == 7);
  CHECK(read(ring, at) == "payload");
  CHECK_FALSE(ring.read(at, small, size));
  CHECK(size == 0);
}

TEST_CASE("a position whose record was dropped, popped or released is known, and does no harm") {
  std::vector<std::uint8_t> storage(64);
  ByteRing ring(storage, RingPolicy::drop_oldest);
  for (char c = 'a'; c <= 'd'; ++c) REQUIRE(ring.push(bytes(std::string(12, c))));
  const std::uint32_t a = ring.begin();
  std::uint32_t b = a;
  CHECK(read(ring, b) == std::string(12, 'a'));
  REQUIRE(ring.push(bytes(std::string(12, 'e'))));  // drops a
  CHECK_FALSE(ring.holds(a));
  CHECK(ring.holds(b));
  std::uint32_t at = a;
  CHECK(read(ring, at) == "-");
  CHECK(at == a);
  ring.release(a);
  CHECK(ring.begin() == b);
  CHECK(ring.bytes_used() == 64);

  CHECK(pop(ring) == std::string(12, 'b'));
  CHECK_FALSE(ring.holds(b));
  const std::uint32_t c = ring.begin();
  std::uint32_t d = c;
  CHECK(read(ring, d) == std::string(12, 'c'));
  ring.release(d);
  CHECK_FALSE(ring.holds(c));
  CHECK_FALSE(ring.holds(d + 64));  // never reached yet
}

TEST_CASE("positions go on behind 2^32") {
  std::vector<std::uint8_t> storage(std::size_t{1} << 20), big((std::size_t{1} << 20) - 16);
  ByteRing ring(storage);
  std::uint32_t at = ring.begin();
  bool wrapped = false;
  for (std::uint32_t i = 0; i < 4200; ++i) {
    const std::uint32_t before = at;
    std::memcpy(big.data(), &i, 4);
    std::size_t size = 0;
    const bool good = ring.push(big) && ring.read(at, big, size) && size == big.size() &&
                      !ring.holds(before - 4) && ring.holds(before);
    REQUIRE(good);
    ring.release(at);
    wrapped = wrapped || at < before;
  }
  CHECK(wrapped);
  CHECK(ring.empty());
}

TEST_CASE("a ring without storage has nothing to read ahead") {
  ByteRing ring({});
  std::uint32_t at = ring.begin();
  CHECK(read(ring, at) == "-");
  ring.release(at);
  CHECK(ring.empty());
}

TEST_CASE("reading ahead behaves as a queue with a cursor, whatever is pushed, dropped and freed") {
  for (const RingPolicy policy : {RingPolicy::reject, RingPolicy::drop_oldest}) {
    std::mt19937 random(7);
    std::vector<std::uint8_t> storage(256);
    ByteRing ring(storage, policy);
    std::deque<std::pair<std::uint32_t, std::string>> model;  // position, record
    std::uint32_t at = ring.begin(), end = at;
    for (int i = 0; i < 100'000; ++i) {
      const auto action = random() % 5;
      if (action < 2) {
        const std::string record(random() % 60, static_cast<char>('a' + random() % 26));
        if (ring.push(bytes(record))) {
          model.emplace_back(end, record);
          end += static_cast<std::uint32_t>(4 + (record.size() + 3) / 4 * 4);
        }
        while (!model.empty() && end - model.front().first > ring.capacity()) model.pop_front();
      } else if (action < 4) {
        const bool dropped = at < (model.empty() ? end : model.front().first);
        REQUIRE(ring.holds(at) == !dropped);
        if (dropped) at = ring.begin();
        std::size_t index = 0;
        while (index < model.size() && model[index].first != at) ++index;
        REQUIRE(read(ring, at) == (index < model.size() ? model[index].second : "-"));
      } else if (random() % 4 == 0 && ring.holds(at)) {
        ring.release(at);
        while (!model.empty() && model.front().first != at) model.pop_front();
      }
      REQUIRE(ring.begin() == (model.empty() ? end : model.front().first));
    }
  }
}

TEST_CASE("a consumer thread that reads ahead and releases late loses and tears nothing") {
  constexpr std::uint32_t count = 100'000;
  std::vector<std::uint8_t> storage(1024);
  ByteRing ring(storage);
  std::thread producer([&ring] {
    for (std::uint32_t i = 0; i < count;) {
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
  std::uint32_t wrong = 0, at = ring.begin();
  for (std::uint32_t expected = 0; expected < count;) {
    std::uint8_t out[128];
    std::size_t size = 0;
    if (!ring.read(at, out, size)) {
      ring.release(at);
      std::this_thread::yield();
      continue;
    }
    std::uint32_t number = 0;
    std::memcpy(&number, out, 4);
    bool good = number == expected && size == 4 + expected % 61;
    for (std::size_t i = 4; i < size; ++i)
      good = good && out[i] == static_cast<std::uint8_t>(number);
    wrong += good ? 0u : 1u;
    if (++expected % 5 == 0) ring.release(at);
  }
  producer.join();
  ring.release(at);
  CHECK(wrong == 0);
  CHECK(ring.empty());
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
