// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "apps/running.hpp"

using namespace running;

namespace {

std::string record(const std::string& topic, const std::string& payload) {
  return R"({"topic":")" + topic + R"(","payload":)" + payload +
         R"(,"timestamp":"2026-11-20T08:00:00Z","received_at":"2026-11-20T08:00:00.5Z"})" + "\n";
}

std::string some_records() {
  std::string out;
  for (int i = 0; i < 30; ++i) {
    for (const char* room : {"hall", "attic"}) {
      out += record(
          std::string("house/") + room + "/climate",
          R"({"temp":2)" + std::to_string(i % 10) + R"(.5,"seq":)" + std::to_string(i) + "}");
    }
    if (i % 3 == 0) out += record("garden/pump", R"({"on":true})");
  }
  return out;
}

}  // namespace

TEST_CASE("schema infer drafts a schema of records that check and test take") {
  const Folder folder;
  folder.write("some.jsonl", some_records());
  const Ran ran = run(folder, "schema infer some.jsonl --topic 'house/#'");
  CHECK(ran.code == 0);
  CHECK(ran.err.empty());
  CHECK(ran.out ==
        "# A draft by `telemetry schema infer`: 60 messages on 2 topics, such as "
        "\"house/attic/climate\"\n"
        "# Confidence: low; let it see at least 100 messages\n"
        "name: house_climate\n"
        "version: \"1.0\"\n"
        "topic_pattern: \"house/{device}/climate\"  # 2 different texts there\n"
        "# No time of the device was found: the time of receipt counts\n"
        "sequence_field: seq  # rose by 1 in 58 of 58 steps\n"
        "validation: {strict: true, allow_extra_fields: false}\n"
        "fields:\n"
        "  - {name: temp, type: float, required: true, validation: {min: -39, max: 89}}"
        "  # in 60 of 60; 20.5 to 29.5; unit: \"°C\"?\n"
        "  - {name: seq, type: integer, required: true, validation: {min: 0}}  # in 60 of 60\n");
  folder.write("draft.yaml", ran.out);
  const Ran checked = run(folder, "schema check draft.yaml");
  CHECK(checked.code == 0);
  CHECK(checked.err.empty());
  folder.write("one.json", R"({"temp":18.25,"seq":31})");
  CHECK(run(folder, "schema test draft.yaml one.json --topic house/bath/climate").code == 0);
}

TEST_CASE("schema infer writes a file for each schema, and never over another") {
  const Folder folder;
  folder.write("some.jsonl", some_records());
  const Ran ran = run(folder, "schema infer some.jsonl --out drafts");
  CHECK(ran.code == 0);
  CHECK(ran.out ==
        "drafts/house_climate.yaml: house/{device}/climate from 60 messages on 2 topics\n"
        "drafts/garden_pump.yaml: garden/pump from 10 messages on 1 topic\n");
  CHECK(run(folder, "schema check drafts").code == 0);
  folder.write("drafts/garden_pump.yaml", "mine");
  std::filesystem::remove(folder.path("drafts/house_climate.yaml"));
  const Ran again = run(folder, "schema infer some.jsonl --out drafts");
  CHECK(again.code == 2);
  CHECK(again.err ==
        "telemetry: drafts/garden_pump.yaml is there already; remove it, or name "
        "another folder with --out\n");
  CHECK(read(folder.path("drafts/garden_pump.yaml")) == "mine");
  CHECK_FALSE(std::filesystem::exists(folder.path("drafts/house_climate.yaml")));
}

