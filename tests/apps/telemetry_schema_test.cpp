// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "apps/running.hpp"

using namespace running;

namespace {

const std::string examples = TELEMETRY_SOURCE_DIR "/examples/schemas";

std::string room(const std::string& version, const std::string& fields) {
  return "name: room\nversion: \"" + version + "\"\ntopic_pattern: rooms/{device}\n" +
         "sequence_field: seq\nfields:\n  - {name: seq, type: integer}\n" + fields;
}

const std::string level = "  - {name: level, type: float, unit: m, validation: {max: 5}}\n";

}  // namespace

TEST_CASE("schema diff tells what changed and that a wider schema may follow") {
  const Folder folder;
  folder.write("old.yaml", room("1.0", level));
  folder.write("new.yaml", room("1.1",
                                "  - {name: level, type: float, unit: m}\n"
                                "  - {name: state, type: string, default: ok}\n"));
  const Ran ran = run(folder, "schema diff old.yaml new.yaml");
  CHECK(ran.code == 0);
  CHECK(ran.err.empty());
  CHECK(ran.out ==
        "room 1.0 -> room 1.1\n"
        "  - level: max 5\n"
        "  + state {\"type\":\"string\",\"default\":\"ok\"}\n"
        "compatible: may follow as a minor version\n");
  CHECK(run(folder, "schema diff old.yaml old.yaml").out ==
        "room 1.0 -> room 1.0\nno difference\n");
}

TEST_CASE("schema diff exits with 1 and gives the reasons when a major version is needed") {
  const Folder folder;
  folder.write("old.yaml", room("1.3", level));
  folder.write("new.yaml", room("1.4", "  - {name: level, type: integer}\n"));
  const Ran text = run(folder, "schema diff old.yaml new.yaml");
  CHECK(text.code == 1);
  CHECK_THAT(text.out, Catch::EndsWith("breaking: may not follow as a minor version\n"
                                       "  field level was of type float\n"
                                       "give it a new major version, \"2.0\"\n"));
  const Ran json = run(folder, "schema diff old.yaml new.yaml --json");
  CHECK(json.code == 1);
  CHECK_THAT(
      json.out,
      Catch::StartsWith(R"({"old":{"name":"room","version":"1.3","file":"old.yaml")") &&
          Catch::Contains(R"("changes":[{"change":"changed","field":"level","key":"type",)"
                          R"("before":"float","after":"integer"})") &&
          Catch::Contains(R"("compatible":false,"reasons":["field level was of type float"])"));
  folder.write("new.yaml", room("2.0", "  - {name: level, type: integer}\n"));
  const Ran major = run(folder, "schema diff old.yaml new.yaml");
  CHECK(major.code == 1);
  CHECK(major.out.find("give it") == major.out.npos);
}

TEST_CASE("schema diff advises on version and name") {
  const Folder folder;
  folder.write("old.yaml", room("1.9", level));
  folder.write("new.yaml", room("1.9", level + "  - {name: state, type: string}\n"));
  const Ran same = run(folder, "schema diff old.yaml new.yaml");
  CHECK(same.code == 0);
  CHECK_THAT(same.out, Catch::EndsWith("give it a higher version, \"1.10\"\n"));
  std::string other = room("1.9", level);
  folder.write("new.yaml", other.replace(other.find("room"), 4, "hall"));
  const Ran named = run(folder, "schema diff old.yaml new.yaml");
  CHECK(named.code == 1);
  CHECK_THAT(named.out,
             Catch::Contains("another name: versions of one schema are all called room"));
}

TEST_CASE("schema diff names mistakes of both files and refuses folders of many") {
  const Folder folder;
  folder.write("bad.yaml", room("1.0", "  - {name: level, type: flaot}\n"));
  folder.write("worse.yaml", "name: x\n");
  const Ran bad = run(folder, "schema diff bad.yaml worse.yaml");
  CHECK(bad.code == 2);
  CHECK_THAT(bad.err, Catch::Contains("bad.yaml:7:") && Catch::Contains("worse.yaml:1:") &&
                          Catch::EndsWith("telemetry: the schemas cannot be compared\n"));
  CHECK(run(folder, "schema diff none.yaml none.yaml").code == 2);
  const Ran many = run(folder, "schema diff " + examples + " " + examples);
  CHECK(many.code == 2);
  CHECK_THAT(many.err, Catch::Contains("schemas; name one file"));
}

