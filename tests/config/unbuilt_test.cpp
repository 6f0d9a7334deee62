// SPDX-License-Identifier: Apache-2.0
#include "config/loading.hpp"

using namespace telemetry;
using loading::Load;

namespace {
// The file that users of the ancestors bring along.
constexpr const char* ancestors_file = R"(mqtt:
  broker: localhost            # or a URL: mqtts://host:8883
  port: 1883
  client_id: gateway-1
  username: "${MQTT_USERNAME}"
  password: "${MQTT_PASSWORD}"
  keepalive: 60
  tls: {enabled: false, ca_file: , cert_file: , key_file: , min_version: "1.2"}
  topics:
    - {topic: "sensors/#", qos: 1}
journal: {path: ./data/journal, sync: interval, sync_interval_ms: 2, size_max_mb: 1024, when_full: block, replay_window: 24h}
storage:
  backend: sqlite
  sqlite: {path: ./data/telemetry.db, journal_mode: WAL, synchronous: NORMAL}
  postgresql: {host: , port: 5432, database: , user: , password: , pool_size: 4}
  filesystem: {base_path: /mnt/usb/telemetry, file_format: jsonl, compression: gzip, max_file_size_mb: 100, rotation: daily}
schema: {path: ./schemas, auto_discovery: true, strict: true, unmatched: store}
buffer: {size: 10000, batch_size: 5000, flush_interval_sec: 0.2, high_water_mark: 8000, overflow: block}
web:
  enabled: true
  host: 127.0.0.1
  port: 8080
  cors_enabled: false
  cors_origins: []
  api: {enabled: true, rate_limit: 100}
  websocket: {enabled: true, max_connections: 50}
  tls: {enabled: false, cert_file: , key_file: , min_version: "1.2"}
security:
  allow_insecure: false
  encryption: {enabled: false, algorithm: AES-256-GCM, key_file: /etc/telemetry/encryption.key}
  authentication: {enabled: false, type: basic}
  api_keys: {enabled: false, keys: []}
monitoring: {prometheus: {enabled: PROMETHEUS, port: 9090}, health_check: {interval_sec: 10}, alerts: {buffer_usage_percent: 90, disk_free_percent: 5}}
retention: {enabled: RETENTION, days: 90, aggregation: {enabled: RETENTION, intervals: [5m, 1h, 1d]}}
performance: {worker_threads: 2, connection_pool_size: 4}
logging: {level: info, format: text, console: true, file: , rotation_mb: 50}
)";

std::string file_with(const std::string& prometheus, const std::string& retention) {
  std::string text = ancestors_file;
  const auto replace = [&](const std::string& what, const std::string& with) {
    for (std::size_t at; (at = text.find(what)) != std::string::npos;) {
      text.replace(at, what.size(), with);
    }
  };
  replace("PROMETHEUS", prometheus);
  replace("RETENTION", retention);
  return text;
}
}  // namespace

TEST_CASE(
    "the ancestors' file is refused only for what is on and not built, with key, line, remedy") {
  CHECK(Load{file_with("true", "true")}.refused() ==
        "test.yaml:34:61: error: retention.aggregation.enabled: true is not built yet in this "
        "version (set it to false)\n");
}

TEST_CASE("the ancestors' file loads unchanged once that is off, and every value arrives") {
  Load load{file_with("false", "false")};
  const Config config = load.good();
  CHECK(load.diagnostics.empty());
  CHECK(config.text("mqtt.client_id") == "gateway-1");
  CHECK(config.integer("mqtt.keepalive") == 60);
  CHECK(config.topics("mqtt.topics").at(0).filter == "sensors/#");
  CHECK(config.text("journal.sync") == "interval");
  CHECK(config.text("storage.sqlite.path") == "./data/telemetry.db");
  CHECK(config.text("schema.unmatched") == "store");
  CHECK(config.number("buffer.flush_interval_sec") == 0.2);
  CHECK(config.integer("logging.rotation_mb") == 50);
}

