// SPDX-License-Identifier: Apache-2.0
#include "config/loading.hpp"

using namespace telemetry;
using loading::Load;

TEST_CASE("without a setting every option has the default of its table") {
  const Config config = Load{""}.good();
  CHECK(config.text("mqtt.broker") == "localhost");
  CHECK(config.integer("mqtt.port") == 1883);
  CHECK(config.text("journal.path") == "./data/journal");
  CHECK(config.number("journal.sync_interval_ms") == 2);
  CHECK(config.duration_ns("journal.replay_window") == 24 * 3600 * 1'000'000'000ll);
  CHECK(config.boolean("schema.auto_discovery"));
  CHECK(config.text_list("storage.backend") == std::vector<std::string>{"sqlite"});
  CHECK(config.text("mqtt.client_id").empty());
  CHECK(config.topics("mqtt.topics").empty());
  CHECK_FALSE(config.is_set("mqtt.port"));
  CHECK(config.where("mqtt.port") == "mqtt.port (default)");
}

TEST_CASE("settings of a file are read with the place they stand in") {
  Load load{"mqtt:\n  broker: example.org\n  port: 1884\njournal: {sync_interval_ms: 0.5}\n"};
  const Config config = load.good();
  CHECK(config.text("mqtt.broker") == "example.org");
  CHECK(config.integer("mqtt.port") == 1884);
  CHECK(config.number("journal.sync_interval_ms") == 0.5);
  CHECK(config.is_set("mqtt.port"));
  CHECK(config.origin("mqtt.port").line == 3);
  CHECK(config.origin("mqtt.port").column == 9);
  CHECK(config.where("mqtt.port") == (load.folder.path() / "test.yaml:3:9: mqtt.port").string());
}

TEST_CASE("a JSON file is a configuration too") {
  const Config config = Load{R"({"mqtt": {"port": 1884, "topics": ["a/#"]}})"}.good();
  CHECK(config.integer("mqtt.port") == 1884);
  CHECK(config.topics("mqtt.topics").at(0).filter == "a/#");
}

TEST_CASE("topics are maps or plain filters, at QoS 1 unless said") {
  const Config config =
      Load{
          "mqtt:\n"
          "  topics:\n"
          "    - {topic: \"sensors/#\", qos: 2}\n"
          "    - iot/+/status\n"
          "    - topic: $share/group/a/b\n"
          "      qos: 0\n"}
          .good();
  const auto topics = config.topics("mqtt.topics");
  REQUIRE(topics.size() == 3);
  CHECK(topics[0].filter == "sensors/#");
  CHECK(topics[0].qos == 2);
  CHECK(topics[1].filter == "iot/+/status");
  CHECK(topics[1].qos == 1);
  CHECK(topics[2].filter == "$share/group/a/b");
  CHECK(topics[2].qos == 0);
}

TEST_CASE("mqtt may be a list of brokers, each with defaults of its own") {
  const Config config =
      Load{
          "mqtt:\n"
          "  - {broker: one, port: 1884}\n"
          "  - {broker: two, topics: [x]}\n"}
          .good();
  CHECK(config.entries("mqtt").size() == 2);
  CHECK(config.text("mqtt.broker") == "one");
  CHECK(config.text("mqtt[0].broker") == "one");
  CHECK(config.text("mqtt[1].broker") == "two");
  CHECK(config.integer("mqtt[0].port") == 1884);
  CHECK(config.integer("mqtt[1].port") == 1883);
  CHECK(config.topics("mqtt[1].topics").size() == 1);
  CHECK(config.topics("mqtt[0].topics").empty());
}

TEST_CASE("a section below another may be a list, too, and says so in dump() and variables") {
  Load load{
      "storage:\n"
      "  backend: filesystem\n"
      "  filesystem:\n"
      "    - {base_path: a}\n"
      "    - {base_path: b, compression: zstd}\n"};
  load.environment = {{"TELEMETRY_STORAGE__FILESYSTEM__1__ROTATION", "hourly"}};
  const Config config = load.good();
  CHECK(config.entries("storage.filesystem") ==
        std::vector<std::string>{"storage.filesystem[0]", "storage.filesystem[1]"});
  CHECK(config.text("storage.filesystem[0].base_path") == "a");
  CHECK(config.text("storage.filesystem[0].compression") == "none");
  CHECK(config.text("storage.filesystem[1].base_path") == "b");
  CHECK(config.text("storage.filesystem[1].rotation") == "hourly");
  CHECK(config.inert_sections().empty());
  Load again{config.dump()};
  CHECK(again.good().dump() == config.dump());
  CHECK(again.good().text("storage.filesystem[1].compression") == "zstd");
}

TEST_CASE("a section that is one thing is no list") {
  CHECK(
      Load{"storage: {sqlite: [{path: a}]}"}.refused() ==
      "test.yaml:1:19: error: storage.sqlite is a section and must hold keys (write its keys below "
      "it, indented; see the reference for storage.sqlite)\n");
  CHECK(Load{"storage: {filesystem: [a]}"}.refused() ==
        "test.yaml:1:24: error: storage.filesystem must hold keys (write filesystem: [{name: "
        "archive, "
        "base_path: /mnt/archive}])\n");
  Load beyond{"storage: {filesystem: [{base_path: a}]}"};
  beyond.environment = {{"TELEMETRY_STORAGE__FILESYSTEM__1__BASE_PATH", "b"}};
  CHECK(beyond.refused() ==
        "environment TELEMETRY_STORAGE__FILESYSTEM__1__BASE_PATH: error: there is no "
        "storage.filesystem[1] (the file has 1 entries, from 0 on)\n");
}

TEST_CASE("one mqtt section counts as one broker, and none too") {
  CHECK(Load{"mqtt: {broker: one}"}.good().entries("mqtt").size() == 1);
  CHECK(Load{""}.good().entries("mqtt").size() == 1);
}

TEST_CASE("a broker URL sets host, port, user, password and TLS") {
  const Config config = Load{"mqtt: {broker: \"mqtts://user:p%40ss@example.org:8884\"}"}.good();
  CHECK(config.text("mqtt.broker") == "example.org");
  CHECK(config.integer("mqtt.port") == 8884);
  CHECK(config.text("mqtt.username") == "user");
  CHECK(config.text("mqtt.password") == "p@ss");
  CHECK(config.boolean("mqtt.tls.enabled"));
}

TEST_CASE("a broker URL without port takes the port of the file, else that of its scheme") {
  CHECK(Load{"mqtt: {broker: \"mqtts://h\"}"}.good().integer("mqtt.port") == 8883);
  CHECK(Load{"mqtt: {broker: \"mqtt://h\"}"}.good().integer("mqtt.port") == 1883);
  CHECK(Load{"mqtt: {broker: \"mqtts://h\", port: 9999}"}.good().integer("mqtt.port") == 9999);
}

TEST_CASE("brokers are named by host, host and port, or IPv6 address") {
  CHECK(Load{"mqtt: {broker: \"h:1999\"}"}.good().integer("mqtt.port") == 1999);
  CHECK(Load{"mqtt: {broker: \"::1\"}"}.good().text("mqtt.broker") == "::1");
  const Config config = Load{"mqtt: {broker: \"mqtt://[fe80::1]:1999\"}"}.good();
  CHECK(config.text("mqtt.broker") == "fe80::1");
  CHECK(config.integer("mqtt.port") == 1999);
}

TEST_CASE("lists take one value or many, choices take any case") {
  CHECK(Load{"storage: {backend: SQLite}"}.good().text_list("storage.backend") ==
        std::vector<std::string>{"sqlite"});
  CHECK(Load{"storage: {backend: [sqlite]}"}.good().text_list("storage.backend") ==
        std::vector<std::string>{"sqlite"});
  CHECK(Load{"logging: {level: WARNING}"}.good().text("logging.level") == "warn");
  CHECK(Load{"storage: {sqlite: {journal_mode: wal}}"}.good().text("storage.sqlite.journal_mode") ==
        "WAL");
}

TEST_CASE("levels of single components come as name=level") {
  const Config config = Load{"logging: {levels: {mqtt: debug, journal: Warn}}"}.good();
  CHECK(config.text_list("logging.levels") ==
        std::vector<std::string>{"mqtt=debug", "journal=warn"});
}

TEST_CASE("an empty value leaves the default in force") {
  const Config config =
      Load{"mqtt: {tls: {enabled: false, ca_file: , key_file: ~}}\nweb:\n"}.good();
  CHECK_FALSE(config.is_set("mqtt.tls.ca_file"));
  CHECK(config.text("mqtt.tls.ca_file").empty());
}

TEST_CASE("defaults that follow from other settings follow them") {
  const Config config =
      Load{
          "journal: {path: /var/lib/t/journal/, size_max_mb: 16}\n"
          "buffer: {size: 1000}\n"}
          .good();
  CHECK(config.text("dead_letters.path") == "/var/lib/t/dead_letters");
  CHECK(config.integer("buffer.high_water_mark") == 800);
  CHECK(config.integer("journal.segment_mb") == 2);
  CHECK(Load{""}.good().text("dead_letters.path") == "./data/dead_letters");
  CHECK(Load{""}.good().integer("journal.segment_mb") == 64);
}

TEST_CASE("retention may stand under storage, as the ancestors wrote it") {
  const Config config = Load{"storage: {retention: {enabled: false, days: 30}}"}.good();
  CHECK(config.number("retention.days") == 30);
}

TEST_CASE("the fingerprint follows settings, not secrets") {
  const auto of = [](const std::string& yaml) { return Load{yaml}.good().fingerprint(); };
  CHECK(of("mqtt: {port: 1}") == of("mqtt: {port: 1}"));
  CHECK(of("mqtt: {port: 1}") != of("mqtt: {port: 2}"));
  CHECK(of("mqtt: {port: 1, password: a}") == of("mqtt: {port: 1, password: b}"));
}
