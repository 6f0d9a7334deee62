// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "accounted.hpp"

using namespace telemetry;
using served::Accounted;
using served::Gateway;

namespace {

running::FixedSource::Messages spoken() {
  running::FixedSource::Messages all;
  for (const int number : {1, 2, 5}) {
    all.emplace_back(
        "sensors/s1/temperature",
        R"({"sensor_id":"sensor-001","temperature":20,"seq":)" + std::to_string(number) + "}");
  }
  all.emplace_back("sensors/s2/temperature",
                   R"({"sensor_id":"sensor-002","temperature":999})");  // invalid
  all.emplace_back("Hall/door", "open");
  all.emplace_back("yard", "1");
  all.emplace_back("$SYS/uptime", "17");
  return all;
}

std::vector<std::string> names_in(const rapidjson::Document& page, const char* member) {
  std::vector<std::string> names;
  for (const auto& one : page["data"].GetArray()) names.emplace_back(one[member].GetString());
  return names;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("topics are listed with what has come on each") {
  Gateway gateway(spoken());
  const auto all = gateway.json("/api/topics");
  CHECK(names_in(all, "topic") ==
        Names{"Hall/door", "sensors/s1/temperature", "sensors/s2/temperature", "yard"});
  CHECK(all["next_cursor"].IsNull());
  const auto& one = all["data"][1];
  CHECK(one["device"] == "s1");
  CHECK(one["schema"] == "temperature_sensor");
  CHECK(one["messages"].GetInt() == 3);
  CHECK(one["invalid"].GetInt() == 0);
  CHECK(one["rate_per_minute"].GetDouble() > 0);
  CHECK(std::string(one["last_seen"].GetString()).ends_with("Z"));
  CHECK(all["data"][2]["invalid"].GetInt() == 1);
  CHECK(all["data"][0]["device"].IsNull());
  CHECK(all["data"][0]["schema"].IsNull());
}

TEST_CASE("topics are searched, filtered and ordered") {
  Gateway gateway(spoken());
  CHECK(names_in(gateway.json("/api/topics?search=hall"), "topic") == Names{"Hall/door"});
  CHECK(names_in(gateway.json("/api/topics?search=S2"), "topic") ==
        Names{"sensors/s2/temperature"});
  CHECK(names_in(gateway.json("/api/topics?topic=sensors/%23&topic=yard&search=1"), "topic") ==
        Names{"sensors/s1/temperature"});
  CHECK(names_in(gateway.json("/api/topics?topic=$SYS/%23"), "topic") == Names{"$SYS/uptime"});
  CHECK(names_in(gateway.json("/api/topics?order=rate&limit=1"), "topic") ==
        Names{"sensors/s1/temperature"});
  CHECK(gateway.json("/api/topics?order=last_seen")["data"].Size() == 4);
  CHECK(gateway.json("/api/topics?order=rate&cursor=a", 400)["errors"][0]["parameter"] == "cursor");
}

TEST_CASE("topics and devices are paged in the order of their names") {
  Gateway gateway(spoken());
  Names topics, devices;
  for (const auto& [path, member, names] :
       {std::tuple("/api/topics?limit=1", "topic", &topics),
        std::tuple("/api/devices?limit=1", "device", &devices)}) {
    std::string cursor;
    for (int page = 0; page < 10; ++page) {
      const auto part = gateway.json(path + cursor);
      const Names some = names_in(part, member);
      names->insert(names->end(), some.begin(), some.end());
      if (part["next_cursor"].IsNull()) break;
      cursor = std::string("&cursor=") + part["next_cursor"].GetString();
    }
  }
  CHECK(topics == Names{"Hall/door", "sensors/s1/temperature", "sensors/s2/temperature", "yard"});
  CHECK(devices == Names{"s1", "s2"});
}

TEST_CASE("devices have the sums of their topics") {
  Gateway gateway(spoken());
  const auto all = gateway.json("/api/devices");
  REQUIRE(names_in(all, "device") == Names{"s1", "s2"});
  const auto& one = all["data"][0];
  CHECK(one["topics"].GetInt() == 1);
  CHECK(one["messages"].GetInt() == 3);
  CHECK(one["gaps"].GetInt() == 1);
  CHECK(one["missing"].GetInt() == 2);
  CHECK(one["resets"].GetInt() == 0);
  CHECK(one["clock_trouble"].GetInt() == 0);
  CHECK(names_in(gateway.json("/api/devices?order=gaps&limit=1"), "device") == Names{"s1"});
  CHECK(names_in(gateway.json("/api/devices?search=S2&order=last_seen"), "device") == Names{"s2"});
  CHECK(gateway.json("/api/devices?order=gaps&cursor=a", 400)["code"] == "invalid_argument");
}

TEST_CASE("topics that have been silent since the start are listed too") {
  // As after a restart: the store knows them, nothing was counted.
  web::ServiceOptions options;
  Gateway gateway(spoken(), options, Gateway::Counting::off);
  const auto all = gateway.json("/api/topics");
  CHECK(names_in(all, "topic") == Names{"Hall/door", "sensors/s1/temperature", "yard"});
  CHECK(all["data"][1]["messages"].GetInt() == 0);
  CHECK(all["data"][1]["rate_per_minute"].GetDouble() == 0);
  CHECK(all["data"][1]["device"] == "s1");
  CHECK(names_in(gateway.json("/api/topics?order=last_seen&limit=2"), "topic").size() == 2);
  CHECK(names_in(gateway.json("/api/topics?order=rate&limit=1"), "topic") == Names{"Hall/door"});
  CHECK(names_in(gateway.json("/api/devices"), "device") == Names{"s1"});
}

TEST_CASE("who has a scope sees and counts topics and devices within it alone") {
  Accounted accounted;
  Gateway& gateway = *accounted.gateway;
  accounted.become("viewer");
  CHECK(gateway.json("/api/topics")["data"].Size() == 3);
  CHECK(gateway.json("/api/devices")["data"].Size() == 2);
  accounted.become("scoped");
  for (const char* const query :
       {"", "?order=rate", "?order=last_seen", "?search=e", "?cursor=p"}) {
    CHECK(names_in(gateway.json(std::string("/api/topics") + query), "topic") ==
          Names{"sensors/a/temperature"});
  }
  for (const char* const query : {"", "?order=gaps", "?order=last_seen", "?search=A"}) {
    CHECK(names_in(gateway.json(std::string("/api/devices") + query), "device") == Names{"a"});
  }
  CHECK(gateway.json("/api/topics?topic=+/secret")["data"].Empty());
  CHECK(gateway.json("/api/topics?topic=plant/%23", 403)["code"] == "permission_denied");
}
