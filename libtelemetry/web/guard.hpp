// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "telemetry/web.hpp"

namespace telemetry::web {

/// A path that supervisors ask: it is answered however much else is asked.
[[nodiscard]] bool is_health(std::string_view target) noexcept;

/// What is decided about a request before its path is looked at: who may connect, from which pages,
/// and how often. Thread: any.
class Guard {
 public:
  Guard(const ServiceOptions& options, Clock& clock) noexcept : options_(options), clock_(clock) {}

  /// Why the request is not answered.
  [[nodiscard]] std::optional<Problem> refusal(const Request& request);
  /// An export that is under way, for as long as it is held.
  class Place {
   public:
    Place(Guard& guard, std::string client) : guard_(&guard), client_(std::move(client)) {}
    Place(Place&& other) noexcept
        : guard_(std::exchange(other.guard_, nullptr)), client_(std::move(other.client_)) {}
    Place& operator=(Place&&) = delete;
    ~Place() {
      if (guard_ != nullptr) guard_->leave(client_);
    }

   private:
    Guard* guard_;
    std::string client_;
  };
  /// Each export holds a window of rows, megabytes where they are long. @param name  of who asks
  [[nodiscard]] core::Result<Place, Problem> enter(std::string_view name, std::string_view address);
  /// The page that asks, if it is of another origin and may.
  [[nodiscard]] std::string_view allowed_origin(const Request& request) const;

 private:
  struct Bucket {
    double tokens;
    std::int64_t filled_at;  // monotonic, ns
  };
  static constexpr std::size_t clients_max = 10'000;
  static constexpr std::size_t exports_max = 16, exports_of_client_max = 6;

  [[nodiscard]] std::optional<Problem> host_refusal(const Request& request) const;
  [[nodiscard]] std::optional<Problem> rate_refusal(std::string_view peer);

  void leave(const std::string& client);

  const ServiceOptions& options_;
  Clock& clock_;
  std::mutex mutex_;
  std::unordered_map<std::string, std::size_t> exports_of_;  // under way, by client
  std::size_t exports_ = 0;
  std::unordered_map<std::string, Bucket> clients_;
};

/// Whether a page of this gateway asks, one of web.cors_origins, or no page at all. A browser lets
/// pages of others send some requests without asking, and never a false Origin.
[[nodiscard]] bool is_own_page(const Request& request, const Config& config);

}  // namespace telemetry::web
