// SPDX-License-Identifier: Apache-2.0
#include <rapidjson/document.h>

#include <sys/stat.h>

#include <sstream>

#include "config/loading.hpp"

using namespace telemetry;
using loading::Load;

namespace {
constexpr const char* full = R"(mqtt:
  - {broker: one, password: hunter2, client_id: "a: \"b\" ${X}", topics: [a/#, {topic: b, qos: 2}]}
  - {broker: "mqtts://u:hunter2@two:8884"}
logging: {levels: {mqtt: debug}}
storage: {backend: [sqlite], postgresql: {password: hunter2}}
)";
}  // namespace

TEST_CASE("a dump shows every setting and no secret, and loads again to the same dump") {
  Load load{full, {{"X", "$${"}}};
  const std::string dump = load.good().dump();
  CHECK(dump.find("hunter") == std::string::npos);
  CHECK_THAT(dump, Catch::Contains("password: \"***\"") && Catch::Contains("broker: two") &&
                       Catch::Contains("port: 8884") && Catch::Contains("high_water_mark: 8000"));
  CHECK(Load{dump}.good().dump() == dump);
}

TEST_CASE("a dump refers to the file that a secret comes from") {
  Load load{""};
  const std::string path = load.folder.write("password", "hunter2");
  REQUIRE(chmod(path.c_str(), 0600) == 0);
  load.yaml = "mqtt: {password_file: " + path + "}";
  const std::string dump = load.good().dump();
  CHECK_THAT(dump, Catch::Contains("password_file: " + path));
  CHECK(dump.find("hunter") == std::string::npos);
}

TEST_CASE("shown settings carry their source and no secret") {
  bool port = false;
  bool password = false;
  for (const auto& setting : Load{"mqtt: {port: 1, password: hunter2}"}.good().shown()) {
    if (setting.key == "mqtt.port") {
      port = setting.set && setting.origin.line == 1 && setting.values.at(0) == "1";
    }
    if (setting.key == "mqtt.password") password = setting.values.at(0) == "***";
  }
  CHECK(port);
  CHECK(password);
}

TEST_CASE("the reference has a line for each option") {
  const std::string page = config_reference(loading::tables);
  for (const OptionTable& table : loading::tables) {
    for (const Option& option : table.options) {
      const std::string prefix = table.prefix.empty() ? "" : std::string(table.prefix) + ".";
      CHECK_THAT(page, Catch::Contains("| `" + prefix + std::string(option.key) + "` |"));
    }
  }
  CHECK(page.find("\n## storage\n") == page.rfind("\n## storage\n"));
}

TEST_CASE("the reference says which options follow a reload") {
  std::vector<std::string> marked;
  std::istringstream page(config_reference(loading::tables));
  for (std::string line; std::getline(page, line);) {
    if (line.find(" Reloadable. |") == std::string::npos) continue;
    marked.push_back(line.substr(3, line.find('`', 3) - 3));
  }
  CHECK(marked == std::vector<std::string>{"schema.path", "schema.auto_discovery", "logging.level",
                                           "logging.levels", "retention.enabled", "retention.every",
                                           "retention.days", "retention.dead_letters.days",
                                           "web.tls.cert_file", "web.tls.key_file",
                                           "web.tls.min_version"});
}

TEST_CASE("the JSON Schema is JSON and names every key at its place") {
  rapidjson::Document schema;
  schema.Parse(config_json_schema(loading::tables).c_str());
  REQUIRE_FALSE(schema.HasParseError());
  CHECK(schema["properties"]["journal"]["properties"]["size_max_mb"]["anyOf"][0]["minimum"]
            .GetDouble() == 2);
  const auto& mqtt = schema["properties"]["mqtt"]["anyOf"];
  CHECK(mqtt[0]["properties"].HasMember("password_file"));
  CHECK(mqtt[1]["items"]["properties"].HasMember("topics"));
  CHECK_FALSE(schema["additionalProperties"].GetBool());
}
