// SPDX-License-Identifier: Apache-2.0
#include <mosquitto.h>
#include <rapidjson/document.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "adapters/mosquitto_broker.hpp"
#include "apps/running.hpp"

using namespace running;
using telemetry::testing::MosquittoBroker;

namespace {

std::string address(const MosquittoBroker& broker) {
  return "127.0.0.1:" + std::to_string(broker.port());
}

std::set<std::string> entries(const Folder& folder, const std::string& name) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path(name))) {
    names.insert(entry.path().filename().string());
  }
  return names;
}

rapidjson::Document parse(const std::string& text) {
  rapidjson::Document document;
  document.Parse(text.c_str());
  INFO(text);
  REQUIRE(document.IsObject());
  return document;
}

double number(const rapidjson::Value& object, const char* key) {
  INFO(key);
  REQUIRE(object.HasMember(key));
  REQUIRE(object[key].IsNumber());
  return object[key].GetDouble();
}

void check_above_zero(const rapidjson::Value& object, std::initializer_list<const char*> keys) {
  for (const char* key : keys) CHECK(number(object, key) > 0);
}

void check_local_parts(const rapidjson::Document& found) {
  REQUIRE(found["disks"].Size() == 1);
  check_above_zero(found["disks"][0],
                   {"free_bytes", "syncs", "sync_p50_us", "sync_p99_us", "append_mb_per_s"});
  CHECK(number(found["disks"][0], "sync_p99_us") >= number(found["disks"][0], "sync_p50_us"));
  for (const auto& decode : found["decode"].GetArray()) {
    check_above_zero(decode, {"payload_bytes", "decode_ns", "messages_per_s"});
  }
  check_above_zero(found["journal"],
                   {"messages", "group_messages", "messages_per_s", "frame_bytes"});
  check_above_zero(found["store"], {"rows", "batch_rows", "rows_per_s", "row_bytes"});
  CHECK(found["advice"].Size() >= 3);
  for (const auto& text : found["advice"].GetArray()) {
    INFO(text.GetString());
    CHECK(text.GetStringLength() > 40);
  }
}

/// What a subscriber that comes now is given at once: retained messages.
std::set<std::string> retained(const MosquittoBroker& broker) {
  std::set<std::string> topics;
  mosquitto_lib_init();
  mosquitto* client = mosquitto_new("looks-for-leftovers", true, &topics);
  mosquitto_message_callback_set(
      client, [](mosquitto*, void* found, const mosquitto_message* message) {
        static_cast<std::set<std::string>*>(found)->insert(message->topic);
      });
  REQUIRE(mosquitto_connect(client, "127.0.0.1", broker.port(), 60) == MOSQ_ERR_SUCCESS);
  for (const char* filter : {"#", "$telemetry-bench/#", "$SYS/broker/clients/total"}) {
    REQUIRE(mosquitto_subscribe(client, nullptr, filter, 0) == MOSQ_ERR_SUCCESS);
  }
  // The broker's own counter is retained too: once it is here, all that came before it is.
  while (!topics.contains("$SYS/broker/clients/total")) {
    REQUIRE(mosquitto_loop(client, 100, 1) == MOSQ_ERR_SUCCESS);
  }
  mosquitto_destroy(client);
  topics.erase("$SYS/broker/clients/total");
  return topics;
}

/// A `telemetry bench` that can be sent signals.
class Background {
 public:
  Background(const Folder& folder, const std::string& arguments) {
    const std::string program = std::string(TELEMETRY_BIN_DIR) + "/telemetry";
    const std::string line =
        "cd '" + folder.path("") + "' && exec " + program + " bench " + arguments + " >out 2>err";
    pid_ = fork();
    if (pid_ == 0) {
      execl("/bin/sh", "sh", "-c", line.c_str(), nullptr);
      _exit(127);
    }
    REQUIRE(pid_ > 0);
  }
  ~Background() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
  }
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;
  [[nodiscard]] bool is_running() const { return waitpid(pid_, nullptr, WNOHANG) == 0; }
  int end(int signal) {
    kill(pid_, signal);
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_ = -1;
};

}  // namespace

