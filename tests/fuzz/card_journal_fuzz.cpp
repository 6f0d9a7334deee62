// SPDX-License-Identifier: Apache-2.0
// Any bytes as a card. Mode 0: the bytes are the image, behind a good superblock or their own. Mode
// 1: the bytes are a script that writes a journal and damages the card in between. Opening and
// reading end, read nothing outside, and every message that comes out is one that was appended.
#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/card_device.hpp"
#include "fuzz.hpp"
#include "telemetry/core/card_journal.hpp"

namespace {

namespace core = telemetry::core;
using telemetry::test::card_id;
using telemetry::test::CardDevice;

constexpr std::uint32_t sectors_per_segment = 8;
constexpr std::uint32_t segments = 4;
constexpr std::uint32_t sectors = core::card_first_sector + segments * sectors_per_segment + 1;
constexpr std::uint64_t reads_max = 200'000;

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  [[nodiscard]] bool empty() const { return at_ >= size_; }
  std::uint8_t byte() { return empty() ? 0 : data_[at_++]; }
  std::uint32_t number() { return byte() | std::uint32_t{byte()} << 8; }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
  std::size_t at_ = 0;
};

/// Every message that may come out, by sequence: numbers of failed appends are given out again.
using Written = std::map<std::uint64_t, std::set<std::string>>;

void read_all(core::CardJournal& journal, CardDevice& device, const Written* written) {
  std::vector<std::uint8_t> buffer(2048);
  core::FrameView frame;
  std::uint64_t next = 1;
  for (;;) {
    device.reads = 0;
    const core::CardStatus status = journal.read(next, buffer, frame);
    TELEMETRY_FUZZ_CHECK(device.reads < reads_max);
    if (status != core::CardStatus::ok && status != core::CardStatus::too_large) return;
    TELEMETRY_FUZZ_CHECK(frame.header.sequence >= next);
    TELEMETRY_FUZZ_CHECK(frame.header.kind == core::FrameKind::message);
    if (written != nullptr && status == core::CardStatus::ok) {
      const auto found = written->find(frame.header.sequence);
      TELEMETRY_FUZZ_CHECK(found != written->end() &&
                           found->second.contains(std::string(frame.payload)));
    }
    next = frame.header.sequence + 1;
  }
}

void read_image(Input& input) {
  CardDevice device(sectors);
  core::CardLayout layout{.journal_id = card_id(),
                          .generation = 1,
                          .sectors_per_segment = sectors_per_segment,
                          .segments = segments,
                          .first_sector = 3};  // short inputs reach the segments
  const bool own_superblock = (input.byte() & 1) != 0;
  const std::uint32_t first = own_superblock ? 0 : 1;
  if (!own_superblock) {
    core::encode_superblock(layout, std::span<std::uint8_t, 512>(device.at(0), 512));
  }
  for (std::uint8_t* at = device.at(first); !input.empty() && at < device.at(sectors - 1); ++at) {
    *at = input.byte();
  }
  core::CardJournal journal(device);
  if (journal.open() == core::CardStatus::ok) read_all(journal, device, nullptr);
  TELEMETRY_FUZZ_CHECK(device.writes == 0);
}

void damage(Input& input, CardDevice& device) {
  const std::uint32_t sector = input.byte() % sectors;
  const std::uint32_t other = input.byte() % sectors;
  std::uint8_t* at = device.at(sector);
  switch (input.byte() % 5) {
    case 0:
      at[input.number() % 512] ^= input.byte();
      break;
    case 1:
      std::copy_n(device.at(other), 512, at);
      break;
    case 2:
      device.unreadable.insert(sector);
      break;
    case 3:
      std::fill_n(at, 512, input.byte());
      break;
    default:
      std::copy_n(device.at(other), input.number() % 512, at);
      break;
  }
}

void run_script(Input& input) {
  CardDevice device(sectors);
  const auto policy =
      (input.byte() & 1) != 0 ? core::CardPolicy::drop_oldest : core::CardPolicy::reject;
  auto journal = std::make_unique<core::CardJournal>(device, policy);
  TELEMETRY_FUZZ_CHECK(journal->format(card_id(), sectors_per_segment) == core::CardStatus::ok);
  TELEMETRY_FUZZ_CHECK(journal->open() == core::CardStatus::ok);
  Written written;
  for (int count = 0; !input.empty() && count < 100; ++count) {
    switch (input.byte() % 8) {
      case 0:
      case 1:
      case 2: {
        const std::string payload(input.number() % 1500, static_cast<char>('a' + count % 26));
        written[journal->last_sequence() + 1].insert(payload);
        (void)journal->append({}, "t", payload);
        break;
      }
      case 3:
        (void)journal->sync();
        break;
      case 4:
        (void)journal->set_cursor(journal->cursor() + input.byte() % 4);
        break;
      case 5:
        damage(input, device);
        break;
      case 6:
        device.fail_at = device.writes + 1 + input.byte() % 4;
        break;
      default:
        device.reads = 0;
        journal = std::make_unique<core::CardJournal>(device, policy);
        (void)journal->open();
        TELEMETRY_FUZZ_CHECK(device.reads < reads_max);
        break;
    }
  }
  read_all(*journal, device, &written);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  if ((input.byte() & 1) == 0) {
    read_image(input);
  } else {
    run_script(input);
  }
  return 0;
}
