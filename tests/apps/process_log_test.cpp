// SPDX-License-Identifier: Apache-2.0
#include "process/log.hpp"

#include "apps/running.hpp"

using namespace telemetry;
using running::Folder;

namespace {

Config configured(const Folder& folder, const std::string& logging) {
  Config::Sources sources;
  sources.file = folder.write(
      "log.yaml", "logging: {console: false, file: " + folder.path("log") + ", " + logging + "}\n");
  sources.environment = [](const std::string&) { return std::nullopt; };
  sources.environment_names = [] { return std::vector<std::string>{}; };
  std::vector<Diagnostic> diagnostics;
  const OptionTable tables[] = {base_options()};
  auto config = Config::load(sources, tables, diagnostics);
  REQUIRE(config);
  return *config;
}

/// Writes one line of each level and component; the messages that were shown.
std::string shown(const Folder& folder, const Log& log) {
  std::filesystem::resize_file(folder.path("log"), 0);
  for (const auto level : {LogLevel::debug, LogLevel::info, LogLevel::warn, LogLevel::error}) {
    for (const char* component : {"mqtt", "journal"}) {
      log(level, component, component + std::to_string(static_cast<int>(level)));
    }
  }
  std::string out;
  const std::string text = running::read(folder.path("log"));
  for (std::size_t at = text.find("] "); at != text.npos; at = text.find("] ", at + 1)) {
    out += text.substr(at + 2, text.find('\n', at) - at - 2) + " ";
  }
  return out;
}

}  // namespace

TEST_CASE("log levels of all components follow a new configuration") {
  const Folder folder;
  const auto opened = ProcessLog::open(configured(folder, "level: warn"), false);
  REQUIRE(opened);
  const Log log = opened->log();
  CHECK(shown(folder, log) == "mqtt2 journal2 mqtt3 journal3 ");
  opened->set_levels(configured(folder, "level: error, levels: {mqtt: info}"));
  CHECK(shown(folder, log) == "mqtt1 mqtt2 mqtt3 journal3 ");
  opened->set_levels(configured(folder, "level: off"));
  CHECK(shown(folder, log).empty());
}

TEST_CASE("--debug outranks the level of every configuration, but not those of components") {
  const Folder folder;
  const auto opened = ProcessLog::open(configured(folder, "level: error"), true);
  REQUIRE(opened);
  opened->set_levels(configured(folder, "level: warn, levels: {mqtt: error}"));
  opened->log()(LogLevel::debug, "journal", "flush");
  opened->log()(LogLevel::info, "journal", "flush");
  CHECK(shown(folder, opened->log()) == "journal0 journal1 journal2 mqtt3 journal3 ");
}

TEST_CASE("a log line is one line without control characters, whatever a message holds") {
  const Folder folder;
  const auto opened = ProcessLog::open(configured(folder, "level: info"), false);
  REQUIRE(opened);
  opened->log()(LogLevel::info, "mqtt",
                "a\nb\x1b[2J \x7f \xc2\x9b"
                "2J \xc2\xb0"
                "C \xc3\xa9");
  opened->log()(LogLevel::info, "mqtt",
                "\x9b"
                "2J \xff");
  const std::string text = running::read(folder.path("log"));
  CHECK_THAT(text, Catch::Contains("a\\x0ab\\x1b[2J \\x7f \\u009b2J \xc2\xb0"
                                   "C \xc3\xa9\n"));
  CHECK_THAT(text, Catch::Contains("\\x9b2J \\xff\n"));
}
