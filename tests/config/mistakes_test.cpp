// SPDX-License-Identifier: Apache-2.0
#include "config/loading.hpp"

using namespace telemetry;
using loading::Load;

namespace {
std::string refused(const std::string& yaml) { return Load{yaml}.refused(); }
}  // namespace

TEST_CASE("all mistakes of a file are reported in one run, in the order of the lines") {
  CHECK(refused("mqtt:\n"
                "  brocker: localhost\n"
                "  port: 70000\n"
                "jurnal: {}\n"
                "journal: {size_max_mb: big, when_full: panic}\n"
                "schema: {auto_discovery: yes}\n") ==
        "test.yaml:2:3: error: unknown key mqtt.brocker (did you mean mqtt.broker?)\n"
        "test.yaml:3:9: error: mqtt.port must be a whole number from 1 to 65535, not \"70000\"\n"
        "test.yaml:4:1: error: unknown key jurnal (did you mean journal?)\n"
        "test.yaml:5:24: error: journal.size_max_mb must be a whole number from 2 to 16777216 MB, "
        "not \"big\"\n"
        "test.yaml:5:40: error: journal.when_full must be one of block, drop_oldest, not "
        "\"panic\"\n"
        "test.yaml:6:26: error: schema.auto_discovery must be true or false, not \"yes\" (write "
        "true or false)\n");
}

TEST_CASE("a key in the wrong section is sent to the right one") {
  CHECK_THAT(refused("size_max_mb: 10"),
             Catch::Contains("did you mean dead_letters.size_max_mb?") ||
                 Catch::Contains("did you mean journal.size_max_mb?"));
  CHECK_THAT(refused("mqtt.port: 10"), Catch::Contains("write it nested: mqtt: {port: ...}"));
  CHECK_THAT(refused("wombat: 10"), Catch::Contains("config reference"));
  CHECK_THAT(refused("mqtt: {prot: 1}"), Catch::Contains("did you mean mqtt.port?"));
  CHECK_THAT(refused("mqtt: {host: h}"), Catch::Contains("write mqtt.broker instead"));
  CHECK_THAT(refused("mqtt: {clean_session: false}"),
             Catch::Contains("mqtt.persistent_session with the opposite value"));
}

TEST_CASE("a key given twice is an error that names both lines") {
  CHECK(refused("mqtt:\n  port: 1\n  port: 2\n") ==
        "test.yaml:3:3: error: key 'port' is given twice (the first is in line 2; keep one of "
        "them)\n");
}

TEST_CASE("a section must hold keys and a value must not") {
  CHECK_THAT(refused("mqtt: localhost"), Catch::Contains("mqtt is a section and must hold keys"));
  CHECK_THAT(refused("journal: [a]"), Catch::Contains("journal is a section"));
  CHECK_THAT(refused("mqtt: {port: {a: 1}}"), Catch::Contains("1:14: error: mqtt.port must be"));
  CHECK_THAT(refused("mqtt: {broker: [a]}"), Catch::Contains("mqtt.broker must be text"));
  CHECK_THAT(refused("- mqtt"), Catch::Contains("the file must be a map of sections"));
  CHECK_THAT(refused("mqtt: []"), Catch::Contains("mqtt is an empty list"));
  CHECK_THAT(refused("mqtt: [x]"), Catch::Contains("mqtt must hold keys"));
}

TEST_CASE("text that is no YAML is one mistake with its place") {
  CHECK_THAT(refused("mqtt:\n  port: 1\n broker: x\n"),
             Catch::StartsWith("test.yaml:3:2:") && Catch::Contains("not valid YAML"));
  CHECK_THAT(refused("a: 1\n---\nb: 2\n"), Catch::Contains("the file goes on after its end"));
}

TEST_CASE("text at which yaml-cpp would loop for ever is refused with its place") {
  CHECK_THAT(refused(","), Catch::StartsWith("test.yaml:1:1: error: the file goes on"));
  CHECK_THAT(refused("# c\n, and more\nmqtt:\n"), Catch::StartsWith("test.yaml:2:"));
  CHECK_THAT(refused("- a: (\n\"b\",\n"), Catch::StartsWith("test.yaml:"));
  CHECK_THAT(refused("]"), Catch::StartsWith("test.yaml:1:"));
  CHECK_THAT(refused("[:"), Catch::StartsWith("test.yaml:1:"));
  CHECK_THAT(refused("{# ke\ny{:"), Catch::StartsWith("test.yaml:"));
}

TEST_CASE("wrong topics are named one by one") {
  CHECK(refused("mqtt:\n"
                "  topics:\n"
                "    - a/#/b\n"
                "    - {topic: ok, qos: 3}\n"
                "    - {qos: 1}\n"
                "    - {topic: ok, qoz: 1}\n"
                "    - {topic: kept, retained: stored}\n"
                "    - x\n"
                "    - x\n") ==
        "test.yaml:3:7: error: mqtt.topics has \"a/#/b\", which is not a topic filter (+ stands "
        "for one whole level, # for all remaining levels at the end)\n"
        "test.yaml:4:24: error: mqtt.topics has a qos that is not 0, 1 or 2 (write 0, 1 or "
        "2)\n"
        "test.yaml:5:7: error: mqtt.topics has an entry without a topic (write {topic: "
        "\"sensors/#\", qos: 1})\n"
        "test.yaml:6:19: error: mqtt.topics has an unknown key \"qoz\" (topic, qos and retained "
        "are known)\n"
        "test.yaml:7:31: error: mqtt.topics has a retained that is not one of skip_stored, store, "
        "ignore (did you mean store?)\n"
        "test.yaml:9:7: error: mqtt.topics names the topic filter \"x\" twice (keep one of "
        "them)\n");
}

