// SPDX-License-Identifier: Apache-2.0
#include "apps/running_edge.hpp"

using namespace running;

namespace {

std::string stored(const Folder& folder, const std::string& database = "data/telemetry.db") {
  return run(folder,
             "query -c edge.yaml --set storage.sqlite.path=" + database +
                 " --fields temperature --format csv",
             "| tail -n +2 | cut -d, -f1,2 | tr '\\n' ' '")
      .out;
}

constexpr const char* first = "sensors/sensor-001/temperature,2026-11-20T08:00:00Z ";
constexpr const char* second = "sensors/sensor-002/temperature,2026-11-20T08:00:01Z ";
constexpr const char* third = "sensors/sensor-001/temperature,2026-11-20T09:00:00Z ";

FixedSource::Messages timed_messages() {
  auto messages = some_messages();
  messages.resize(3);
  return messages;
}

}  // namespace

TEST_CASE("delete says how many rows match, wants a yes, and deletes them for good") {
  const Folder folder;
  store(folder, timed_messages());
  std::unique_ptr<Edge> edge;
  SECTION("without a running logger") {}
  SECTION("beside the running logger") {
    std::string config = read(folder.path("edge.yaml"));
    folder.write("edge.yaml", "mqtt: {broker: 127.0.0.1, port: 1, topics: [\"#\"]}\n" +
                                  config.substr(config.find('\n') + 1));
    edge = std::make_unique<Edge>(folder);
  }
  const std::string some =
      "delete -c edge.yaml 'sensors/+/temperature' --until 2026-11-20T08:30:00Z";
  CHECK(run(folder, some + " --dry-run").out == "2 rows match\n");
  CHECK(run(folder, some + " --dry-run --json --device sensor-002").out == "{\"matching\":1}\n");
  const Ran asked = run(folder, some + " </dev/null");
  CHECK(asked.code == 2);
  CHECK_THAT(asked.err, Catch::Contains("2 rows would be deleted for good: say so with --yes"));
  CHECK(stored(folder) == std::string(first) + second + third);
  const Ran done = run(folder, some + " --yes --device sensor-002");
  CHECK(done.out == "1 rows deleted\n");
  CHECK(done.code == 0);
  CHECK(stored(folder) == std::string(first) + third);
  CHECK_THAT(run(folder, some + " --yes --json").out,
             Catch::StartsWith("{\"sequence\":5,\"deleted\":1,\"done\":true}"));
  CHECK(stored(folder) == third);
  edge.reset();
  // The journal from its start into another file: it has the messages, and the deletions.
  const std::string other = " --set storage.sqlite.path=data/other.db";
  CHECK(run(folder, some + " --dry-run" + other).code == 2);
  CHECK(run(folder, "import -c edge.yaml none.img" + other).code == 2);
  CHECK(stored(folder, "data/other.db") == third);
}

TEST_CASE("delete refuses what would be a mistake") {
  const Folder folder;
  store(folder, timed_messages());
  const auto fails = [&](const std::string& arguments, const std::string& why) {
    const Ran ran = run(folder, "delete -c edge.yaml --yes " + arguments);
    CAPTURE(arguments, ran.err);
    CHECK(ran.code == 2);
    CHECK_THAT(ran.err, Catch::Contains(why));
  };
  fails("", "FILTER");
  fails("'#'", "say of which time: --since, --until or both");
  fails("'#' --since ''", "a time");
  fails("'#' --since yesterday", "yesterday");
  fails("'a/#/b' --until 1h", "is not a topic filter");
  fails("'#' --since 1h --until 2h", "the time range is empty");
  fails("'#' --until 1h --schema unknown", "unknown schema 'unknown'");
  CHECK(stored(folder) == std::string(first) + second + third);
}

TEST_CASE("delete says that another program holds the journal, and of what it lacks the rights") {
  const Folder folder;
  store(folder, timed_messages());
  const std::string some = "delete -c edge.yaml '#' --until 1h --yes";
  {
    const telemetry::Environment machine = telemetry::system_environment();
    const auto lock = machine.files.lock(folder.path("data/journal/lock"));
    REQUIRE(lock);
    const Ran held = run(folder, some);
    CHECK(held.code == 2);
    CHECK_THAT(held.err, Catch::Contains("data/journal/lock: locked by"));
    machine.files.close(*lock);
  }
  if (geteuid() != 0) {
    std::filesystem::permissions(folder.path("data/journal/lock"), std::filesystem::perms::none);
    const Ran forbidden = run(folder, some);
    CHECK(forbidden.code == 2);
    CHECK_THAT(forbidden.err, Catch::Contains("data/journal/lock"));
  }
  CHECK(stored(folder) == std::string(first) + second + third);
}
