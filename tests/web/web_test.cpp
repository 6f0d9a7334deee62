// SPDX-License-Identifier: Apache-2.0
#include "telemetry/web.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "served.hpp"

using namespace telemetry;
using served::all_of;
using served::Gateway;
using served::header_of;

namespace {

running::FixedSource::Messages messages() {
  auto all = running::some_messages();
  all.emplace_back("hall", R"({"temperature":31,"name":"it"})");
  all.emplace_back("$SYS/uptime", "17");
  return all;
}

constexpr const char* first_members[] = {"topic", "payload", "timestamp", "received_at",
                                         "id",    "device",  "schema",    "retained"};

}  // namespace

TEST_CASE("data are the newest messages first, with a cursor to go on") {
  Gateway gateway(messages());
  const auto all = gateway.json("/api/data?topic=sensors/%23");
  REQUIRE(all["data"].Size() == 3);
  CHECK(all["next_cursor"].IsNull());
  const auto& record = all["data"][0];
  std::size_t place = 0;
  for (const auto& member : record.GetObject()) {
    REQUIRE(place < std::size(first_members));
    CHECK(member.name.GetString() == std::string(first_members[place++]));
  }
  CHECK(place == std::size(first_members));
  CHECK(record["timestamp"].GetString() == std::string("2026-11-20T09:00:00Z"));
  CHECK(record["schema"].GetString() == std::string("temperature_sensor"));
  CHECK(record["device"].GetString() == std::string("sensor-001"));

  std::vector<std::string> paged;
  std::string cursor;
  for (int page = 0; page < 3; ++page) {
    const auto part = gateway.json("/api/data?topic=sensors/%23&limit=1" + cursor);
    REQUIRE(part["data"].Size() == 1);
    paged.emplace_back(part["data"][0]["id"].GetString());
    cursor = std::string("&cursor=") +
             (part["next_cursor"].IsString() ? part["next_cursor"].GetString() : "");
  }
  for (rapidjson::SizeType i = 0; i < 3; ++i) CHECK(all["data"][i]["id"] == paged[i].c_str());
  const auto offset = gateway.json("/api/data?topic=sensors/%23&limit=1&offset=1");
  REQUIRE(offset["data"].Size() == 1);
  CHECK(offset["data"][0]["id"] == paged[1].c_str());
}

TEST_CASE("data are selected by topic, time, device, schema and condition") {
  Gateway gateway(messages());
  const auto rows = [&](const std::string& query) {
    return gateway.json("/api/data?" + query)["data"].Size();
  };
  CHECK(rows("") == 5);  // not $SYS, not the invalid one
  CHECK(rows("topic=$SYS/%23") == 1);
  CHECK(rows("topic=sensors/+/temperature") == 3);
  CHECK(rows("topic=hall&topic=other/topic") == 2);
  CHECK(rows("device=sensor-002") == 1);
  CHECK(rows("schema=temperature_sensor") == 3);
  CHECK(rows("where=temperature+%3E+30") == 2);
  CHECK(rows("where=temperature%3E30&where=temperature%3C32") == 1);
  CHECK(rows("start=2026-11-20T08:00:01Z&end=2026-11-20T09:00:00Z") == 1);
  const auto fields = gateway.json("/api/data?topic=sensors/%23&fields=temperature&limit=1");
  CHECK(fields["data"][0]["payload"].MemberCount() == 1);
  const auto zone = gateway.json("/api/data?topic=sensors/%23&limit=1&tz=Asia/Kolkata");
  CHECK(zone["data"][0]["timestamp"] == "2026-11-20T14:30:00+05:30");
  const auto cut = gateway.json("/api/data?topic=sensors/");
  CHECK(cut["data"].Empty());
  CHECK(std::string(cut["hint"].GetString()).find("%23") != std::string::npos);
}

