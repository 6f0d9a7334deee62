// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "adapters/sqlite_queries.hpp"

using namespace telemetry;
using namespace telemetry::test;

TEST_CASE("conditions compare numbers as numbers, text as text, absent fields never") {
  SqliteFixture f;
  f.open();
  const auto schema = parse_schema(mixed_schema);
  BatchBuilder builder;
  builder.add("mixed/d1/x", schema, R"({"real":9,"whole":9,"word":"9","on":true})");
  builder.add("mixed/d2/x", schema, R"({"real":10.5,"whole":10,"word":"10","on":false})");
  builder.add("mixed/d3/x", schema, R"({"place":{"lat":1}})");
  builder.add_raw("raw", R"({"real":11})");
  f.write(builder.done());
  const auto matching = [&](const std::string& text) {
    Query query;
    query.where = {condition(text)};
    return ids(*f.store, query);
  };
  CHECK(matching("real > 9") == Ids{2, 4});
  CHECK(matching("real >= 9") == Ids{1, 2, 4});
  CHECK(matching("whole < 1e1") == Ids{1});
  CHECK(matching("real != 9") == Ids{2, 4});
  CHECK(matching("word > '10'") == Ids{1});
  CHECK(matching("on = true") == Ids{1});
  CHECK(matching("place.lat = 1") == Ids{3});
  CHECK(matching("device = d2") == Ids{2});
  CHECK(matching("topic = 'mixed/d3/x'") == Ids{3});
  Query both;
  both.where = {condition("real > 1"), condition("whole > 9")};
  CHECK(ids(*f.store, both) == Ids{2});

  Query wrong;
  wrong.where = {condition("real > hot")};
  CHECK(query_fails(*f.store, wrong).code == Errc::invalid_argument);
}

namespace {

constexpr const char* odd_schema = R"(
name: odd
version: "1.0"
topic_pattern: odd/{device}
validation: {strict: true, allow_extra_fields: true}
fields:
  - {name: note, type: any}
  - {name: device, type: string}
  - {name: topic, type: integer}
  - {name: hall temp, type: float}
  - {name: 'a "quoted" name', type: integer}
)";

}  // namespace

TEST_CASE("a condition on a free field compares by JSON type, other types do not meet it") {
  SqliteFixture f;
  f.open();
  const auto schema = parse_schema(odd_schema);
  BatchBuilder builder;
  for (const char* note : {"\"off\"", "[1]", "true", "20", "9.5", "\"20\"", "null",
                           R"({"mode":"auto","limit":{"max":3}})", "false"}) {
    builder.add("odd/d", schema, fmt::format(R"({{"note":{}}})", note));
  }
  f.write(builder.done());
  const auto matching = [&](const std::string& text) {
    Query query;
    query.where = {condition(text)};
    return ids(*f.store, query);
  };
  CHECK(matching("note > 10") == Ids{4});
  CHECK(matching("note < 10") == Ids{5});
  CHECK(matching("note != 10") == Ids{4, 5});
  CHECK(matching("note = true") == Ids{3});
  CHECK(matching("note != true") == Ids{9});
  CHECK(matching("note = off") == Ids{1});
  CHECK(matching("note >= '20'") == Ids{1, 6});
  CHECK(matching("note.mode = auto") == Ids{8});
  CHECK(matching("note.limit.max <= 3") == Ids{8});
  CHECK(matching("note.limit = 3").empty());
}

TEST_CASE("quoting reaches fields called device and topic, and names with spaces and quotes") {
  SqliteFixture f;
  f.open();
  const auto schema = parse_schema(odd_schema);
  BatchBuilder builder;
  builder.add("odd/one", schema, R"({"device":"two","topic":7,"hall temp":21.5})");
  builder.add("odd/two", schema, R"({"device":"one","a \"quoted\" name":3})");
  f.write(builder.done());
  const auto matching = [&](const std::string& text) {
    Query query;
    query.where = {condition(text)};
    return ids(*f.store, query);
  };
  CHECK(matching("device = one") == Ids{1});
  CHECK(matching("\"device\" = one") == Ids{2});
  CHECK(matching("topic = 'odd/two'") == Ids{2});
  CHECK(matching("\"topic\" > 6") == Ids{1});
  CHECK(matching("\"hall temp\" > 21") == Ids{1});
  CHECK(matching("\"a \"\"quoted\"\" name\" = 3") == Ids{2});
  std::vector<std::string> devices;
  require(f.store->query({}, [&](const Row& row) {
    devices.emplace_back(row.device);
    return true;
  }));
  Query of_one;
  of_one.topics = {"odd/two"};
  require(f.store->query(of_one, [&](const Row& row) {
    devices.emplace_back(row.device);
    return true;
  }));
  require(f.store->latest(latest_of("odd/#"), [&](const Row& row) {
    devices.emplace_back(row.device);
    return true;
  }));
  CHECK(devices == Texts{"one", "two", "two", "one", "two"});
}