TEST_CASE("schema test shows what a valid payload is stored as") {
  const Folder folder;
  folder.write("room.yaml", room("1.0", level + "  - {name: state, type: string, default: ok}\n" +
                                            "  - {name: note, type: string, default: none}\n"
                                            "  - {name: timestamp, type: timestamp}\n"));
  folder.write("one.json",
               "{\"seq\": 7, \"level\": 2.50, \"note\": \"none\",\n"
               " \"timestamp\": \"2026-11-20 08:00:00\"}\n");
  const Ran ran = run(folder, "schema test room.yaml one.json --topic rooms/hall");
  CHECK(ran.code == 0);
  CHECK(ran.err.empty());
  CHECK(ran.out ==
        "one.json: valid, room 1.0\n"
        "  seq        7\n"
        "  level      2.50 m\n"
        "  state      \"ok\" (default)\n"
        "  note       \"none\"\n"
        "  timestamp  \"2026-11-20T08:00:00Z\"\n"
        "  device     hall\n"
        "  time       2026-11-20T08:00:00Z\n"
        "  sequence   7\n");
  const Ran json = run(folder, "schema test room.yaml one.json --topic rooms/hall --json");
  CHECK(
      json.out ==
      R"({"file":"one.json","line":0,"valid":true,"schema":"room 1.0","problems":[],"warnings":[],"values":)"
      R"({"seq":7,"level":2.50,"state":"ok","note":"none","timestamp":"2026-11-20T08:00:00Z"},)"
      R"("types":{"seq":"integer","level":"float","state":"string","note":"string","timestamp":"timestamp"},)"
      R"("units":{"level":"m"},"defaults":["state"],"extra":{},"device":"hall","time":"2026-11-20T08:00:00Z",)"
      R"("time_from_device":true,"sequence":7})"
      "\n");
}

TEST_CASE("schema test says what the door says of an invalid payload, and exits with 1") {
  const Folder folder;
  const std::string payload = R"({"sensor_id": "s1", "temperature": 200})";
  folder.write("some.jsonl", R"({"sensor_id": "sensor-001", "temperature": 20})"
                             "\n\n" +
                                 payload + "\nnot JSON\n");
  const Ran ran =
      run(folder, "schema test " + examples + " some.jsonl --topic sensors/x/temperature");
  CHECK(ran.code == 1);
  CHECK_THAT(
      ran.out,
      Catch::StartsWith("some.jsonl:1: valid, temperature_sensor 1.0\n") &&
          Catch::Contains("(of arrival: the payload has no time)") &&
          Catch::Contains("some.jsonl:3: invalid, temperature_sensor 1.0\n"
                          "  temperature_sensor 1.0: /sensor_id: \"s1\" does not match "
                          "pattern ^sensor-\\d{3,}$\n"
                          "  temperature_sensor 1.0: /temperature: 200 is above max 150\n") &&
          Catch::Contains("some.jsonl:4: invalid") && Catch::EndsWith("1 valid, 2 invalid\n"));

  std::vector<std::string> problems;  // of the door itself
  std::vector<telemetry::Diagnostic> diagnostics;
  const auto set = telemetry::SchemaSet::load(examples, diagnostics);
  REQUIRE(set);
  telemetry::Batch batch;
  std::vector<telemetry::core::Violation> violations;
  const telemetry::Schema* schema = (*set)->choose("sensors/x/temperature");
  telemetry::judge(schema, {.topic = "sensors/x/temperature", .payload = payload}, batch,
                   &violations);
  REQUIRE(violations.size() == 2);
  for (const auto& violation : violations) {
    CHECK_THAT(ran.out, Catch::Contains(schema->describe(violation, payload)));
  }
}

