// SPDX-License-Identifier: Apache-2.0
#include <rapidjson/document.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "web/live_gateway.hpp"

using namespace telemetry;

namespace {

/// What is said when there is something to read.
class Bell {
 public:
  std::function<void()> ring() {
    return [this] {
      const std::lock_guard lock(mutex_);
      rung_ = true;
      changed_.notify_one();
    };
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return std::exchange(rung_, false); });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool rung_ = false;
};

rapidjson::Document parsed(const std::string& text) {
  rapidjson::Document document;
  document.Parse(text.data(), text.size());
  INFO(text);
  REQUIRE_FALSE(document.HasParseError());
  return document;
}

struct Event {
  std::string id, type, data;
};

/// A client of /api/stream.
class Events {
 public:
  Events(web::Response response, Bell& bell) : response_(std::move(response)), bell_(bell) {
    REQUIRE(response_.status == 200);
    REQUIRE(response_.stream);
    response_.stream->on_ready(bell_.ring());
  }
  /// The next event with data.
  Event next() {
    for (;;) {
      const std::size_t end = text_.find("\n\n");
      if (end == text_.npos) {
        read(true);
        continue;
      }
      Event event = event_of(text_.substr(0, end + 1));
      text_.erase(0, end + 2);
      if (!event.data.empty()) return event;
    }
  }
  /// What there is now, as it is sent.
  std::string read(bool waits = false) {
    std::string piece;
    auto more = web::More::more;
    while (more == web::More::more) {
      auto next = response_.stream->next(piece);
      REQUIRE(next);
      more = *next;
    }
    ended_ = more == web::More::end;
    text_ += piece;
    if (waits && piece.empty()) {
      REQUIRE_FALSE(ended_);
      bell_.wait();
    }
    return piece;
  }

 private:
  static Event event_of(const std::string& block) {
    Event event;
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = block.find('\n', begin)) != block.npos; begin = end + 1) {
      const std::string line = block.substr(begin, end - begin);
      if (line.starts_with("id: ")) event.id = line.substr(4);
      if (line.starts_with("event: ")) event.type = line.substr(7);
      if (line.starts_with("data: ")) event.data = line.substr(6);
    }
    return event;
  }

  web::Response response_;
  Bell& bell_;
  std::string text_;
  bool ended_ = false;
};

/// A client of /ws.
class Talk {
 public:
  Talk(web::Response response, Bell& bell) : response_(std::move(response)), bell_(bell) {
    REQUIRE(response_.status == 101);
    REQUIRE(response_.conversation);
    response_.conversation->on_ready(bell_.ring());
  }
  void say(const std::string& text) { take(&text); }
  std::string next_text() {
    while (texts_.empty()) {
      if (take(nullptr) == web::More::later && texts_.empty()) bell_.wait();
    }
    std::string text = texts_.front();
    texts_.erase(texts_.begin());
    return text;
  }
  rapidjson::Document next() { return parsed(next_text()); }
  rapidjson::Document ask(const std::string& text) {
    say(text);
    return next();
  }
  [[nodiscard]] bool has_more() {
    while (take(nullptr) == web::More::more) {
    }
    return !texts_.empty();
  }
  [[nodiscard]] web::Conversation& conversation() { return *response_.conversation; }

 private:
  web::More take(const std::string* said) {
    auto more = response_.conversation->next(said, texts_);
    REQUIRE(more);
    return *more;
  }

  web::Response response_;
  Bell& bell_;
  std::vector<std::string> texts_;
};

struct Gateway : running::LiveGateway {
  using LiveGateway::LiveGateway;
  Events events(const std::string& query = {}, const std::string& last = {}) {
    std::vector<web::Request::Header> headers;
    if (!last.empty()) headers.push_back({"Last-Event-ID", last});
    return {get("/api/stream" + query, headers), bell};
  }
  web::Response upgrade(std::vector<web::Request::Header> headers = {}) {
    headers.push_back({"Upgrade", "WebSocket"});
    return get("/ws", headers);
  }
  Talk talk() { return {upgrade(), bell}; }

  Bell bell;
};

std::string value_of(const rapidjson::Value& record) {
  return std::to_string(record["payload"].GetInt());
}