TEST_CASE("each section without effect is named once, with its line and why") {
  Load load{file_with("false", "false")};
  std::string lines;
  const Config config = load.good();
  for (const std::string& line : config.inert_sections()) {
    lines += line.substr(line.find("test.yaml")) + "\n";
  }
  CHECK(lines ==
        "test.yaml:8: mqtt.tls is checked and has no effect here: "
        "mqtt.tls.enabled is false\n"
        "test.yaml:15: storage.postgresql is checked and has no effect here: "
        "storage.backend does not name it\n"
        "test.yaml:16: storage.filesystem is checked and has no effect here: "
        "storage.backend does not name it\n"
        "test.yaml:20: web is checked and has no effect here: "
        "it belongs to telemetry-gateway\n"
        "test.yaml:29: security.allow_insecure is checked and has no effect here: "
        "it belongs to telemetry-gateway\n"
        "test.yaml:30: security.encryption is checked and has no effect here: "
        "security.encryption.enabled is false\n"
        "test.yaml:31: security.authentication is checked and has no effect here: "
        "it belongs to telemetry-gateway\n"
        "test.yaml:32: security.api_keys is checked and has no effect here: "
        "it belongs to telemetry-gateway\n"
        "test.yaml:33: monitoring.prometheus is checked and has no effect here: "
        "it belongs to telemetry-gateway\n"
        "test.yaml:34: retention is checked and has no effect here: "
        "retention.enabled is false\n"
        "test.yaml:35: performance.worker_threads is checked and has no effect here: "
        "it belongs to telemetry-gateway\n");
}

TEST_CASE("a section of another app is checked all the same") {
  CHECK(Load{"web: {port: 99999, prot: 1}"}.refused() ==
        "test.yaml:1:13: error: web.port must be a whole number from 0 to 65535, not \"99999\"\n"
        "test.yaml:1:20: error: unknown key web.prot (did you mean web.port?)\n");
}

TEST_CASE("what is not built is refused by name") {
  CHECK_THAT(Load{"storage: {backend: postgresql}"}.refused(),
             Catch::Contains("1:20: error: storage.backend: postgresql is not built yet") &&
                 Catch::Contains("use sqlite"));
  CHECK(Load{"storage: {backend: [s3, sqlite, kafka]}"}.refused() ==
        "test.yaml:1:21: error: storage.backend: s3 is not built yet in this version (use sqlite, "
        "filesystem or both)\n"
        "test.yaml:1:33: error: storage.backend: kafka is not built yet in this version (use "
        "sqlite, filesystem or both)\n");
  CHECK_THAT(Load{"buffer: {overflow: drop_oldest}"}.refused(),
             Catch::Contains("buffer.overflow: drop_oldest is not built yet") &&
                 Catch::Contains("journal.when_full: drop_oldest"));
  CHECK_THAT(Load{"schema: {strict: false}"}.refused(),
             Catch::Contains("schema.strict: false is not built yet"));
  CHECK_THAT(Load{"security: {encryption: {enabled: true}}"}.refused(),
             Catch::Contains("security.encryption.enabled: true is not built yet"));
}

TEST_CASE("a number of another app is checked, and without effect by name") {
  const auto notes = [](const std::string& yaml) {
    Load load{yaml};
    const Config config = load.good();
    std::string out;
    for (const std::string& line : config.inert_sections()) {
      out += line.substr(line.find("test.yaml")) + "\n";
    }
    return out;
  };
  CHECK(notes("performance: {worker_threads: 8}\nmonitoring: {alerts: {disk_free_percent: 5}}") ==
        "test.yaml:1: performance.worker_threads is checked and has no effect here: it belongs to "
        "telemetry-gateway\n");
  CHECK_THAT(Load{"performance: {worker_threads: 0}"}.refused(),
             Catch::Contains("1:31: error: performance.worker_threads must be a whole number"));
}

TEST_CASE("the section of a store that is known by name only is refused where the store is") {
  Load load{"storage:\n  backend: sqlite\n  influxdb: {url: x, bucket: iot}\n  kafka:\n"};
  const Config config = load.good();
  REQUIRE(config.inert_sections().size() == 2);
  CHECK(config.inert_sections()[0].ends_with(
      "test.yaml:3: storage.influxdb has no effect here: it is not built yet"));
  CHECK(Load{"storage: {backend: [influxdb, sqlite], influxdb: {bucket: iot}}"}.refused() ==
        "test.yaml:1:21: error: storage.backend: influxdb is not built yet in this version (use "
        "sqlite, filesystem or both)\n");
  CHECK_THAT(Load{"storage: {influx: {bucket: iot}}"}.refused(),
             Catch::Contains("unknown key storage.influx"));
}
