// SPDX-License-Identifier: Apache-2.0
#include "accounted.hpp"

using namespace telemetry;
using served::Accounted;
using served::Gateway;
using served::header_of;

namespace {

rapidjson::Document parsed(const web::Response& response) {
  rapidjson::Document document;
  document.Parse(response.body.data(), response.body.size());
  INFO(response.body);
  REQUIRE_FALSE(document.HasParseError());
  return document;
}

std::string parameter_of(const web::Response& response) {
  const auto problem = parsed(response);
  return problem.HasMember("errors") ? problem["errors"][0]["parameter"].GetString() : "";
}

constexpr const char* new_user = R"({"name":"anna","password":"a password of anna",)"
                                 R"("role":"operator","scope":["sensors/#"]})";

}  // namespace

TEST_CASE("users are made, listed, changed and removed, and each act is noted") {
  Accounted accounted;
  accounted.become("admin");
  const auto made = accounted.send("POST", "/api/users", new_user);
  REQUIRE(made.status == 200);
  const auto user = parsed(made);
  CHECK(user["name"] == "anna");
  CHECK(user["role"] == "operator");
  CHECK(user["scope"][0] == "sensors/#");
  CHECK(made.body.find("argon") == std::string::npos);
  CHECK(accounted.send("POST", "/api/users", new_user).status == 409);
  const auto all = accounted.gateway->get("/api/users");
  CHECK(parsed(all)["data"].Size() == 6);
  CHECK(all.body.find("argon") == std::string::npos);
  CHECK(all.body.find("epoch") == std::string::npos);
  const auto changed =
      accounted.send("PATCH", "/api/users/anna", R"({"role":"viewer","scope":null})");
  REQUIRE(changed.status == 200);
  CHECK(parsed(changed)["role"] == "viewer");
  CHECK(parsed(changed)["scope"].IsNull());
  CHECK(accounted.send("DELETE", "/api/users/anna").status == 204);
  CHECK(accounted.send("DELETE", "/api/users/anna").status == 404);
  CHECK(accounted.send("PATCH", "/api/users/anna", R"({"role":"viewer"})").status == 404);
  CHECK(accounted.acts == std::vector<std::string>{
                              "admin user_add {\"name\":\"anna\"}",
                              "admin user_add {\"name\":\"anna\"} failed",
                              "admin user_role {\"name\":\"anna\"}",
                              "admin user_remove {\"name\":\"anna\"}",
                              "admin user_remove {\"name\":\"anna\"} failed",
                              "admin user_role {\"name\":\"anna\"} failed",
                          });
}

