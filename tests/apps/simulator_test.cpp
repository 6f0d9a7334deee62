// SPDX-License-Identifier: Apache-2.0
#include <rapidjson/document.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>
#include "catch.hpp"

#include "fleet.hpp"
#include "telemetry/core/decode.hpp"
#include "telemetry/schema.hpp"

using namespace telemetry::simulator;

namespace {

constexpr std::int64_t start = 1'795'000'000'123'456'789;  // 2026-11-18T11:06:40.123456789Z
constexpr std::int64_t ms = 1'000'000;

struct Sent {
  std::string topic, payload;
  MessageKind kind;
  std::uint64_t sequence;
  bool paced;
};

std::vector<Sent> all_of(const FleetOptions& options, FleetCounts* counts = nullptr) {
  Fleet fleet(options);
  std::vector<Sent> sent;
  Outgoing message;
  for (std::int64_t now = start; fleet.next(now, message); now += ms)
    sent.push_back({std::string(message.topic), std::string(message.payload), message.kind,
                    message.sequence, message.paced});
  if (counts != nullptr) *counts = fleet.counts();
  return sent;
}

std::uint64_t sequence_in(const std::string& payload) {
  rapidjson::Document document;
  document.Parse(payload.data(), payload.size());
  REQUIRE(document.IsObject());
  return document["seq"].GetUint64();
}

}  // namespace

TEST_CASE("each device publishes under its own topic and numbers from 0 without a hole") {
  FleetOptions options;
  options.readings_max = 1'300;
  std::map<std::string, std::uint64_t> next;
  for (const auto& message : all_of(options)) {
    CHECK(message.sequence == next[message.topic]++);
    CHECK(sequence_in(message.payload) == message.sequence);
  }
  CHECK(next.size() == 14);  // 13 devices, and the first heartbeat
  CHECK(next["sensors/sensor-001/temperature"] == 100);
  CHECK(next["sensors/sensor-010/temperature"] == 100);
  CHECK(next["iot/dc/dc-002/telemetry"] == 100);
  CHECK(next["iot/ac/ac-001/telemetry"] == 100);
  CHECK(next["iot/sensor-001/status"] == 1);
}

TEST_CASE("the same seed gives the same messages, another seed others") {
  FleetOptions options;
  options.readings_max = 500;
  options.faults = {5, 5, 5, 5, 5, 1};
  const auto payloads = [&](std::uint64_t seed) {
    options.seed = seed;
    std::string joined;
    for (const auto& message : all_of(options)) joined += message.payload + '\n';
    return joined;
  };
  CHECK(payloads(7) == payloads(7));
  CHECK(payloads(7) != payloads(8));
}

TEST_CASE("a timestamp is the device's time in ISO 8601 with milliseconds") {
  FleetOptions options;
  options.readings_max = 1;
  options.heartbeat_interval_ns = 0;
  const auto sent = all_of(options);
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].payload.find("\"timestamp\":\"2026-11-18T11:06:40.123Z\"") != std::string::npos);
}

