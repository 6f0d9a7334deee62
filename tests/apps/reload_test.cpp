// SPDX-License-Identifier: Apache-2.0
#include <condition_variable>
#include <mutex>

#include "apps/running.hpp"
#include "process/reload.hpp"
#include "telemetry/adapters/files.hpp"
#include "telemetry/adapters/sqlite.hpp"

using namespace telemetry;
using running::Folder;

namespace {

/// Keeps the filters that it is given.
class FakeSource final : public MqttSource {
 public:
  std::string name() const override { return "fake"; }
  Result<void> run(Door&, std::stop_token) override { return {}; }
  bool is_ready() const noexcept override { return true; }
  std::optional<std::uint64_t> rounds() const noexcept override { return {}; }
  Result<void> set_topics(std::vector<Subscription> topics) override {
    filters.clear();
    policies.clear();
    for (const auto& topic : topics) {
      filters += topic.filter + " ";
      policies.push_back(topic.retained.value_or(RetainedPolicy::skip_stored));
    }
    return {};
  }
  std::string filters = "as at the start";
  std::vector<RetainedPolicy> policies;
};

/// An edge logger without broker and store, which reloads from edge.yaml.
struct House {
  explicit House(const std::string& yaml) : started(load(yaml)) {
    REQUIRE(log);
    PipelineOptions options;
    options.journal.path = folder.path("journal");
    options.dead_letters.path.clear();
    auto made =
        PipelineBuilder(std::move(options)).environment(system_environment(log->log())).create();
    REQUIRE(made);
    pipeline = *std::move(made);
    auto brokers = mqtt_options_from(started, "edge");
    REQUIRE(brokers);
    std::vector<RunningSource> running;
    for (std::size_t i = 0; i < brokers->size(); ++i) running.push_back({(*brokers)[i], &fakes[i]});
    reloader.emplace(started, [this](std::vector<Diagnostic>& found) { return read(found); });
    target.emplace(Reloaded{"edge", *pipeline, std::move(running), *log});
  }

  void write(const std::string& yaml) const {
    folder.write("edge.yaml", "schema: {path: " + folder.path("schemas") +
                                  "}\nlogging: {console: false, level: debug, file: " +
                                  folder.path("log") + "}\n" + yaml);
  }
  Result<Config> read(std::vector<Diagnostic>& diagnostics) const {
    Config::Sources sources;
    sources.file = folder.path("edge.yaml");
    sources.app = "edge";
    sources.environment = [](const std::string&) { return std::nullopt; };
    sources.environment_names = [] { return std::vector<std::string>{}; };
    const OptionTable tables[] = {base_options(), retention_options(), mqtt_options(),
                                  sqlite_options(), files_options()};
    return Config::load(sources, tables, diagnostics);
  }
  Config load(const std::string& yaml) const {
    std::filesystem::create_directory(folder.path("schemas"));
    write(yaml);
    std::vector<Diagnostic> diagnostics;
    auto config = read(diagnostics);
    REQUIRE(config);
    return *config;
  }
  /// Reloads with this file; the log lines of that, without time and level.
  std::string reload(const std::string& yaml) {
    write(yaml);
    const auto before = running::read(folder.path("log")).size();
    reloader->request();
    if (!attached) reloader->attach(std::move(*target));
    attached = true;
    ++asked;
    while (pipeline->stats().reloads + pipeline->stats().reloads_refused < asked) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return running::read(folder.path("log")).substr(before);
  }

  Folder folder;
  Config started;
  Result<ProcessLog> log = ProcessLog::open(started, false);
  std::unique_ptr<Pipeline> pipeline;
  FakeSource fakes[2];
  std::optional<Reloader> reloader;
  std::optional<Reloaded> target;
  bool attached = false;
  std::uint64_t asked = 0;
};

}  // namespace

