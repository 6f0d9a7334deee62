// SPDX-License-Identifier: Apache-2.0
#include "accounted.hpp"

using namespace telemetry;
using served::Accounted;
using served::Gateway;

namespace {

rapidjson::Document drafts(Accounted& accounted, const std::string& body, int status = 200) {
  const auto answer = accounted.send("POST", "/api/schemas/infer", body);
  INFO(answer.body);
  CHECK(answer.status == status);
  rapidjson::Document document;
  document.Parse(answer.body.data(), answer.body.size());
  return document;
}

}  // namespace

TEST_CASE("the schema of a topic is told with all that match, the winner first") {
  Accounted accounted;
  Gateway& gateway = *accounted.gateway;
  accounted.become("viewer");
  const auto known = gateway.json("/api/schemas/which?topic=sensors/s1/temperature");
  CHECK(known["schema"] == "temperature_sensor");
  CHECK(known["version"] == "1.0");
  CHECK(known["device"] == "s1");
  REQUIRE(known["candidates"].Size() >= 1);
  CHECK(known["candidates"][0]["schema"] == "temperature_sensor");
  CHECK(known["candidates"][0]["pattern"] == "sensors/+/temperature");
  const auto none = gateway.json("/api/schemas/which?topic=plant/secret");
  CHECK(none["schema"].IsNull());
  CHECK(none["device"].IsNull());
  CHECK(none["candidates"].Empty());
  for (const char* const query : {"", "?topic=", "?topic=a/%23", "?topic=+/b"}) {
    const auto wrong = gateway.json(std::string("/api/schemas/which") + query, 400);
    CHECK(wrong["errors"][0]["parameter"] == "topic");
  }
  accounted.become("scoped");
  CHECK(gateway.json("/api/schemas/which?topic=iot/dc/dc-001/telemetry", 403)["code"] ==
        "permission_denied");
}

TEST_CASE("dead letters are summed up by schema and reason, within the scope of who asks") {
  Accounted accounted;
  Gateway& gateway = *accounted.gateway;
  accounted.become("viewer");
  const auto all = gateway.json("/api/dead_letters/summary");
  REQUIRE(all["data"].Size() == 2);
  accounted.become("scoped");
  const auto seen = gateway.json("/api/dead_letters/summary");
  REQUIRE(seen["data"].Size() == 1);
  const auto& one = seen["data"][0];
  CHECK(one["schema"] == "temperature_sensor 1.0");
  CHECK(one["reason"] == "max");
  CHECK(one["messages"].GetInt() == 1);
  CHECK(one["topics"].GetInt() == 1);
  CHECK(one["newest"].IsString());
  CHECK(one["example"]["topic"] == "sensors/a/temperature");
  CHECK(one["example"]["problems"][0]["path"] == "/temperature");
  CHECK(gateway.json("/api/dead_letters/summary?topic=a/b")["data"].Empty());
  CHECK(gateway.json("/api/dead_letters/summary?end=2000-01-01")["data"].Empty());
}