std::string code_of(const web::Response& response) {
  return parsed(response.body)["code"].GetString();
}

const std::string other_journal = Seal({9}).id(Seal::Kind::place, 1);

}  // namespace

TEST_CASE("an event is the record that REST gives, behind its place") {
  Gateway gateway;
  Events events = gateway.events();
  gateway.publish("hall", "21.5");
  const Event event = events.next();
  CHECK(event.type.empty());
  CHECK(gateway.place(event.id) == 1);
  gateway.wait_until_stored(1);
  const std::string page = gateway.get("/api/data").body;
  CHECK(page.find(event.data) != std::string::npos);
}

TEST_CASE("events are selected by topic, device, schema and condition") {
  Gateway gateway;
  Events hall = gateway.events("?topic=hall/%23&topic=yard");
  Events warm = gateway.events("?where=temperature%20%3E%2030&schema=temperature_sensor");
  Events device = gateway.events("?device=sensor-002");
  const auto temperature = [](const std::string& id, double value) {
    return R"({"sensor_id":")" + id + R"(","temperature":)" + std::to_string(value) + "}";
  };
  gateway.publish("sensors/sensor-001/temperature", temperature("sensor-001", 20));
  gateway.publish("sensors/sensor-002/temperature", temperature("sensor-002", 25));
  gateway.publish("sensors/sensor-003/temperature", temperature("sensor-003", 35));
  gateway.publish("hall/a", "1");
  gateway.publish("garden", "2");
  gateway.publish("yard", "3");
  CHECK(value_of(parsed(hall.next().data)) == "1");
  CHECK(value_of(parsed(hall.next().data)) == "3");
  CHECK(parsed(warm.next().data)["device"] == "sensor-003");
  CHECK(parsed(device.next().data)["device"] == "sensor-002");
}

TEST_CASE("a client goes on behind its last event") {
  Gateway gateway;
  std::string last;
  {
    Events events = gateway.events();
    gateway.publish("a", "1");
    gateway.publish("a", "2");
    last = events.next().id;
  }
  gateway.publish("a", "3");
  Events again = gateway.events("", last);
  gateway.publish("a", "4");
  for (const char* const value : {"2", "3", "4"}) {
    CHECK(value_of(parsed(again.next().data)) == value);
  }
}

TEST_CASE("a place in another journal is a reset, and a text that is none a mistake") {
  Gateway gateway;
  Events events = gateway.events("", other_journal);
  CHECK(events.next().type == "reset");
  gateway.publish("a", "1");
  CHECK(value_of(parsed(events.next().data)) == "1");
  const web::Response wrong = gateway.get("/api/stream", {{"Last-Event-ID", "17"}});
  CHECK(wrong.status == 400);
  CHECK(wrong.body.find("Last-Event-ID is no id") != std::string::npos);
}

TEST_CASE("who hears nothing for 15 s is sent a comment, and the place that was passed over") {
  Gateway gateway;
  Events events = gateway.events("?topic=never");
  Events all = gateway.events();
  CHECK(events.read() == "retry: 2000\n\n");
  gateway.publish("a", "1");
  const std::string id = all.next().id;
  std::string said;
  while (said.find("id: ") == said.npos) {  // the hub says where it is a moment later
    gateway.clock.step(web::BodyStream::patience_ns);
    said = events.read();
  }
  CHECK(said == ":\nid: " + id + "\n\n");
  CHECK(events.read().empty());
  gateway.clock.step(web::BodyStream::patience_ns - 1);
  CHECK(events.read().empty());
  gateway.clock.step(1);
  CHECK(events.read() == ":\nid: " + id + "\n\n");
  Events again = gateway.events("", id);
  gateway.publish("a", "2");
  CHECK(value_of(parsed(again.next().data)) == "2");
}

