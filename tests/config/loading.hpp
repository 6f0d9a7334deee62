// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "catch.hpp"

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "telemetry/config.hpp"

/// Loads a configuration from text, with an environment of its own.
namespace loading {

using telemetry::Option;
using enum telemetry::OptionType;

/// Stand-ins for the tables of the adapters.
inline constexpr Option mqtt_options[] = {
    {.key = "broker", .fallback = "localhost", .doc = "Host or URL."},
    {.key = "port", .type = integer, .fallback = "1883", .doc = "Port.", .min = 1, .max = 65'535},
    {.key = "client_id", .doc = "Name of the session."},
    {.key = "username", .doc = "User.", .empty_if_unset = true},
    {.key = "password", .type = secret, .doc = "Password.", .empty_if_unset = true},
    {.key = "keepalive",
     .type = integer,
     .fallback = "60",
     .doc = "Pings.",
     .unit = "s",
     .min = 5,
     .max = 65'535},
    {.key = "tls.enabled", .type = boolean, .fallback = "false", .doc = "TLS."},
    {.key = "tls.ca_file", .doc = "CA."},
    {.key = "tls.cert_file", .doc = "Certificate."},
    {.key = "tls.key_file", .doc = "Key.", .private_file = true},
    {.key = "tls.min_version",
     .type = choice,
     .fallback = "1.2",
     .doc = "Version.",
     .choices = "1.2|1.3"},
    {.key = "topics", .type = topic_list, .doc = "Topic filters."},
};
inline constexpr Option sqlite_options[] = {
    {.key = "path", .fallback = "./data/telemetry.db", .doc = "File."},
    {.key = "journal_mode",
     .type = choice,
     .fallback = "WAL",
     .doc = "Mode.",
     .choices = "WAL|DELETE"},
    {.key = "synchronous",
     .type = choice,
     .fallback = "NORMAL",
     .doc = "Mode.",
     .choices = "NORMAL|FULL"},
};
inline constexpr Option files_options[] = {
    {.key = "base_path", .fallback = "./data/files", .doc = "Folder."},
    {.key = "file_format",
     .type = choice,
     .fallback = "jsonl",
     .doc = "Format.",
     .choices = "jsonl|csv"},
    {.key = "compression",
     .type = choice,
     .fallback = "none",
     .doc = "Packing.",
     .choices = "none|gzip|zstd|lz4"},
    {.key = "max_file_size_mb",
     .type = integer,
     .fallback = "100",
     .doc = "Size.",
     .unit = "MB",
     .min = 1,
     .max = 1'048'576},
    {.key = "rotation",
     .type = choice,
     .fallback = "daily",
     .doc = "Rotation.",
     .choices = "hourly|daily|size"},
};

inline std::optional<std::vector<telemetry::UrlForm::Setting>> split_url(
    const telemetry::Url& url) {
  const bool tls = url.scheme == "mqtts";
  if ((!url.scheme.empty() && url.scheme != "mqtt" && !tls) || !url.path.empty()) {
    return std::nullopt;
  }
  std::vector<telemetry::UrlForm::Setting> out;
  if (url.user && !url.user->empty()) out.push_back({"username", *url.user});
  if (url.password && !url.password->empty()) out.push_back({"password", *url.password});
  if (url.port) out.push_back({"port", std::to_string(*url.port)});
  if (!url.port && !url.scheme.empty()) out.push_back({"port", tls ? "8883" : "1883", true});
  if (tls) out.push_back({"tls.enabled", "true"});
  return out;
}

inline const telemetry::OptionTable tables[] = {
    {.prefix = "mqtt",
     .options = mqtt_options,
     .entry = "{broker: localhost, topics: [\"#\"]}",
     .url = {.option = "broker",
             .split = split_url,
             .refusal = "is neither a host nor a URL of a broker",
             .remedy = "write localhost, mqtt://host:1883 or mqtts://user:password@host:8883"}},
    {.prefix = "storage.sqlite", .options = sqlite_options},
    {.prefix = "storage.filesystem",
     .options = files_options,
     .entry = "{name: archive, base_path: /mnt/archive}"},
    telemetry::base_options(),
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
