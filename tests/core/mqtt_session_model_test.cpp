// SPDX-License-Identifier: Apache-2.0
// The session against a broker that is written down plainly (mqtt_broker_model), over a transport
// that cuts as it likes, fails, and sometimes dies without a word. Whatever happens, each QoS 1
// publication is acknowledged in the end, first arrivals are in order, and the broker never gets a
// PUBACK for a message that was not handed over.
#include <algorithm>
#include <cstdlib>
#include "catch.hpp"

#include "core/mqtt_broker_model.hpp"
#include "core/mqtt_client.hpp"

using namespace telemetry::core;
using telemetry::testing::as_bytes;
using telemetry::testing::BrokerModel;

namespace {

constexpr std::uint32_t publications = 300;
constexpr std::uint32_t rounds_max = 200'000;

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

/// The caller of a session: keeps what is in flight, counts what comes back.
class World {
 public:
  explicit World(std::uint64_t seed)
      : random_(seed),
        broker_(seed + 1),
        receive_(16 + random_() % 100),
        send_(48 + random_() % 300),
        window_(1 + random_() % 9),
        now_(static_cast<std::uint32_t>(random_())),
        session_(options_, receive_, send_, window_) {
    broker_.faults = {.forget_answer = one_of(0, 2, 20),
                      .lose_session = one_of(0, 100, 500),
                      .refuse = one_of(0, 100, 100),
                      .oversize = one_of(0, 50, 300),
                      .stray_answer = one_of(0, 5, 50),
                      .malformed = one_of(0, 1, 4),
                      .oversize_bytes = receive_.size() + 1 + random_() % 400};
    drops_per_1000_ = one_of(0, 3, 20);
    deaths_per_1000_ = one_of(0, 1, 3);
    bytes_a_round_ = 20 + random_() % 200;
  }

  /// @returns what went wrong, or nothing
  std::string run() {
    std::uint32_t round = 0;
    while (acknowledged_.size() < publications && round++ < rounds_max && complaint_.empty()) {
      now_ += static_cast<std::uint32_t>(random_() % 50);
      if (quiet_rounds_ != 0) --quiet_rounds_;
      if (chance(2)) quiet_rounds_ = 500;  // some 12 s without publications: time for pings
      if (quiet_rounds_ == 0 && chance(100)) broker_.offer_message();
      if (!linked_) {
        if (random_() % 5 == 0) link();
        continue;
      }
      client_round();
      transport_round();
      broker_.round();
      if (chance(drops_per_1000_) || session_.wants_close()) unlink();
      if (chance(deaths_per_1000_)) dead_ = true;
      if (!broker_.complaint.empty()) complaint_ = "broker: " + broker_.complaint;
    }
    if (complaint_.empty()) judge_end();
    return complaint_;
  }

  // What the session calls.
  void on_message(const MqttMessage& message) {
    const auto number = static_cast<std::uint32_t>(std::stoul(std::string(message.payload)));
    if (message.topic != "a/b" || message.qos != 1) complain("a message that was never sent");
    if (handed_over_.contains(number) && !message.duplicate) complain("twice without DUP");
    handed_over_.insert(number);
  }
  void on_acknowledged(std::uint32_t token) {
    if (!acknowledged_.insert(token).second) complain("acknowledged twice");
    if (!broker_.acknowledged.contains(token)) complain("acknowledged by nobody");
    in_flight_.erase(token);
  }
  void on_subscribed(std::uint16_t, std::uint8_t code) {
    if (code != 1) complain("subscribed with another QoS");
    wants_subscription_ = false;
  }

 private:
  unsigned one_of(unsigned a, unsigned b, unsigned c) {
    const unsigned all[] = {a, b, c};
    return all[random_() % 3];
  }
  bool chance(unsigned per_thousand) { return random_() % 1000 < per_thousand; }
  void complain(const std::string& text) {
    if (complaint_.empty()) complaint_ = text;
  }

  void link() {
    linked_ = true;
    dead_ = false;
    up_.clear();
    down_.clear();
    broker_.accept_transport();
    if (!session_.open(now_)) complain("not opened");
    asked_ = leaving_ = false;
  }

  void unlink() {
    if (!session_.wants_close() && broker_.poisoned && down_.empty() && broker_.to_client.empty() &&
        !dead_ && !leaving_)
      complain("malformed bytes were taken");
    linked_ = false;
    session_.close();
  }