TEST_CASE("who has subscribed to nothing is sent every message as the bare record") {
  Gateway gateway;
  Talk talk = gateway.talk();
  gateway.publish("hall", "1");
  const auto record = talk.next();
  CHECK(record["topic"] == "hall");
  CHECK(record["payload"].GetInt() == 1);
  CHECK_FALSE(record.HasMember("type"));
  const auto subscribed = talk.ask(R"({"type":"subscribe","id":"x","topics":["yard"]})");
  CHECK(subscribed["type"] == "subscribed");
  CHECK(subscribed["id"] == "x");
  gateway.publish("hall", "2");
  gateway.publish("yard", "3");
  const auto message = talk.next();
  CHECK(message["type"] == "message");
  CHECK(message["id"] == "x");
  CHECK(message["data"]["payload"].GetInt() == 3);
  CHECK(gateway.place(message["token"].GetString()) == 3);
  CHECK(talk.ask(R"({"type":"unsubscribe","id":"x"})")["type"] == "unsubscribed");
  gateway.publish("yard", "4");
  CHECK(talk.ask(R"({"type":"ping"})")["type"] == "pong");
  CHECK_FALSE(talk.has_more());
}

TEST_CASE("each subscription of a client has its messages, and a token to go on from") {
  Gateway gateway;
  std::string token;
  {
    Talk talk = gateway.talk();
    CHECK(
        talk.ask(R"({"type":"subscribe","id":"a","topics":"hall/#","where":"value > 1"})")["id"] ==
        "a");
    CHECK(talk.ask(R"({"type":"subscribe","id":"b","topics":["yard"]})")["id"] == "b");
    gateway.publish("hall/x", "1");
    gateway.publish("hall/x", "2");
    gateway.publish("yard", "3");
    std::vector<std::string> got;
    for (int i = 0; i < 2; ++i) {
      const auto message = talk.next();
      got.push_back(message["id"].GetString() + value_of(message["data"]));
      if (got.back() == "a2") token = message["token"].GetString();
    }
    std::ranges::sort(got);
    CHECK(got == std::vector<std::string>{"a2", "b3"});
    std::uint64_t place = 0;  // it moves on where nothing is selected, a moment later
    while (place < 3) {
      const auto pong = talk.ask(R"({"type":"ping"})");
      place = gateway.place(pong["tokens"]["a"].GetString()).value();
    }
    CHECK(place == 3);
  }
  gateway.publish("hall/x", "4");
  Talk again = gateway.talk();
  CHECK(again.ask(R"({"type":"subscribe","id":"a","topics":"hall/#","resume":")" + token +
                  "\"}")["type"] == "subscribed");
  CHECK(value_of(again.next()["data"]) == "4");
  CHECK(again.ask(R"({"type":"subscribe","id":"r","resume":")" + other_journal + "\"}")["type"] ==
        "subscribed");
  const auto reset = again.next();
  CHECK(reset["type"] == "reset");
  CHECK(reset["id"] == "r");
}

TEST_CASE("a subscription with batch_ms is sent many records as one message") {
  Gateway gateway;
  Talk talk = gateway.talk();
  CHECK(talk.conversation().batch_ns() == 0);
  CHECK(talk.ask(R"({"type":"subscribe","id":"a","batch_ms":50})")["type"] == "subscribed");
  CHECK(talk.conversation().batch_ns() == 50'000'000);
  std::vector<std::string> got;
  for (int i = 1; i <= 5; ++i) gateway.publish("x", std::to_string(i));
  while (got.size() < 5) {
    const auto messages = talk.next();
    CHECK(messages["type"] == "messages");
    for (const auto& record : messages["data"].GetArray()) got.push_back(value_of(record));
    CHECK(gateway.place(messages["token"].GetString()) == got.size());
  }
  CHECK(got == std::vector<std::string>{"1", "2", "3", "4", "5"});
}

TEST_CASE("last values come first, and then each message once") {
  Gateway gateway;
  gateway.publish("a", "1");
  gateway.publish("b", "2");
  gateway.publish("a", "3");
  gateway.wait_until_stored(3);
  Talk talk = gateway.talk();
  CHECK(talk.ask(R"({"type":"subscribe","id":"s","last_values":true})")["type"] == "subscribed");
  gateway.publish("a", "4");
  std::vector<std::string> got;
  for (int i = 0; i < 3; ++i) {
    const auto message = talk.next();
    got.push_back(value_of(message["data"]));
    CHECK(message.HasMember("last_value") == (i < 2));
  }
  CHECK(got == std::vector<std::string>{"3", "2", "4"});
  CHECK_FALSE(talk.has_more());
}

