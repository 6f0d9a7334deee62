// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "telemetry/web.hpp"

namespace telemetry::web {

/// What is decided about a request before its path is looked at: who may connect, from which pages,
/// and how often. Thread: any.
class Guard {
 public:
  Guard(const ServiceOptions& options, Clock& clock) noexcept : options_(options), clock_(clock) {}

  /// Why the request is not answered.
  [[nodiscard]] std::optional<Problem> refusal(const Request& request);
  /// The page that asks, if it is of another origin and may.
  [[nodiscard]] std::string_view allowed_origin(const Request& request) const;

 private:
  struct Bucket {
    double tokens;
    std::int64_t filled_at;  // monotonic, ns
  };
  static constexpr std::size_t clients_max = 10'000;

  [[nodiscard]] std::optional<Problem> host_refusal(const Request& request) const;
  [[nodiscard]] std::optional<Problem> rate_refusal(std::string_view peer);

  const ServiceOptions& options_;
  Clock& clock_;
  std::mutex mutex_;
  std::unordered_map<std::string, Bucket> clients_;
};

}  // namespace telemetry::web
