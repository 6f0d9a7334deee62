// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>

#include "apps/running.hpp"
#include "telemetry/seal.hpp"
#include "telemetry/web.hpp"

namespace running {

using namespace telemetry;

/// A clock that a test moves on.
class StepClock final : public Clock {
 public:
  std::int64_t now() noexcept override { return 1'795'000'000'000'000'000 + monotonic(); }
  std::int64_t monotonic() noexcept override { return now_; }
  void step(std::int64_t ns) { now_ += ns; }

 private:
  std::atomic<std::int64_t> now_{1};
};

using Settings = std::vector<std::pair<std::string, std::string>>;

/// The routes over a pipeline that a test publishes to.
class LiveGateway {
 public:
  explicit LiveGateway(Settings settings = {}) {
    SqliteOptions database;
    database.path = folder_.path("data/telemetry.db");
    auto started = PipelineBuilder(folder_.path("data"))
                       .environment(system_environment())
                       .schemas(TELEMETRY_SOURCE_DIR "/examples/schemas")
                       .sink(make_sqlite_store(database, system_environment()))
                       .sink(live_)
                       .start();
    REQUIRE(started);
    pipeline_ = *std::move(started);
    door_ = pipeline_->ingest().make_door();
    const OptionTable tables[] = {base_options(), sqlite_options()};
    std::vector<Diagnostic> diagnostics;
    Config::Sources sources;
    sources.app = "gateway";
    sources.overrides = std::move(settings);
    sources.environment = [](const std::string&) { return std::nullopt; };
    sources.environment_names = [] { return std::vector<std::string>(); };
    auto config = Config::load(sources, tables, diagnostics);
    REQUIRE(config);
    web::ServiceOptions options;
    options.live = live_;
    Environment environment = system_environment();
    service_ = web::make_service(options, *config, *pipeline_,
                                 {clock, environment.files, environment.random, environment.log});
  }
  void publish(const std::string& topic, const std::string& payload) {
    REQUIRE(try_publish(topic, payload));
  }
  /// For threads that may not assert.
  [[nodiscard]] bool try_publish(const std::string& topic, const std::string& payload) {
    if (!door_->reserve(topic.size() + payload.size() + 1024)) return false;
    Message message;
    message.topic = topic;
    message.payload = payload;
    door_->add(message);
    return static_cast<bool>(door_->commit());
  }
  /// Numbers from 1 on, at one time.
  void publish_many(const std::string& topic, int count) {
    REQUIRE(door_->reserve(static_cast<std::size_t>(count) * 256));
    for (int i = 1; i <= count; ++i) {
      const std::string payload = std::to_string(i);
      Message message;
      message.topic = topic;
      message.payload = payload;
      door_->add(message);
    }
    REQUIRE(door_->commit());
  }
  void wait_until_stored(std::uint64_t position) {
    while (pipeline_->stats().consumers.front().position < position) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  web::Response get(const std::string& target, std::vector<web::Request::Header> headers = {}) {
    headers.push_back({"Host", "localhost:8080"});
    web::Request request{.method = "GET",
                         .target = target,
                         .headers = std::move(headers),
                         .body = {},
                         .peer = "127.0.0.1"};
    return service_->handle(request);
  }
  /// What a token stands for.
  [[nodiscard]] std::optional<std::uint64_t> place(std::string_view token) const {
    return Seal(pipeline_->ingest().journal().id()).number(Seal::Kind::place, token);
  }
  [[nodiscard]] web::Handler& handler() { return *service_; }
  [[nodiscard]] const LiveHub& hub() const { return *live_; }

  StepClock clock;

 private:
  Folder folder_;
  const std::shared_ptr<LiveHub> live_ = std::make_shared<LiveHub>();
  std::unique_ptr<Pipeline> pipeline_;
  std::unique_ptr<Door> door_;
  std::unique_ptr<web::Handler> service_;
};

}  // namespace running
