// SPDX-License-Identifier: Apache-2.0
#include "catch.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

#include "ingest/fixture.hpp"

using namespace telemetry;
using namespace telemetry::testing;

namespace {
std::atomic<std::uint64_t> allocations{0};
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"  // GCC 14 sees free(), not its new
void* operator new(std::size_t bytes) {
  ++allocations;
  void* memory = std::malloc(bytes);
  if (memory == nullptr) std::abort();
  return memory;
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(bytes);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
#pragma GCC diagnostic pop

TEST_CASE("a warm door takes no memory per message, only a little per batch") {
  TempFolder folder;
  JournalOptions journal;
  journal.path = folder / "journal";
  auto ingest = Ingest::open({}, journal, schema_set({temperature_schema}), system_environment());
  REQUIRE(ingest);
  const auto door = (*ingest)->make_door();
  constexpr int topics = 50, batches = 40, per_batch = 500;
  std::vector<std::string> names;
  for (int i = 0; i < topics; ++i)
    names.push_back("sensors/d" + std::to_string(i) + "/temperature");
  std::string payload = R"({"temperature": 21.5, "note": "a\nb", "seq": 0000})";
  int number = 0;
  const auto run = [&] {
    for (int batch = 0; batch < batches; ++batch) {
      for (int i = 0; i < per_batch; ++i, ++number) {
        // Written in place: the test itself takes no memory either.
        int n = 1'000 + number / topics;
        for (std::size_t at = payload.size() - 2; n > 0; n /= 10) {
          payload[at--] = static_cast<char>('0' + n % 10);
        }
        door->add({.topic = names[static_cast<std::size_t>(number % topics)], .payload = payload});
      }
      if (!door->commit()) FAIL("not committed");
    }
  };
  for (int warm_up = 0; warm_up < 3; ++warm_up) run();  // until the windows are full
  const std::uint64_t before = allocations;
  run();
  CHECK(allocations - before < 20 * batches);
  CHECK((*ingest)->stats().valid == 4 * batches * per_batch);
}
