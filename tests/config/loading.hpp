// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "catch.hpp"

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "telemetry/config.hpp"

/// Loads a configuration from text, with an environment of its own.
namespace loading {

using telemetry::Option;
using enum telemetry::OptionType;

/// Stand-ins for the tables of the adapters.
inline constexpr Option adapter_options[] = {
    {.key = "mqtt.broker", .fallback = "localhost", .doc = "Host or URL."},
    {.key = "mqtt.port",
     .type = integer,
     .fallback = "1883",
     .doc = "Port.",
     .min = 1,
     .max = 65'535},
    {.key = "mqtt.client_id", .doc = "Name of the session."},
    {.key = "mqtt.username", .doc = "User."},
    {.key = "mqtt.password", .type = secret, .doc = "Password."},
    {.key = "mqtt.keepalive",
     .type = integer,
     .fallback = "60",
     .doc = "Pings.",
     .unit = "s",
     .min = 5,
     .max = 65'535},
    {.key = "mqtt.tls.enabled", .type = boolean, .fallback = "false", .doc = "TLS."},
    {.key = "mqtt.tls.ca_file", .doc = "CA."},
    {.key = "mqtt.tls.cert_file", .doc = "Certificate."},
    {.key = "mqtt.tls.key_file", .doc = "Key."},
    {.key = "mqtt.tls.min_version",
     .type = choice,
     .fallback = "1.2",
     .doc = "Version.",
     .choices = "1.2|1.3"},
    {.key = "mqtt.topics", .type = topic_list, .doc = "Topic filters."},
    {.key = "storage.sqlite.path", .fallback = "./data/telemetry.db", .doc = "File."},
    {.key = "storage.sqlite.journal_mode",
     .type = choice,
     .fallback = "WAL",
     .doc = "Mode.",
     .choices = "WAL|DELETE"},
    {.key = "storage.sqlite.synchronous",
     .type = choice,
     .fallback = "NORMAL",
     .doc = "Mode.",
     .choices = "NORMAL|FULL"},
    {.key = "storage.filesystem.base_path", .fallback = "./data/files", .doc = "Folder."},
    {.key = "storage.filesystem.file_format",
     .type = choice,
     .fallback = "jsonl",
     .doc = "Format.",
     .choices = "jsonl|csv"},
    {.key = "storage.filesystem.compression",
     .type = choice,
     .fallback = "none",
     .doc = "Packing.",
     .choices = "none|gzip|zstd|lz4"},
    {.key = "storage.filesystem.max_file_size_mb",
     .type = integer,
     .fallback = "100",
     .doc = "Size.",
     .unit = "MB",
     .min = 1,
     .max = 1'048'576},
    {.key = "storage.filesystem.rotation",
     .type = choice,
     .fallback = "daily",
     .doc = "Rotation.",
     .choices = "hourly|daily|size"},
};

/// A folder that is gone when the test ends.
class Folder {
 public:
  Folder() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "telemetry-config-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
    return (path_ / name).string();
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

struct Load {
  std::string yaml;
  std::map<std::string, std::string> environment = {};
  std::vector<std::pair<std::string, std::string>> overrides = {};
  std::string app = "edge";

  Folder folder = {};
  std::vector<telemetry::Diagnostic> diagnostics = {};

  telemetry::Result<telemetry::Config> operator()() {
    telemetry::Config::Sources sources;
    sources.file = folder.write("test.yaml", yaml);
    sources.overrides = overrides;
    sources.app = app;
    sources.environment = [this](const std::string& name) -> std::optional<std::string> {
      const auto found = environment.find(name);
      return found == environment.end() ? std::nullopt : std::optional(found->second);
    };
    sources.environment_names = [this] {
      std::vector<std::string> names;
      for (const auto& [name, value] : environment) names.push_back(name);
      return names;
    };
    const std::span<const Option> tables[] = {adapter_options, telemetry::base_options()};
    return telemetry::Config::load(sources, tables, diagnostics);
  }

  /// Loads what must be right.
  telemetry::Config good() {
    auto config = (*this)();
    INFO(mistakes());
    REQUIRE(config);
    return std::move(*config);
  }

  /// Loads what must be refused; the diagnostics, one a line, without the folder.
  std::string refused() {
    const auto config = (*this)();
    INFO(mistakes());
    REQUIRE_FALSE(config);
    CHECK(config.error().code == telemetry::Errc::invalid_argument);
    return mistakes();
  }

  [[nodiscard]] std::string mistakes() const {
    std::string out;
    for (const auto& diagnostic : diagnostics) {
      std::string line = to_string(diagnostic);
      const std::string prefix = folder.path().string() + "/";
      for (std::size_t at; (at = line.find(prefix)) != std::string::npos;) {
        line.erase(at, prefix.size());
      }
      out += line + "\n";
    }
    return out;
  }
};

}  // namespace loading
