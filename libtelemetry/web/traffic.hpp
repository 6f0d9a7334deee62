// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "routes.hpp"
#include "telemetry/metrics.hpp"

namespace telemetry::web {

/// Counts requests by route and kind of answer. Thread: any; it takes no lock.
class Traffic {
 public:
  Traffic() : of_(routes().size() + 1) {}

  /// @param route  null: none was found, or who asks was turned away before
  void note(const Route* route, int status, std::int64_t duration_ns) noexcept;
  void add_to(Exposition& text) const;

 private:
  struct Counts {
    std::array<std::atomic<std::uint64_t>, 6> by_class{};  // 2 = 2xx
    Histogram duration;
  };
  std::vector<Counts> of_;  // in the order of routes(); the last is of none
};

}  // namespace telemetry::web
