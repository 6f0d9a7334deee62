// SPDX-License-Identifier: Apache-2.0
// The host's journal tools read what a card journal wrote, and the host reads whole cards.
#include <string>
#include <vector>
#include "catch.hpp"

#include "core/card_device.hpp"
#include "core/fake_card_files.hpp"
#include "journal/card_image.hpp"
#include "journal/segment_file.hpp"
#include "model/fault_file_system.hpp"
#include "telemetry/journal.hpp"

using namespace telemetry;
using core::CardJournal;
using core::CardStatus;
using telemetry::test::card_id;
using telemetry::test::CardDevice;
using telemetry::test::FakeCardFiles;
using telemetry::test::read_text;

namespace {

constexpr std::uint32_t segment_sectors = 8;

std::string payload_of(std::uint64_t sequence) {
  return "payload " + std::to_string(sequence) + std::string(sequence * 37 % 300, 'x');
}

/// 60 messages in batches of 1 to 5, three starts, one torn write.
void write_card(CardDevice& device) {
  REQUIRE(CardJournal(device).format(card_id(), segment_sectors) == CardStatus::ok);
  std::uint64_t sequence = 0;
  for (int boot = 0; boot < 3; ++boot) {
    CardJournal journal(device);
    REQUIRE(journal.open() == CardStatus::ok);
    for (int i = 0; i < 20; ++i) {
      ++sequence;
      REQUIRE(journal.append({.received_at = 5, .time = 5, .flags = 1}, "a/b",
                             payload_of(sequence)) == CardStatus::ok);
      if (sequence % 5 == 0 || sequence % 7 == 0) REQUIRE(journal.sync() == CardStatus::ok);
    }
    REQUIRE(journal.sync() == CardStatus::ok);
    if (boot != 1) continue;
    REQUIRE(journal.append({}, "a/b", std::string(900, 'x')) == CardStatus::ok);
    device.torn = CardDevice::Torn::half;
    device.cut_at = device.writes + 1;
    REQUIRE(journal.sync() == CardStatus::io_error);
    device.restart();
  }
}

/// The segments as files of a journal folder.
void copy_segments(CardDevice& device, model::FaultFileSystem& files) {
  REQUIRE(files.create_folder("/journal"));
  for (std::uint32_t area = 0; area < 16; ++area) {
    const std::uint8_t* at = device.at(core::card_first_sector + area * segment_sectors);
    std::vector<std::uint8_t> bytes(at, at + segment_sectors * core::card_sector_bytes);
    core::SegmentHeader header;
    if (!core::decode_segment_header(std::span(bytes).first<core::segment_header_bytes>(),
                                     header)) {
      continue;
    }
    const journal::SegmentKey key{header.first_sequence, header.segment_id};
    files.set_content("/journal/" + journal::segment_name(key), bytes);
  }
}

}  // namespace

TEST_CASE("check and dump read a card's segments and pass over the padding") {
  CardDevice device(core::card_first_sector + 16 * segment_sectors + 1);
  write_card(device);
  model::FaultFileSystem files;
  model::ManualClock clock;
  copy_segments(device, files);
  const Environment environment = model::fault_environment(clock, files, Log());

  const auto checks = check_journal("/journal", environment);
  REQUIRE(checks);
  std::uint64_t messages = 0;
  for (const JournalCheck& check : *checks) {
    CAPTURE(check.file, check.note);
    CHECK(check.damaged_places == 0);
    CHECK_FALSE(check.header_damaged);
    messages += check.messages;
  }
  CHECK(messages == 60);

  std::uint64_t sequence = 0, paddings = 0;
  REQUIRE(dump_journal("/journal", environment,
                       [&](const core::FrameView& frame, const std::string&, std::uint64_t) {
                         if (frame.header.kind == core::FrameKind::padding) {
                           ++paddings;
                           CHECK(frame.header.sequence == sequence + 1);
                           return true;
                         }
                         CHECK(frame.header.kind == core::FrameKind::message);
                         CHECK(frame.header.sequence == ++sequence);
                         CHECK(frame.payload == payload_of(sequence));
                         return true;
                       }));
  CHECK(sequence == 60);
  CHECK(paddings > 10);
}

