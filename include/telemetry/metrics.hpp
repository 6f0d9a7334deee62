// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace telemetry {

/// Durations in buckets whose bounds double from 50 us to 26 s, and one without a bound.
/// Thread: any; it takes no lock.
class Histogram {
 public:
  static constexpr std::size_t buckets = 21;
  /// Upper bound, included, of a bucket but the last.
  [[nodiscard]] static constexpr std::int64_t bound_ns(std::size_t bucket) noexcept {
    return std::int64_t{50'000} << bucket;
  }
  struct Counts {
    std::array<std::uint64_t, buckets> of{};  ///< of this bucket alone
    std::int64_t sum_ns = 0;
    [[nodiscard]] std::uint64_t all() const noexcept;
    /// The bound of the bucket that holds this part (0..1) of the durations; 0 when there are none.
    [[nodiscard]] std::int64_t quantile_ns(double part) const noexcept;
  };

  void observe(std::int64_t ns) noexcept {
    const auto steps = static_cast<std::uint64_t>(ns > 0 ? (ns - 1) / bound_ns(0) : 0);
    const auto bucket = static_cast<std::size_t>(std::bit_width(steps));
    of_[bucket < buckets ? bucket : buckets - 1].fetch_add(1, std::memory_order_relaxed);
    sum_ns_.fetch_add(ns, std::memory_order_relaxed);
  }
  [[nodiscard]] Counts counts() const noexcept;

 private:
  std::array<std::atomic<std::uint64_t>, buckets> of_{};
  std::atomic<std::int64_t> sum_ns_{0};
};

/// How a number is written in JSON: 12 or 0.25, true or false, 12.3.
enum class MetricText : std::uint8_t { number, boolean, tenths };
[[nodiscard]] std::string metric_text(double value, MetricText text = MetricText::number);

enum class MetricType : std::uint8_t { counter, gauge };

/// A number of the statistics `Stats`, under all its names. Tables of these are the only list: JSON
/// and the exposition for Prometheus come from them.
template <class Stats>
struct Metric {
  std::string_view key;   ///< in JSON: "messages_received"
  std::string_view name;  ///< in the exposition, with its base unit: "mqtt_messages_received_total"
  MetricType type = MetricType::counter;
  std::string_view help;  ///< one sentence, without a full stop
  double (*value)(const Stats& stats) = nullptr;
  MetricText text = MetricText::number;
  [[nodiscard]] std::string json(const Stats& stats) const {
    return metric_text(value(stats), text);
  }
};

/// Builds a text for Prometheus.
/// Source: Prometheus, "Exposition formats", text format 0.0.4.
class Exposition {
 public:
  /// Labels as they are written: `store="sqlite"`; see label().
  void add(std::string_view name, MetricType type, std::string_view help, std::string_view labels,
           double value);
  void add(std::string_view name, std::string_view help, std::string_view labels,
           const Histogram::Counts& counts);
  template <class Stats>
  void add(const Metric<Stats>& metric, const Stats& stats, std::string_view labels = {}) {
    add(metric.name, metric.type, metric.help, labels, metric.value(stats));
  }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

  /// `name="value"`, the value escaped.
  [[nodiscard]] static std::string label(std::string_view name, std::string_view value);

 private:
  void head(std::string_view name, std::string_view type, std::string_view help);
  std::string text_;
  std::string last_;  // name of the family that is being written
};

}  // namespace telemetry