TEST_CASE("a topic whose colon or quotes are missing is not taken for a filter") {
  CHECK(refused("mqtt:\n  topics:\n    - topic:a/#\n") ==
        "test.yaml:3:7: error: mqtt.topics has \"topic:a/#\": a blank is missing behind the colon "
        "(write {topic: \"sensors/#\", qos: 1}; quotes make it a filter)\n");
  CHECK(Load{"mqtt: {topics: [\"topic:a/#\"]}"}.good().topics("mqtt.topics").size() == 1);
}

TEST_CASE("a value with a line break or another control character is refused, and not shown") {
  CHECK(refused("journal:\n  path: |\n    ./j\n") ==
        "test.yaml:2:9: error: journal.path holds a line break or another control character "
        "(write it in one line, without | or >; in double quotes a backslash is \\\\)\n");
  CHECK_THAT(refused("logging: {file: \"C:\\temp\"}"),
             Catch::Contains("1:17: error: logging.file holds a line break or another"));
  const std::string secret = Load{"", {{"MQTT_PASSWORD", "hunter2\n"}}}.refused();
  CHECK_THAT(secret, Catch::StartsWith("environment MQTT_PASSWORD: error: mqtt.password holds a"));
  CHECK(secret.find("hunter") == std::string::npos);
  CHECK(Load{"journal:\n  path: >-\n    ./j\n"}.good().text("journal.path") == "./j");
}

TEST_CASE("settings that contradict each other are refused") {
  CHECK_THAT(refused("journal: {size_max_mb: 100, segment_mb: 64}"),
             Catch::Contains("segment_mb (64) is more than half"));
  CHECK_THAT(refused("buffer: {size: 10, high_water_mark: 11}"),
             Catch::Contains("high_water_mark (11) is above buffer.size (10)"));
  CHECK_THAT(refused("journal: {path: ./a}\ndead_letters: {path: a/../a}"),
             Catch::Contains("dead_letters.path is the folder of journal.path"));
  CHECK_THAT(refused("schema: {path: /tmp, auto_discovery: false}"),
             Catch::Contains("is a folder"));
  CHECK_THAT(refused("mqtt: {broker: \"mqtt://h:1884\", port: 1883}"),
             Catch::Contains("mqtt.port is given twice with different values"));
  CHECK_THAT(refused("mqtt: {broker: \"mqtts://h\", tls: {enabled: false}}"),
             Catch::Contains("mqtt.tls.enabled is given twice"));
  CHECK_THAT(refused("retention: {days: 1}\nstorage: {retention: {days: 2}}"),
             Catch::Contains("retention.days is given twice"));
}

TEST_CASE("a diagnostic never shows a secret") {
  const std::string all = refused(
      "mqtt:\n"
      "  - {password: [hunter2]}\n"
      "  - {password: {hunter2: 1}}\n"
      "  - {broker: \"ws://user:hunter2@h\"}\n"
      "  - {broker: \"mqtt://user:hunter2@h:99999\"}\n"
      "  - {password: \"${hunter2\"}\n"
      "  - {password: \"${hunter 2}\"}\n"
      "  - {broker: \"mqtt://u:hunter2@h\", password: hunter22, username: u}\n"
      "security: {api_keys: {enabled: true, keys: {hunter2: 1}}}\n"
      "storage: {postgresql: {password: [hunter2]}}\n");
  CHECK(all.find("hunter") == std::string::npos);
  CHECK(std::count(all.begin(), all.end(), '\n') == 9);
}

TEST_CASE("an unquoted password that YAML takes for an alias is not shown") {
  const std::string all = refused("mqtt: {password: *hunter2}");
  CHECK(all.find("hunter") == std::string::npos);
  CHECK_THAT(all, Catch::Contains("in quotes"));
}

TEST_CASE("aliases that never end are refused") {
  CHECK_THAT(refused("a: &a [*a]"), Catch::Contains("this alias contains itself"));
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 9; ++i) {
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int k = 0; k < 10; ++k) bomb += (k ? ",*a" : "*a") + std::to_string(i - 1);
    bomb += "]\n";
  }
  CHECK_THAT(refused(bomb), Catch::Contains("more than 50000 values"));
}

TEST_CASE("a file that is not there, not readable or not a file is one clear error") {
  std::vector<Diagnostic> diagnostics;
  Config::Sources sources;
  sources.environment = [](const std::string&) { return std::nullopt; };
  sources.environment_names = [] { return std::vector<std::string>{}; };
  const OptionTable tables[] = {base_options()};
  sources.file = "/nonexistent/x.yaml";
  auto config = Config::load(sources, tables, diagnostics);
  REQUIRE_FALSE(config);
  CHECK(config.error().code == Errc::not_found);
  CHECK_THAT(config.error().context,
             Catch::Contains("/nonexistent/x.yaml") && Catch::Contains("--config"));
  sources.file = "/tmp";
  config = Config::load(sources, tables, diagnostics);
  REQUIRE_FALSE(config);
  CHECK_THAT(config.error().context, Catch::Contains("/tmp"));
}