TEST_CASE("a journal that opens a card's segments reads every message and goes on behind them") {
  CardDevice device(core::card_first_sector + 16 * segment_sectors + 1);
  write_card(device);
  model::FaultFileSystem files;
  model::ManualClock clock;
  copy_segments(device, files);
  JournalOptions options;
  options.path = "/journal";
  SegmentContent content;
  auto journal = Journal::open(options, model::fault_environment(clock, files, Log()), content, {});
  REQUIRE(journal);
  CHECK((*journal)->durable_end() == 60);
  const auto reader = (*journal)->read_from(0);
  for (std::uint64_t sequence = 1; sequence <= 60; ++sequence) {
    const auto frame = reader->next();
    REQUIRE(frame);
    REQUIRE(*frame);
    CHECK((**frame).header.sequence == sequence);
    CHECK((**frame).payload == payload_of(sequence));
  }
  const auto end = reader->next();
  REQUIRE(end);
  CHECK_FALSE(*end);
}

TEST_CASE("an image of a card is read on the host, whatever its cursor says") {
  CardDevice device(core::card_first_sector + 16 * segment_sectors + 1);
  write_card(device);
  {
    CardJournal journal(device);
    REQUIRE(journal.open() == CardStatus::ok);
    REQUIRE(journal.set_cursor(12) == CardStatus::ok);
  }
  model::FaultFileSystem files;
  REQUIRE(files.create_folder("/images"));
  files.set_content("/images/sd.img",
                    std::vector<std::uint8_t>(device.at(0), device.at(0) + device.sectors() * 512));
  auto image = journal::CardImage::open(files, "/images/sd.img");
  REQUIRE(image);
  CardJournal journal(*image);
  REQUIRE(journal.open() == CardStatus::ok);
  CHECK(journal.layout().journal_id == card_id());
  CHECK(journal.cursor() == 12);
  CHECK(journal.synced_sequence() == 60);
  for (std::uint64_t sequence = 1; sequence <= 60; ++sequence) {
    CHECK(read_text(journal, sequence) == std::to_string(sequence) + " " + payload_of(sequence));
  }
  CHECK(journal.append({}, "t", "x") == CardStatus::ok);  // in memory only
  CHECK(journal.sync() == CardStatus::io_error);
  CHECK_FALSE(journal::CardImage::open(files, "/images/none.img"));
}

TEST_CASE("the folder of a card with a file system is read on the host, in either case of names") {
  FakeCardFiles card;
  {
    core::CardFiles<FakeCardFiles> device(card, 1000);
    CardJournal journal(device);
    REQUIRE(journal.format(card_id(), segment_sectors) == CardStatus::ok);
    REQUIRE(journal.open() == CardStatus::ok);
    for (std::uint64_t sequence = 1; sequence <= 60; ++sequence) {
      REQUIRE(journal.append({}, "t", payload_of(sequence)) == CardStatus::ok);
    }
    REQUIRE(journal.sync() == CardStatus::ok);
    REQUIRE(journal.set_cursor(7) == CardStatus::ok);
  }
  for (const bool lower : {false, true}) {
    model::FaultFileSystem files;
    REQUIRE(files.create_folder("/card"));
    for (const auto& [name, content] : card.contents) {
      std::string shown = name;
      if (lower) {
        for (char& c : shown) c = static_cast<char>(std::tolower(c));
      }
      files.set_content("/card/" + shown, content.now);
    }
    journal::CardFolder folder(files, "/card");
    core::CardFiles<journal::CardFolder> device(folder, journal::CardFolder::sectors);
    CardJournal journal(device);
    REQUIRE(journal.open() == CardStatus::ok);
    CHECK(journal.cursor() == 7);
    CHECK(journal.synced_sequence() == 60);
    for (std::uint64_t sequence = 1; sequence <= 60; ++sequence) {
      CHECK(read_text(journal, sequence) == std::to_string(sequence) + " " + payload_of(sequence));
    }
  }
}