TEST_CASE("aggregates are flat rows") {
  Gateway gateway(messages());
  const auto hours = gateway.json(
      "/api/data?topic=sensors/%23&agg=avg(temperature),count()&interval=1h&by=topic&order=oldest");
  REQUIRE(hours["data"].Size() == 3);
  const auto& row = hours["data"][0];
  CHECK(row["time"] == "2026-11-20T08:00:00Z");
  CHECK(row["topic"] == "sensors/sensor-001/temperature");
  CHECK(row["avg_temperature"].GetDouble() == 21.5);
  CHECK(row["count"].GetInt() == 1);
  const auto all = gateway.json("/api/data?agg=p95(temperature),count()");
  REQUIRE(all["data"].Size() == 1);
  CHECK(all["data"][0]["p95_temperature"].GetDouble() == 35.25);
  CHECK(all["data"][0]["count"].GetInt() == 5);
}

TEST_CASE("functions take what every row has, and no two members have one name") {
  Gateway gateway(messages());
  const auto all = gateway.json(
      "/api/data?agg=count(topic),first(topic),last(device),min(schema)&topic=sensors/%23");
  REQUIRE(all["data"].Size() == 1);
  const auto& row = all["data"][0];
  CHECK(row["count_topic"].GetInt() == 3);
  CHECK(row["first_topic"] == "sensors/sensor-001/temperature");
  CHECK(row["last_device"] == "sensor-001");
  CHECK(row["min_schema"] == "temperature_sensor");
  const auto raw = gateway.json("/api/data?agg=count(topic),count(device)&topic=hall");
  CHECK(raw["data"][0]["count_topic"].GetInt() == 1);
  CHECK(raw["data"][0]["count_device"].GetInt() == 0);
  const auto refused = [&](const std::string& query) {
    const auto problem = gateway.json("/api/data?topic=sensors/%23&" + query, 400);
    REQUIRE(problem.HasMember("errors"));
    return std::string(problem["errors"][0]["parameter"].GetString()) + ": " +
           problem["detail"].GetString();
  };
  CHECK(refused("agg=count()&by=topic,topic") ==
        "by: two members of a row would be called 'topic'; ask for it once");
  CHECK(refused("agg=count(),count()").find("agg: two members of a row would be called 'count'") ==
        0);
  CHECK(refused("agg=count()&by=count").find("'count'") != std::string::npos);
  CHECK(refused("agg=count()&by=time&interval=1h").find("'time'") != std::string::npos);
  CHECK(gateway.json("/api/data?agg=sum(topic)&topic=sensors/%23", 400)["detail"] ==
        "sum(topic): 'topic' is a string, and only numbers have that; count, min, max, first and "
        "last take anything");
}

namespace {

bool has_twice(const rapidjson::Value& value) {
  if (value.IsArray()) return std::ranges::any_of(value.GetArray(), has_twice);
  if (!value.IsObject()) return false;
  std::set<std::string> names;
  return std::ranges::any_of(value.GetObject(), [&](const auto& member) {
    return !names.insert(member.name.GetString()).second || has_twice(member.value);
  });
}

}  // namespace

TEST_CASE("no answer has a member twice") {
  Gateway gateway(messages());
  for (const char* const path :
       {"/api/data", "/api/data/latest", "/api/schemas/temperature_sensor", "/api/dead_letters",
        "/api/config", "/api/stats", "/api/buffer", "/api/openapi.json"}) {
    INFO(path);
    CHECK_FALSE(has_twice(gateway.json(path)));
  }
}

TEST_CASE("the newest message of each topic, by pages") {
  Gateway gateway(messages());
  const auto all = gateway.json("/api/data/latest");
  REQUIRE(all["data"].Size() == 4);
  CHECK(all["data"][2]["payload"]["temperature"].GetDouble() == 23.51);
  const auto first = gateway.json("/api/data/latest?limit=3");
  REQUIRE(first["next_cursor"].IsString());
  const auto rest =
      gateway.json(std::string("/api/data/latest?cursor=") + first["next_cursor"].GetString());
  REQUIRE(rest["data"].Size() == 1);
  CHECK(rest["data"][0]["topic"] == all["data"][3]["topic"]);
}

