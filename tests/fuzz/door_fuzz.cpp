// SPDX-License-Identifier: Apache-2.0
// Any topics and payloads through the door into a journal in memory: every message is counted once,
// every frame is a message that was handed in, in order, and whoever reads the journal back, also
// after a restart, sees what the door saw. Messages are separated by the byte 0x1E; the first byte
// of each is QoS and retained, then the topic up to a line feed, then the payload.
#include <deque>
#include <memory>
#include <vector>

#include "fuzz.hpp"
#include "model/fault_file_system.hpp"
#include "telemetry/ingest.hpp"

namespace {

using namespace telemetry;

constexpr std::size_t messages_a_commit = 3;

constexpr std::string_view documents[] = {
    R"(
name: temperature
version: "1.0"
topic_pattern: sensors/{device}/temperature
time_field: timestamp
sequence_field: seq
validation: {allow_extra_fields: true}
fields:
  - {name: temperature, type: float, required: true, validation: {min: -50, max: 150}}
  - {name: place, type: object, fields: [{name: room, type: string, aliases: [hall]}]}
  - {name: timestamp, type: timestamp}
  - {name: seq, type: integer, validation: {min: 0}}
)",
    R"(
name: lenient
version: "1.0"
topic_pattern: plants/+/{device}/#
time_field: at
sequence_field: n
sequence_scope: device
validation: {strict: false}
fields:
  - {name: n, type: integer}
  - {name: at, type: timestamp, time_format: ms}
  - {name: on, type: boolean, default: true}
  - {name: level, type: float, unit: "%", validation: {less_than: top}}
  - {name: top, type: integer, default: 100}
  - {name: name, type: string, validation: {pattern: "^[a-z]+$", max_length: 8}}
  - {name: samples, type: array, max_items: 4, items: {type: float}}
)",
};

const std::shared_ptr<const SchemaSet>& schemas() {
  static const auto set = [] {
    std::vector<Diagnostic> diagnostics;
    std::vector<std::shared_ptr<const Schema>> all;
    for (const std::string_view document : documents) {
      auto schema = Schema::parse(document, "fuzz.yaml", diagnostics);
      TELEMETRY_FUZZ_CHECK(schema);
      all.push_back(*schema);
    }
    auto made = SchemaSet::make(std::move(all), diagnostics);
    TELEMETRY_FUZZ_CHECK(made);
    return *made;
  }();
  return set;
}

std::vector<Message> messages_in(std::string_view text) {
  std::vector<Message> messages;
  while (!text.empty()) {
    const std::string_view record = text.substr(0, text.find('\x1E'));
    text.remove_prefix(std::min(text.size(), record.size() + 1));
    const std::size_t line = record.find('\n');
    if (line == std::string_view::npos || line == 0) continue;
    const auto flags = static_cast<std::uint8_t>(record.front());
    messages.push_back({.topic = record.substr(1, line - 1),
                        .payload = record.substr(line + 1),
                        .qos = static_cast<std::uint8_t>(flags & 1),
                        .retained = (flags & 2) != 0});
  }
  return messages;
}

bool same(const core::Value& a, const core::Value& b) {
  if (a.kind() != b.kind()) return false;
  if (a.kind() == core::ValueKind::text || a.kind() == core::ValueKind::json)
    return a.as_text() == b.as_text();
  return a.as_integer() == b.as_integer() && a.as_decimal().exponent == b.as_decimal().exponent;
}

/// What the journal gives back against what the door made of it.
void compare(const Reading& door, const Reading& read) {
  TELEMETRY_FUZZ_CHECK(door.id == read.id && door.topic == read.topic);
  TELEMETRY_FUZZ_CHECK(door.payload == read.payload && door.verdict == read.verdict);
  TELEMETRY_FUZZ_CHECK(door.time == read.time && door.received_at == read.received_at);
  TELEMETRY_FUZZ_CHECK(door.flags == read.flags && door.extra == read.extra);
  TELEMETRY_FUZZ_CHECK(door.values.size() == read.values.size());
  for (std::size_t i = 0; i < door.values.size(); ++i)
    TELEMETRY_FUZZ_CHECK(same(door.values[i], read.values[i]));
}

class House {
 public:
  House() { open(); }

  void open() {
    ingest.reset();
    auto opened =
        Ingest::open({}, {.path = "/journal"}, schemas(), model::fault_environment(clock, files));
    TELEMETRY_FUZZ_CHECK(opened);
    ingest = std::move(*opened);
    ingest->on_durable([this](const BatchPtr& batch) { durable.push_back(batch); });
  }

  /// @returns messages found in the journal
  std::size_t check(const std::vector<Message>& sent) {
    std::size_t found = 0;
    std::size_t next = 0;  // of those sent
    const auto reader = ingest->journal().read_from(0);
    for (;;) {
      const auto frame = reader->next();
      TELEMETRY_FUZZ_CHECK(frame);
      if (!frame->has_value()) return found;
      if ((*frame)->header.kind != core::FrameKind::message) continue;
      while (next < sent.size() &&
             (sent[next].topic != (*frame)->topic || sent[next].payload != (*frame)->payload))
        ++next;
      TELEMETRY_FUZZ_CHECK(next++ < sent.size());
      Batch batch;
      read_back(**frame, schemas()->by_id((*frame)->header.schema_id), batch);
      TELEMETRY_FUZZ_CHECK(batch.readings.size() == 1);
      compare(reading(found++), batch.readings.front());
    }
  }

  model::ManualClock clock;
  model::FaultFileSystem files;
  std::deque<BatchPtr> durable;
  std::unique_ptr<Ingest> ingest;

 private:
  const Reading& reading(std::size_t index) const {
    for (const BatchPtr& batch : durable) {
      if (index < batch->readings.size()) return batch->readings[index];
      index -= batch->readings.size();
    }
    std::abort();
  }
};

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A copy of exactly this size, so that a read past the end is seen.
  const std::unique_ptr<char[]> copy(new char[size]);
  std::copy(data, data + size, copy.get());
  const std::vector<Message> messages = messages_in({copy.get(), size});
  if (messages.empty()) return 0;
  House house;
  {
    const auto door = house.ingest->make_door();
    for (const Message& message : messages) {
      door->add(message);
      if (door->open_messages() == messages_a_commit) TELEMETRY_FUZZ_CHECK(door->commit());
      house.clock.advance(1'000'000);
    }
    TELEMETRY_FUZZ_CHECK(door->commit());
  }
  const IngestStats stats = house.ingest->stats();
  TELEMETRY_FUZZ_CHECK(stats.received == messages.size());
  TELEMETRY_FUZZ_CHECK(stats.journaled == stats.valid + stats.invalid + stats.unmatched);
  TELEMETRY_FUZZ_CHECK(stats.received ==
                       stats.journaled + stats.duplicates + stats.retained_skipped + stats.refused);
  TELEMETRY_FUZZ_CHECK(house.check(messages) == stats.journaled);
  house.open();
  TELEMETRY_FUZZ_CHECK(house.check(messages) == stats.journaled);
  return 0;
}