  void client_round() {
    const std::size_t count = std::min<std::size_t>(down_.size(), random_() % bytes_a_round_);
    const std::size_t taken = session_.receive(as_bytes({down_.data(), count}), now_, *this);
    if (taken > count) complain("more taken than there was");
    if (taken < count && session_.to_send().size() + 8 <= send_.size())
      complain("bytes were left for no reason");
    down_.erase(0, taken);
    session_.poll(now_);
    if (session_.state() == MqttState::connected && !asked_) {
      asked_ = true;
      wants_subscription_ = wants_subscription_ || !session_.session_present();
    }
    std::uint16_t id = 0;
    if (wants_subscription_) (void)session_.subscribe("a/+", 1, id);
    std::uint32_t token = 0;
    while (session_.next_resend(token) && random_() % 4 != 0) {
      if (!in_flight_.contains(token)) complain("a resend of nothing");
      if (!session_.resend("t", std::to_string(token))) break;
    }
    while (quiet_rounds_ == 0 && next_ < publications && random_() % 3 != 0) {
      if (!session_.publish("t", std::to_string(next_), next_, next_ % 5 == 0)) break;
      in_flight_.insert(next_++);
    }
    if (quiet_rounds_ == 0 && chance(250)) (void)session_.publish("q", "0");
    if (chance(1) && session_.disconnect()) leaving_ = true;
    if (session_.in_flight() != in_flight_.size()) complain("another count in flight");
    if (session_.oldest_in_flight(token) && token != *in_flight_.begin())
      complain("another oldest one");
  }

  void transport_round() {
    const auto queued = session_.to_send();
    const std::size_t count = std::min<std::size_t>(queued.size(), random_() % bytes_a_round_);
    if (!dead_) up_.append(reinterpret_cast<const char*>(queued.data()), count);
    session_.sent(count);
    const std::size_t part = std::min<std::size_t>(up_.size(), random_() % bytes_a_round_);
    broker_.take(std::string_view(up_).substr(0, part));
    up_.erase(0, part);
    if (!dead_) down_ += broker_.to_client;
    broker_.to_client.clear();
  }

  void judge_end() {
    if (acknowledged_.size() != publications) {
      complaint_ = "only " + std::to_string(acknowledged_.size()) + " acknowledged";
    } else if (session_.in_flight() != 0 || broker_.arrived != publications) {
      complaint_ = "something is missing";
    }
    for (const std::uint32_t number : broker_.confirmed) {
      if (!handed_over_.contains(number) && !broker_.skipped.contains(number))
        complain("message " + std::to_string(number) + " was acknowledged and never handed over");
    }
  }

  std::mt19937_64 random_;
  BrokerModel broker_;
  const MqttOptions options_{.client_id = "c", .keepalive_s = 5, .response_timeout_ms = 2000};
  std::vector<std::uint8_t> receive_, send_;
  std::vector<MqttSession::InFlight> window_;
  std::uint32_t now_;
  MqttSession session_;
  unsigned drops_per_1000_ = 0, deaths_per_1000_ = 0;
  std::size_t bytes_a_round_ = 1;
  bool linked_ = false, dead_ = false, asked_ = false, leaving_ = false, wants_subscription_ = true;
  std::string up_, down_, complaint_;
  std::uint32_t next_ = 0, quiet_rounds_ = 0;
  std::set<std::uint32_t> in_flight_, acknowledged_, handed_over_;

 public:
  [[nodiscard]] const BrokerModel& broker() const { return broker_; }
  [[nodiscard]] const MqttSession::Counters& counters() const { return session_.counters(); }
};

}  // namespace

TEST_CASE("over any transport every publication arrives in order and is acknowledged in the end") {
  const bool one = std::getenv("TELEMETRY_MODEL_SEED") != nullptr;
  const std::uint64_t first = from_environment("TELEMETRY_MODEL_SEED", 1);
  const std::uint64_t count = one ? 1 : 10 * from_environment("TELEMETRY_MODEL_SCRIPTS", 40);
  std::uint64_t again = 0, oversize = 0, malformed = 0, timeouts = 0, unexpected = 0, pings = 0;
  std::uint64_t disconnects = 0;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    World world(seed);
    const std::string complaint = world.run();
    if (!complaint.empty()) FAIL("TELEMETRY_MODEL_SEED=" << seed << ": " << complaint);
    again += world.broker().again;
    oversize += world.counters().oversize;
    malformed += world.counters().malformed;
    timeouts += world.counters().timeouts;
    unexpected += world.counters().unexpected;
    pings += world.broker().pings;
    disconnects += world.broker().disconnects;
  }
  if (one) return;
  // The scripts did reach what they are for.
  CHECK(again > count);
  CHECK(oversize > 0);
  CHECK(malformed > 0);
  CHECK(timeouts > 0);
  CHECK(unexpected > 0);
  CHECK(pings > 0);
  CHECK(disconnects > 0);
}
