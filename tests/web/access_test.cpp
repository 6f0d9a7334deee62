// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <functional>
#include <map>

#include "accounted.hpp"
#include "web/routes.hpp"

using namespace telemetry;
using namespace served;

namespace {

struct Expected {
  const char* request;  ///< a GET where no method stands before it
  int nobody, scoped, viewer, operator_, admin, scoped_admin;
};
// Written by hand, beside the table of routes: a table cannot test itself.
constexpr Expected matrix[] = {
    {"/api/data", 401, 200, 200, 200, 200, 200},
    {"/api/data?agg=count()", 401, 200, 200, 200, 200, 200},
    {"/api/data?topic=plant/%23", 401, 403, 200, 200, 200, 403},
    {"/api/data?topic=plant/%23&agg=count()", 401, 403, 200, 200, 200, 403},
    {"/api/data/latest?topic=plant/%23", 401, 403, 200, 200, 200, 403},
    {"/api/export?topic=plant/%23", 401, 403, 200, 200, 200, 403},
    {"/api/data/latest", 401, 200, 200, 200, 200, 200},
    {"/api/export", 401, 200, 200, 200, 200, 200},
    {"/api/series", 401, 200, 200, 200, 200, 200},
    {"/api/series?topic=plant/%23", 401, 403, 200, 200, 200, 403},
    {"/api/stream", 401, 200, 200, 200, 200, 200},
    {"/api/stream?topic=plant/%23", 401, 403, 200, 200, 200, 403},
    {"/ws", 401, 426, 426, 426, 426, 426},  // no WebSocket in this test
    {"/api/schemas", 401, 200, 200, 200, 200, 200},
    {"/api/schemas/temperature_sensor", 401, 200, 200, 200, 200, 200},
    {"/api/schemas/power_meter_dc", 401, 404, 200, 200, 200, 404},
    {"POST /api/schemas/temperature_sensor/validate", 401, 200, 200, 200, 200, 200},
    {"POST /api/schemas/power_meter_dc/validate", 401, 404, 200, 200, 200, 404},
    {"/api/schemas/which?topic=sensors/a/temperature", 401, 200, 200, 200, 200, 200},
    {"/api/schemas/which?topic=plant/secret", 401, 403, 200, 200, 200, 403},
    {"POST /api/schemas/infer", 401, 403, 403, 415, 415, 415},  // without a body
    {"/api/topics", 401, 200, 200, 200, 200, 200},
    {"/api/topics?topic=plant/%23", 401, 403, 200, 200, 200, 403},
    {"/api/devices", 401, 200, 200, 200, 200, 200},
    {"/api/devices?topic=plant/%23", 401, 403, 200, 200, 200, 403},
    {"/api/users", 401, 403, 403, 403, 200, 403},
    {"POST /api/users", 401, 403, 403, 403, 415, 403},
    {"PATCH /api/users/none", 401, 403, 403, 403, 415, 403},
    {"DELETE /api/users/none", 401, 403, 403, 403, 404, 403},
    {"/api/keys", 401, 403, 403, 403, 200, 403},
    {"POST /api/keys", 401, 403, 403, 403, 415, 403},
    {"DELETE /api/keys/none", 401, 403, 403, 403, 404, 403},
    {"/api/boards", 401, 200, 200, 200, 200, 200},
    {"/api/boards/none", 401, 404, 404, 404, 404, 404},
    {"PUT /api/boards/none", 401, 403, 403, 415, 415, 415},
    {"DELETE /api/boards/none", 401, 403, 403, 404, 404, 404},
    {"/api/dead_letters/summary", 401, 200, 200, 200, 200, 200},
    {"/api/dead_letters", 401, 200, 200, 200, 200, 200},
    {"/api/dead_letters/none", 401, 404, 404, 404, 404, 404},
    {"/api/session", 401, 200, 200, 200, 200, 200},
    {"POST /api/session", 415, 415, 415, 415, 415, 415},  // without a body
    {"DELETE /api/session", 401, 204, 204, 204, 204, 204},
    {"/api/stats", 401, 403, 200, 200, 200, 403},
    {"/api/buffer", 401, 403, 200, 200, 200, 403},
    {"/metrics", 401, 403, 200, 200, 200, 403},
    {"/api/config", 401, 403, 403, 403, 200, 403},
    {"/api/health", 503, 503, 503, 503, 503, 503},  // no broker in this test
    {"/health", 503, 503, 503, 503, 503, 503},
    {"/livez", 200, 200, 200, 200, 200, 200},
    {"/health/live", 200, 200, 200, 200, 200, 200},
    {"/readyz", 503, 503, 503, 503, 503, 503},
    {"/health/ready", 503, 503, 503, 503, 503, 503},
    {"/api/openapi.json", 200, 200, 200, 200, 200, 200},
    {"/api/docs", 200, 200, 200, 200, 200, 200},
    {"/api/docs.css", 200, 200, 200, 200, 200, 200},
    {"/api/docs.js", 200, 200, 200, 200, 200, 200},
    {"/none", 404, 404, 404, 404, 404, 404},
};
using Status = std::function<int(const std::string& request, const std::string& user)>;

/// Where the answers are others than the matrix says.
std::vector<std::string> differences(const Status& status_of) {
  std::vector<std::string> out;
  for (const Expected& one : matrix) {
    const std::pair<const char*, int> answers[] = {
        {"", one.nobody},       {"scoped", one.scoped},
        {"viewer", one.viewer}, {"operator", one.operator_},
        {"admin", one.admin},   {"scoped-admin", one.scoped_admin}};
    for (const auto& [user, expected] : answers) {
      const int status = status_of(one.request, user);
      if (status == expected) continue;
      out.push_back(std::string(one.request) + " by '" + user + "': " + std::to_string(status) +
                    " instead of " + std::to_string(expected));
    }
  }
  return out;
}

std::string method_of(const std::string& request) {
  return request.starts_with('/') ? "GET" : request.substr(0, request.find(' '));
}

}  // namespace

