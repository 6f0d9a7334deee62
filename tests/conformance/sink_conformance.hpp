// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>

#include "telemetry/store.hpp"

namespace telemetry::test {

/// What a sink promises beyond the least.
struct SinkCapabilities {
  bool skips_stored = false;    ///< a reading that comes again is stored once
  bool skips_replayed = false;  ///< so is a dead letter that is replayed twice
  bool is_store = false;        ///< answers queries
};

struct SinkUnderTest {
  SinkCapabilities capabilities;
  /// A new object on the same far end, which is empty at the first call of a test.
  std::function<std::unique_ptr<Sink>()> make;
  /// Rows at the far end, counted by other means than the sink itself.
  std::function<std::uint64_t()> count;
};

/// The contract of telemetry/sink.hpp and store.hpp, as sections of the calling test case.
void check_sink(const std::function<SinkUnderTest()>& fresh);

}  // namespace telemetry::test
