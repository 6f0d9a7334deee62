// SPDX-License-Identifier: Apache-2.0
#include "process/log.hpp"

#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "telemetry/export.hpp"

namespace telemetry {
namespace {

constexpr std::size_t rotated_files = 5;

LogLevel level_of(std::string_view name) {
  if (name == "debug") return LogLevel::debug;
  if (name == "warn" || name == "warning") return LogLevel::warn;
  if (name == "error") return LogLevel::error;
  if (name == "off") return LogLevel::off;
  return LogLevel::info;
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warn:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
    case LogLevel::off:
      break;
  }
  return spdlog::level::off;
}

std::string text_line(std::string_view component, std::string_view message) {
  std::string line = "[";
  line += component;
  line += "] ";
  return line + printable(message);
}

std::string json_line(LogLevel level, std::string_view component, std::string_view message) {
  std::string line = ",\"level\":\"";
  line += spdlog::level::to_string_view(spdlog_level(level)).data();
  line += "\",\"component\":";
  append_json_string(component, line);
  line += ",\"message\":";
  append_json_string(message, line);
  return line;
}

}  // namespace

/// The least severe level that is shown, by component; they change while lines are written.
struct ProcessLog::Levels {
  bool debug = false;
  std::mutex mutex;
  LogLevel standard = LogLevel::info;
  std::map<std::string, LogLevel, std::less<>> own;

  bool shows(LogLevel level, std::string_view component) {
    const std::scoped_lock lock(mutex);
    const auto found = own.find(component);
    return level >= (found == own.end() ? standard : found->second);
  }
  /// @returns the lowest of all.
  LogLevel set(const Config& config) {
    const std::scoped_lock lock(mutex);
    standard = debug ? LogLevel::debug : level_of(config.text("logging.level"));
    own.clear();
    LogLevel lowest = standard;
    for (const auto& pair : config.text_list("logging.levels")) {  // NAME=LEVEL
      const auto split = pair.rfind('=');
      if (split == std::string::npos) continue;
      const LogLevel level = level_of(std::string_view(pair).substr(split + 1));
      own[pair.substr(0, split)] = level;
      lowest = std::min(lowest, level);
    }
    return lowest;
  }
};

Result<ProcessLog> ProcessLog::open(const Config& config, bool debug) try {
  std::vector<spdlog::sink_ptr> sinks;
  if (config.boolean("logging.console")) {
    sinks.push_back(std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
  }
  if (const auto file = config.text("logging.file"); !file.empty()) {
    sinks.push_back(std::make_shared<spdlog::sinks::rotating_file_sink_mt>(
        file, static_cast<std::size_t>(config.integer("logging.rotation_mb")) * 1024 * 1024,
        rotated_files));
  }
  auto logger = std::make_shared<spdlog::logger>("telemetry", sinks.begin(), sinks.end());
  const bool json = config.text("logging.format") == "json";
  logger->set_formatter(std::make_unique<spdlog::pattern_formatter>(
      json ? "{\"time\":\"%Y-%m-%dT%H:%M:%S.%eZ\"%v}" : "%Y-%m-%dT%H:%M:%S.%eZ %^%-7l%$ %v",
      spdlog::pattern_time_type::utc));
  logger->set_level(spdlog::level::trace);
  logger->flush_on(spdlog::level::info);

  auto levels = std::make_shared<Levels>();
  levels->debug = debug;
  const LogLevel lowest = levels->set(config);
  Log log(
      [logger, json, levels](LogLevel level, std::string_view component, std::string_view message) {
        if (!levels->shows(level, component)) return;
        logger->log(spdlog_level(level),
                    json ? json_line(level, component, message) : text_line(component, message));
      },
      lowest);
  return ProcessLog(std::move(log), std::move(levels));
} catch (const std::exception& e) {
  return Error{Errc::permission_denied, config.where("logging.file") +
                                            ": cannot open the log file \"" +
                                            config.text("logging.file") + "\": " + e.what()};
}

void ProcessLog::set_levels(const Config& config) const { log_.set_level(levels_->set(config)); }

}  // namespace telemetry