TEST_CASE("last values with a store that lags behind: none is missed and none comes twice") {
  Gateway gateway;
  for (int round = 0; round < 50; ++round) {
    Talk talk = gateway.talk();
    const std::string value = std::to_string(round);
    gateway.publish("a", value);
    CHECK(talk.ask(R"({"type":"subscribe","id":"s","last_values":true})")["type"] != "error");
    gateway.publish("end", value);
    // The store may or may not have been given `value` when it was asked.
    int seen = 0;
    for (std::string text; text.find("\"topic\":\"end\"") == text.npos ||
                           text.find("\"payload\":" + value + ",") == text.npos;) {
      text = talk.next_text();
      const bool is_a = text.find("\"topic\":\"a\"") != text.npos;
      if (is_a && text.find("\"payload\":" + value + ",") != text.npos) ++seen;
    }
    CHECK(seen == 1);
  }
}

TEST_CASE("who reads too slowly is told what was left out, and goes on behind his last message") {
  constexpr std::uint64_t sent = 9'000, queued = 8'192;
  Gateway gateway;
  std::string token;
  std::uint64_t next = 1;
  const auto take = [&](const rapidjson::Document& message) {
    CHECK(message["type"] == "message");
    CHECK(message["data"]["payload"].GetUint64() == next++);
    token = message["token"].GetString();
  };
  {
    Talk talk = gateway.talk();
    CHECK(talk.ask(R"({"type":"subscribe","id":"s"})")["type"] == "subscribed");
    gateway.publish_many("x", sent);
    while (gateway.hub().stats().readings < sent) std::this_thread::yield();
    while (next <= queued) take(talk.next());
    const auto notice = talk.next();
    CHECK(notice["type"] == "overflow");
    CHECK(notice["left_out"].GetUint64() == sent - queued);
    std::vector<std::string> none;
    CHECK(*talk.conversation().next(nullptr, none) == web::More::end);
    CHECK(none.empty());
    CHECK(talk.conversation().close_reason().first == 1013);
  }
  Talk again = gateway.talk();
  CHECK(again.ask(R"({"type":"subscribe","id":"s","resume":")" + token + "\"}")["type"] ==
        "subscribed");
  while (next <= sent) take(again.next());
}

