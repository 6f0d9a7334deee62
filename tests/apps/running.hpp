// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>
#include "catch.hpp"

#include "telemetry/adapters/sqlite.hpp"
#include "telemetry/dead_letter.hpp"
#include "telemetry/pipeline.hpp"

/// Runs the real `telemetry` on what a real pipeline stored.
namespace running {

inline std::string read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A folder that is gone when the test ends.
class Folder {
 public:
  Folder() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "telemetry-cli-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
    return (path_ / name).string();
  }
  [[nodiscard]] std::string path(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

struct Ran {
  int code = -1;
  std::string out, err;
};

/// `arguments` goes through the shell, in an environment without settings of ours.
inline Ran run(const Folder& folder, const std::string& arguments, const std::string& pipe = {}) {
  const std::string program = std::string(TELEMETRY_BIN_DIR) + "/telemetry";
  const std::string command = "cd '" + folder.path("") +
                              "' && { env -u CONFIG_PATH -u MQTT_BROKER " + program + " " +
                              arguments + " 2>err; echo $? >code; } " + pipe + " >out";
  REQUIRE(std::system(command.c_str()) != -1);
  Ran ran;
  ran.out = read(folder.path("out"));
  ran.err = read(folder.path("err"));
  ran.code = std::atoi(read(folder.path("code")).c_str());
  return ran;
}

/// Hands in fixed messages and ends.
class FixedSource : public telemetry::Source {
 public:
  using Messages = std::vector<std::pair<std::string, std::string>>;
  explicit FixedSource(Messages messages) : messages_(std::move(messages)) {}
  std::string name() const override { return "fixed"; }
  bool is_ready() const noexcept override { return true; }
  telemetry::Result<void> run(telemetry::Door& door, std::stop_token stop) override {
    for (const auto& [topic, payload] : messages_) {
      if (auto room = door.reserve(topic.size() + payload.size() + 1024); !room) return room;
      telemetry::Message message;
      message.topic = topic;
      message.payload = payload;
      message.qos = 1;
      door.add(message);
    }
    if (auto done = door.commit(); !done) return done;
    while (!stop.stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return {};
  }

 private:
  Messages messages_;
};

/// Writes edge.yaml, then journal, dead letters and database with these messages.
inline void store(const Folder& folder, FixedSource::Messages messages) {
  using namespace telemetry;
  folder.write("edge.yaml",
               "mqtt: {topics: [\"#\"]}\n"
               "journal: {path: ./data/journal}\n"
               "storage: {backend: sqlite, sqlite: {path: ./data/telemetry.db}}\n"
               "schema: {path: " TELEMETRY_SOURCE_DIR "/examples/schemas}\n");
  SqliteOptions database;
  database.path = folder.path("data/telemetry.db");
  const std::size_t count = messages.size();
  auto pipeline = PipelineBuilder(folder.path("data"))
                      .environment(system_environment())
                      .schemas(TELEMETRY_SOURCE_DIR "/examples/schemas")
                      .source(std::make_unique<FixedSource>(std::move(messages)))
                      .sink(make_sqlite_store(database, system_environment()))
                      .start();
  INFO((pipeline ? "" : describe(pipeline.error())));
  REQUIRE(pipeline);
  while ((*pipeline)->stats().ingest.journaled < count) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  (*pipeline)->stop();
}

inline FixedSource::Messages some_messages() {
  return {
      {"sensors/sensor-001/temperature",
       R"({"sensor_id":"sensor-001","temperature":21.50,"timestamp":"2026-11-20T08:00:00Z","seq":1})"},
      {"sensors/sensor-002/temperature",
       R"({"sensor_id":"sensor-002","temperature":35.25,"timestamp":"2026-11-20T08:00:01Z","seq":1})"},
      {"sensors/sensor-001/temperature",
       R"({"sensor_id":"sensor-001","temperature":23.51,"timestamp":"2026-11-20T09:00:00Z","seq":2})"},
      {"sensors/sensor-001/temperature", R"({"sensor_id":"sensor-001","temperature":999})"},
      {"other/topic", "on \x1b[31m"}};
}

}  // namespace running
