// SPDX-License-Identifier: Apache-2.0
#include "telemetry/import.hpp"

#include <fmt/format.h>

#include <algorithm>
#include "catch.hpp"

#include "core/card_device.hpp"
#include "model/fault_file_system.hpp"

using namespace telemetry;

namespace {

const std::string image = "/card.img";

/// A card with messages "0", "1", ... of one topic; all alike unless numbered.
std::vector<std::uint8_t> make_card(std::size_t messages, bool numbered = true,
                                    std::uint64_t cursor = 0) {
  test::CardDevice device(1'024);
  core::CardJournal card(device);
  REQUIRE(card.format({1, 2, 3}, 16) == core::CardStatus::ok);
  REQUIRE(card.open() == core::CardStatus::ok);
  for (std::size_t i = 0; i < messages; ++i) {
    const std::string payload = numbered ? fmt::format(R"({{"number":{}}})", i) : "the same";
    REQUIRE(card.append({}, "mcu/a/reading", payload) == core::CardStatus::ok);
    if (i % 10 == 9) REQUIRE(card.sync() == core::CardStatus::ok);
  }
  REQUIRE(card.sync() == core::CardStatus::ok);
  if (cursor != 0) REQUIRE(card.set_cursor(cursor) == core::CardStatus::ok);
  const std::size_t bytes = std::size_t{device.sectors()} * core::card_sector_bytes;
  return {device.at(0), device.at(0) + bytes};
}

struct House {
  explicit House(const std::vector<std::uint8_t>& card) { files.set_content(image, card); }

  Result<ImportReport> import(const std::string& path = image) {
    ingest.reset();
    std::vector<Diagnostic> diagnostics;
    JournalOptions journal;
    journal.path = "/journal";
    auto opened = Ingest::open({}, journal, *SchemaSet::make({}, diagnostics),
                               model::fault_environment(clock, files));
    if (!opened) return opened.error();
    ingest = *std::move(opened);
    return import_card(*ingest, journal.path, path, model::fault_environment(clock, files));
  }
  std::vector<std::string> payloads() {
    std::vector<std::string> all;
    const auto reader = ingest->journal().read_from(0);
    for (;;) {
      const auto frame = reader->next();
      REQUIRE(frame);
      if (!frame->has_value()) return all;
      if ((*frame)->header.kind == core::FrameKind::message) all.emplace_back((*frame)->payload);
    }
  }

  model::FaultFileSystem files;
  model::ManualClock clock;
  std::unique_ptr<Ingest> ingest;
};

void require_numbers(const std::vector<std::string>& payloads, std::size_t first,
                     std::size_t count) {
  REQUIRE(payloads.size() == count);
  for (std::size_t i = 0; i < count; ++i) {
    REQUIRE(payloads[i] == fmt::format(R"({{"number":{}}})", first + i));
  }
}

}  // namespace

TEST_CASE("a card is imported in order, and a second time nothing is new") {
  House house(make_card(2'500));
  const auto report = house.import();
  REQUIRE(report);
  CHECK(report->messages == 2'500);
  CHECK(report->first_sequence == 1);
  CHECK(report->last_sequence == 2'500);
  CHECK(report->missing == 0);
  const auto again = house.import();
  REQUIRE(again);
  CHECK(again->messages == 0);
  CHECK(again->earlier == 2'500);
  require_numbers(house.payloads(), 0, 2'500);
}

TEST_CASE("what the device has delivered is left out, and what it adds later comes") {
  House house(make_card(100, true, 60));
  auto report = house.import();
  REQUIRE(report);
  CHECK(report->earlier == 60);
  CHECK(report->messages == 40);
  require_numbers(house.payloads(), 60, 40);
  house.files.set_content(image, make_card(130, true, 70));
  report = house.import();
  REQUIRE(report);
  CHECK(report->messages == 30);
  require_numbers(house.payloads(), 60, 70);
}

TEST_CASE("messages that are all alike are imported as often as they are on the card") {
  House house(make_card(1'500, false));
  REQUIRE(house.import());
  CHECK(house.payloads().size() == 1'500);
  REQUIRE(house.import());
  CHECK(house.payloads().size() == 1'500);
}

TEST_CASE("power that fails at any call of an import costs no message and doubles none") {
  const bool numbered = GENERATE(true, false);
  const auto unsynced =
      GENERATE(model::FaultFileSystem::Unsynced::kept, model::FaultFileSystem::Unsynced::lost,
               model::FaultFileSystem::Unsynced::mixed);
  const auto card = make_card(2'100, numbered);
  House whole(card);
  REQUIRE(whole.import());
  const std::uint64_t calls = whole.files.calls();
  REQUIRE(calls > 20);
  for (std::uint64_t at = 1; at <= calls; ++at) {
    CAPTURE(at, numbered);
    House house(card);
    house.files.set_plan([at](std::uint64_t number, auto, const std::string&) {
      return number == at ? model::FaultFileSystem::Fault::crash
                          : model::FaultFileSystem::Fault::none;
    });
    (void)house.import();
    house.ingest.reset();
    house.files.set_plan({});
    house.files.restart(unsynced);
    house.files.set_content(image, card);
    REQUIRE(house.import());
    // What a crash has torn out of a batch comes behind it.
    auto payloads = house.payloads();
    REQUIRE(payloads.size() == 2'100);
    std::ranges::sort(payloads);
    REQUIRE((!numbered || std::ranges::adjacent_find(payloads) == payloads.end()));
  }
}

TEST_CASE("a card is imported from the folder of its files, too") {
  const auto card = make_card(300);
  House house({});
  const auto sectors = [&card](std::size_t first, std::size_t count) {
    const auto at = card.begin() + static_cast<std::ptrdiff_t>(first * core::card_sector_bytes);
    return std::vector<std::uint8_t>(
        at, at + static_cast<std::ptrdiff_t>(count * core::card_sector_bytes));
  };
  REQUIRE(house.files.create_folder("/card"));
  house.files.set_content("/card/TLMCARD.TLC", sectors(0, 1));
  house.files.set_content("/card/CURSOR1.TLC", sectors(1, 1));
  house.files.set_content("/card/CURSOR2.TLC", sectors(2, 1));
  for (std::size_t area = 0; area < 8; ++area) {
    house.files.set_content(fmt::format("/card/SEG{:05X}.TLJ", area), sectors(8 + area * 16, 16));
  }
  const auto report = house.import("/card");
  if (!report) UNSCOPED_INFO(report.error().context);
  REQUIRE(report);
  CHECK(report->messages == 300);
  require_numbers(house.payloads(), 0, 300);
}

TEST_CASE("what is no card is refused by name") {
  House house(std::vector<std::uint8_t>(4'096));
  const auto refused = [&house](const std::string& path, Errc code) {
    const auto report = house.import(path);
    REQUIRE(!report);
    CHECK(report.error().code == code);
    CHECK(report.error().context.find(path) != std::string::npos);
  };
  refused(image, Errc::failed_precondition);  // blank
  house.files.set_content(image, std::vector<std::uint8_t>(100'000, 0x55));
  refused(image, Errc::failed_precondition);
  house.files.set_content(image, {});
  refused(image, Errc::unavailable);
  refused("/nowhere", Errc::not_found);
}

TEST_CASE("a damaged record of earlier imports is not guessed at") {
  House house(make_card(10));
  REQUIRE(house.import());
  const auto names = house.files.list("/journal/imports");
  REQUIRE(names);
  REQUIRE(names->size() == 1);
  const std::string path = "/journal/imports/" + names->front();
  auto record = house.files.content(path);
  record[10] ^= 1;
  house.files.set_content(path, record);
  const auto report = house.import();
  REQUIRE(!report);
  CHECK(report.error().code == Errc::data_loss);
  CHECK(report.error().context.find(path) != std::string::npos);
}