TEST_CASE("undeclared members are filtered by their path") {
  SqliteFixture f;
  f.open();
  const auto schema = parse_schema(mixed_schema);
  BatchBuilder builder;
  builder.add("mixed/d/x", schema, R"({"real":1,"firmware":{"version":"1.2"},"rssi":-70})");
  builder.add("mixed/d/x", schema, R"({"real":2,"place":{"lat":1}})").extra =
      R"({"rssi":"low","place":{"hall":3}})";  // as the door nests them
  builder.add("mixed/d/x", schema, R"({"real":3,"temp.max":40})");
  builder.add("sensors/a/temperature", temperature_schema(),
              R"({"temperature":1,"sensor_id":"sensor-001"})");
  f.write(builder.done());
  const auto matching = [&](const std::string& text) {
    Query query;
    query.where = {condition(text)};
    return ids(*f.store, query);
  };
  CHECK(matching("rssi < -60") == Ids{1});
  CHECK(matching("rssi = low") == Ids{2});
  CHECK(matching("firmware.version = '1.2'") == Ids{1});
  CHECK(matching("place.hall = 3") == Ids{2});
  CHECK(matching("temp.max >= 40") == Ids{3});
  CHECK(matching("nowhere = 1").empty());
  Query query;
  query.where = {condition("rssi < -60"), condition("real = 1")};
  CHECK(payloads(*f.store, query).size() == 1);
  // What looks like a slip is a mistake, unless it is quoted.
  query.where = {condition("reel = 1")};
  CHECK_THAT(query_fails(*f.store, query).context,
             Catch::Contains("did you mean 'real'?") && Catch::Contains("\"reel\""));
  query.where = {condition("\"reel\" = 1")};
  CHECK(ids(*f.store, query).empty());
  // A schema without undeclared members knows all its names.
  query.schemas = {"temperature_sensor"};
  query.where = {condition("rssi < -60")};
  CHECK(query_fails(*f.store, query).code == Errc::invalid_argument);
  query.where = {condition("real = 1")};
  CHECK(query_fails(*f.store, query).code == Errc::invalid_argument);
}

TEST_CASE("a literal that is a word is no number, whatever C takes for one") {
  SqliteFixture f;
  f.open();
  BatchBuilder builder;
  builder.add("mixed/d/x", parse_schema(mixed_schema), R"({"real":1})");
  f.write(builder.done());
  for (const char* text : {"real < inf", "real != nan", "real < infinity"}) {
    Query query;
    query.where = {condition(text)};
    CHECK(query_fails(*f.store, query).code == Errc::invalid_argument);
  }
}

TEST_CASE("a field that two schemas type differently is compared as each has it") {
  SqliteFixture f;
  f.open();
  const auto one = [](const std::string& name, const std::string& type) {
    return parse_schema("{name: " + name + ", version: '1.0', topic_pattern: " + name +
                        ", fields: [{name: state, type: " + type + "}]}");
  };
  BatchBuilder builder;
  builder.add("a", one("a", "string"), R"({"state":"5"})");
  builder.add("b", one("b", "integer"), R"({"state":5})");
  f.write(builder.done());
  Query query;
  query.where = {condition("state = 5")};
  CHECK(ids(*f.store, query) == Ids{1, 2});
  query.where = {condition("state != on")};
  CHECK(ids(*f.store, query) == Ids{1});
}

TEST_CASE("conditions reach into payloads without schema, a bare value is called value") {
  SqliteFixture f;
  f.open();
  BatchBuilder builder;
  builder.add_raw("hall", R"({"temperature": 21.2, "door": {"open": true}, "name": "a"})");  // 1
  builder.add_raw("hall", R"({"temperature": 19, "name": "b"})");
  builder.add_raw("shelly/power", "12.5");
  builder.add_raw("shelly/state", "on");  // 4: text, not JSON
  builder.add_raw("list", R"([21.2])");
  builder.add("sensors/a/temperature", temperature_schema(),
              R"({"temperature":30,"sensor_id":"sensor-001","seq":1})");  // 6
  builder.add_raw("hall", R"({"value": 13, "temperature": "22"})");
  f.write(builder.done());
  const auto found = [&](const std::string& where) {
    Query query;
    query.where = {condition(where)};
    return ids(*f.store, query);
  };
  CHECK(found("temperature > 20") == Ids{1, 6});
  CHECK(found("temperature < 20") == Ids{2});
  CHECK(found("temperature = '22'") == Ids{7});
  CHECK(found("door.open = true") == Ids{1});
  CHECK(found("name != a") == Ids{2});
  CHECK(found("value > 12") == Ids{3, 7});
  CHECK(found("nowhere = 1").empty());
  Query of_schema;
  of_schema.schemas = {"temperature_sensor"};
  of_schema.where = {condition("nowhere = 1")};
  CHECK_THAT(query_fails(*f.store, of_schema).context, Catch::Contains("unknown field 'nowhere'"));
}
