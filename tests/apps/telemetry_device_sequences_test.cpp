// SPDX-License-Identifier: Apache-2.0
#include "apps/running.hpp"

using namespace running;

TEST_CASE("device-sequences shows the last number of each topic and what was missing") {
  const Folder folder;
  auto messages = some_messages();
  messages.emplace_back(
      "sensors/sensor-001/temperature",
      R"({"sensor_id":"sensor-001","temperature":24,"timestamp":"2026-11-20T09:00:00Z","seq":9})");
  store(folder, messages);
  const Ran table = run(folder, "device-sequences -c edge.yaml");
  CHECK(table.code == 0);
  CHECK(table.err.empty());
  CHECK_THAT(table.out, Catch::StartsWith("topic  ") && Catch::Contains(" received\n"));
  CHECK(std::count(table.out.begin(), table.out.end(), '\n') == 3);
  const Ran one = run(folder, "device-sequences -c edge.yaml --topic '+/sensor-001/#' --json");
  CHECK_THAT(
      one.out,
      Catch::StartsWith(R"({"topic":"sensors/sensor-001/temperature","last":9,"received_at":"20)"));
  CHECK_THAT(one.out, Catch::EndsWith(R"("messages":3,"gaps":1,"missing":6,"resets":0})"
                                      "\n"));
  const Ran none = run(folder, "device-sequences -c edge.yaml --topic nothing");
  CHECK(none.code == 0);
  CHECK(none.out.empty());
  CHECK_THAT(none.err, Catch::Contains("no numbered messages match"));
  CHECK(run(folder, "device-sequences -c edge.yaml --topic 'a/#/b'").code == 2);
}
