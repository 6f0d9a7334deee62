// SPDX-License-Identifier: Apache-2.0
#include "web/boards.hpp"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "accounted.hpp"

using namespace telemetry;
using served::Accounted;
using served::Gateway;

namespace {

web::Board board_of(const std::string& name) {
  return {name, 1'796'040'000'000'000'000, "anna", {{"Hall \"3\"", "topic=hall/%23&start=24h"}}};
}

rapidjson::Document json_in(const web::Response& response) {
  rapidjson::Document document;
  document.Parse(response.body.data(), response.body.size());
  INFO(response.body);
  REQUIRE_FALSE(document.HasParseError());
  return document;
}

std::string document(const std::string& query) {
  return R"({"document":{"charts":[{"title":"Ü","query":")" + query + R"("}]}})";
}

}  // namespace

TEST_CASE("boards are there again after a restart") {
  const running::Folder folder;
  const std::string path = folder.path("new/boards.json");
  {
    web::Boards boards(path, system_environment());
    REQUIRE(boards.save(board_of("b")));
    REQUIRE(boards.save(board_of("a")));
    web::Board other = board_of("b");
    other.charts.clear();
    REQUIRE(boards.save(other));
  }
  web::Boards boards(path, system_environment());
  const auto all = boards.all();
  REQUIRE(all);
  REQUIRE(all->size() == 2);
  CHECK(all->front().name == "a");
  CHECK(all->front().by == "anna");
  CHECK(all->front().updated_ns == 1'796'040'000'000'000'000);
  CHECK(all->front().charts.front().title == "Hall \"3\"");
  CHECK(all->back().charts.empty());
  CHECK(*boards.remove("a"));
  CHECK_FALSE(*boards.remove("a"));
  CHECK_FALSE(boards.find("a")->has_value());
  CHECK(boards.find("b")->has_value());
}

TEST_CASE("a malformed file of boards is named and moved aside") {
  for (const char* const text :
       {"", "{", "[]", R"({"boards":[{"name":"a/b"}]})", R"({"boards":{}})",
        R"({"boards":[{"name":"a","updated":"soon","by":"","document":{"charts":[]}}]})",
        R"({"boards":[{"name":"a","updated":"2026-11-30T08:00:00Z","by":"","document":{}}]})",
        "{\"boards\":[\"\x01\"]}"}) {
    INFO(text);
    const running::Folder folder;
    const std::string path = folder.write("boards.json", text);
    std::string said;
    Environment environment = system_environment(Log(
        [&](LogLevel, std::string_view, std::string_view line) { said += line; }, LogLevel::error));
    web::Boards boards(path, environment);
    const auto all = boards.all();
    REQUIRE(all);
    CHECK(all->empty());
    CHECK(said.find(path + ": malformed") != std::string::npos);
    CHECK(running::read(path + ".malformed") == text);
    REQUIRE(boards.save(board_of("a")));
    CHECK(web::Boards(path, environment).all()->size() == 1);
  }
}

