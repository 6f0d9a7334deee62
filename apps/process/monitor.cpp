// SPDX-License-Identifier: Apache-2.0
#include "process/monitor.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <set>
#include <utility>

namespace telemetry {
namespace {

double percent(double part, double whole) { return whole > 0 ? 100 * part / whole : 0; }

void add_disk(const Config& config, std::string_view key, std::set<dev_t>& seen,
              std::vector<std::string>& out) {
  auto folder = std::filesystem::path(config.text(key)).parent_path();
  if (folder.empty()) folder = ".";
  struct stat status {};
  std::error_code error;
  const auto space = std::filesystem::space(folder, error);
  if (error || ::stat(folder.c_str(), &status) != 0 || !seen.insert(status.st_dev).second) return;
  const double free =
      percent(static_cast<double>(space.available), static_cast<double>(space.capacity));
  const double limit = config.number("monitoring.alerts.disk_free_percent");
  if (free >= limit) return;
  out.push_back(fmt::format("less than {} % of the disk of {} are free: make room", limit, key));
}

/// The texts of alerts do not change while they last.
class Spoken {
 public:
  void say(const std::vector<std::string>& now, LogLevel level, const Log& log) {
    for (const std::string& one : now) {
      if (std::ranges::find(said_, one) == said_.end()) log(level, "monitor", one);
    }
    for (const std::string& one : said_) {
      if (std::ranges::find(now, one) == now.end()) log(LogLevel::info, "monitor", "over: " + one);
    }
    said_ = now;
  }

 private:
  std::vector<std::string> said_;
};

}  // namespace

std::vector<std::string> alerts_of(const Config& config, const PipelineStats& stats) {
  std::vector<std::string> out;
  const double limit = config.number("monitoring.alerts.buffer_usage_percent");
  if (percent(static_cast<double>(stats.messages_open),
              static_cast<double>(stats.messages_open_max)) > limit) {
    out.push_back(fmt::format(
        "more than {} % of buffer.size wait for the journal: its disk is too slow", limit));
  }
  const JournalStats& journal = stats.journal;
  const std::uint64_t held = journal.last_sequence < journal.first_sequence
                                 ? 0
                                 : journal.last_sequence - journal.first_sequence + 1;
  for (const ConsumerStats& consumer : stats.consumers) {
    const double used = percent(static_cast<double>(consumer.lag), static_cast<double>(held)) *
                        static_cast<double>(journal.bytes) /
                        static_cast<double>(std::max<std::uint64_t>(stats.journal_bytes_max, 1));
    if (used > limit) {
      out.push_back(
          fmt::format("{} is so far behind that more than {} % of journal.size_max_mb are waiting "
                      "for it",
                      consumer.name, limit));
    }
  }
  std::set<dev_t> seen;
  for (const char* key : {"journal.path", "storage.sqlite.path"}) add_disk(config, key, seen, out);
  return out;
}

std::jthread monitor(Config config, const Pipeline& pipeline, Environment environment) {
  return std::jthread([config = std::move(config), &pipeline,
                       environment = std::move(environment)](const std::stop_token& stop) {
    const std::chrono::duration<double> interval(
        config.number("monitoring.health_check.interval_sec"));
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    Spoken alerts;
    while (!wake.wait_for(lock, stop, interval, [&] { return stop.stop_requested(); })) {
      alerts.say(alerts_of(config, pipeline.stats()), LogLevel::warn, environment.log);
    }
  });
}

}  // namespace telemetry
