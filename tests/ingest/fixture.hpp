// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "catch.hpp"

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "model/fault_file_system.hpp"
#include "telemetry/core/time.hpp"
#include "telemetry/ingest.hpp"

/// What tests of the door, the consumers and the pipeline have in common.
namespace telemetry::testing {

/// A folder of this test alone, gone when it ends.
class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "telemetry-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

/// Log lines, to be asked for afterwards.
class LogLines {
 public:
  [[nodiscard]] Log log() {
    return Log(
        [this](LogLevel, std::string_view room, std::string_view message) {
          const std::lock_guard lock(mutex_);
          lines_.push_back(std::string(room) + ": " + std::string(message));
        },
        LogLevel::debug);
  }
  [[nodiscard]] std::size_t count(std::string_view text) const {
    const std::lock_guard lock(mutex_);
    std::size_t found = 0;
    for (const std::string& line : lines_) found += line.find(text) != std::string::npos ? 1u : 0u;
    return found;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

inline const char* const temperature_schema = R"(
name: temperature
version: "1.0"
topic_pattern: sensors/{device}/temperature
time_field: timestamp
sequence_field: seq
validation: {strict: true, allow_extra_fields: true}
fields:
  - {name: temperature, type: float, required: true, validation: {min: -50, max: 150}}
  - {name: place, type: object, fields: [{name: room, type: string}]}
  - {name: timestamp, type: timestamp}
  - {name: seq, type: integer, validation: {min: 0}}
)";

/// The schemas of these documents.
inline std::shared_ptr<const SchemaSet> schema_set(const std::vector<std::string>& documents) {
  std::vector<Diagnostic> diagnostics;
  std::vector<std::shared_ptr<const Schema>> schemas;
  for (const std::string& document : documents) {
    auto schema = Schema::parse(document, "test.yaml", diagnostics);
    for (const Diagnostic& d : diagnostics) UNSCOPED_INFO(to_string(d));
    REQUIRE(schema);
    schemas.push_back(*schema);
  }
  auto set = SchemaSet::make(std::move(schemas), diagnostics);
  REQUIRE(set);
  return *set;
}

/// {"temperature": ..., "seq": ...}
inline std::string reading_json(int temperature, std::int64_t number) {
  return "{\"temperature\": " + std::to_string(temperature) +
         ", \"seq\": " + std::to_string(number) + "}";
}

inline void add(Door& door, const std::string& topic, const std::string& payload,
                bool retained = false, std::int64_t received_at = 0) {
  door.add({.topic = topic,
            .payload = payload,
            .qos = 1,
            .retained = retained,
            .received_at = received_at});
}

/// Payloads in the journal from `after` on, as a consumer finds them.
inline std::vector<std::string> journaled(Journal& journal, std::uint64_t after = 0) {
  std::vector<std::string> payloads;
  const auto reader = journal.read_from(after);
  for (;;) {
    auto frame = reader->next();
    REQUIRE(frame);
    if (!frame->has_value()) return payloads;
    if ((*frame)->header.kind != core::FrameKind::message) continue;
    payloads.emplace_back((*frame)->payload);
  }
}

}  // namespace telemetry::testing