TEST_CASE("each broker's topics follow its own entry, wherever that stands") {
  House house("mqtt: [{broker: a, topics: [one]}, {broker: b, topics: [two]}]\n");
  CHECK_THAT(
      house.reload("mqtt: [{broker: b, topics: [two, three]}, {broker: a, topics: [one]}]\n"),
      Catch::Contains("[reload] done: 0 schemas in force; changed: "));
  CHECK(house.fakes[0].filters == "one ");
  CHECK(house.fakes[1].filters == "two three ");
}

TEST_CASE("what becomes of retained messages follows the file") {
  using enum RetainedPolicy;
  House house("mqtt: {broker: a, topics: [one]}\n");
  CHECK_THAT(house.reload("mqtt: {broker: a, retained: ignore, topics: [one]}\n"),
             Catch::Contains("changed: mqtt.retained\n"));
  CHECK(house.fakes[0].policies == std::vector<RetainedPolicy>{ignore});
  house.reload("mqtt: {broker: a, retained: ignore, topics: [{topic: one, retained: store}]}\n");
  CHECK(house.fakes[0].policies == std::vector<RetainedPolicy>{store});
  CHECK_THAT(house.reload("mqtt: {broker: b, retained: store, topics: [one]}\n"),
             Catch::Contains("at the next start: mqtt.broker, mqtt.retained\n"));
  CHECK(house.fakes[0].policies == std::vector<RetainedPolicy>{store});
}

TEST_CASE("topics wait for the next start together with the broker that changes beside them") {
  House house("mqtt: [{broker: a, topics: [one]}, {broker: b, topics: [two]}]\n");
  const std::string other = "mqtt: [{broker: a, topics: [more]}, {broker: c, topics: [two]}]\n";
  CHECK_THAT(house.reload(other), Catch::Contains("changed: mqtt.topics\n"));
  CHECK(house.fakes[0].filters == "more ");
  CHECK(house.fakes[1].filters == "as at the start");
  house.fakes[0].filters = "untouched";
  const std::string moved = "mqtt: [{broker: d, topics: [else]}, {broker: b, topics: [two]}]\n";
  CHECK_THAT(house.reload(moved), Catch::Contains("no other setting changed"));
  CHECK(house.fakes[0].filters == "untouched");
  CHECK_THAT(running::read(house.folder.path("log")),
             Catch::Contains("takes effect at the next start: mqtt[1].broker\n"));
}

TEST_CASE("a front end that refuses what it reads keeps everything as it was") {
  House house("mqtt: {broker: a, topics: [one]}\n");
  bool refuses = true;
  int followed = 0;
  house.target->front_end = [&](const Config&) -> Result<std::function<void()>> {
    if (refuses) return mistakes_error({{"cert.pem", 0, 0, "no certificate", {}}});
    return std::function<void()>([&] { ++followed; });
  };
  const std::string more = "mqtt: {broker: a, topics: [two]}\n";
  CHECK_THAT(house.reload(more), Catch::Contains("cert.pem: error: no certificate") &&
                                     Catch::Contains("refused, everything stays as it was"));
  CHECK(house.fakes[0].filters == "as at the start");
  refuses = false;
  CHECK_THAT(house.reload(more), Catch::Contains("changed: mqtt.topics"));
  CHECK(house.fakes[0].filters == "two ");
  CHECK(followed == 1);
}

TEST_CASE("a mistake anywhere leaves everything as it was, and the next reload is good again") {
  House house("mqtt: {broker: a, topics: [one]}\n");
  for (const char* wrong :
       {"mqtt: {broker: a, topics: [two], keepalive: 1}\n", "mqtt: {topics: [two]}\njornal: {}\n",
        "mqtt: {broker: a, topics: [two]}\nschema: {path: /nowhere}\n"}) {
    INFO(wrong);
    CHECK_THAT(house.reload(wrong), Catch::Contains("[reload] "));
    CHECK(house.fakes[0].filters == "as at the start");
  }
  CHECK(house.pipeline->stats().reloads_refused == 3);
  CHECK_THAT(house.reload("mqtt: {broker: a, topics: [two]}\n"),
             Catch::Contains("changed: mqtt.topics\n"));
  CHECK(house.fakes[0].filters == "two ");
  CHECK(house.pipeline->stats().reloads == 1);
}