TEST_CASE("an export is a file of all rows") {
  Gateway gateway(messages());
  web::Response csv = gateway.get("/api/export?topic=sensors/%23");
  CHECK(csv.status == 200);
  CHECK(header_of(csv, "Content-Type") == "text/csv; charset=utf-8");
  CHECK(header_of(csv, "Content-Disposition") == "attachment; filename=\"telemetry.csv\"");
  REQUIRE(csv.stream);
  const std::string text = all_of(csv);
  CHECK(text.starts_with("topic,timestamp,received_at,device,retained,"));
  CHECK(std::count(text.begin(), text.end(), '\n') == 4);
  web::Response lines = gateway.get("/api/export?format=jsonl&order=newest&limit=2");
  REQUIRE(lines.stream);
  const std::string jsonl = all_of(lines);
  CHECK(std::count(jsonl.begin(), jsonl.end(), '\n') == 2);
}

TEST_CASE("the pieces of an export are small") {
  running::FixedSource::Messages many(5'000, {"raw/a", "[" + std::string(100, '1') + "]"});
  Gateway gateway(std::move(many));
  web::Response lines = gateway.get("/api/export?format=jsonl");
  REQUIRE(lines.stream);
  std::string piece;
  std::ptrdiff_t rows = 0;
  web::More more = web::More::more;
  while (more == web::More::more) {
    piece.clear();
    more = lines.stream->next(piece).value();
    CHECK(piece.size() < 70'000);
    rows += std::count(piece.begin(), piece.end(), '\n');
  }
  CHECK(rows == 5'000);
}

// The table in docs/gateway.md.
TEST_CASE("a wrong request is answered with what to write") {
  Gateway gateway(messages());
  const auto answer = [&](const std::string& target, int status, const std::string& code) {
    const web::Response response = gateway.get(target);
    INFO(target << ": " << response.body);
    CHECK(response.status == status);
    CHECK(header_of(response, "Content-Type") == "application/problem+json");
    rapidjson::Document problem;
    problem.Parse(response.body.data(), response.body.size());
    REQUIRE_FALSE(problem.HasParseError());
    CHECK(problem["status"].GetInt() == status);
    CHECK(problem["code"] == code.c_str());
    CHECK(problem["request_id"] == header_of(response, "X-Request-Id").c_str());
    std::string text = problem["detail"].GetString();
    if (problem.HasMember("errors") && problem["errors"][0].HasMember("hint"))
      text += std::string("; ") + problem["errors"][0]["hint"].GetString();
    return text;
  };
  CHECK(answer("/api/data?topik=a", 400, "unknown_parameter") ==
        "unknown parameter 'topik'; did you mean 'topic'?");
  CHECK(answer("/api/stats?x=1", 400, "unknown_parameter") ==
        "unknown parameter 'x'; there are none here");
  CHECK(answer("/api/data?limit=10001", 400, "invalid_parameter") ==
        "limit: '10001' is no whole number from 1 to 10000");
  CHECK(answer("/api/data?limit=1&limit=2", 400, "invalid_parameter") == "'limit' is given twice");
  CHECK(answer("/api/data?order=up", 400, "invalid_parameter") ==
        "order: 'up' is none of newest|oldest");
  CHECK(answer("/api/data?topic=a%23", 400, "invalid_parameter") ==
        "topic: 'a#' is no topic filter");
  CHECK(answer("/api/data?start=2026-11-21&end=2026-11-20", 400, "invalid_argument") ==
        "start must be before end");
  CHECK(answer("/api/data?start=soon", 400, "invalid_argument").starts_with("\"soon\" is no time"));
  CHECK(answer("/api/data?tz=Mars/Base", 400, "invalid_argument").find("Mars/Base") !=
        std::string::npos);
  CHECK(
      answer("/api/data?where=temperature", 400, "invalid_argument").find("no operator follows") !=
      std::string::npos);
  CHECK(answer("/api/data?where=temprature%3E3&topic=sensors/%23&schema=temperature_sensor", 400,
               "invalid_argument")
            .find("did you mean 'temperature'?") != std::string::npos);
  CHECK(answer("/api/data?cursor=abc", 400, "invalid_argument").find("is no cursor") !=
        std::string::npos);
  CHECK(answer("/api/data?agg=middle(x)", 400, "invalid_argument").find("middle") !=
        std::string::npos);
  CHECK(answer("/api/data?interval=1h", 400, "invalid_argument") ==
        "interval wants functions in agg, for example agg=count()");
  CHECK(answer("/api/data?agg=count()&interval=1ms", 400, "invalid_argument").find("buckets") !=
        std::string::npos);
  CHECK(answer("/api/schemas/none", 404, "not_found").find("no schema is called 'none'") == 0);
  CHECK(answer("/api/dta", 404, "no_such_path").find("/api/openapi.json") != std::string::npos);
  CHECK(answer("/api/data?a=%", 400, "malformed_target").find('%') != std::string::npos);
  gateway.request.method = "POST";
  CHECK(answer("/api/data", 405, "method_not_allowed") == "/api/data takes GET");
}

TEST_CASE("without sign-in only this machine is answered, under its own names") {
  Gateway gateway(running::FixedSource::Messages{{"hall", "1"}});
  for (const char* const host :
       {"localhost", "localhost:8080", "127.0.0.1", "[::1]:80", "LocalHost"}) {
    gateway.request.headers = {{"host", host}};
    CHECK(gateway.get("/livez").status == 200);
  }
  for (const char* const host : {"", "evil.example", "127.0.0.1.evil.example", "localhost.evil"}) {
    gateway.request.headers = {{"Host", host}};
    INFO(host);
    CHECK(gateway.get("/livez").status == 421);
  }
  gateway.request.headers = {{"Host", "localhost"}};
  for (const char* const peer : {"10.0.0.7", "::2", "192.168.1.2"}) {
    gateway.request.peer = peer;
    CHECK(gateway.get("/api/data").status == 403);
  }
}

TEST_CASE("who asks too often waits, and others do not") {
  web::ServiceOptions options;
  options.requests_per_s = 0.001;  // one, then nothing for a long time
  options.allow_insecure = true;
  Gateway gateway(running::FixedSource::Messages{{"hall", "1"}}, options);
  const auto status = [&](const char* peer) {
    gateway.request.peer = peer;
    return gateway.get("/api/openapi.json").status;
  };
  CHECK(status("10.0.0.1") == 200);
  CHECK(status("10.0.0.1") == 429);
  CHECK(header_of(gateway.get("/api/openapi.json"), "Retry-After") == "1000");
  CHECK(gateway.get("/livez").status == 200);
  CHECK(status("10.0.0.2") == 200);
  CHECK(status("2001:db8:1:2:3:4:5:6") == 200);
  CHECK(status("2001:db8:1:2::7") == 429);
  CHECK(status("2001:db8:1:3::7") == 200);
}

TEST_CASE("pages of other origins may ask where that is allowed") {
  web::ServiceOptions options;
  options.cors_origins = {"https://board.example"};
  Gateway gateway(running::FixedSource::Messages{{"hall", "1"}}, options);
  const auto origin_of = [&](const char* origin, const char* method) {
    gateway.request.headers = {
        {"Host", "localhost"}, {"Origin", origin}, {"Access-Control-Request-Method", "GET"}};
    gateway.request.method = method;
    return gateway.get("/api/data");
  };
  const auto allowed = origin_of("https://board.example", "GET");
  CHECK(header_of(allowed, "Access-Control-Allow-Origin") == "https://board.example");
  CHECK(header_of(allowed, "Vary") == "Origin");
  const auto preflight = origin_of("https://board.example", "OPTIONS");
  CHECK(preflight.status == 204);
  CHECK(header_of(preflight, "Access-Control-Allow-Methods") == "GET");
  CHECK(header_of(origin_of("https://evil.example", "GET"), "Access-Control-Allow-Origin").empty());
  CHECK(origin_of("https://evil.example", "OPTIONS").status == 405);
}

TEST_CASE("without the API there are health and metrics") {
  web::ServiceOptions options;
  options.api = false;
  Gateway gateway(running::FixedSource::Messages{{"hall", "1"}}, options);
  for (const char* const path : {"/", "/page.js", "/api/data", "/api/openapi.json"})
    CHECK(gateway.get(path).status == 404);
  CHECK(gateway.get("/metrics").status == 200);
}

TEST_CASE("the document describes every path, and what it answers is of its schema") {
  Gateway gateway(messages());
  const auto document = gateway.json("/api/openapi.json");
  CHECK(document["openapi"] == "3.1.0");
  std::set<std::string> ids;
  // Nobody signs in here, no body is called JSON, no topic is named, and no board is there.
  const std::set<std::string> refused{
      "signIn",    "listUsers",    "addUser",  "changeUser", "removeUser",  "listKeys",   "addKey",
      "removeKey", "inferSchemas", "getBoard", "saveBoard",  "removeBoard", "whichSchema"};
  for (const auto& path : document["paths"].GetObject()) {
    std::string target = path.name.GetString();
    if (const std::size_t name = target.find("{name}"); name != target.npos)
      target.replace(name, 6, "temperature_sensor");
    if (target.ends_with("{id}")) {
      target = "/api/dead_letters/";
      gateway.request.method = "GET";
      target += gateway.json("/api/dead_letters")["data"][0]["id"].GetString();
    }
    for (const auto& operation : path.value.GetObject()) {
      CHECK(ids.insert(operation.value["operationId"].GetString()).second);
      std::string method = operation.name.GetString();
      std::transform(method.begin(), method.end(), method.begin(), ::toupper);
      gateway.request.method = method;
      gateway.request.body = operation.value.HasMember("requestBody") ? "{}" : "";
      INFO(method << " " << target);
      const web::Response response = gateway.get(target);
      const std::string status = std::to_string(response.status);
      const auto& answers = operation.value["responses"];
      REQUIRE(answers.HasMember(status.c_str()));
      CHECK_FALSE(answers.HasMember("default"));
      const auto& answer = answers[status.c_str()];
      if (response.status == 204) continue;
      std::string type = header_of(response, "Content-Type");
      type = type.substr(0, type.find(';'));
      if (refused.contains(operation.value["operationId"].GetString())) {
        CHECK(answer["$ref"] == "#/components/responses/Problem");
        CHECK(type == "application/problem+json");
      } else {
        CHECK(answer["content"].HasMember(type.c_str()));
      }
    }
  }
  CHECK(ids.contains("listData"));
  CHECK_FALSE(document["paths"].HasMember("/page.js"));
}

namespace {

/// Every object says which members it may have and every array what is in it; what has neither is
/// named in `open`.
void find_open(const rapidjson::Value& schema, const std::string& place,
               std::vector<std::string>& open) {
  if (schema.HasMember("$ref")) return;
  const auto is = [&](const char* type) {
    if (!schema.HasMember("type")) return false;
    const auto& of = schema["type"];
    if (!of.IsArray()) return of == type;
    return std::ranges::any_of(of.GetArray(), [&](const auto& one) { return one == type; });
  };
  const bool says_object = schema.HasMember("additionalProperties") &&
                           (schema["additionalProperties"].IsObject() ||
                            schema["additionalProperties"] == rapidjson::Value(false));
  const bool says_array = schema.HasMember("items") && schema["items"].IsObject();
  if (!schema.HasMember("type") && !schema.HasMember("anyOf")) open.push_back(place);
  if ((is("object") && !says_object) || (is("array") && !says_array)) open.push_back(place);
  if (schema.HasMember("properties")) {
    for (const auto& one : schema["properties"].GetObject())
      find_open(one.value, place + "." + one.name.GetString(), open);
  }
  if (schema.HasMember("anyOf")) {
    for (const auto& one : schema["anyOf"].GetArray()) find_open(one, place, open);
  }
  if (says_array) find_open(schema["items"], place + "[]", open);
  if (says_object && schema["additionalProperties"].IsObject())
    find_open(schema["additionalProperties"], place + ".*", open);
}

}  // namespace

TEST_CASE("the schemas of answers are closed, but for what others have written") {
  Gateway gateway(messages());
  const auto document = gateway.json("/api/openapi.json");
  std::vector<std::string> open;
  for (const auto& schema : document["components"]["schemas"].GetObject()) {
    if (schema.name == "Credentials") continue;  // of a request
    find_open(schema.value, schema.name.GetString(), open);
  }
  CHECK(open == std::vector<std::string>{"Json"});
  for (const auto& path : document["paths"].GetObject()) {
    for (const auto& operation : path.value.GetObject()) {
      for (const auto& answer : operation.value["responses"].GetObject()) {
        if (!answer.value.HasMember("content")) continue;
        for (const auto& content : answer.value["content"].GetObject()) {
          open.clear();
          find_open(content.value["schema"], operation.value["operationId"].GetString(), open);
          CHECK(open.empty());
        }
      }
    }
  }
}

TEST_CASE("the document says who must sign in") {
  Gateway gateway(messages());
  const auto open = gateway.json("/api/openapi.json");
  CHECK_FALSE(open.HasMember("security"));
  CHECK(open["paths"]["/livez"]["get"]["security"].Empty());
  CHECK_FALSE(open["paths"]["/api/data"]["get"].HasMember("security"));
}

TEST_CASE("the examples of all parameters of a path may be asked together") {
  Gateway gateway(messages());
  const auto document = gateway.json("/api/openapi.json");
  // With functions there are groups, without them rows.
  const std::set<std::string> of_rows{"fields", "offset"}, of_groups{"agg", "interval", "by"};
  for (const auto& path : document["paths"].GetObject()) {
    const std::string name = path.name.GetString();
    if (!path.value.HasMember("get") || name.find('{') != name.npos) continue;
    if (name == "/api/users" || name == "/api/keys") continue;  // nobody signs in here
    for (const auto* const left_out : {&of_rows, &of_groups}) {
      std::string target = name;
      for (const auto& parameter : path.value["get"]["parameters"].GetArray()) {
        if (!parameter.HasMember("example") || left_out->contains(parameter["name"].GetString()))
          continue;
        const auto& given = parameter["example"];
        const auto& example = given.IsArray() ? given[0] : given;
        std::string text =
            example.IsString() ? example.GetString() : std::to_string(example.GetInt());
        for (std::size_t at = 0; (at = text.find_first_of(" +&#", at)) != text.npos; at += 3)
          text.replace(at, 1, fmt::format("%{:02X}", text[at]));
        target += target == name ? '?' : '&';
        target += std::string(parameter["name"].GetString()) + "=" + text;
      }
      const web::Response response = gateway.get(target);
      INFO(target << ": " << response.body);
      CHECK((response.status == 200 || response.status == 503));
    }
  }
}

TEST_CASE("dead letters are listed and shown") {
  auto all = messages();
  for (int i = 0; i < 3; ++i) all.emplace_back("sensors/sensor-003/temperature", "{");
  Gateway gateway(all);
  const auto first = gateway.json("/api/dead_letters?limit=3");
  REQUIRE(first["data"].Size() == 3);
  CHECK(first["data"][0]["topic"] == "sensors/sensor-003/temperature");
  REQUIRE(first["next_cursor"].IsString());
  const auto rest = gateway.json(std::string("/api/dead_letters?limit=3&cursor=") +
                                 first["next_cursor"].GetString());
  REQUIRE(rest["data"].Size() == 1);
  CHECK(rest["next_cursor"].IsNull());
  CHECK(rest["data"][0]["problems"][0]["path"] == "/temperature");
  const std::string id = rest["data"][0]["id"].GetString();
  const auto one = gateway.json("/api/dead_letters/" + id);
  CHECK(one["payload"] == R"({"sensor_id":"sensor-001","temperature":999})");
  CHECK(one["schema"] == "temperature_sensor 1.0");
  CHECK(gateway.json("/api/dead_letters?topic=sensors/sensor-001/%23")["data"].Size() == 1);
  CHECK(gateway.get("/api/dead_letters/999").status == 404);
  CHECK(gateway.get("/api/dead_letters/x").status == 404);
  CHECK(gateway.get("/api/dead_letters?cursor=x").status == 400);
}

TEST_CASE("a payload is judged, and nothing stored") {
  Gateway gateway(messages());
  gateway.request.method = "POST";
  const auto judged = [&](std::string_view body) {
    gateway.request.body = body;
    return gateway.json("/api/schemas/temperature_sensor/validate");
  };
  const auto right = judged(running::some_messages().front().second);
  CHECK(right["valid"].GetBool());
  CHECK(right["readings"].GetInt() == 1);
  const auto wrong = judged(
      R"({"sensor_id":"sensor-001","temperature":999,"timestamp":"2026-11-20T08:00:00Z","seq":1})");
  CHECK_FALSE(wrong["valid"].GetBool());
  CHECK(wrong["schema"] == "temperature_sensor 1.0");
  CHECK(wrong["problems"][0]["path"] == "/temperature");
  CHECK(wrong["problems"][0]["found"] == "999");
  CHECK_FALSE(judged("no JSON")["valid"].GetBool());
  CHECK(
      gateway.get("/api/schemas/temperature_sensor/validate?topic=sensors/x/temperature").status ==
      200);
  CHECK(gateway.get("/api/schemas/temperature_sensor/validate?topic=power/x").status == 400);
  CHECK(gateway.get("/api/schemas/none/validate").status == 404);
  gateway.request.method = "GET";
  CHECK(gateway.get("/api/schemas/temperature_sensor/validate").status == 405);
}

TEST_CASE("settings are shown, and no secret") {
  Gateway gateway(messages());
  const auto config = gateway.json("/api/config");
  bool found = false;
  for (const auto& one : config["data"].GetArray()) {
    if (one["key"] == "web.port") {
      found = true;
      CHECK(one["values"][0] == "8080");
      CHECK(one["origin"].IsNull());
    }
  }
  CHECK(found);
}

TEST_CASE("schemas, counters and the page are served") {
  Gateway gateway(messages());
  const auto schemas = gateway.json("/api/schemas");
  CHECK(schemas["data"].Size() >= 2);
  const auto one = gateway.json("/api/schemas/temperature_sensor");
  CHECK(one["data"][0]["document"]["name"] == "temperature_sensor");
  CHECK(one["data"][0]["fields"][0].HasMember("unit"));
  CHECK(gateway.json("/api/stats")["messages_received"].GetInt() == 7);
  CHECK(gateway.json("/api/buffer")["consumers"][0]["waiting"].GetInt() == 0);
  CHECK(gateway.get("/metrics").body.find("mqtt_messages_received_total 7") != std::string::npos);
  CHECK(gateway.get("/livez").body == "live\n");
  // The source of this test says nothing of a connection.
  const auto health = gateway.json("/api/health", 503);
  CHECK(health["status"] == "degraded");
  CHECK(health["reasons"][0] == "no broker is connected");
  CHECK(gateway.get("/readyz").status == 503);
}

TEST_CASE("a page is sent with what lets a browser keep it, once for each version") {
  static constexpr web::PageFile files[] = {
      {"/", "text/html; charset=utf-8", "packed page", "\"one\"", false},
      {"/assets/x.js", "text/javascript; charset=utf-8", "packed script", "\"two\"", true}};
  web::ServiceOptions options;
  options.pages = files;
  Gateway gateway(messages(), std::move(options));
  const web::Response page = gateway.get("/");
  CHECK(page.status == 200);
  CHECK(page.is_gzip);
  CHECK(page.body == "packed page");
  CHECK(header_of(page, "Content-Type") == "text/html; charset=utf-8");
  CHECK(header_of(page, "Cache-Control") == "no-cache");
  CHECK(header_of(page, "Content-Security-Policy").find("default-src 'self'") == 0);
  CHECK(header_of(page, "Content-Security-Policy").find("unsafe") == std::string::npos);
  CHECK(header_of(gateway.get("/assets/x.js"), "Cache-Control") ==
        "public, max-age=31536000, immutable");
  gateway.request.headers.push_back({"If-None-Match", "\"none\", W/\"one\""});
  const web::Response same = gateway.get("/");
  CHECK(same.status == 304);
  CHECK(same.body.empty());
  CHECK(header_of(same, "ETag") == "W/\"one\"");
  CHECK(gateway.get("/assets/x.js").status == 200);
  CHECK(gateway.get("/assets/y.js").status == 404);
  gateway.request.method = "POST";
  CHECK(gateway.get("/").status == 405);
}
