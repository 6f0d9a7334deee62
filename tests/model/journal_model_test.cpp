// SPDX-License-Identifier: Apache-2.0
#include "catch.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>

#include "model/journal_script.hpp"

using namespace telemetry::model;
using Fault = FaultFileSystem::Fault;
using Call = FaultFileSystem::Call;
using Unsynced = FaultFileSystem::Unsynced;

// A script of appends, syncs, reads, trims and restarts runs once for every call that it makes, and
// that call fails or is the last one before a power cut. Seeds are printed with every failure;
// TELEMETRY_MODEL_SEED runs one alone, TELEMETRY_MODEL_SCRIPTS sets how many.

namespace {

std::uint64_t from_environment(const char* name, std::uint64_t fallback) {
  const char* text = std::getenv(name);
  return text == nullptr ? fallback : std::strtoull(text, nullptr, 10);
}

struct Seeds {
  std::uint64_t first = from_environment("TELEMETRY_MODEL_SEED", 1);
  std::uint64_t count = std::getenv("TELEMETRY_MODEL_SEED") != nullptr
                            ? 1
                            : from_environment("TELEMETRY_MODEL_SCRIPTS", 40);
};

std::uint64_t calls_of(std::uint64_t seed) {
  FaultFileSystem files(seed);
  JournalScript script(seed);
  script.run(files);
  REQUIRE(script.complaint.empty());
  return files.calls();
}

constexpr Unsynced outcomes[] = {Unsynced::kept, Unsynced::lost, Unsynced::mixed, Unsynced::mixed};

void run_with(std::uint64_t seed, std::uint64_t number, std::size_t outcome,
              const FaultFileSystem::Plan& plan, const char* what) {
  FaultFileSystem files(seed * 1'000'003 + number * 17 + outcome);
  JournalScript script(seed);
  files.set_writeback(true);
  files.set_plan(plan);
  script.run(files);
  std::string wrong = script.complaint;
  if (wrong.empty()) wrong = script.verify(files, outcomes[outcome]);
  if (!wrong.empty()) {
    FAIL("TELEMETRY_MODEL_SEED=" << seed << ", " << what << " at call " << number << ", outcome "
                                 << outcome << ": " << wrong);
  }
}

}  // namespace

TEST_CASE("after a crash at any call nothing synced is missing and nothing rolled back is seen") {
  const Seeds seeds;
  std::uint64_t runs = 0;
  for (std::uint64_t seed = seeds.first; seed < seeds.first + seeds.count; ++seed) {
    const std::uint64_t calls = calls_of(seed);
    for (std::uint64_t number = 1; number <= calls; ++number) {
      for (std::size_t outcome = 0; outcome < std::size(outcomes); ++outcome, ++runs) {
        run_with(
            seed, number, outcome,
            [number](std::uint64_t n, Call, const std::string&) {
              return n == number ? Fault::crash : Fault::none;
            },
            "crash");
      }
    }
  }
  std::printf("model: %llu crashes in %llu scripts from seed %llu\n",
              static_cast<unsigned long long>(runs), static_cast<unsigned long long>(seeds.count),
              static_cast<unsigned long long>(seeds.first));
}

TEST_CASE("a call that fails, whichever it is, costs only what was not promised") {
  const Seeds seeds;
  for (std::uint64_t seed = seeds.first; seed < seeds.first + seeds.count; ++seed) {
    const std::uint64_t calls = calls_of(seed);
    for (std::uint64_t number = 1; number <= calls; ++number) {
      for (std::size_t outcome = 0; outcome < std::size(outcomes); ++outcome) {
        // Later calls differ from the faultless run, so the second fault falls where it may.
        const std::uint64_t second = outcome == 3 ? number + 1 + (seed + number) % 5 : 0;
        run_with(
            seed, number, outcome,
            [number, second](std::uint64_t n, Call, const std::string&) {
              if (n == second) return Fault::crash;
              return n == number ? Fault::fail : Fault::none;
            },
            "fault");
      }
    }
  }
}

TEST_CASE("every sync fails: each batch is rolled back and none is promised") {
  const Seeds seeds;
  for (std::uint64_t seed = seeds.first; seed < seeds.first + seeds.count; ++seed) {
    for (std::size_t outcome = 0; outcome < std::size(outcomes); ++outcome) {
      run_with(
          seed, 0, outcome,
          [](std::uint64_t n, Call call, const std::string& path) {
            const bool segment = path.ends_with(".tlj");
            return call == Call::sync && segment && n % 2 == 0 ? Fault::fail : Fault::none;
          },
          "failing syncs");
    }
  }
}