TEST_CASE("boards are bounded in number, size and name") {
  const running::Folder folder;
  web::Boards boards(folder.path("boards.json"), system_environment());
  for (std::size_t i = 0; i < web::Boards::boards_max; ++i)
    REQUIRE(boards.save(board_of(std::to_string(i))));
  CHECK(boards.save(board_of("one more")).error().code == Errc::resource_exhausted);
  CHECK(boards.save(board_of("7")));
  web::Board large = board_of("a");
  CHECK(web::Boards::problem(large).empty());
  large.charts.assign(101, {});
  CHECK_FALSE(web::Boards::problem(large).empty());
  large.charts.assign(40, {"t", std::string(2'000, 'x')});
  CHECK_FALSE(web::Boards::problem(large).empty());  // in bytes
  large.charts.assign(1, {"t", std::string(2'001, 'x')});
  CHECK_FALSE(web::Boards::problem(large).empty());
  large.charts.assign(1, {"two\nlines", ""});
  CHECK_FALSE(web::Boards::problem(large).empty());
  for (const char* const name : {"", ".", "..", "a/b", "a%2Fb", " a", "a\n", "\xff"})
    CHECK_FALSE(web::Boards::name_problem(name).empty());
  CHECK(web::Boards::name_problem("Küche 3").empty());
  CHECK_FALSE(web::Boards::name_problem(std::string(65, 'a')).empty());
}

TEST_CASE("a board is saved, read and removed") {
  Accounted accounted;
  Gateway& gateway = *accounted.gateway;
  accounted.become("operator");
  const auto saved = accounted.send("PUT", "/api/boards/hall%203", document("topic=sensors/%23"));
  INFO(saved.body);
  REQUIRE(saved.status == 200);
  const auto board = gateway.json("/api/boards/hall%203");
  CHECK(board["name"] == "hall 3");
  CHECK(board["by"] == "operator");
  CHECK(board["document"]["charts"][0]["title"] == "Ü");
  CHECK(board["document"]["charts"][0]["query"] == "topic=sensors/%23");
  CHECK(gateway.json("/api/boards")["data"].Size() == 1);
  CHECK(accounted.send("DELETE", "/api/boards/hall%203").status == 204);
  CHECK(gateway.json("/api/boards")["data"].Empty());
  CHECK(accounted.acts.size() == 2);
  for (const char* const body :
       {R"({"document":{}})", R"({"document":{"charts":[{"title":"a"}]}})", R"({})",
        R"({"document":{"charts":[],"more":1}})", R"({"document":{"charts":[]},"name":"a"})",
        R"({"document":{"charts":[{"title":"a","query":"b","c":1}]}})", R"({"document":[]})"}) {
    INFO(body);
    CHECK(accounted.send("PUT", "/api/boards/a", body).status == 400);
  }
  CHECK(accounted.send("PUT", "/api/boards/.a", document("")).status == 400);
}

TEST_CASE("the second of two who change one board is told so, and what the first has saved stays") {
  Accounted accounted;
  Gateway& gateway = *accounted.gateway;
  accounted.become("operator");
  const auto with = [&](const std::string& if_match) {
    gateway.request.headers.push_back({"If-Match", if_match});
  };
  const auto without = [&] { gateway.request.headers.pop_back(); };
  const auto put = [&](const char* topic, const std::string& if_match) {
    if (!if_match.empty()) with(if_match);
    auto answer =
        accounted.send("PUT", "/api/boards/hall", document(std::string("topic=") + topic));
    if (!if_match.empty()) without();
    return answer;
  };
  const auto topic = [&] {
    return std::string(
        gateway.json("/api/boards/hall")["document"]["charts"][0]["query"].GetString());
  };
  CHECK(put("none", "*").status == 412);  // there is none to replace
  REQUIRE(put("first", "").status == 200);
  const auto read = gateway.get("/api/boards/hall");
  const std::string seen = served::header_of(read, "ETag");
  CHECK(seen == "\"" + std::string(json_in(read)["version"].GetString()) + "\"");
  CHECK(gateway.get("/api/boards").body.find(seen) != std::string::npos);

  const auto one = put("one", seen);
  REQUIRE(one.status == 200);
  CHECK(served::header_of(one, "ETag") != seen);
  const auto other = put("other", seen);
  CHECK(other.status == 412);
  CHECK(json_in(other)["code"] == "changed_meanwhile");
  CHECK(json_in(other)["title"] == "Precondition Failed");
  CHECK_THAT(
      std::string(json_in(other)["detail"].GetString()),
      Catch::Contains("'hall' was changed by operator at 20") && Catch::Contains("load it again"));
  CHECK(accounted.acts.back() == "operator board_save {\"name\":\"hall\"} failed");
  const auto blind = put("blind", "");
  CHECK(blind.status == 428);
  CHECK(json_in(blind)["code"] == "precondition_required");
  CHECK(topic() == "topic=one");
  CHECK(put("weak", "W/" + served::header_of(one, "ETag")).status == 412);
  CHECK(put("listed", "\"a\", " + served::header_of(one, "ETag")).status == 200);
  CHECK(put("any", "*").status == 200);
  CHECK(topic() == "topic=any");

  with(seen);
  CHECK(accounted.send("DELETE", "/api/boards/hall").status == 412);
  without();
  const std::string now = served::header_of(gateway.get("/api/boards/hall"), "ETag");
  with(now);
  CHECK(accounted.send("DELETE", "/api/boards/hall").status == 204);
  without();
  const auto gone = put("gone", now);
  CHECK(gone.status == 412);
  CHECK_THAT(std::string(json_in(gone)["detail"].GetString()), Catch::Contains("any more"));
}

TEST_CASE("of two who save a board at one time one is refused, whatever the order") {
  const running::Folder folder;
  web::Boards boards(folder.path("boards.json"), system_environment());
  REQUIRE(boards.save(board_of("hall")));
  const std::string seen = version_of(*boards.find("hall").value());
  std::atomic<int> saved{0};
  std::vector<std::thread> people;
  for (int i = 0; i < 8; ++i) {
    people.emplace_back([&, i] {
      web::Board mine = board_of("hall");
      mine.updated_ns += i + 1;
      const auto done = boards.save(
          mine, [&](const web::Board* now) { return now != nullptr && version_of(*now) == seen; });
      if (done && *done) ++saved;
    });
  }
  for (std::thread& one : people) one.join();
  CHECK(saved == 1);
}

TEST_CASE("who has a scope sees the boards whose charts all lie within it") {
  Accounted accounted;
  Gateway& gateway = *accounted.gateway;
  accounted.become("admin");
  const auto save = [&](const char* name, const std::string& query) {
    return accounted.send("PUT", std::string("/api/boards/") + name, document(query)).status;
  };
  CHECK(save("in", "topic=sensors/a/%2B&start=1h") == 200);
  CHECK(save("in-too", "start=1h&topic=sensors/+/temperature&topic=sensors/b") == 200);
  CHECK(save("out", "topic=plant/secret") == 200);
  CHECK(save("both", "topic=sensors/%23&topic=plant/secret") == 200);
  CHECK(save("all", "device=secret") == 200);
  CHECK(save("broken", "topic=%2") == 200);
  accounted.become("scoped");
  const auto seen = gateway.json("/api/boards");
  REQUIRE(seen["data"].Size() == 2);
  CHECK(seen["data"][0]["name"] == "in");
  CHECK(seen["data"][1]["name"] == "in-too");
  CHECK(gateway.get("/api/boards/in").status == 200);
  CHECK(gateway.get("/api/boards/out").status == 404);
  accounted.become("scoped-admin");
  CHECK(save("mine", "topic=plant/secret") == 403);
  CHECK(save("out", "topic=sensors/a") == 403);
  CHECK(save("mine", "topic=sensors/a") == 200);
  CHECK(accounted.send("DELETE", "/api/boards/out").status == 404);
  CHECK(accounted.send("DELETE", "/api/boards/mine").status == 204);
}