TEST_CASE("bench measures every part and leaves nothing in the folder or the broker") {
  MosquittoBroker broker;
  broker.start();
  const Folder folder;
  std::filesystem::create_directory(folder.path("disk"));
  const Ran ran = run(folder, "bench --json --seconds 2 --path disk --broker " + address(broker));
  INFO(ran.err);
  REQUIRE(ran.code == 0);
  CHECK(ran.err.empty());
  const auto found = parse(ran.out);
  check_local_parts(found);
  REQUIRE(found["decode"].Size() == 1);
  CHECK(std::string(found["decode"][0]["schema"].GetString()) == "temperature_sensor 1.0");
  const auto& end_to_end = found["end_to_end"];
  CHECK(end_to_end["broker"].GetString() == address(broker));
  check_above_zero(end_to_end, {"messages", "messages_per_s", "cpu_per_100000_messages_s",
                                "latency_messages_per_s", "publish_to_queryable_p50_ms",
                                "publish_to_queryable_p99_ms"});
  CHECK(entries(folder, "disk").empty());
  CHECK(entries(folder, "") == std::set<std::string>{"code", "disk", "err", "out"});
  CHECK(retained(broker).empty());
}

TEST_CASE("bench takes schemas, folders and broker from the configuration and touches no data") {
  MosquittoBroker broker;
  broker.start();
  const Folder folder;
  store(folder, some_messages());
  const auto before = entries(folder, "data");
  const std::string database = read(folder.path("data/telemetry.db"));
  const Ran ran = run(folder, "bench --seconds 2 -c edge.yaml --broker " + address(broker));
  INFO(ran.err);
  REQUIRE(ran.code == 0);
  CHECK_THAT(ran.out,
             Catch::Contains("temperature_sensor 1.0") && Catch::Contains("power_meter_ac 1.0") &&
                 Catch::Contains("f2_controller") && Catch::Contains("journal.size_max_mb: 1024") &&
                 Catch::Contains("published to queryable"));
  CHECK(entries(folder, "data") == before);
  CHECK(read(folder.path("data/telemetry.db")) == database);
}

TEST_CASE("bench without a broker measures the rest and says why") {
  const Folder folder;
  const std::string port = std::to_string(telemetry::testing::free_port());
  const std::string arguments = "bench --json --seconds 1 --set mqtt.port=" + port;
  const Ran ran = run(folder, arguments);
  INFO(ran.err);
  REQUIRE(ran.code == 0);
  const auto found = parse(ran.out);
  check_local_parts(found);
  CHECK_THAT(found["end_to_end"]["skipped"].GetString(),
             Catch::Contains("localhost:" + port) && Catch::Contains("Connection refused"));
}

TEST_CASE("bench names what it cannot use, and the remedy") {
  const Folder folder;
  const std::string nobody = "127.0.0.1:" + std::to_string(telemetry::testing::free_port());
  const Ran broker = run(folder, "bench --seconds 1 --broker " + nobody);
  CHECK(broker.code == 1);
  CHECK(broker.out.empty());
  CHECK_THAT(broker.err, Catch::Contains(nobody) && Catch::Contains("Connection refused"));
  CHECK(entries(folder, "") == std::set<std::string>{"code", "err", "out"});

  const Ran missing = run(folder, "bench --path nowhere");
  CHECK(missing.code == 2);
  CHECK_THAT(missing.err, Catch::Contains("nowhere") && Catch::Contains("make it"));

  const Ran read_only = run(folder, "bench --path /proc/self");  // root cannot write there either
  CHECK(read_only.code != 0);
  CHECK_THAT(read_only.err, Catch::Contains("/proc/self") && Catch::Contains("--path"));

  const Ran usage = run(folder, "bench --seconds 0");
  CHECK(usage.code == 2);
  CHECK_THAT(usage.err, Catch::Contains("--seconds"));
}

TEST_CASE("bench that is stopped by a signal removes its folder") {
  for (const int signal : {SIGINT, SIGTERM}) {
    const Folder folder;
    std::filesystem::create_directory(folder.path("disk"));
    Background bench(folder, "--seconds 600 --path disk");
    while (entries(folder, "disk").empty()) {
      REQUIRE(bench.is_running());
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    CHECK(bench.end(signal) == 1);
    CHECK(entries(folder, "disk").empty());
    CHECK_THAT(read(folder.path("err")), Catch::Contains("stopped by a signal"));
  }
}