TEST_CASE("what a client says wrong is answered with what to say") {
  Gateway gateway;
  Talk talk = gateway.talk();
  REQUIRE(talk.ask(R"({"type":"subscribe","id":"taken","topics":["never"]})")["id"] == "taken");
  const auto wrong = [&](const std::string& text) {
    const auto error = talk.ask(text);
    CHECK(error["type"] == "error");
    std::string said = error["code"].GetString();
    said += std::string(": ") + error["detail"].GetString();
    if (error.HasMember("hint")) said += std::string("; ") + error["hint"].GetString();
    return said;
  };
  CHECK(wrong(R"({"type":"subscrib"})") ==
        "unknown_type: unknown type 'subscrib'; did you mean 'subscribe'?");
  CHECK(wrong(R"({"type":"x"})") ==
        "unknown_type: unknown type 'x'; known are subscribe, unsubscribe, ping");
  CHECK(wrong("hello").starts_with("malformed_message: this is no JSON object; for example {"));
  CHECK(wrong("[]").starts_with("malformed_message"));
  CHECK(wrong("{}").starts_with("malformed_message: the message has no type"));
  CHECK(wrong(R"({"type":"ping"} x)").starts_with("malformed_message"));
  CHECK(wrong(R"({"type":"subscribe","topic":["a"]})") ==
        "unknown_member: unknown member 'topic'; did you mean 'topics'?");
  CHECK(wrong(R"({"type":"subscribe","topics":["a"]})").starts_with("missing_member"));
  CHECK(wrong(R"({"type":"subscribe","id":7})") == "invalid_member: id is a text");
  CHECK(wrong(R"({"type":"subscribe","id":"n","topics":[1]})") ==
        "invalid_member: topics is a text, or a list of 1 to 100 texts");
  CHECK(wrong(R"({"type":"subscribe","id":"a","topics":[]})") ==
        "invalid_member: topics is a text, or a list of 1 to 100 texts");
  CHECK(wrong(R"({"type":"subscribe","id":"a","resume":""})") ==
        "invalid_member: resume is a token of a message");
  CHECK(wrong(R"({"type":"subscribe","id":"n","batch_ms":0.5})") ==
        "invalid_member: batch_ms is a whole number from 0 to 1000");
  CHECK(wrong(R"({"type":"subscribe","id":"n","last_values":1})") ==
        "invalid_member: last_values is true or false");
  CHECK(wrong(R"({"type":"subscribe","id":"n","topics":["a#"]})").starts_with("invalid_argument"));
  CHECK(wrong(R"({"type":"subscribe","id":"n","where":"value"})").starts_with("invalid_condition"));
  CHECK(wrong(R"({"type":"subscribe","id":"n","resume":"17"})") ==
        "invalid_token: resume is no token of a message");
  CHECK(
      wrong(R"({"type":"subscribe","id":"taken"})") ==
      "already_exists: there is a subscription 'taken'; unsubscribe it first, or take another id");
  CHECK(wrong(R"({"type":"unsubscribe","id":"none"})") ==
        "not_found: there is no subscription 'none'");
  for (int i = 1; i < 16; ++i) {
    CHECK(talk.ask(R"({"type":"subscribe","id":"n)" + std::to_string(i) + "\"}")["type"] !=
          "error");
  }
  CHECK(wrong(R"({"type":"subscribe","id":"one more"})").starts_with("too_many_subscriptions: 16"));
}

TEST_CASE("an error carries the id of the text that it answers") {
  Gateway gateway;
  Talk talk = gateway.talk();
  for (const char* const text :
       {R"({"type":"subscribe","id":"a","topic":["b"]})", R"({"topic":{"id":"b"},"id":"a"})",
        R"({"type":"subscribe","topics":[1,{"id":"b"}],"\u0069d":"\u0061"})",
        R"({"id":"a","batch_ms":-1,"type":"subscribe"})", R"({"id":"a","type":"subscrib"})",
        R"({"id":"a","type":"subscribe","where":"temprature >"})", R"({"id":"a","type":)"}) {
    INFO(text);
    const auto error = talk.ask(text);
    CHECK(error["type"] == "error");
    REQUIRE(error.HasMember("id"));
    CHECK(error["id"] == "a");
  }
  for (const std::string& text : {std::string("hello"), std::string(R"({"type":"subscrib"})"),
                                  std::string(R"({"type":"subscribe","id":7})"),
                                  R"({"id":")" + std::string(129, 'a') + "\"}"}) {
    INFO(text);
    const auto error = talk.ask(text);
    CHECK(error["type"] == "error");
    CHECK_FALSE(error.HasMember("id"));
  }
}

TEST_CASE("a name that a query would refuse is refused live, with the same words") {
  Gateway gateway;
  gateway.publish("sensors/s1/temperature", R"({"temperature":21,"sensor_id":"sensor-001"})");
  gateway.wait_until_stored(1);
  const auto refused = [&](const std::string& members, const std::string& query) {
    const auto rest = gateway.get("/api/data?" + query);
    INFO(rest.body);
    CHECK(rest.status == 400);
    const auto problem = parsed(rest.body);
    const auto sse = gateway.get("/api/stream?" + query);
    CHECK(sse.status == 400);
    const auto problem_of_stream = parsed(sse.body);
    Talk talk = gateway.talk();
    const auto error = talk.ask(R"({"type":"subscribe","id":"s",)" + members + "}");
    REQUIRE(error["type"] == "error");
    for (const char* const member : {"code", "detail"}) {
      CHECK(std::string(error[member].GetString()) == problem[member].GetString());
      CHECK(std::string(problem_of_stream[member].GetString()) == problem[member].GetString());
    }
    return std::string(error["detail"].GetString());
  };
  CHECK(
      refused(R"("where":"temprature > 20")", "where=temprature%20%3E%2020").find("temperature") !=
      std::string::npos);
  CHECK(refused(R"("where":["humidity > 1","temprature > 20"])",
                "where=humidity%20%3E%201&where=temprature%20%3E%2020")
            .find("temperature") != std::string::npos);
  CHECK(refused(R"("schemas":"temperature_sensr")", "schema=temperature_sensr")
            .find("temperature_sensor") != std::string::npos);
  refused(R"("where":"temperature > warm")", "where=temperature%20%3E%20warm");
  refused(R"("where":"temperature = 1 and uptime_s = 1 and temprature = 1")",
          "where=temprature%20%3D%201");
}

