// SPDX-License-Identifier: Apache-2.0
#include "ingest/patience.hpp"

#include <chrono>
#include <thread>

namespace telemetry {
namespace {

constexpr int tries_max = 600;
constexpr std::chrono::milliseconds between{100};

}  // namespace

Result<void> commit_patiently(const std::function<Result<void>()>& commit,
                              const std::function<bool()>& stop) {
  for (int tries = 1;; ++tries) {
    auto done = commit();
    if (done || done.error().code != Errc::resource_exhausted || tries == tries_max || stop()) {
      return done;
    }
    std::this_thread::sleep_for(between);
  }
}

}  // namespace telemetry