TEST_CASE("who may ask what") {
  Accounted accounted;
  Gateway& gateway = *accounted.gateway;
  std::map<std::pair<std::string, std::string>, int> seen;
  const auto found = differences([&](const std::string& request, const std::string& user) {
    accounted.become(user);
    const std::string method = method_of(request);
    gateway.request.method = method;
    return seen[{request, user}] = gateway.get(request.substr(request.find('/'))).status;
  });
  CHECK(found == std::vector<std::string>());
  // A canary: each answer of a route with another permission is seen. tests/faults has one that is
  // built in.
  for (const auto& [cell, status] : seen) {
    const auto wrong = differences([&](const std::string& request, const std::string& user) {
      const bool here = cell == std::pair(request, user);
      return here ? (status == 200 ? 403 : 200) : seen.at({request, user});
    });
    CHECK(wrong.size() == 1);
  }
}

TEST_CASE("every route is in the matrix") {
  for (const web::Route& route : web::routes()) {
    INFO(route.method << " " << route.path);
    CHECK(std::ranges::any_of(matrix, [&](const Expected& one) {
      const std::string request = one.request;
      std::string target = request.substr(request.find('/'));
      target = target.substr(0, target.find('?'));
      std::string pattern(route.path);
      if (const std::size_t open = pattern.find('{'); open != pattern.npos) {
        const std::size_t end = pattern.find('}') + 1;
        const std::string behind = pattern.substr(end);
        const bool fits = target.starts_with(pattern.substr(0, open)) && target.ends_with(behind) &&
                          std::ranges::count(target, '/') == std::ranges::count(pattern, '/');
        return fits && method_of(request) == route.method;
      }
      return target == pattern && method_of(request) == route.method;
    }));
  }
}