TEST_CASE("schema infer prints the schema with the most messages and says that there are more") {
  const Folder folder;
  folder.write("some.jsonl", some_records());
  const Ran ran = run(folder, "schema infer - <some.jsonl");
  CHECK(ran.code == 3);
  CHECK_THAT(ran.out, Catch::Contains("name: house_climate\n"));
  CHECK(ran.err ==
        "telemetry: 1 more schemas are not shown; write all with --out FOLDER, or "
        "choose topics with --topic\n");
  const Ran json = run(folder, "schema infer some.jsonl --json");
  CHECK(json.code == 0);
  CHECK_THAT(json.out, Catch::StartsWith(R"({"schemas":[{"name":"house_climate",)"
                                         R"("topic_pattern":"house/{device}/climate",)"
                                         R"("messages":60,"topics":2,"file":null,"document":"#)") &&
                           Catch::Contains(R"({"name":"garden_pump")") &&
                           Catch::EndsWith(R"(],"messages":70,"left_out":0})"
                                           "\n"));
  CHECK_THAT(run(folder, "schema infer some.jsonl --messages 3 --json").out,
             Catch::Contains(R"("messages":3,)"));
}

TEST_CASE("schema infer names and counts what it cannot use, and goes on") {
  const Folder folder;
  std::string text = R"({"temp":21.5})"
                     "\n\n\r\nnot JSON\n[1]\n";
  text += R"({"temp":)" + std::string("\n") + R"({"temp":22.5})";
  folder.write("payloads", text);
  const Ran ran = run(folder, "schema infer payloads --topic house/hall/climate");
  CHECK(ran.code == 0);
  CHECK_THAT(ran.out, Catch::Contains("2 messages on 1 topic"));
  CHECK(ran.err ==
        "telemetry: payloads:4: left out: byte 1: not JSON\n"
        "telemetry: payloads:5: left out: no JSON object: a schema needs one\n"
        "telemetry: payloads:6: left out: byte 9: not JSON\n"
        "telemetry: 2 messages used, 3 left out\n");
  std::string many;
  for (int i = 0; i < 100; ++i) many += "{garbage\n";
  folder.write("many", many + R"({"a":1})");
  const Ran long_one = run(folder, "schema infer many --topic a");
  CHECK(std::count(long_one.err.begin(), long_one.err.end(), '\n') == 11);
  CHECK_THAT(long_one.err, Catch::EndsWith("telemetry: 1 messages used, 100 left out\n"));
}

TEST_CASE("schema infer reads what query has written, also payloads as texts and bytes") {
  const Folder folder;
  auto messages = some_messages();
  messages.emplace_back("other/bytes", std::string("\xff\x00", 2));
  for (int i = 0; i < 3; ++i) messages.emplace_back("new/device", R"({"v":1.5})");
  store(folder, std::move(messages));
  const Ran file =
      run(folder, "query -c edge.yaml --format jsonl >all.jsonl; " +
                      std::string(TELEMETRY_BIN_DIR) + "/telemetry schema infer all.jsonl --json");
  CHECK(file.code == 0);
  CHECK_THAT(file.out, Catch::Contains(R"("topic_pattern":"sensors/{device}/temperature")") &&
                           Catch::Contains(R"("topic_pattern":"new/device")") &&
                           Catch::Contains(R"("left_out":2)"));
  const Ran stored = run(folder, "schema infer --store -c edge.yaml --topic '#'");
  CHECK(stored.code == 0);
  CHECK_THAT(stored.out, Catch::Contains("topic_pattern: \"new/device\"") &&
                             Catch::Contains("3 messages on 1 topic"));
  CHECK_THAT(stored.err, Catch::Contains("\"other/topic\": left out: byte 1: not JSON") &&
                             Catch::Contains("3 rows that have a schema were passed over"));
}

TEST_CASE("schema infer without a message is an error with the reason") {
  const Folder folder;
  folder.write("empty", "");
  folder.write("bare", "{\"a\":1}\n");
  folder.write("edge.yaml", "storage: {backend: sqlite, sqlite: {path: ./none.db}}\n");
  const auto failed = [&](const std::string& arguments, int code, const std::string& why) {
    const Ran ran = run(folder, "schema infer " + arguments);
    INFO(arguments);
    CHECK(ran.code == code);
    CHECK(ran.out.empty());
    CHECK_THAT(ran.err, Catch::StartsWith("telemetry: ") && Catch::Contains(why));
  };
  failed("empty", 1,
         "no message with a JSON object or a single value was seen, so there is nothing");
  failed("bare", 1, "bare:1: left out: no record with topic and payload; of payloads alone name");
  failed("nowhere", 2, "nowhere: cannot read it: No such file");
  failed(".", 2, ".: cannot read it: Is a directory");
  failed("bare --topic a#", 2, "--topic \"a#\": not a topic filter");
  failed("bare --store", 2, "--store");
  failed("bare --broker x", 2, "--broker");
  failed("--store -c edge.yaml", 2, "none.db");
  failed("bare --topic a --messages 0", 2, "--messages");
}

TEST_CASE("schema infer names the family of the library that reads the messages") {
  const Folder folder;
  std::string text;
  for (int i = 0; i < 3; ++i) {
    text += record("tele/plug/SENSOR", R"({"Time":"2026-01-02T03:04:05","ENERGY":{"Power":7}})");
    text += record("tele/plug/LWT", R"("Online")");
    text += record("shellies/x/relay/0", R"("on")");
    text += record("mine/x", R"({"a":1,"b":2,"c":3})");
    text += record("other/status", R"("online")");
  }
  folder.write("some.jsonl", text);
  const Ran ran = run(folder, "schema infer some.jsonl --out drafts");
  CHECK(ran.code == 0);
  CHECK(ran.err ==
        "telemetry: the library's schemas of tasmota read 6 messages on 2 topics: "
        "telemetry schema library copy tasmota drafts\n"
        "telemetry: the library's schemas of shelly_gen1 read 3 messages on 1 topic: "
        "telemetry schema library copy shelly_gen1 drafts\n");
  const Ran json = run(folder, "schema infer some.jsonl --json");
  CHECK_THAT(json.out,
             Catch::Contains(R"("families":[{"family":"tasmota","messages":6,"topics":2,"command":)"
                             R"("telemetry schema library copy tasmota FOLDER"},{"family":)"));
  // A topic that fits, and payloads that do not; a word on +/status says nothing by itself.
  text = record("tele/plug/SENSOR", R"({"t":1})") + record("other/status", R"("online")");
  folder.write("none.jsonl", text);
  CHECK(run(folder, "schema infer none.jsonl --out more").err.empty());
}

TEST_CASE("each family of the library is told from its own messages") {
  const Folder folder;
  const std::filesystem::path samples = TELEMETRY_SOURCE_DIR "/tests/devices/samples";
  std::size_t families = 0;
  for (const auto& entry : std::filesystem::directory_iterator(samples)) {
    const std::string family = entry.path().filename().string();
    INFO(family);
    const Ran ran =
        run(folder, "schema infer --json '" + (entry.path() / "topics.jsonl").string() + "'");
    CHECK_THAT(ran.out, Catch::Contains("\"families\":[{\"family\":\"" + family + "\""));
    ++families;
  }
  CHECK(families >= 9);
}
