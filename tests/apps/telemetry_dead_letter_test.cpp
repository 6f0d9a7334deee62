// SPDX-License-Identifier: Apache-2.0
#include "apps/running_edge.hpp"

using namespace running;

namespace {

FixedSource::Messages broken(int count) {
  FixedSource::Messages messages;
  for (int i = 1; i <= count; ++i) {
    messages.emplace_back(
        "sensors/sensor-00" + std::to_string(i % 2) + "/temperature",
        R"({"sensor_id":"sensor-001","temperature":)" + std::to_string(200 + i) + "}");
  }
  return messages;
}

std::size_t lines_of(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

TEST_CASE("dead-letter list says id, time, size, topic and what is wrong, newest first") {
  const Folder folder;
  store(folder, broken(5));
  const Ran all = run(folder, "dead-letter list -c edge.yaml");
  CHECK(all.code == 0);
  CHECK(all.err.empty());
  CHECK(lines_of(all.out) == 5);
  CHECK_THAT(all.out, Catch::StartsWith("       5  20") &&
                          Catch::Contains("  sensors/sensor-001/temperature  /temperature: 205 is "
                                          "above max 150\n"));
  const Ran oldest = run(folder, "dead-letter list -c edge.yaml --order oldest --limit 2");
  CHECK(lines_of(oldest.out) == 2);
  CHECK_THAT(oldest.out, Catch::StartsWith("       1  20"));
  CHECK_THAT(oldest.err, Catch::Contains("2 of 5 letters"));
  CHECK_THAT(run(folder, "dead-letter list -c edge.yaml --limit 1").out,
             Catch::StartsWith("       5  20"));
  const Ran one = run(folder, "dead-letter list -c edge.yaml --topic '+/sensor-000/#' --json");
  CHECK(lines_of(one.out) == 2);
  CHECK_THAT(one.out, Catch::StartsWith(R"({"id":4,"received_at":"20)") &&
                          Catch::Contains(
                              R"("verdict":"invalid","reason":"max","bytes":44,"problems":[{)") &&
                          Catch::Contains(R"("path":"/temperature","rule":"max","found":"204",)"));
  CHECK(run(folder, "dead-letter list -c edge.yaml --since 1h").out == all.out);
  const Ran none = run(folder, "dead-letter list -c edge.yaml --until 1h");
  CHECK(none.code == 0);
  CHECK(none.out.empty());
  CHECK_THAT(none.err, Catch::Contains("no dead letters match"));
}

TEST_CASE("dead-letter list and drop take those of a reason and a schema") {
  const Folder folder;
  auto messages = broken(3);
  messages.emplace_back("sensors/s/temperature", "{");
  store(folder, messages);
  const auto listed = [&](const std::string& options) {
    return lines_of(run(folder, "dead-letter list -c edge.yaml " + options).out);
  };
  CHECK(listed("--reason max") == 3);
  CHECK(listed("--reason json_syntax --schema temperature_sensor") == 1);
  CHECK(listed("--schema 'temperature_sensor 1.0'") == 4);
  CHECK(listed("--schema temperature") == 0);
  CHECK(listed("--schema none") == 0);
  for (const auto& [options, why] :
       {std::pair("--reason patern", "--reason: 'patern' is no reason; did you mean 'pattern'?"),
        {"--reason x", "'x' is no reason; known are refused by a store, none, json_syntax"},
        {"--reason ''", "a reason, such as max"},
        {"--schema ''", "the name of a schema"}}) {
    const Ran wrong = run(folder, std::string("dead-letter list -c edge.yaml ") + options);
    CHECK(wrong.code == 2);
    CHECK_THAT(wrong.err, Catch::Contains(why));
  }
  CHECK(run(folder, "dead-letter drop -c edge.yaml --reason json_syntax --yes").out ==
        "1 letters dropped\n");
  CHECK(listed("") == 3);
}

TEST_CASE("dead-letter show has all of a letter, its payload byte for byte") {
  const Folder folder;
  auto messages = broken(1);
  messages.emplace_back("sensors/s/temperature", std::string("\xff\0", 2));
  store(folder, messages);
  const Ran one = run(folder, "dead-letter show 1 -c edge.yaml");
  CHECK(one.code == 0);
  CHECK_THAT(one.out, Catch::Contains("schema    temperature_sensor 1.0\n") &&
                          Catch::Contains("reason    max\n          /temperature: 201 is above") &&
                          Catch::Contains("payload   44 bytes\n{\"sensor_id\":"));
  const Ran both = run(folder, "dead-letter show 1-2 -c edge.yaml --json");
  CHECK(lines_of(both.out) == 2);
  CHECK_THAT(both.out,
             Catch::Contains(R"("qos":1,"retained":false,"unfolded":false,"payload":"{\")") &&
                 Catch::EndsWith(R"("payload":{"base64":"/wA="},"reference":2})"
                                 "\n"));
  const Ran none = run(folder, "dead-letter show 7 -c edge.yaml");
  CHECK(none.code == 2);
  CHECK_THAT(none.err, Catch::Contains("no such letter"));
  const Ran wrong = run(folder, "dead-letter show 7-3 -c edge.yaml");
  CHECK(wrong.code == 2);
  CHECK_THAT(wrong.err, Catch::Contains("\"7-3\" is no letter's id: write 12"));
}

namespace {

constexpr const char* mended =
    "name: sensor\nversion: \"1.0\"\ntopic_pattern: sensors/{device}/temperature\nfields:\n"
    "  - {name: sensor_id, type: string}\n  - {name: temperature, type: float, max: 208}\n";

void mend_schema(const Folder& folder) {
  std::filesystem::create_directory(folder.path("schemas"));
  folder.write("schemas/sensor.yaml", mended);
  std::string config = read(folder.path("edge.yaml"));
  const std::string before = TELEMETRY_SOURCE_DIR "/examples/schemas";
  config.replace(config.find(before), before.size(), "./schemas");
  folder.write("edge.yaml", "mqtt: {broker: 127.0.0.1, port: 1, topics: [\"#\"]}\n" +
                                config.substr(config.find('\n') + 1));
}

std::string rows(const Folder& folder) {
  return run(folder, "query -c edge.yaml --fields temperature --format csv",
             "| tail -n +2 | cut -d, -f6 | tr '\\r\\n' '  '")
      .out;
}

}  // namespace

TEST_CASE("dead-letter replay stores what passes by the schemas of now, once and in time order") {
  const Folder folder;
  store(folder, broken(10));
  const Ran again = run(folder, "dead-letter replay -c edge.yaml");
  CHECK(again.code == 3);
  CHECK(again.out ==
        "10 letters: 0 replayed, 10 fail again and stay (sensors/sensor-001/temperature: "
        "temperature_sensor 1.0: /temperature: 201 is above max 150)\n");
  mend_schema(folder);
  std::unique_ptr<Edge> edge;
  SECTION("without a running logger") {}
  SECTION("beside the running logger") { edge = std::make_unique<Edge>(folder); }
  CHECK(
      run(folder, "dead-letter replay -c edge.yaml 3 --topic sensors/sensor-001/temperature").out ==
      "1 letters: 1 replayed\n");
  CHECK(run(folder, "dead-letter replay -c edge.yaml --until 1h").out == "0 letters: 0 replayed\n");
  const Ran all = run(folder, "dead-letter replay -c edge.yaml --json");
  CHECK(all.code == 3);
  CHECK_THAT(all.out, Catch::StartsWith(
                          R"({"selected":9,"replayed":7,"failed":2,"refused":0,"example":"sens)"));
  edge.reset();  // all that is in the journal is stored
  CHECK(rows(folder) == "201  202  203  204  205  206  207  208  ");
  const Ran left = run(folder, "dead-letter list -c edge.yaml");
  CHECK(lines_of(left.out) == 2);
  CHECK_THAT(left.out, Catch::Contains(": 209 is") && Catch::Contains(": 210 is"));
  const Ran last = run(folder, "dead-letter replay -c edge.yaml");
  CHECK_THAT(last.out, Catch::StartsWith("2 letters: 0 replayed"));
  CHECK(rows(folder) == "201  202  203  204  205  206  207  208  ");
}

TEST_CASE("dead-letter drop takes out what is selected, after a yes") {
  const Folder folder;
  store(folder, broken(6));
  std::unique_ptr<Edge> edge;
  SECTION("without a running logger") {}
  SECTION("beside the running logger") {
    mend_schema(folder);
    edge = std::make_unique<Edge>(folder);
  }
  for (const char* empty : {"--topic ''", "--since ''", "--until ''", "''"}) {
    CHECK(run(folder, std::string("dead-letter drop -c edge.yaml --yes ") + empty).code == 2);
  }
  const Ran asked = run(folder, "dead-letter drop -c edge.yaml </dev/null");
  CHECK(asked.code == 2);
  CHECK_THAT(asked.err, Catch::Contains("6 letters would be dropped for good: say so with --yes"));
  CHECK(lines_of(run(folder, "dead-letter list -c edge.yaml").out) == 6);
  CHECK(run(folder, "dead-letter drop -c edge.yaml --yes 2-3").out == "2 letters dropped\n");
  CHECK(run(folder, "dead-letter drop -c edge.yaml --yes --json --topic '+/sensor-001/#'").out ==
        "{\"dropped\":2}\n");
  CHECK(lines_of(run(folder, "dead-letter list -c edge.yaml").out) == 2);
  CHECK(run(folder, "dead-letter drop -c edge.yaml --yes").out == "2 letters dropped\n");
  const Ran none = run(folder, "dead-letter drop -c edge.yaml --yes");
  CHECK(none.code == 0);
  CHECK_THAT(none.err, Catch::Contains("no dead letters match"));
}
