// SPDX-License-Identifier: Apache-2.0
#include "apps/help.hpp"

#include <sys/stat.h>
#include <optional>

#include "apps/running_edge.hpp"
#include "commands.hpp"
#include "core/card_device.hpp"
#include "edge-logger/command_line.hpp"
#include "gateway/command_line.hpp"
#include "simulator/command_line.hpp"

using namespace running;
using telemetry::command_line::Command;
using Words = std::vector<std::string>;

namespace {

constexpr const char* room =
    "name: room\nversion: \"1.0\"\ntopic_pattern: rooms/+\n"
    "fields:\n  - {name: level, type: integer, max: 5}\n";
constexpr const char* sensor =
    "name: sensor\nversion: \"1.0\"\ntopic_pattern: sensors/+/temperature\n"
    "fields:\n  - {name: sensor_id, type: string}\n  - {name: temperature, type: float}\n"
    "  - {name: timestamp, type: timestamp}\n  - {name: seq, type: integer}\n";
constexpr const char* sensor_topic = "sensors/sensor-001/temperature";
constexpr const char* sensor_payload =
    R"({"sensor_id":"sensor-001","temperature":21.5,"timestamp":"2026-11-20T08:00:00Z","seq":1})";

/// Every help text of `telemetry`, by the words before --help.
void collect(const std::string& words, std::vector<std::pair<std::string, std::string>>& texts) {
  const Folder folder;
  const Ran ran = run(folder, words + " --help");
  CHECK(ran.code == 0);
  CHECK(ran.err.empty());
  texts.emplace_back(words, ran.out);
  for (const std::string& command : help::commands_in(ran.out)) {
    collect(words.empty() ? command : words + " " + command, texts);
  }
}

std::vector<std::pair<std::string, std::string>> all_texts() {
  std::vector<std::pair<std::string, std::string>> texts;
  collect("", texts);
  return texts;
}

std::string help_of(const std::string& program) {
  const Folder folder;
  const std::string command =
      std::string(TELEMETRY_BIN_DIR) + "/" + program + " --help >" + folder.path("help");
  REQUIRE(std::system(command.c_str()) == 0);
  return read(folder.path("help"));
}

void write_card(const Folder& folder) {
  telemetry::test::CardDevice device(512);
  telemetry::core::CardJournal card(device);
  using telemetry::core::CardStatus;
  REQUIRE(card.format({7}, 16) == CardStatus::ok);
  REQUIRE(card.open() == CardStatus::ok);
  REQUIRE(card.append({}, sensor_topic, sensor_payload) == CardStatus::ok);
  REQUIRE(card.sync() == CardStatus::ok);
  folder.write("card.img", {reinterpret_cast<const char*>(device.at(0)),
                            device.sectors() * telemetry::core::card_sector_bytes});
}

/// All that the examples name; programs that would reach beyond the folder are stand-ins.
void furnish(const Folder& folder) {
  auto messages = some_messages();
  messages.emplace_back("iot/dc/dc-001/telemetry",
                        R"({"device_id":"dc-001","timestamp":"2026-11-20T08:00:00Z","seq":1,)"
                        R"("voltage":48.1,"current":-2.5,"power":-120.25,"energy":10.5})");
  messages.emplace_back("house/hall/climate", R"({"temp":21.5,"humidity":48})");
  store(folder, std::move(messages));
  for (const char* name : {"schemas", "firmware", "programs"}) {
    std::filesystem::create_directory(folder.path(name));
  }
  folder.write("schemas/room.yaml", room);
  folder.write("room-next.yaml", std::string(room) + "  - {name: state, type: string}\n");
  folder.write("schemas/temperature_sensor.yaml", sensor);
  const std::string settings =
      read(folder.path("edge.yaml")) + "retention: {enabled: true, days: 3650}\n";
  folder.write("edge.yaml", settings);
  folder.write("other.yaml", settings);
  folder.write("sample.json", R"({"level":3})");
  folder.write("captured.jsonl", std::string(sensor_payload) + "\n");
  folder.write("password.txt", "correct horse battery\n");
  folder.write("payload", sensor_payload);
  folder.write("message", std::string(R"({"topic":")") + sensor_topic + R"(","payload":)" +
                              sensor_payload + "}");
  write_card(folder);
  const auto program = [&](const char* name, const char* line) {
    const std::string path =
        folder.write(std::string("programs/") + name, std::string("#!/bin/sh\n") + line + "\n");
    REQUIRE(::chmod(path.c_str(), 0755) == 0);
  };
  program("systemctl", "exit 0");
  program("git", "exec cat schemas/room.yaml");
  program("jq", "exec cat");
  program("mosquitto_sub", "case \"$*\" in *-F*) cat message ;; *) cat payload ;; esac; echo");
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at)) {
    text.replace(at, what.size(), by);
  }
  return text;
}

