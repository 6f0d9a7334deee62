// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "apps/running_edge.hpp"
#include "telemetry/core/time.hpp"

using namespace running;

namespace {

std::string days_ago(std::int64_t days) {
  const std::int64_t now = telemetry::system_environment().clock.now();
  std::array<char, telemetry::core::time_text_bytes_max> text;
  const std::int64_t day = 86'400 * telemetry::core::ns_per_second;
  return {text.data(), telemetry::core::format_time(now - days * day, text)};
}

/// Messages of 30, 20, 9 and 3 days ago, and edge.yaml with this at its end.
void furnish(const Folder& folder, const std::string& retention) {
  FixedSource::Messages messages;
  for (const int days : {30, 20, 9, 3}) {
    messages.emplace_back("sensors/sensor-0" + std::to_string(days) + "/temperature",
                          R"({"sensor_id":"sensor-001","temperature":21.5,"timestamp":")" +
                              days_ago(days) + R"(","seq":1})");
  }
  store(folder, std::move(messages));
  std::string config = read(folder.path("edge.yaml"));
  folder.write("edge.yaml", "mqtt: {broker: 127.0.0.1, port: 1, topics: [\"#\"]}\n" +
                                config.substr(config.find('\n') + 1) + retention);
}

std::string topics(const Folder& folder) {
  return run(folder, "query -c edge.yaml --format csv", "| tail -n +2 | cut -d/ -f2 | tr '\\n' ' '")
      .out;
}

std::string audit(const Folder& folder) { return read(folder.path("data/audit.jsonl")); }

}  // namespace

TEST_CASE("retention shows what would go, wants a yes, and deletes it for good") {
  const Folder folder;
  furnish(folder,
          "retention: {enabled: true, rules: [{topics: [sensors/sensor-030/#], days: 25}, "
          "{topics: [other/#], schemas: [unknown], days: 2}, {topics: [\"#\"], days: 28}]}\n");
  const std::string command = "retention -c edge.yaml --set retention.rules[2].days=10";
  // A rule that another one makes pointless is a mistake: keep less of the first.
  CHECK_THAT(run(folder, command + " --dry-run").err, Catch::Contains("no effect"));
  const Ran shown = run(folder, "retention -c edge.yaml --dry-run");
  CHECK(shown.code == 0);
  CHECK_THAT(shown.out, Catch::Contains("sensors/sensor-030/#, older than 25 days") &&
                            Catch::Contains("other/# of unknown, older than 2 days") &&
                            Catch::Contains("#, older than 28 days") &&
                            Catch::Contains(": 1 would go\n"));
  const Ran asked = run(folder, "retention -c edge.yaml </dev/null");
  CHECK(asked.code == 2);
  CHECK_THAT(asked.err, Catch::Contains("say so with --yes"));
  CHECK(topics(folder) == "sensor-030 sensor-020 sensor-09 sensor-03 ");
  const Ran done = run(folder, "retention -c edge.yaml --yes");
  CAPTURE(done.err);
  CHECK(done.code == 0);
  CHECK_THAT(done.out, Catch::Contains("older than 25 days") && Catch::Contains(": 1 deleted\n"));
  CHECK(topics(folder) == "sensor-020 sensor-09 sensor-03 ");
  CHECK_THAT(audit(folder), Catch::Contains(R"("from":"command","what":"retention")"));
  CHECK_THAT(run(folder, "retention -c edge.yaml --json").out,
             Catch::StartsWith(R"({"complete":true,"rules":[{)"));
  CHECK(run(folder, "retention -c edge.yaml --set retention.enabled=false").code == 2);
}

TEST_CASE("the running logger deletes by age at its start, and acts are in the audit file") {
  const Folder folder;
  furnish(folder, "retention: {enabled: true, days: 10}\n");
  const Edge edge(folder);
  while (topics(folder) != "sensor-09 sensor-03 " || audit(folder).empty()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  CHECK_THAT(audit(folder), Catch::Contains(R"("from":"retention","what":"retention")") &&
                                Catch::Contains(R"("rows":2)"));
  CHECK(run(folder, "delete -c edge.yaml '#' --until 1d --yes").code == 0);
  CHECK(run(folder, "retention -c edge.yaml --yes").code == 0);  // nothing: not asked for
  CHECK(run(folder, "import -c edge.yaml none.img").code != 0);
  CHECK(run(folder, "reload -c edge.yaml").code == 0);
  CHECK(run(folder, "status -c edge.yaml").code == 0);
  const std::string lines = audit(folder);
  const std::string uid = R"("uid":)" + std::to_string(geteuid()) + R"(,"from":"socket","what":)";
  CHECK_THAT(lines, Catch::Contains(uid + R"("delete","details":{"topics":["#"],"until":)") &&
                        Catch::Contains(R"("deleted":2)") &&
                        Catch::Contains(uid + R"("import","details":{"path":")") &&
                        Catch::Contains(uid + R"("reload")"));
  CHECK(std::count(lines.begin(), lines.end(), '\n') == 4);
}
