// SPDX-License-Identifier: Apache-2.0
#include "served.hpp"

using namespace telemetry;
using served::Gateway;

namespace {

running::FixedSource::Messages messages() {
  running::FixedSource::Messages all = running::some_messages();
  for (int i = 0; i < 200; ++i) {
    all.emplace_back("hall", R"({"level":)" + std::to_string(i == 117 ? -40 : i % 10) +
                                 R"(,"on":true,"deep":{"x":1.5},"list":[9],"name":"it"})");
  }
  all.emplace_back("bare", "17");
  all.emplace_back("text", "no number");
  return all;
}

}  // namespace

TEST_CASE("series have topic, device, schema, field, unit and points") {
  Gateway gateway(messages());
  const auto answer = gateway.json(
      "/api/series?topic=sensors/%23&fields=temperature&start=2026-11-20T08:00:00Z"
      "&end=2026-11-20T10:00:00Z&downsample=100");
  REQUIRE(answer["data"].Size() == 2);
  const auto& line = answer["data"][0];
  CHECK(line["topic"] == "sensors/sensor-001/temperature");
  CHECK(line["device"] == "sensor-001");
  CHECK(line["schema"] == "temperature_sensor");
  CHECK(line["field"] == "temperature");
  CHECK(line["unit"] ==
        "\xc2\xb0"
        "C");
  CHECK(line["rows"].GetInt() == 2);
  REQUIRE(line["times"].Size() == 2);
  CHECK(line["times"][0].GetDouble() == 1'795'161'600'000);
  CHECK(line["values"][0].GetDouble() == 21.5);
  CHECK(answer["start_ms"].GetInt64() == 1'795'161'600'000);
  CHECK(answer["end_ms"].GetInt64() == 1'795'161'600'000 + 7'200'000);
  CHECK(answer["column_ms"].GetInt64() == 72'000);
  CHECK_FALSE(answer["more"].GetBool());
}

TEST_CASE("numbers of what has no schema are series by their path") {
  Gateway gateway(messages());
  const auto answer = gateway.json("/api/series?topic=hall&topic=bare&topic=text&downsample=1");
  std::vector<std::string> names;
  for (const auto& line : answer["data"].GetArray()) {
    names.push_back(std::string(line["topic"].GetString()) + " " + line["field"].GetString());
    CHECK(line["schema"].IsNull());
    CHECK(line["device"].IsNull());
    CHECK(line["unit"].IsNull());
    CHECK(line["times"].Size() == line["values"].Size());
    CHECK(line["times"].Size() <= 8);
  }
  CHECK(names == std::vector<std::string>{"bare value", "hall deep.x", "hall level", "hall on"});
  const auto level = gateway.json("/api/series?topic=hall&fields=level,name&downsample=1");
  REQUIRE(level["data"].Size() == 1);
  CHECK(level["data"][0]["rows"].GetInt() == 200);
  bool seen = false;
  for (const auto& value : level["data"][0]["values"].GetArray())
    seen = seen || value.GetDouble() == -40;
  CHECK(seen);
}

TEST_CASE("the limit of series is kept, and more says so") {
  Gateway gateway(messages());
  const auto two = gateway.json("/api/series?topic=hall&limit=2");
  REQUIRE(two["data"].Size() == 2);
  CHECK(two["data"][1]["field"] == "level");
  CHECK(two["more"].GetBool());
  const auto three = gateway.json("/api/series?topic=hall&limit=3");
  CHECK(three["data"].Size() == 3);
  CHECK_FALSE(three["more"].GetBool());
}

TEST_CASE("where nothing is selected there is no series, and no time that nobody named") {
  Gateway gateway(messages());
  const auto none = gateway.json("/api/series?topic=none");
  CHECK(none["data"].Empty());
  CHECK(none["start_ms"].IsNull());
  CHECK(none["column_ms"].IsNull());
  const auto range = gateway.json("/api/series?topic=none&start=1000.5&end=2001.5");
  CHECK(range["start_ms"].GetDouble() == 1'000'500);
  CHECK(range["column_ms"].GetDouble() == 1'001);
}

TEST_CASE("what is wrong with a question about series is said") {
  Gateway gateway(messages());
  const auto detail = [&](const std::string& query) {
    return std::string(gateway.json("/api/series?" + query, 400)["detail"].GetString());
  };
  CHECK(detail("fields=sensor_id&schema=temperature_sensor") ==
        "'sensor_id' is a string, and a series is of numbers");
  CHECK(detail("fields=temprature&schema=temperature_sensor").find("temperature") !=
        std::string::npos);
  CHECK(detail("downsample=0").find("10000") != std::string::npos);
  CHECK(detail("downsample=10001").find("10000") != std::string::npos);
  CHECK(detail("limit=201").find("200") != std::string::npos);
  CHECK(detail("start=2&end=1").find("before") != std::string::npos);
  CHECK(detail("order=newest").find("unknown parameter") != std::string::npos);
}