TEST_CASE("dead letters are found by reason and schema, page by page") {
  running::FixedSource::Messages all;
  for (int i = 0; i < 4; ++i) {
    all.emplace_back("sensors/a/temperature", R"({"sensor_id":"sensor-001","temperature":999})");
    all.emplace_back("sensors/a/temperature", "{");
    all.emplace_back("iot/dc/dc-001/telemetry", "{");
  }
  Gateway gateway(all);
  const auto count = [&](const std::string& query) {
    return gateway.json("/api/dead_letters?" + query)["data"].Size();
  };
  CHECK(count("") == 12);
  CHECK(count("reason=max") == 4);
  CHECK(count("reason=json_syntax") == 8);
  CHECK(count("schema=temperature_sensor") == 8);
  CHECK(count("schema=temperature_sensor+1.0&reason=json_syntax") == 4);
  CHECK(count("schema=temperature_sensor+2.0") == 0);
  CHECK(count("schema=temperature") == 0);
  CHECK(count("schema=none") == 0);
  CHECK(count("reason=refused+by+a+store") == 0);
  const auto summary = gateway.json("/api/dead_letters/summary");
  REQUIRE(summary["data"].Size() == 3);
  for (const auto& group : summary["data"].GetArray()) {
    std::string query = std::string("reason=") + group["reason"].GetString() + "&schema=";
    for (const char c : std::string(group["schema"].GetString())) query += c == ' ' ? '+' : c;
    INFO(query);
    CHECK(count(query) == group["messages"].GetUint());
  }
  std::size_t seen = 0;
  std::string cursor;
  do {  // no page is emptied by letters that are left out
    const auto page = gateway.json("/api/dead_letters?reason=max&limit=3" + cursor);
    CHECK(page["data"].Size() == (seen == 0 ? 3 : 1));
    for (const auto& letter : page["data"].GetArray()) CHECK(letter["reason"] == "max");
    seen += page["data"].Size();
    cursor = page["next_cursor"].IsNull()
                 ? ""
                 : std::string("&cursor=") + page["next_cursor"].GetString();
  } while (!cursor.empty());
  CHECK(seen == 4);
  const auto wrong = gateway.json("/api/dead_letters?reason=patern", 400);
  CHECK(wrong["errors"][0]["parameter"] == "reason");
  CHECK(std::string(wrong["detail"].GetString()) ==
        "'patern' is no reason; did you mean 'pattern'?");
}

TEST_CASE("schemas are drafted of stored messages that have none") {
  Accounted accounted;
  accounted.become("operator");
  const auto all = drafts(accounted, R"({"topic":"#"})");
  REQUIRE(all["schemas"].Size() == 1);
  const auto& draft = all["schemas"][0];
  CHECK(draft["topic"] == "plant/secret");
  CHECK(draft["topics"].GetInt() == 1);
  CHECK(draft["messages"].GetInt() == 1);
  CHECK(draft["notes"].Size() >= 2);
  CHECK(all["with_schema"].GetInt() == 2);
  std::vector<Diagnostic> mistakes;
  CHECK(Schema::parse(draft["document"].GetString(), "draft", mistakes));
  CHECK(drafts(accounted, R"({"topic":"none/#"})")["schemas"].Empty());
  CHECK(drafts(accounted, R"({"topic":"#","limit":10000})")["messages"].GetInt() == 1);
  for (const char* const body :
       {"{}", R"({"topic":"a#"})", R"({"topic":"#","limit":0})", R"({"topic":"#","limit":10001})",
        R"({"topic":"#","limit":1.5})", R"({"topic":"#","more":1})"}) {
    INFO(body);
    (void)drafts(accounted, body, 400);
  }
  accounted.become("scoped-admin");
  CHECK(drafts(accounted, R"({"topic":"#"})")["schemas"].Empty());
  CHECK(drafts(accounted, R"({"topic":"plant/#"})", 403)["code"] == "permission_denied");
}

TEST_CASE("drafts look at the newest messages, in the order in which they came") {
  running::FixedSource::Messages messages;
  for (int i = 0; i < 50; ++i) {
    messages.emplace_back("house/meter", R"({"seq":)" + std::to_string(i) + R"(,"power":)" +
                                             std::to_string(40 + i % 7) + ".5}");
  }
  messages.emplace_back("house/meter", "no JSON");
  Gateway gateway(messages);
  gateway.request.method = "POST";
  gateway.request.headers.push_back({"Content-Type", "application/json"});
  gateway.request.body = R"({"topic":"house/#","limit":20})";
  const auto drafted = gateway.json("/api/schemas/infer");
  REQUIRE(drafted["schemas"].Size() == 1);
  CHECK(drafted["messages"].GetInt() == 19);
  CHECK(drafted["left_out"].GetInt() == 1);
  const std::string document = drafted["schemas"][0]["document"].GetString();
  CHECK(document.find("sequence_field: seq") != std::string::npos);
}