TEST_CASE("schema test warns of what lenient mode reads as another type") {
  const Folder folder;
  folder.write("f2.json", R"({"id":"f2-002","T":"27.93 °C","RH":41.5,"ts":1795000000,"seq":17})");
  const std::string command = "schema test " + examples + "/f2_controller.yaml f2.json";
  const Ran ran = run(folder, command);
  CHECK(ran.code == 0);
  CHECK_THAT(ran.out, Catch::Contains("  temperature  27.93 °C\n"));
  CHECK_THAT(ran.out, Catch::Contains("  warning: f2_controller 1.0: /T: \"27.93 °C\""));
  CHECK_THAT(run(folder, command + " --json").out,
             Catch::Contains(R"("warnings":["f2_controller 1.0: /T)"));
}

TEST_CASE("schema test reads standard input, whole or by lines") {
  const Folder folder;
  folder.write("room.yaml", room("1.0", level));
  folder.write("lines", "{\"seq\": 1}\n{\"seq\": 2}\n");
  const Ran lines = run(folder, "schema test room.yaml --lines - <lines");
  CHECK(lines.code == 0);
  CHECK_THAT(lines.out,
             Catch::Contains("standard input:2: valid") && Catch::EndsWith("2 valid, 0 invalid\n"));
  const Ran whole = run(folder, "schema test room.yaml - <lines");
  CHECK(whole.code == 1);
  CHECK_THAT(whole.out, Catch::Contains("standard input: invalid"));
  const Ran nothing = run(folder, "schema test room.yaml --lines - </dev/null");
  CHECK(nothing.code == 1);
  CHECK(nothing.err == "telemetry: no payload there\n");
}

TEST_CASE("schema test fails without a schema for the topic, and on wrong usage") {
  const Folder folder;
  folder.write("a.json", "{}");
  const Ran none = run(folder, "schema test " + examples + " a.json --topic x/y");
  CHECK(none.code == 1);
  CHECK(none.out == "a.json: invalid\n  no schema matches the topic\n");
  const auto refused = [&](const std::string& arguments, const std::string& why) {
    const Ran ran = run(folder, "schema test " + arguments);
    INFO(arguments);
    CHECK(ran.code == 2);
    CHECK_THAT(ran.err, Catch::StartsWith("telemetry: ") && Catch::Contains(why));
    CHECK(std::count(ran.err.begin(), ran.err.end(), '\n') == 1);
  };
  refused(examples + " a.json", "say which topic the payloads came on: --topic");
  refused(examples + " none.json --topic x", "none.json: cannot read it: No such file");
  refused(examples + " . --topic x", ".: cannot read it: Is a directory");
  refused(examples + " a.json --topic a/#", "not a topic");
  refused("nowhere a.json", "nowhere");
}

TEST_CASE("schema test --messages reads payloads as text, JSON, base64 and hex, and none at all") {
  const Folder folder;
  folder.write("word.yaml",
               "name: word\ntopic_pattern: a/+\npayload: text\ndrop: empty\n"
               "fields: [{name: text, type: string, from: value}]\n");
  folder.write("some",
               R"({"topic":"a/1","payload":"on"})"
               "\n"
               R"({"topic":"a/1","payload":{"x": 1.50}})"
               "\n"
               R"({"topic":"a/1","payload_base64":"b24="})"
               "\n"
               R"({"topic":"a/1","payload_hex":"6F6e"})"
               "\n"
               // mosquitto_sub -F %j, of a message without bytes and of the word null
               R"({"tst":"x","topic":"a/1","qos":0,"retain":0,"payloadlen":0,"payload":null})"
               "\n"
               R"({"topic":"a/1","payloadlen":4,"payload":"null"})"
               "\n");
  const Ran ran = run(folder, "schema test word.yaml some --messages --json");
  CHECK(ran.code == 0);
  CHECK(ran.err.empty());
  std::vector<std::string> texts;
  for (std::size_t at = 0; (at = ran.out.find("\"text\":", at)) != std::string::npos; ++at) {
    const std::size_t begin = at + 7;
    if (const std::string text = ran.out.substr(begin, ran.out.find("},", begin) - begin);
        text != "\"string\"")
      texts.push_back(text);
  }
  CHECK(texts == std::vector<std::string>{R"("on")", R"("{\"x\": 1.50}")", R"("on")", R"("on")",
                                          R"("null")"});
  CHECK_THAT(run(folder, "schema test word.yaml some --messages").out,
             Catch::Contains("some:5: dropped by word 1.0\n") &&
                 Catch::EndsWith("5 valid, 0 invalid, 1 dropped\n"));
}

TEST_CASE("schema test --messages names lines that are no messages") {
  const Folder folder;
  folder.write("any.yaml",
               "name: any\ntopic_pattern: \"#\"\npayload: text\n"
               "fields: [{name: text, type: string, from: value}]\n");
  folder.write("some", R"({"topic":"a","payload_hex":"6"})"
                       "\n"
                       R"({"topic":"a","payload_hex":"6x"})"
                       "\n"
                       R"({"topic":"a/#","payload":1})"
                       "\n"
                       R"({"payload":1})"
                       "\nx\n");
  const Ran ran = run(folder, "schema test any.yaml some --messages");
  CHECK(ran.code == 1);
  CHECK(std::count(ran.err.begin(), ran.err.end(), '\n') == 5);
  CHECK_THAT(ran.err,
             Catch::StartsWith("telemetry: some:1: not a message: a JSON object with topic "
                               "and payload is wanted\n"));
}
