// SPDX-License-Identifier: Apache-2.0
#include "traffic.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace telemetry::web {

void Traffic::note(const Route* route, int status, std::int64_t duration_ns) noexcept {
  const auto place =
      route == nullptr ? of_.size() - 1 : static_cast<std::size_t>(route - routes().data());
  Counts& counts = of_[place];
  const auto kind = static_cast<std::size_t>(std::clamp(status / 100, 0, 5));
  counts.by_class[kind].fetch_add(1, std::memory_order_relaxed);
  counts.duration.observe(duration_ns);
}

void Traffic::add_to(Exposition& text) const {
  const auto labels = [&](std::size_t place) {
    const bool is_known = place < routes().size();
    return Exposition::label("method", is_known ? routes()[place].method : "") + "," +
           Exposition::label("route", is_known ? routes()[place].path : "");
  };
  for (std::size_t place = 0; place < of_.size(); ++place) {
    for (std::size_t kind = 0; kind < of_[place].by_class.size(); ++kind) {
      const std::uint64_t count = of_[place].by_class[kind].load(std::memory_order_relaxed);
      if (count == 0) continue;
      text.add("http_requests_total", MetricType::counter, "Requests that were answered",
               labels(place) + "," + Exposition::label("status", fmt::format("{}xx", kind)),
               static_cast<double>(count));
    }
  }
  for (std::size_t place = 0; place < of_.size(); ++place) {
    const Histogram::Counts counts = of_[place].duration.counts();
    if (counts.all() == 0) continue;
    text.add("http_request_duration_seconds",
             "Time from a request to its answer, or to the first piece of a stream", labels(place),
             counts);
  }
}

}  // namespace telemetry::web
