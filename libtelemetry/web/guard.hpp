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

/// What is decided about a request before its path is looked at: who may connect, from which pages,
/// and how often. Thread: any.
class Guard {
 public:
  Guard(const ServiceOptions& options, Clock& clock) noexcept : options_(options), clock_(clock) {}

  /// Why the request is not answered.
  [[nodiscard]] std::optional<Problem> refusal(const Request& request);
  /// A request that is being answered, for as long as it is held.
  class Place {
   public:
    Place() = default;
    Place(Guard& guard, std::string client) : guard_(&guard), client_(std::move(client)) {}
    Place(Place&& other) noexcept
        : guard_(std::exchange(other.guard_, nullptr)), client_(std::move(other.client_)) {}
    Place& operator=(Place&&) = delete;
    ~Place() {
      if (guard_ != nullptr) guard_->leave(client_);
    }

   private:
    Guard* guard_ = nullptr;
    std::string client_;
  };
  /// Nothing when as many requests of this client are being answered as a browser makes at most:
  /// nobody takes all workers. @param name  of the principal
  [[nodiscard]] std::optional<Place> enter(std::string_view name, std::string_view address);
  /// The page that asks, if it is of another origin and may.
  [[nodiscard]] std::string_view allowed_origin(const Request& request) const;

 private:
  struct Bucket {
    double tokens;
    std::int64_t filled_at;  // monotonic, ns
  };
  static constexpr std::size_t clients_max = 10'000;
  static constexpr std::size_t answers_max = 6;

  [[nodiscard]] std::optional<Problem> host_refusal(const Request& request) const;
  [[nodiscard]] std::optional<Problem> rate_refusal(std::string_view peer);

  void leave(const std::string& client);

  const ServiceOptions& options_;
  Clock& clock_;
  std::mutex mutex_;
  std::unordered_map<std::string, std::size_t> answers_;  // under way, by client
  std::unordered_map<std::string, Bucket> clients_;
};

}  // namespace telemetry::web