/// Not what takes a minute, needs a broker, or has no end.
bool is_run(const std::string& example) {
  return example.find("telemetry bench") == std::string::npos &&
         example.find("--broker") == std::string::npos &&
         example.find("--follow") == std::string::npos;
}

/// What broke the stored schema is right by the one in this folder.
void mend_schema(const Folder& folder) {
  folder.write("edge.yaml", replaced(read(folder.path("edge.yaml")),
                                     TELEMETRY_SOURCE_DIR "/examples/schemas", "schemas"));
}

}  // namespace

TEST_CASE("every help text fits in 80 columns") {
  for (const auto& [words, text] : all_texts()) {
    INFO(words);
    CHECK(help::too_long_in(text) == "");
    CHECK_THAT(text, Catch::Contains("Usage: telemetry"));
  }
  CHECK(help::too_long_in(help_of("telemetry-edge")) == "");
  CHECK(help::too_long_in(help_of("telemetry-sim")) == "");
}

TEST_CASE("every command of telemetry has examples, and they are of this command") {
  const auto texts = all_texts();
  CHECK(texts.size() == 45);
  for (const auto& [words, text] : texts) {
    INFO(words);
    const auto examples = help::examples_in(text);
    CHECK_FALSE(examples.empty());
    for (const std::string& example : examples) {
      CHECK_THAT(example, Catch::Contains(words.empty() ? "telemetry" : "telemetry " + words));
    }
  }
}

TEST_CASE("every example in the help of telemetry runs as it stands") {
  const Folder folder;
  furnish(folder);
  const std::string paths =
      "PATH=" + folder.path("programs") + ":" TELEMETRY_BIN_DIR ":$PATH; set -o pipefail; ";
  std::size_t ran = 0;
  for (const auto& [words, text] : all_texts()) {
    for (const std::string& example : help::examples_in(text)) {
      if (!is_run(example)) continue;
      INFO(example);
      std::optional<running::Edge> edge;
      if (words == "status" || words == "reload") edge.emplace(folder);
      if (words == "dead-letter replay") mend_schema(folder);
      std::string here = replaced(example, "/dev/mmcblk0", "card.img");
      here = replaced(here, "/media/card/TELEMETRY", "card.img");
      folder.write("example.sh", "cd '" + folder.path("") + "'; " + paths + here + "\n");
      const std::string command = "env -u CONFIG_PATH -u MQTT_BROKER bash " +
                                  folder.path("example.sh") + " >" + folder.path("out") + " 2>" +
                                  folder.path("err");
      const int status = std::system(command.c_str());
      INFO(read(folder.path("err")));
      CHECK(status == 0);
      ++ran;
    }
  }
  CHECK(ran >= 20);
}

TEST_CASE(
    "every example in the help of telemetry that is not run is a command line that it takes") {
  Command program("telemetry", "");
  telemetry::command_line::add_commands(program);
  std::size_t parsed_lines = 0;
  for (const auto& [words, text] : all_texts()) {
    for (const std::string& example : help::examples_in(text)) {
      if (is_run(example)) continue;
      const auto parsed = program.parse(help::words_of(example, "telemetry"));
      CHECK(parsed.err == "");
      CHECK(parsed.action);
      ++parsed_lines;
    }
  }
  CHECK(parsed_lines >= 4);
}

TEST_CASE("every example in the help of telemetry-edge is a command line that it takes") {
  const auto examples = help::examples_in(help_of("telemetry-edge"));
  CHECK_FALSE(examples.empty());
  for (const std::string& example : examples) {
    Command command("telemetry-edge", "");
    telemetry::ServiceArguments arguments;
    telemetry::add_edge_options(command, arguments);
    CHECK(command.parse(help::words_of(example, "telemetry-edge")).err == "");
    CHECK_FALSE(arguments.config.empty());
  }
}

TEST_CASE("every example in the help of telemetry-gateway is a command line that it takes") {
  const auto examples = help::examples_in(help_of("telemetry-gateway"));
  CHECK_FALSE(examples.empty());
  for (const std::string& example : examples) {
    Command command("telemetry-gateway", "");
    telemetry::GatewayArguments arguments;
    telemetry::add_gateway_options(command, arguments);
    CHECK(command.parse(help::words_of(example, "telemetry-gateway")).err == "");
    CHECK_FALSE(arguments.config.empty());
  }
}

TEST_CASE("every example in the help of telemetry-sim is a command line that it takes") {
  const auto examples = help::examples_in(help_of("telemetry-sim"));
  CHECK_FALSE(examples.empty());
  for (const std::string& example : examples) {
    INFO(example);
    Words words = help::words_of(example, "telemetry-sim");
    words.insert(words.begin(), "telemetry-sim");
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    telemetry::simulator::RunOptions options;
    auto level = telemetry::LogLevel::warn;
    CHECK_FALSE(telemetry::simulator::parse_command_line(static_cast<int>(arguments.size()),
                                                         arguments.data(), options, level));
  }
}
