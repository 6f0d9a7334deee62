// SPDX-License-Identifier: Apache-2.0
// StoreForward with the true session and card journal, against a broker that is written down
// plainly, while transport and card fail as they like. Nothing is lost, first arrivals are in
// order, and what comes again bears DUP and its packet id: the broker model complains else.
#include <algorithm>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>
#include "catch.hpp"

#include "core/card_device.hpp"
#include "core/mqtt_broker_model.hpp"
#include "core/mqtt_client.hpp"
#include "telemetry/core/store_forward.hpp"

using namespace telemetry::core;
using telemetry::test::card_id;
using telemetry::test::CardDevice;
using telemetry::testing::as_bytes;
using telemetry::testing::BrokerModel;

namespace {

constexpr std::uint32_t publications = 400;

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

class World {
 public:
  explicit World(std::uint64_t seed)
      : random_(seed),
        broker_(seed + 1),
        receive_(64),
        send_(48 + random_() % 300),
        window_(1 + random_() % 9),
        ring_storage_(std::size_t{64} << random_() % 6),
        buffer_(100),
        slots_(window_.size()),
        now_(static_cast<std::uint32_t>(random_())),
        options_{.save_interval_ms = 100 + below(1000),
                 .batch_bytes = 64 + below(1000),
                 .cursor_records = 1 + below(30)},
        device_(card_first_sector + (2 + below(20)) * 8 + 1),
        ring_(ring_storage_),
        session_(mqtt_options_, receive_, send_, window_),
        card_(device_),
        forward_(ring_, session_, card_, slots_, buffer_, options_) {
    broker_.fifth_is_retained = false;
    broker_.faults.forget_answer = random_() % 3 == 0 ? 10 : 0;
    broker_.faults.lose_session = random_() % 3 == 0 ? 200 : 0;
    drops_per_1000_ = below(30);
    offline_rounds_ = below(400);
    card_faults_per_1000_ = random_() % 2 == 0 ? 0 : below(40);
    bytes_a_round_ = 20 + below(200);
    REQUIRE(CardJournal(device_).format(card_id(), 8) == CardStatus::ok);
  }

  /// @returns what went wrong, or nothing
  std::string run() {
    for (std::uint32_t round = 0; round < 100'000 && broker_.complaint.empty(); ++round) {
      now_ += below(50);
      if (next_ < publications && below(3) != 0 &&
          forward_.offer("t", std::to_string(next_), next_)) {
        ++next_;
      }
      card_round();
      if (linked_) transport_round();
      (void)forward_.poll(now_);
      if (!linked_ && round >= link_at_) link();
      if (linked_ && (below(1000) < drops_per_1000_ || session_.wants_close())) {
        linked_ = false;
        session_.close();
        link_at_ = round + below(offline_rounds_ + 1);
      }
      if (next_ == publications && ring_.empty() && !device_.away && session_.in_flight() == 0 &&
          forward_.waiting_on_card() == 0 && card_.cursor() == card_.synced_sequence()) {
        return broker_.arrived == publications ? "" : "something is missing";
      }
    }
    return broker_.complaint.empty() ? "no end" : "broker: " + broker_.complaint;
  }

  void on_message(const MqttMessage&) {}
  void on_acknowledged(std::uint32_t token) { forward_.on_acknowledged(token); }
  void on_subscribed(std::uint16_t, std::uint8_t) {}

  [[nodiscard]] const auto& counters() const { return forward_.counters(); }
  [[nodiscard]] std::uint32_t again() const { return broker_.again; }

 private:
  std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(random_() % bound); }

  void link() {
    linked_ = true;
    up_.clear();
    down_.clear();
    broker_.accept_transport();
    (void)session_.open(now_);
  }

  void card_round() {
    // Away for less than the card's patience, and back for long enough to be noticed.
    if (device_.away && now_ - away_since_ > 5000) device_.away = false;
    if (below(1000) >= card_faults_per_1000_) return;
    if (below(4) == 0 && now_ - away_since_ > 8000) {
      device_.away = true;
      away_since_ = now_;
    } else {
      device_.fail_at = device_.writes + 1 + below(3);
    }
  }

  void transport_round() {
    const std::size_t count = std::min<std::size_t>(down_.size(), below(bytes_a_round_));
    down_.erase(0, session_.receive(as_bytes({down_.data(), count}), now_, *this));
    session_.poll(now_);
    const auto queued = session_.to_send();
    const std::size_t part = std::min<std::size_t>(queued.size(), below(bytes_a_round_));
    broker_.take({reinterpret_cast<const char*>(queued.data()), part});
    session_.sent(part);
    broker_.round();
    down_ += broker_.to_client;
    broker_.to_client.clear();
  }

  std::mt19937_64 random_;
  BrokerModel broker_;
  const MqttOptions mqtt_options_{.client_id = "c", .keepalive_s = 5, .response_timeout_ms = 2000};
  std::vector<std::uint8_t> receive_, send_;
  std::vector<MqttSession::InFlight> window_;
  std::vector<std::uint8_t> ring_storage_, buffer_;
  std::vector<StoreForward<MqttSession, CardJournal>::Slot> slots_;
  std::uint32_t now_;
  const StoreForwardOptions options_;
  CardDevice device_;
  ByteRing ring_;
  MqttSession session_;
  CardJournal card_;
  StoreForward<MqttSession, CardJournal> forward_;
  std::uint32_t drops_per_1000_ = 0, card_faults_per_1000_ = 0, bytes_a_round_ = 1;
  std::uint32_t offline_rounds_ = 0, link_at_ = 0, away_since_ = 0, next_ = 0;
  bool linked_ = false;
  std::string up_, down_;
};

}  // namespace

TEST_CASE("whatever transport and card do, every offer arrives, in order") {
  const bool one = std::getenv("TELEMETRY_MODEL_SEED") != nullptr;
  const std::uint64_t first = from_environment("TELEMETRY_MODEL_SEED", 1);
  const std::uint64_t count = one ? 1 : 10 * from_environment("TELEMETRY_MODEL_SCRIPTS", 40);
  std::uint64_t saved = 0, errors = 0, again = 0;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    World world(seed);
    const std::string complaint = world.run();
    if (!complaint.empty()) FAIL("TELEMETRY_MODEL_SEED=" << seed << ": " << complaint);
    CHECK(world.counters().lost == 0);
    CHECK(world.counters().cards_given_up == 0);
    saved += world.counters().saved;
    errors += world.counters().card_errors;
    again += world.again();
  }
  if (one) return;
  CHECK(saved > 50 * count);
  CHECK(errors > count);
  CHECK(again > count);
}