TEST_CASE("what is in force may be asked for live before any of it is stored") {
  Gateway gateway;
  gateway.publish("sensors/s1/temperature", R"({"temperature":21,"sensor_id":"sensor-001"})");
  gateway.wait_until_stored(1);
  Talk talk = gateway.talk();
  int next = 0;
  const auto takes = [&](const std::string& members) {
    const std::string id = std::to_string(++next);
    const auto answer = talk.ask(R"({"type":"subscribe","id":")" + id + "\"," + members + "}");
    INFO(members);
    CHECK(answer["type"] == "subscribed");
  };
  takes(R"("topics":"sensors/#","where":["temperature > 20","humidity > 40"])");
  takes(R"("schemas":["heartbeat"])");
  takes(R"("schemas":["heartbeat","temperature_sensor"],"where":"temperature > 20")");
  takes(R"("where":"uptime_s > 1")");
  takes(R"("topics":"no/schema/here","where":"anything > 1")");
}

TEST_CASE("all of several conditions must hold") {
  Gateway gateway;
  Talk talk = gateway.talk();
  CHECK(talk.ask(R"({"type":"subscribe","id":"s","where":["value > 1","value < 4"]})")["type"] ==
        "subscribed");
  for (int i = 1; i <= 5; ++i) gateway.publish("a", std::to_string(i));
  CHECK(value_of(talk.next()["data"]) == "2");
  CHECK(value_of(talk.next()["data"]) == "3");
}

TEST_CASE("a live condition has a bounded number of comparisons") {
  Gateway gateway;
  std::string where = "value > 0";
  for (int i = 1; i < 100; ++i) where += " and value > 0";
  Talk talk = gateway.talk();
  CHECK(talk.ask(R"({"type":"subscribe","id":"s","where":")" + where + "\"}")["type"] ==
        "subscribed");
  const auto error =
      talk.ask(R"({"type":"subscribe","id":"t","where":[")" + where + R"(","value > 0"]})");
  CHECK(error["code"] == "invalid_argument");
  CHECK(std::string(error["detail"].GetString()).starts_with("101 comparisons"));
}

TEST_CASE("the number of WebSockets is bounded, and the bound is named") {
  Gateway gateway(running::Settings{{"web.websocket.max_connections", "2"}});
  auto first = gateway.upgrade();
  auto second = gateway.upgrade();
  CHECK(second.status == 101);
  const auto third = gateway.upgrade();
  CHECK(third.status == 503);
  CHECK(third.body.find("2 WebSockets are open") != std::string::npos);
  CHECK(third.body.find("web.websocket.max_connections") != std::string::npos);
  first.conversation.reset();
  CHECK(gateway.upgrade().status == 101);
}

TEST_CASE("web.websocket.enabled: false serves none") {
  Gateway gateway(running::Settings{{"web.websocket.enabled", "false"}});
  const auto refused = gateway.upgrade();
  CHECK(refused.status == 404);
  CHECK(refused.body.find("web.websocket.enabled") != std::string::npos);
}

TEST_CASE("a page of another origin opens no WebSocket") {
  Gateway gateway(running::Settings{{"web.cors_origins", "https://board.example"}});
  CHECK(gateway.upgrade({{"Origin", "http://localhost:8080"}}).status == 101);
  CHECK(gateway.upgrade({{"Origin", "https://board.example"}}).status == 101);
  for (const char* const origin : {"http://evil.example", "null", "http://localhost",
                                   "https://board.example.evil", "http://localhost:8080.evil"}) {
    INFO(origin);
    const auto refused = gateway.upgrade({{"Origin", origin}});
    CHECK(refused.status == 403);
    CHECK(code_of(refused) == "foreign_origin");
  }
}

TEST_CASE("a plain request to /ws is told what it is") {
  Gateway gateway;
  const auto plain = gateway.get("/ws");
  CHECK(plain.status == 426);
  CHECK(plain.body.find("/api/stream") != std::string::npos);
}