TEST_CASE("the counts say what was sent, fault by fault") {
  FleetOptions options;
  options.readings_max = 20'000;
  options.faults = {4, 3, 2, 1, 2, 0.1};
  FleetCounts counts;
  const auto sent = all_of(options, &counts);

  std::map<MessageKind, std::uint64_t> kinds;
  std::map<std::string, std::uint64_t> expected;
  std::uint64_t gaps = 0, gap_messages = 0, resets = 0, wrong_clocks = 0, unpaced_readings = 0;
  for (std::size_t i = 0; i < sent.size(); ++i) {
    const auto& message = sent[i];
    ++kinds[message.kind];
    if (message.kind == MessageKind::duplicate) {
      CHECK(message.payload == sent[i - 1].payload);
      CHECK(message.topic == sent[i - 1].topic);
    }
    if (message.kind != MessageKind::reading) continue;
    if (!message.paced) ++unpaced_readings;
    const bool first = expected.count(message.topic) == 0;
    auto& next = expected[message.topic];
    if (!first && message.sequence < next) {
      ++resets;
      CHECK(message.sequence == 0);
    } else if (message.sequence > next) {
      ++gaps;
      gap_messages += message.sequence - next;
    }
    next = message.sequence + 1;
    if (message.payload.find("\"timestamp\":\"2026-11-") == std::string::npos) ++wrong_clocks;
  }
  CHECK(kinds[MessageKind::reading] == counts.readings);
  CHECK(counts.readings == 20'000);
  CHECK(kinds[MessageKind::duplicate] == counts.duplicates);
  CHECK(kinds[MessageKind::bad_payload] == counts.bad_payloads);
  CHECK(kinds[MessageKind::heartbeat] == counts.heartbeats);
  CHECK(gaps == counts.gaps);
  CHECK(gap_messages == counts.gap_messages);
  CHECK(resets == counts.resets);
  CHECK(wrong_clocks == counts.wrong_clocks);
  CHECK(counts.bursts > 0);
  CHECK(unpaced_readings <= counts.bursts * burst_readings);
  CHECK(unpaced_readings > (counts.bursts - 1) * burst_readings);
  // Far from the asked rate only by chance: 4 % of 20,000 is 800 +- 28.
  CHECK(counts.bad_payloads == Approx(800).epsilon(0.25));
  CHECK(counts.duplicates == Approx(600).epsilon(0.25));
}

TEST_CASE("a burst belongs to one device and ignores the rate") {
  FleetOptions options;
  options.readings_max = 51;
  options.heartbeat_interval_ns = 0;
  options.faults.bursts = 100;
  const auto sent = all_of(options);
  REQUIRE(sent.size() == 51);
  CHECK(sent[0].paced);
  CHECK(std::all_of(sent.begin() + 1, sent.end(), [&](const Sent& message) {
    return !message.paced && message.topic == sent[0].topic;
  }));
}

TEST_CASE("heartbeats come once per device and interval, the first ones spread over it") {
  FleetOptions options;
  options.readings_max = 90'000;  // 90 s at one a ms
  FleetCounts counts;
  std::map<std::string, int> beats;
  for (const auto& message : all_of(options, &counts))
    if (message.kind == MessageKind::heartbeat) ++beats[message.topic];
  CHECK(beats.size() == 13);
  for (const auto& [topic, count] : beats) CHECK(count >= 3);
  CHECK(counts.heartbeats <= 13 * 4);
}

TEST_CASE("values drift slowly and stay physical") {
  FleetOptions options;
  options.readings_max = 5'000;
  options.temperature_sensors = 1;
  options.power_meters_dc = options.power_meters_ac = 1;
  double last = 0;
  for (const auto& message : all_of(options)) {
    rapidjson::Document json;
    json.Parse(message.payload.data(), message.payload.size());
    REQUIRE(json.IsObject());
    if (json.HasMember("sensor_id")) {
      const double temperature = json["temperature"].GetDouble();
      if (last != 0) CHECK(std::abs(temperature - last) < 0.2);
      last = temperature;
      CHECK(temperature > 5);
      CHECK(temperature < 40);
    } else if (json.HasMember("phases")) {
      const auto& phase = json["phases"]["l2"];
      CHECK(phase["power"].GetDouble() ==
            Approx(phase["voltage"].GetDouble() * phase["current"].GetDouble() *
                   phase["power_factor"].GetDouble())
                .epsilon(0.01));
      CHECK(json["harmonics"].Size() == 15);
    } else if (json.HasMember("relay")) {
      CHECK(json["power"].GetDouble() ==
            Approx(json["voltage"].GetDouble() * json["current"].GetDouble()).margin(0.1));
    }
  }
}

TEST_CASE("F2 controllers send text with units, epoch seconds, and old or new field names") {
  FleetOptions options;
  options.readings_max = 160;
  options.heartbeat_interval_ns = 0;
  options.temperature_sensors = options.power_meters_dc = options.power_meters_ac = 0;
  options.f2_controllers = 16;
  std::map<bool, int> seen;
  for (const auto& message : all_of(options)) {
    rapidjson::Document json;
    json.Parse(message.payload.data(), message.payload.size());
    REQUIRE(json.IsObject());
    const bool old = json.HasMember("T");
    ++seen[old];
    const std::string temperature = json[old ? "T" : "temperature"].GetString();
    CHECK(temperature.ends_with(" °C"));
    CHECK(std::stod(temperature) == Approx(22).margin(8));
    CHECK(json[old ? "ts" : "timestamp"].GetInt64() == start / 1'000'000'000);
    CHECK(json[old ? "ch" : "channels"].Size() == 4);
    const std::string id = json[old ? "id" : "device_id"].GetString();
    CHECK(message.topic == "f2/" + id + "/raw");
  }
  CHECK(seen[true] > 0);
  CHECK(seen[false] > 0);
}

TEST_CASE("a prefix names the meters, a first number moves all devices") {
  FleetOptions options;
  options.readings_max = 4;
  options.temperature_sensors = options.power_meters_dc = options.power_meters_ac = 1;
  options.id_prefix = "hall7";
  options.first_number = 1'200;
  std::set<std::string> topics;
  for (const auto& message : all_of(options)) topics.insert(message.topic);
  CHECK(topics ==
        std::set<std::string>{"sensors/sensor-1200/temperature", "iot/dc/hall7-dc-1200/telemetry",
                              "iot/ac/hall7-ac-1200/telemetry", "iot/sensor-1200/status"});
}

namespace {

std::shared_ptr<const telemetry::SchemaSet> example_schemas() {
  std::vector<telemetry::Diagnostic> diagnostics;
  const auto set =
      telemetry::SchemaSet::load(TELEMETRY_SOURCE_DIR "/examples/schemas", diagnostics);
  for (const auto& diagnostic : diagnostics) UNSCOPED_INFO(to_string(diagnostic));
  REQUIRE(set);
  return *set;
}

// What is wrong with the payload, or nothing.
std::string judge(const telemetry::Schema& schema, std::string_view payload) {
  namespace core = telemetry::core;
  std::vector<core::Value> values(schema.view().slot_count);
  std::vector<char> scratch(payload.size());
  std::vector<core::Violation> violations(8);
  std::vector<core::Extra> extras(8);
  const auto result = core::decode(schema.view(), payload, {values, scratch, violations, extras},
                                   schema.pattern_hook(), schema.coercion_hook());
  return result.ok() ? "" : schema.describe(violations[0], payload);
}

}  // namespace

TEST_CASE("the example schemas accept every well-formed payload and refuse every bad one") {
  const auto schemas = example_schemas();
  FleetOptions options;
  options.readings_max = 20'000;
  options.heartbeat_interval_ns = 1'000 * ms;
  options.id_prefix = "hall-7";
  options.f2_controllers = 4;
  options.faults = {10, 1, 1, 1, 5, 0.1};
  std::map<std::string, std::map<MessageKind, int>> seen;
  for (const auto& message : all_of(options)) {
    const auto* schema = schemas->choose(message.topic);
    REQUIRE(schema != nullptr);
    ++seen[schema->name()][message.kind];
    const auto problem = judge(*schema, message.payload);
    INFO(message.topic << ": " << message.payload << ": " << problem);
    CHECK(problem.empty() == (message.kind != MessageKind::bad_payload));
  }
  CHECK(seen.size() == 5);
  for (const auto* name :
       {"temperature_sensor", "power_meter_dc", "power_meter_ac", "f2_controller"}) {
    CHECK(seen[name][MessageKind::reading] > 1'000);
    CHECK(seen[name][MessageKind::bad_payload] > 20 * static_cast<int>(bad_payload_variants) / 2);
  }
  CHECK(seen["heartbeat"][MessageKind::heartbeat] > 100);
}
