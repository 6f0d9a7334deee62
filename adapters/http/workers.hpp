// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/thread_pool.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>

namespace telemetry::http {

/// The threads that answer requests. Clients take turns, whoever has how much waiting, and one of
/// them has three quarters of the threads at most. Urgent work has a thread of its own.
/// Thread: any.
class Workers {
 public:
  using Work = std::function<void()>;
  enum class Kind : std::uint8_t {
    request,
    urgent,
    next,  ///< of an answer that has begun: is always taken
  };

  /// @param waiting_max  requests that no thread has begun; one client may have half of them
  Workers(std::size_t threads, std::size_t waiting_max);

  /// @param client  whose turn it is to be
  /// @returns false when too many wait; then nothing is done.
  [[nodiscard]] bool post(const std::string& client, Kind kind, Work work);
  /// Waits for all that was posted.
  void join();

 private:
  struct Task {
    Work work;
    bool counts = true;  // in waiting_
  };
  struct Lane {
    std::deque<Task> waiting;
    std::size_t running = 0;
    bool has_turn = false;
  };
  using Place = std::map<std::string, Lane>::iterator;

  void give_turn(Place place);
  void begin();
  void run(Place place, const Work& work);

  const std::size_t threads_, client_max_, waiting_max_;
  std::mutex mutex_;
  std::map<std::string, Lane> lanes_;  // of clients that have something waiting or running
  std::deque<Place> turns_;            // who has something waiting and may have one more running
  std::size_t running_ = 0, waiting_ = 0, urgent_ = 0;
  boost::asio::thread_pool pool_, urgent_pool_{1};
};

}  // namespace telemetry::http
