// SPDX-License-Identifier: Apache-2.0
#include "catch.hpp"

#include <random>
#include <vector>

#include "ingest/sequence_state.hpp"
#include "ingest/snapshot_text.hpp"
#include "model/sequence_reference.hpp"
#include "telemetry/message.hpp"

using namespace telemetry;

namespace {

constexpr std::size_t entries_max = 6;
constexpr std::uint32_t window = 100;
constexpr std::size_t recent_max = 40;

struct Step {
  std::string topic, device;
  bool numbered = true, retained = false, may_come_again = true;
  std::int64_t number = 0;
  std::uint64_t payload = 0;
};

/// Devices as they are: mostly the next number, sometimes anything else.
class Devices {
 public:
  explicit Devices(std::uint64_t seed) : random_(seed) {}
  std::uint64_t up_to(std::uint64_t max) {
    return std::uniform_int_distribution<std::uint64_t>(0, max)(random_);
  }
  Step next() {
    Step step;
    const auto device = up_to(7);
    step.topic = "t/" + std::to_string(device);
    if (device >= 6) step.device = "d" + std::to_string(up_to(1));
    if (device == 5) step.numbered = up_to(3) != 0;
    step.retained = up_to(9) == 0;
    step.may_come_again = up_to(4) != 0;
    std::int64_t& last = last_[device];
    switch (up_to(19)) {
      case 0:
        last = static_cast<std::int64_t>(up_to(5));
        break;  // a reboot
      case 1:
        last += 2 + static_cast<std::int64_t>(up_to(20));
        break;  // a gap
      case 2:
        last += static_cast<std::int64_t>(up_to(3 * window));
        break;
      default:
        ++last;
    }
    step.number = last;
    // Once more from some numbers back, as a broker does.
    if (up_to(15) == 0) last -= static_cast<std::int64_t>(up_to(recent_max / 2));
    if (up_to(5) == 0) step.number -= static_cast<std::int64_t>(up_to(2 * window));  // late
    // Few payloads, so that equal numbers often, but not always, bear equal ones.
    step.payload = 1 + up_to(1) + 2 * static_cast<std::uint64_t>(step.number & 1);
    return step;
  }

 private:
  std::mt19937_64 random_;
  std::int64_t last_[8] = {};
};

SequenceState::Offer offer_of(const Step& step) {
  SequenceState::Offer offer;
  offer.topic = step.topic;
  offer.topic_hash = hash64(step.topic);
  offer.device = step.device;
  offer.device_hash = hash64(step.device);
  offer.payload_hash = step.payload;
  offer.number = step.number;
  offer.numbered = step.numbered;
  offer.may_come_again = step.may_come_again;
  offer.skip_stored = step.retained;
  return offer;
}

SequenceState::Options options() {
  return {.devices_max = entries_max, .window = window, .recent_max = recent_max};
}

/// Both at once; any difference fails the test.
class Pair {
 public:
  bool offer(const Step& step) {
    const auto got = state.offer(offer_of(step));
    const auto expected = reference.offer(step.topic, step.device, step.numbered, step.number,
                                          step.payload, step.retained, step.may_come_again);
    if ((got.outcome == SequenceState::Outcome::store) != expected.stored ||
        got.flags != expected.flags) {
      CAPTURE(step.topic, step.device, step.number, got.flags, expected.flags);
      FAIL("the decision differs");
    }
    moved = moved || expected.stored;
    return expected.stored;
  }
  std::string roll() {
    if (moved) reference.roll();  // else it is the same roll, asked for again
    moved = false;
    return text_of(state.roll());
  }
  void compare() const {
    const std::string bytes = text_of(state.snapshot());
    const std::string expected = reference.bytes();
    const bool equal =
        bytes.size() == expected.size() + 8 * reference.recent() && bytes.starts_with(expected);
    REQUIRE(equal);
  }

  SequenceState state{options()};
  model::SequenceReference reference{entries_max, window, recent_max};
  bool moved = false;
};

}  // namespace

TEST_CASE("the sequence check equals its plain description after every step") {
  const std::uint64_t seed = GENERATE(range(1u, 41u));
  CAPTURE(seed);
  Devices devices(seed);
  Pair pair;
  struct Group {
    std::uint64_t last;
    model::SequenceReference before;
  };
  std::vector<Group> open;  // appended, not durable
  std::string snapshot = text_of(pair.state.snapshot());
  model::SequenceReference at_snapshot = pair.reference;
  std::vector<Step> since_snapshot;  // durable and stored
  std::vector<std::vector<Step>> open_steps;
  std::uint64_t sequence = 0;
  const auto durable = [&] {
    pair.state.settle(sequence);
    for (const auto& steps : open_steps) {
      since_snapshot.insert(since_snapshot.end(), steps.begin(), steps.end());
    }
    open_steps.clear();
    open.clear();
  };
  for (int action = 0; action < 300; ++action) {
    const auto before = pair.reference;
    std::vector<Step> steps;
    for (std::uint64_t i = devices.up_to(12); i > 0; --i) {
      Step step = devices.next();
      if (!pair.offer(step)) continue;
      step.retained = false;  // recovery asks no questions
      steps.push_back(step);
    }
    if (devices.up_to(9) == 0) {  // the append fails
      pair.state.undo_open();
      pair.reference.undo_to(before);
    } else {
      open.push_back({++sequence, before});
      open_steps.push_back(steps);
      pair.state.close_group(sequence);
    }
    switch (devices.up_to(19)) {
      case 0: {  // a sync fails: everything since the last one, or since an earlier durable group
        if (open.empty()) break;
        const std::size_t kept = devices.up_to(open.size() - 1);
        pair.state.undo_after(open[kept].last - 1);
        pair.reference.undo_to(open[kept].before);
        open.erase(open.begin() + static_cast<std::ptrdiff_t>(kept), open.end());
        open_steps.resize(kept);
        break;
      }
      case 1:  // a segment ends: what it holds is durable
        durable();
        snapshot = pair.roll();
        at_snapshot = pair.reference;
        since_snapshot.clear();
        break;
      case 2: {  // the process dies: snapshot and tail give the durable state
        if (!open.empty()) pair.reference = open.front().before;
        pair.reference.restore_recent(at_snapshot);
        for (const Step& step : since_snapshot) {
          if (!step.numbered || !step.may_come_again) continue;
          pair.reference.remember(step.device.empty() ? step.topic : step.device,
                                  !step.device.empty(), step.number, step.payload);
        }
        open.clear();
        open_steps.clear();
        pair.state = SequenceState(options());
        REQUIRE(pair.state.load(snapshot));
        for (const Step& step : since_snapshot) {
          auto offer = offer_of(step);
          offer.replayed = true;
          (void)pair.state.offer(offer);
        }
        pair.state.close_group(sequence);
        pair.state.settle(sequence);
        pair.moved = !since_snapshot.empty();
        break;
      }
      default:
        if (devices.up_to(2) != 0) durable();
    }
    pair.compare();
  }
}
