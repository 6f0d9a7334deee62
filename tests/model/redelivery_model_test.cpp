// SPDX-License-Identifier: Apache-2.0
#include "catch.hpp"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "ingest/fixture.hpp"

using namespace telemetry;
using namespace telemetry::testing;
using model::FaultFileSystem;

// A broker that sends as many messages ahead as it may, and repeats after each lost connection
// those whose acknowledgement did not arrive, through a door into journals of every size, which are
// full now and then, with kills in between. Each numbered message is journaled once.

namespace {

constexpr std::uint64_t mebibyte = 1024 * 1024;

enum class Numbers { one_topic, many_topics, jumping };

class Line {
 public:
  Line(Numbers numbers, std::uint64_t size_mb, int messages, bool power_cuts)
      : numbers_(numbers),
        messages_(messages),
        power_cuts_(power_cuts),
        random_(size_mb * 10 + static_cast<std::uint64_t>(numbers)),
        files_(size_mb),
        copies_(static_cast<std::size_t>(messages), 0) {
    options_.path = "/journal";
    options_.size_max_bytes = size_mb * mebibyte;
  }

  void run() {
    open();
    while (acknowledged_ < messages_) {
      const auto most = static_cast<int>(door_->unacknowledged_max());
      const int last = std::min(acknowledged_ + most, messages_);
      // Like a source: until the batch is full, or for now nothing more is there.
      const int pause = sent_ + up_to(2 * most);
      for (; sent_ < std::min(last, pause) && !door_->should_commit(); ++sent_) send(sent_);
      const bool stored = static_cast<bool>(door_->commit());
      if (stored) stored_ = std::max(stored_, sent_);
      if (!stored || up_to(60) == 0) lose_connection();
      if (!stored || up_to(40) == 0) consume();
      // Most acknowledgements arrive in time, but one after the other.
      if (sent_ == last || up_to(3) == 0) acknowledged_ += up_to(stored_now() - acknowledged_);
      clock_.advance(1'000'000);
    }
    consume();
  }

  /// "" or what is wrong.
  [[nodiscard]] std::string verdict() const {
    const auto lost = std::ranges::count(copies_, 0);
    const auto once = std::ranges::count(copies_, 1);
    if (once == messages_) return {};
    return std::to_string(lost) + " missing, " + std::to_string(messages_ - lost - once) +
           " more than once";
  }

 private:
  int up_to(int max) { return std::uniform_int_distribution(0, std::max(max, 0))(random_); }
  [[nodiscard]] int stored_now() const { return std::min(stored_, sent_); }

  void open() {
    door_.reset();
    ingest_.reset();
    auto opened = Ingest::open({}, options_, schemas_, model::fault_environment(clock_, files_));
    REQUIRE(opened);
    ingest_ = std::move(*opened);
    ingest_->journal().set_cursor("store", cursor_);
    door_ = ingest_->make_door();
  }

  void lose_connection() {
    acknowledged_ += up_to(stored_now() - acknowledged_);
    sent_ = acknowledged_;
    door_->abort();
    if (up_to(1) == 0) return;
    if (power_cuts_) {  // what was committed is durable; the rest may or may not be there
      door_.reset();
      ingest_.reset();
      files_.restart(static_cast<FaultFileSystem::Unsynced>(up_to(2)));
    }
    open();
  }

  void consume() {
    Journal& journal = ingest_->journal();
    const auto reader = journal.read_from(cursor_);
    for (;;) {
      auto frame = reader->next();
      REQUIRE(frame);
      if (!frame->has_value()) break;
      if ((*frame)->header.kind != core::FrameKind::message) continue;
      const std::string payload((*frame)->payload);
      const std::size_t at = payload.find("\"i\": ");
      REQUIRE(at != std::string::npos);
      ++copies_.at(std::stoul(payload.substr(at + 5)));
    }
    REQUIRE(reader->missing() == 0);
    cursor_ = reader->position();
    journal.set_cursor("store", cursor_);
  }

  void send(int i) {
    std::string device = "a";
    std::int64_t number = i;
    if (numbers_ == Numbers::many_topics) {
      device = std::string(60, 'd') + std::to_string(i % 3'000);
      number = i / 3'000;
    } else if (numbers_ == Numbers::jumping) {
      device = std::to_string(i % 3);
      number = i * 7'919ll % 1'000'003;
    }
    std::string payload = reading_json(1, number);
    payload.pop_back();
    payload += ", \"i\": " + std::to_string(i) + ", \"x\": \"" + std::string(150, 'x') + "\"}";
    add(*door_, "sensors/" + device + "/temperature", payload);
  }

  Numbers numbers_;
  int messages_;
  bool power_cuts_;
  std::mt19937_64 random_;
  model::ManualClock clock_;
  FaultFileSystem files_;
  JournalOptions options_;
  std::shared_ptr<const SchemaSet> schemas_ = schema_set({temperature_schema});
  std::unique_ptr<Ingest> ingest_;
  std::unique_ptr<Door> door_;
  std::uint64_t cursor_ = 0;
  int sent_ = 0;          // in the order of the broker: the next one
  int stored_ = 0;        // committed once
  int acknowledged_ = 0;  // the broker has let go of those before
  std::vector<int> copies_;
};

}  // namespace

TEST_CASE("each numbered message is journaled once at any journal size, however it is repeated") {
  const std::uint64_t size_mb = GENERATE(2u, 3u, 4u, 8u, 16u);
  const auto numbers = GENERATE(Numbers::one_topic, Numbers::many_topics, Numbers::jumping);
  CAPTURE(size_mb, numbers);
  Line line(numbers, size_mb, size_mb < 8 ? 15'000 : 30'000, size_mb == 3);
  line.run();
  CHECK(line.verdict() == "");
}