TEST_CASE("what is wrong with a user names the member") {
  Accounted accounted;
  accounted.become("admin");
  const auto refused = [&](const char* method, const char* target, const char* body) {
    const auto answer = accounted.send(method, target, body);
    INFO(answer.body);
    CHECK(answer.status == 400);
    return parameter_of(answer);
  };
  CHECK(refused("POST", "/api/users", R"({"name":"a"})") == "password");
  CHECK(refused("POST", "/api/users", R"({"name":"a b","password":"long enough 1"})") == "name");
  CHECK(refused("POST", "/api/users", R"({"name":"a","password":"short"})") == "password");
  CHECK(refused("POST", "/api/users", R"({"name":"a","password":5})") == "password");
  CHECK(refused("POST", "/api/users", R"({"name":"a","password":"long enough 1","role":"root"})") ==
        "role");
  for (const char* const scope : {"[]", R"(["a#"])", R"("#")", "[1]"}) {
    const std::string body =
        std::string(R"({"name":"a","password":"long enough 1","scope":)") + scope + "}";
    CHECK(refused("POST", "/api/users", body.c_str()) == "scope");
  }
  CHECK(refused("POST", "/api/users", R"({"nam":"a"})") == "nam");
  CHECK(refused("POST", "/api/users", R"(["name"])").empty());
  CHECK(refused("POST", "/api/users", R"({"name":)").empty());
  CHECK(refused("PATCH", "/api/users/viewer", "{}") == "role");
  CHECK(refused("PATCH", "/api/users/viewer", R"({"password":"short"})") == "password");
  CHECK(refused("POST", "/api/keys", R"({"name":"k","expires":"yesterday"})") == "expires");
  CHECK(refused("POST", "/api/keys", R"({"name":"k","expires":7})") == "expires");
  CHECK(refused("POST", "/api/keys", "{}") == "name");
  CHECK(accounted.acts.empty());
}

TEST_CASE("the last administrator without a scope stays one") {
  Accounted accounted;
  accounted.become("admin");
  // scoped-admin may not look after accounts.
  for (const char* const change : {R"({"role":"viewer"})", R"({"scope":["#"]})"}) {
    const auto refused = accounted.send("PATCH", "/api/users/admin", change);
    CHECK(refused.status == 409);
    CHECK(refused.body.find("last administrator") != std::string::npos);
  }
  CHECK(accounted.send("DELETE", "/api/users/admin").status == 409);
  REQUIRE(accounted.send("PATCH", "/api/users/viewer", R"({"role":"admin"})").status == 200);
  CHECK(accounted.send("DELETE", "/api/users/admin").status == 204);
  CHECK(accounted.gateway->get("/api/users").status == 401);  // who asks is gone
}

TEST_CASE("a change counts at once: sessions and passwords of before end") {
  Accounted accounted;
  Gateway& gateway = *accounted.gateway;
  accounted.become("");
  const std::string credentials =
      std::string(R"({"name":"viewer","password":")") + served::password + "\"}";
  const auto signed_in = accounted.send("POST", "/api/session", credentials);
  REQUIRE(signed_in.status == 200);
  const std::string set = header_of(signed_in, "Set-Cookie");
  const std::string cookie = set.substr(0, set.find(';'));
  const auto by_cookie = [&] {
    gateway.request.headers = {{"Host", "gateway.example"}, {"Cookie", cookie}};
    return gateway.get("/api/data").status;
  };
  CHECK(by_cookie() == 200);
  accounted.become("admin");
  REQUIRE(
      accounted.send("PATCH", "/api/users/viewer", R"({"password":"another password"})").status ==
      200);
  CHECK(by_cookie() == 401);
  accounted.become("viewer");  // with the old password
  CHECK(gateway.get("/api/data").status == 401);
}

TEST_CASE("a session changes accounts with its token, and from its own pages alone") {
  Accounted accounted;
  Gateway& gateway = *accounted.gateway;
  accounted.become("");
  const auto signed_in =
      accounted.send("POST", "/api/session",
                     std::string(R"({"name":"admin","password":")") + served::password + "\"}");
  const auto session = parsed(signed_in);
  const std::string set = header_of(signed_in, "Set-Cookie");
  const std::string cookie = set.substr(0, set.find(';'));
  const std::string token = session["csrf_token"].GetString();
  gateway.request.headers = {{"Host", "gateway.example"}, {"Cookie", cookie}};
  CHECK(accounted.send("POST", "/api/users", new_user).status == 403);
  gateway.request.headers.push_back({"X-CSRF-Token", token});
  gateway.request.headers.push_back({"Origin", "https://evil.example"});
  const auto foreign = accounted.send("POST", "/api/users", new_user);
  CHECK(foreign.status == 403);
  CHECK(foreign.body.find("foreign_origin") != std::string::npos);
  gateway.request.headers.back().value = "https://gateway.example";
  CHECK(accounted.send("POST", "/api/users", new_user).status == 200);
}

TEST_CASE("a key is shown once, works, and ends when it is removed") {
  Accounted accounted;
  Gateway& gateway = *accounted.gateway;
  accounted.become("admin");
  const auto made = accounted.send("POST", "/api/keys",
                                   R"({"name":"grafana","scope":["sensors/#"],"expires":"90d"})");
  REQUIRE(made.status == 200);
  const auto key = parsed(made);
  const std::string text = key["key"].GetString();
  CHECK(text.starts_with("tk_"));
  CHECK(key["role"] == "viewer");
  CHECK(key["expires"].IsString());
  CHECK(accounted.send("POST", "/api/keys", R"({"name":"grafana"})").status == 409);
  const auto all = gateway.get("/api/keys");
  CHECK(parsed(all)["data"].Size() == 2);
  CHECK(all.body.find(text.substr(20)) == std::string::npos);
  CHECK(all.body.find("sha256") == std::string::npos);
  const auto by_key = [&] {
    gateway.request.headers = {{"Host", "gateway.example"}, {"X-API-Key", text}};
    return gateway.get("/api/data").status;
  };
  CHECK(by_key() == 200);
  accounted.become("admin");
  CHECK(accounted.send("DELETE", "/api/keys/grafana").status == 204);
  CHECK(by_key() == 401);
  for (const std::string& act : accounted.acts)
    CHECK(act.find(text.substr(20)) == std::string::npos);
}

TEST_CASE("where nobody signs in there are no accounts to look after") {
  Gateway gateway(running::FixedSource::Messages{{"a", "1"}});
  CHECK(gateway.json("/api/users", 404)["code"] == "not_found");
  CHECK(gateway.json("/api/keys", 404)["code"] == "not_found");
}
