// SPDX-License-Identifier: Apache-2.0
#include "telemetry/metrics.hpp"

#include <fmt/format.h>

#include <cmath>
#include <numeric>

namespace telemetry {

std::uint64_t Histogram::Counts::all() const noexcept {
  return std::accumulate(of.begin(), of.end(), std::uint64_t{0});
}

std::int64_t Histogram::Counts::quantile_ns(double part) const noexcept {
  const auto wanted = static_cast<std::uint64_t>(std::ceil(part * static_cast<double>(all())));
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < buckets; ++bucket) {
    seen += of[bucket];
    if (seen > 0 && seen >= wanted) return bound_ns(bucket);
  }
  return 0;
}

Histogram::Counts Histogram::counts() const noexcept {
  Counts counts;
  for (std::size_t bucket = 0; bucket < buckets; ++bucket) {
    counts.of[bucket] = of_[bucket].load(std::memory_order_relaxed);
  }
  counts.sum_ns = sum_ns_.load(std::memory_order_relaxed);
  return counts;
}

std::string metric_text(double value, MetricText text) {
  if (text == MetricText::boolean) return value != 0 ? "true" : "false";
  if (text == MetricText::tenths) return fmt::format("{:.1f}", value);
  constexpr double exact_max = 9'007'199'254'740'992;  // 2^53
  if (std::nearbyint(value) == value && std::fabs(value) <= exact_max) {
    return fmt::format("{:.0f}", value);
  }
  return fmt::format("{}", value);
}

std::string Exposition::label(std::string_view name, std::string_view value) {
  std::string escaped;
  for (const char c : value) {
    if (c == '\\' || c == '"') escaped += '\\';
    if (c == '\n')
      escaped += "\\n";
    else
      escaped += c;
  }
  return fmt::format("{}=\"{}\"", name, escaped);
}

void Exposition::head(std::string_view name, std::string_view type, std::string_view help) {
  if (name == last_) return;  // another label of the same family
  last_ = name;
  text_ += fmt::format("# HELP {} {}.\n# TYPE {} {}\n", name, help, name, type);
}

void Exposition::add(std::string_view name, MetricType type, std::string_view help,
                     std::string_view labels, double value) {
  head(name, type == MetricType::counter ? "counter" : "gauge", help);
  text_ += labels.empty() ? fmt::format("{} {}\n", name, metric_text(value))
                          : fmt::format("{}{{{}}} {}\n", name, labels, metric_text(value));
}

void Exposition::add(std::string_view name, std::string_view help, std::string_view labels,
                     const Histogram::Counts& counts) {
  head(name, "histogram", help);
  const std::string_view comma = labels.empty() ? "" : ",";
  std::uint64_t below = 0;
  for (std::size_t bucket = 0; bucket < Histogram::buckets; ++bucket) {
    below += counts.of[bucket];
    const bool last = bucket + 1 == Histogram::buckets;
    const std::string bound =
        last ? "+Inf" : fmt::format("{}", static_cast<double>(Histogram::bound_ns(bucket)) / 1e9);
    text_ += fmt::format("{}_bucket{{{}{}le=\"{}\"}} {}\n", name, labels, comma, bound, below);
  }
  const std::string braced = labels.empty() ? std::string() : fmt::format("{{{}}}", labels);
  text_ += fmt::format("{}_sum{} {}\n{}_count{} {}\n", name, braced,
                       static_cast<double>(counts.sum_ns) / 1e9, name, braced, below);
}

}  // namespace telemetry