TEST_CASE("who has a scope learns nothing of other topics") {
  Accounted accounted;
  Gateway& gateway = *accounted.gateway;
  accounted.become("viewer");
  const auto of_all = gateway.json("/api/dead_letters");
  REQUIRE(of_all["data"].Size() == 2);
  const std::string unseen = of_all["data"][0]["id"].GetString();
  for (const bool by_key : {false, true}) {
    accounted.become(by_key ? "" : "scoped");
    if (by_key) gateway.request.headers.push_back({"X-API-Key", accounted.key_text});
    CHECK(gateway.json("/api/data")["data"].Size() == 1);
    CHECK_FALSE(gateway.json("/api/data?topic=plant/%23", 403).HasMember("data"));
    CHECK(gateway.json("/api/data?topic=+/secret")["data"].Empty());
    CHECK(gateway.json("/api/data?agg=count()")["data"][0]["count"].GetInt() == 1);
    CHECK(gateway.json("/api/data?agg=count()&by=topic")["data"].Size() == 1);
    CHECK(gateway.json("/api/data/latest")["data"].Size() == 1);
    for (const char* const asks : {"where=nosuch%3E1", "schema=none", "fields=voltag"}) {
      const web::Response refused = gateway.get(std::string("/api/data?") + asks);
      CHECK(refused.body.find("power") == std::string::npos);
      CHECK(refused.body.find("voltage") == std::string::npos);
    }
    CHECK(gateway.json("/api/data/latest?cursor=plant")["data"].Size() == 1);
    web::Response csv = gateway.get("/api/export");
    CHECK(served::all_of(csv).find("secret") == std::string::npos);
    // Neither series nor times of others: the only message is a nanosecond.
    const auto series = gateway.json("/api/series?downsample=1");
    REQUIRE(series["data"].Size() == 2);
    CHECK(series["data"][0]["field"] == "seq");
    CHECK(series["data"][1]["field"] == "temperature");
    CHECK(series["column_ms"].GetDouble() == 0.000001);
    CHECK_FALSE(series["more"].GetBool());
    CHECK_FALSE(gateway.json("/api/series?topic=plant/%23", 403).HasMember("data"));
    CHECK(gateway.json("/api/series?topic=+/secret")["start_ms"].IsNull());
    CHECK(gateway.json("/api/series?where=topic%3D'plant/secret'")["start_ms"].IsNull());
    CHECK_FALSE(gateway.json("/api/series?topic=sensors/%23&limit=2")["more"].GetBool());
    const auto letters = gateway.json("/api/dead_letters");
    REQUIRE(letters["data"].Size() == 1);
    CHECK(letters["data"][0]["topic"] == "sensors/a/temperature");
    const std::string seen = letters["data"][0]["id"].GetString();
    CHECK(gateway.get("/api/dead_letters/" + seen).status == 200);
    CHECK(gateway.get("/api/dead_letters/" + unseen).status == 404);
    const auto schemas = gateway.json("/api/schemas");
    for (const auto& schema : schemas["data"].GetArray()) {
      CHECK(std::string(schema["topic"].GetString()).find("iot/dc") == std::string::npos);
    }
    CHECK_FALSE(gateway.json("/api/health", 503).HasMember("reasons"));
  }
}

TEST_CASE("who has a scope cannot tell what other topics have from what is nowhere") {
  Accounted accounted;
  Gateway& gateway = *accounted.gateway;
  const auto answer = [&](std::string asks, const char* name) {
    while (asks.find('@') != asks.npos) asks.replace(asks.find('@'), 1, name);
    web::Response response = gateway.get("/api/" + asks);
    std::string text = std::to_string(response.status) +
                       (response.stream ? served::all_of(response) : response.body);
    text = text.substr(0, text.find(R"(,"request_id")"));
    while (text.find(name) != text.npos) text.replace(text.find(name), std::strlen(name), "@");
    return text;
  };
  for (const char* const asks : {"data?where=@%3E1",
                                 "data?where=@%3D'x'",
                                 "data?where=%22@%22%20is%20null",
                                 "data?fields=@",
                                 "data?agg=avg(@)",
                                 "data?agg=count(@)",
                                 "data?agg=count()&by=@",
                                 "data?schema=@",
                                 "data?topic=plant/%23&where=@%3E1",
                                 "data?topic=iot/%23&fields=@",
                                 "data/latest?where=@%3E1",
                                 "data/latest?fields=@",
                                 "data/latest?schema=@",
                                 "export?where=@%3E1",
                                 "export?fields=@",
                                 "export?topic=iot/%23&where=@%3E1",
                                 "export?schema=@",
                                 "series?fields=@",
                                 "series?where=@%3E1",
                                 "series?schema=@",
                                 "series?topic=iot/%23&fields=@",
                                 "schemas/@"}) {
    INFO(asks);
    accounted.become("scoped");
    const std::string unknown = answer(asks, "zzzzzzz");
    // Fields of a schema, one that is nearly so, one of a message without schema, a schema.
    for (const char* const name : {"voltage", "voltag", "pressure", "power_meter_dc"}) {
      INFO(name);
      CHECK(answer(asks, name) == unknown);
    }
  }
  accounted.become("scoped");
  CHECK(gateway.json("/api/data?where=temperature%3E1")["data"].Size() == 1);
  CHECK(gateway.json("/api/data?fields=humidity&schema=temperature_sensor")["data"].Size() == 1);
  accounted.become("viewer");
  CHECK(gateway.json("/api/data?where=voltage%3E1")["data"].Size() == 1);
}

