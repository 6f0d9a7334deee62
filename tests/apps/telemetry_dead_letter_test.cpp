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
             Catch::Contains(R"("qos":1,"retained":false,"reference":1,"payload":"{\")") &&
                 Catch::EndsWith(R"("payload":{"base64":"/wA="}})"
                                 "\n"));
  const Ran none = run(folder, "dead-letter show 7 -c edge.yaml");
  CHECK(none.code == 2);
  CHECK_THAT(none.err, Catch::Contains("no such letter"));
  const Ran wrong = run(folder, "dead-letter show 7-3 -c edge.yaml");
  CHECK(wrong.code == 2);
  CHECK_THAT(wrong.err, Catch::Contains("\"7-3\" is no letter's id: write 12"));
}
