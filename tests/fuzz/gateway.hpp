// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz.hpp"
#include "telemetry/adapters/sqlite.hpp"
#include "telemetry/core/json_pull.hpp"
#include "telemetry/live.hpp"
#include "telemetry/pipeline.hpp"
#include "telemetry/web.hpp"

namespace telemetry::fuzzing {

/// The routes over a pipeline of its own, in a folder that is deleted at exit.
class Gateway {
 public:
  Gateway() {
    std::string folder = std::filesystem::temp_directory_path() / "telemetry-fuzz-XXXXXX";
    TELEMETRY_FUZZ_CHECK(::mkdtemp(folder.data()) != nullptr);
    folder_ = folder;
    SqliteOptions database;
    database.path = folder + "/telemetry.db";
    Environment environment = system_environment();
    environment.log = Log();
    auto started = PipelineBuilder(folder)
                       .environment(environment)
                       .schemas(TELEMETRY_SOURCE_DIR "/examples/schemas")
                       .sink(make_sqlite_store(database, environment))
                       .sink(live_)
                       .start();
    TELEMETRY_FUZZ_CHECK(started);
    pipeline_ = *std::move(started);
    door_ = pipeline_->ingest().make_door();
    for (int i = 0; i < 50; ++i) {
      publish("sensors/hall/temperature", R"({"temperature":)" + std::to_string(i) + "}");
      publish("iot/free", R"({"a":{"b":[1,"x",null]},"c":true})");
      publish("sensors/hall/temperature", "{");
    }
    const OptionTable tables[] = {base_options(), sqlite_options()};
    std::vector<Diagnostic> diagnostics;
    Config::Sources sources;
    sources.app = "gateway";
    sources.environment = [](const std::string&) { return std::nullopt; };
    sources.environment_names = [] { return std::vector<std::string>(); };
    auto config = Config::load(sources, tables, diagnostics);
    TELEMETRY_FUZZ_CHECK(config);
    web::ServiceOptions options;
    options.live = live_;
    options.cors_origins = {"https://board.example"};
    service_ = web::make_service(options, *config, *pipeline_, environment);
  }
  ~Gateway() {
    service_.reset();
    door_.reset();
    pipeline_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  void publish(std::string_view topic, std::string_view payload) {
    TELEMETRY_FUZZ_CHECK(door_->reserve(topic.size() + payload.size() + 1024));
    Message message;
    message.topic = topic;
    message.payload = payload;
    door_->add(message);
    TELEMETRY_FUZZ_CHECK(door_->commit());
  }
  [[nodiscard]] web::Response ask(const web::Request& request) { return service_->handle(request); }

 private:
  std::string folder_;
  const std::shared_ptr<LiveHub> live_ = std::make_shared<LiveHub>();
  std::unique_ptr<Pipeline> pipeline_;
  std::unique_ptr<Door> door_;
  std::unique_ptr<web::Handler> service_;
};

inline bool is_json(std::string_view text) {
  core::JsonPull pull(text);
  for (;;) {
    const core::JsonToken token = pull.next();
    if (token == core::JsonToken::end) return true;
    if (token == core::JsonToken::error) return false;
  }
}

/// Takes the first line.
inline std::string_view line_of(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(line.size() < text.size() ? line.size() + 1 : text.size());
  return line;
}

}  // namespace telemetry::fuzzing