TEST_CASE("a cursor that was made by hand is none") {
  Accounted accounted;
  Gateway& gateway = *accounted.gateway;
  accounted.become("scoped");
  // One for each id would tell at which of them the own row is: how many others are before it.
  Query query;
  query.order = Order::time_descending;
  const std::string made = to_text(Cursor{INT64_MAX, 1'000, 2}, query);
  CHECK(gateway.get("/api/data?cursor=" + made).status == 400);
}

TEST_CASE("a wrong password is a challenge, and guessing has to wait") {
  Accounted accounted;
  Gateway& gateway = *accounted.gateway;
  accounted.become("");
  CHECK(header_of(gateway.get("/api/data"), "WWW-Authenticate").starts_with("Basic "));
  gateway.request.headers.push_back({"Authorization", "Basic dmlld2VyOndyb25n"});
  for (int i = 0; i < 5; ++i) CHECK(gateway.get("/api/data").status == 401);
  const auto later = gateway.get("/api/data");
  CHECK(later.status == 429);
  CHECK(header_of(later, "Retry-After") == "1");
}

TEST_CASE("a session is a cookie, and ends") {
  Accounted accounted;
  Gateway& gateway = *accounted.gateway;
  const auto ask = [&](const char* method, const std::string& target, const std::string& body,
                       std::vector<web::Request::Header> headers) {
    gateway.request.method = method;
    gateway.request.body = body;
    gateway.request.headers = std::move(headers);
    return gateway.get(target);
  };
  const web::Request::Header json{"Content-Type", "application/json"};
  const std::string credentials =
      std::string(R"({"name":"viewer","password":")") + password + "\"}";
  CHECK(ask("POST", "/api/session", credentials, {}).status == 415);
  CHECK(ask("POST", "/api/session", "{}", {json}).status == 400);
  CHECK(ask("POST", "/api/session", R"({"name":"viewer","password":"wrong"})", {json}).status ==
        401);
  const auto signed_in = ask("POST", "/api/session", credentials, {json});
  REQUIRE(signed_in.status == 200);
  const std::string set = header_of(signed_in, "Set-Cookie");
  CHECK(set.find("; HttpOnly; SameSite=Strict") != std::string::npos);
  const std::string cookie = set.substr(0, set.find(';'));
  rapidjson::Document session;
  session.Parse(signed_in.body.data(), signed_in.body.size());
  const std::string csrf = session["csrf_token"].GetString();
  CHECK(ask("GET", "/api/data", "", {{"Cookie", "a=b; c=d"}}).status == 401);
  CHECK(ask("GET", "/api/data", "", {{"Cookie", cookie}}).status == 200);
  const auto who = ask("GET", "/api/session", "", {{"Cookie", cookie}});
  CHECK(who.body.find(csrf) != std::string::npos);
  // A page of another origin can send the cookie's owner here, but does not know the token.
  CHECK(ask("DELETE", "/api/session", "", {{"Cookie", cookie}}).status == 403);
  CHECK(ask("DELETE", "/api/session", "", {{"Cookie", cookie}, {"X-CSRF-Token", csrf}}).status ==
        204);
  CHECK(ask("GET", "/api/data", "", {{"Cookie", cookie}}).status == 401);
}
