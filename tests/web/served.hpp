// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <rapidjson/document.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "apps/running.hpp"
#include "telemetry/adapters/sqlite.hpp"
#include "telemetry/web.hpp"

namespace served {

using namespace telemetry;
using running::Folder;

/// The routes over what a real pipeline has stored.
class Gateway {
 public:
  enum class Counting : bool { off, on };
  explicit Gateway(running::FixedSource::Messages messages, web::ServiceOptions options = {},
                   Counting counting = Counting::on) {
    const std::size_t count = messages.size();
    SqliteOptions database;
    database.path = folder_.path("data/telemetry.db");
    auto started = PipelineBuilder(folder_.path("data"))
                       .environment(system_environment())
                       .schemas(TELEMETRY_SOURCE_DIR "/examples/schemas")
                       .source(std::make_unique<running::FixedSource>(std::move(messages)))
                       .sink(make_sqlite_store(database, system_environment()))
                       .sink(live_)
                       .sink(activity_)
                       .start();
    REQUIRE(started);
    pipeline_ = *std::move(started);
    const auto is_stored = [&] {
      const PipelineStats stats = pipeline_->stats();
      const std::uint64_t letters = stats.consumers.front().rejected + stats.ingest.invalid;
      return stats.consumers.front().accepted + letters >= count &&
             stats.consumers[2].accepted >= stats.ingest.journaled &&
             stats.dead_letters.last_sequence >= letters;
    };
    while (!is_stored()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const OptionTable tables[] = {base_options(), sqlite_options()};
    std::vector<Diagnostic> diagnostics;
    Config::Sources sources;
    sources.app = "gateway";
    sources.environment = [](const std::string&) { return std::nullopt; };
    sources.environment_names = [] { return std::vector<std::string>(); };
    auto config = Config::load(sources, tables, diagnostics);
    REQUIRE(config);
    options.version = "1.2.3";
    options.live = live_;
    if (counting == Counting::on) options.activity = activity_;
    options.boards_path = folder_.path("boards.json");
    service_ = web::make_service(options, *config, *pipeline_, system_environment());
  }

  web::Request request = {.method = "GET",
                          .target = {},
                          .headers = {{"Host", "localhost:8080"}},
                          .body = {},
                          .peer = "127.0.0.1"};

  web::Response get(const std::string& target) {
    target_ = target;
    request.target = target_;
    return service_->handle(request);
  }
  /// The answer as JSON.
  rapidjson::Document json(const std::string& target, int status = 200) {
    const web::Response response = get(target);
    INFO(target << ": " << response.body);
    CHECK(response.status == status);
    rapidjson::Document document;
    document.Parse(response.body.data(), response.body.size());
    CHECK_FALSE(document.HasParseError());
    return document;
  }

 private:
  Folder folder_;
  std::string target_;
  const std::shared_ptr<LiveHub> live_ = std::make_shared<LiveHub>();
  const std::shared_ptr<Activity> activity_ = std::make_shared<Activity>();
  std::unique_ptr<Pipeline> pipeline_;
  std::unique_ptr<web::Handler> service_;
};

inline std::string header_of(const web::Response& response, std::string_view name) {
  for (const auto& [known, value] : response.headers) {
    if (known == name) return value;
  }
  return {};
}

inline std::string all_of(web::Response& response) {
  std::string text;
  bool more = true;
  while (more) {
    auto next = response.stream->next(text);
    REQUIRE(next);
    more = *next == web::More::more;
  }
  return text;
}

}  // namespace served
