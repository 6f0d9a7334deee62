// SPDX-License-Identifier: Apache-2.0
#include "workers.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace telemetry::http {

Workers::Workers(std::size_t threads, std::size_t waiting_max)
    : threads_(std::max<std::size_t>(threads, 1)),
      client_max_(threads_ - threads_ / 4),
      waiting_max_(waiting_max),
      pool_(threads_) {}

bool Workers::post(const std::string& client, Kind kind, Work work) {
  const std::scoped_lock lock(mutex_);
  if (kind == Kind::urgent) {
    if (urgent_ >= waiting_max_) return false;
    ++urgent_;
    boost::asio::post(urgent_pool_, [this, work = std::move(work)] {
      work();
      const std::scoped_lock done(mutex_);
      --urgent_;
    });
    return true;
  }
  const Place place = lanes_.try_emplace(client).first;
  Lane& lane = place->second;
  if (kind == Kind::request) {
    if (waiting_ >= waiting_max_ || lane.waiting.size() >= (waiting_max_ + 1) / 2) {
      if (lane.waiting.empty() && lane.running == 0) lanes_.erase(place);
      return false;
    }
    ++waiting_;
  }
  lane.waiting.push_back({std::move(work), kind == Kind::request});
  give_turn(place);
  begin();
  return true;
}

void Workers::join() {
  pool_.join();
  urgent_pool_.join();
}

void Workers::give_turn(Place place) {
  Lane& lane = place->second;
  if (lane.has_turn || lane.waiting.empty() || lane.running >= client_max_) return;
  lane.has_turn = true;
  turns_.push_back(place);
}

void Workers::begin() {
  while (running_ < threads_ && !turns_.empty()) {
    const Place place = turns_.front();
    turns_.pop_front();
    Lane& lane = place->second;
    lane.has_turn = false;
    Task task = std::move(lane.waiting.front());
    lane.waiting.pop_front();
    if (task.counts) --waiting_;
    ++lane.running;
    ++running_;
    give_turn(place);
    boost::asio::post(pool_, [this, place, work = std::move(task.work)] { run(place, work); });
  }
}

void Workers::run(Place place, const Work& work) {
  work();
  const std::scoped_lock lock(mutex_);
  --running_;
  Lane& lane = place->second;
  --lane.running;
  if (lane.waiting.empty() && lane.running == 0) {
    lanes_.erase(place);
  } else {
    give_turn(place);
  }
  begin();
}

}  // namespace telemetry::http
