// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "catch.hpp"

#include <memory>
#include <string>
#include <vector>

#include "model/fault_file_system.hpp"
#include "telemetry/journal.hpp"

namespace telemetry::test {

/// A journal on files in memory, small enough that a few messages fill a segment.
struct JournalFixture {
  JournalFixture() {
    options.path = "/data/journal";
    options.segment_bytes = 1024;
    options.size_max_bytes = 64 * 1024;
    content.schema_document = [](std::uint64_t id) { return "schema " + std::to_string(id); };
  }

  Environment environment() {
    return model::fault_environment(
        clock, files,
        Log([this](LogLevel, std::string_view,
                   std::string_view message) { log += std::string(message) + "\n"; },
            LogLevel::info));
  }

  Result<void> open(const RecoveryVisitor& recover = {}) {
    journal.reset();
    auto opened = Journal::open(options, environment(), content, recover);
    if (!opened) return opened.error();
    journal = std::move(*opened);
    return {};
  }

  Result<Journal::Ticket> append(std::vector<std::string> payloads, std::uint64_t schema_id = 0) {
    std::vector<Journal::Record> records(payloads.size());
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < payloads.size(); ++i) {
      records[i].header.schema_id = schema_id;
      records[i].topic = "sensors/1";
      records[i].payload = payloads[i];
      bytes += core::frame_size(records[i].topic.size(), payloads[i].size(), false);
    }
    const auto lock = journal->lock();
    if (auto room = journal->reserve(bytes); !room) return room.error();
    return journal->append(records);
  }

  /// Appends and syncs; returns the last sequence.
  std::uint64_t keep(std::vector<std::string> payloads, std::uint64_t schema_id = 0) {
    auto ticket = append(std::move(payloads), schema_id);
    INFO((ticket ? "" : ticket.error().context));
    REQUIRE(ticket);
    REQUIRE(journal->sync(*ticket));
    return ticket->last;
  }

  /// "SEQUENCE:PAYLOAD" of the messages, "schema ID" of the documents, "tombstone" of those.
  static std::vector<std::string> drain(Journal::Reader& reader) {
    std::vector<std::string> seen;
    for (;;) {
      auto frame = reader.next();
      REQUIRE(frame);
      if (!*frame) return seen;
      const auto& header = (*frame)->header;
      const std::string number = std::to_string(header.sequence);
      if (header.kind == core::FrameKind::schema)
        seen.emplace_back((*frame)->payload);
      else if (header.kind == core::FrameKind::tombstone)
        seen.push_back(number + ":tombstone");
      else
        seen.push_back(number + ":" + std::string((*frame)->payload));
    }
  }
  std::vector<std::string> read(std::uint64_t after = 0) {
    return drain(*journal->read_from(after));
  }

  std::vector<std::string> segments() {
    auto names = files.list(options.path);
    REQUIRE(names);
    std::erase_if(*names, [](const std::string& name) { return !name.ends_with(".tlj"); });
    return *names;
  }
  std::string path(const std::string& name) const { return options.path + "/" + name; }

  /// Fails the calls of this kind on segments (all: also other files) until `mend`.
  void fail(model::FaultFileSystem::Call wanted) {
    files.set_plan(
        [wanted](std::uint64_t, model::FaultFileSystem::Call call, const std::string& p) {
          using Fault = model::FaultFileSystem::Fault;
          return call == wanted && p.ends_with(".tlj") ? Fault::fail : Fault::none;
        });
  }
  void mend() { files.set_plan(nullptr); }

  model::ManualClock clock;
  model::FaultFileSystem files;
  JournalOptions options;
  SegmentContent content;
  std::string log;
  std::unique_ptr<Journal> journal;
};

using Strings = std::vector<std::string>;
using Call = model::FaultFileSystem::Call;
using Fault = model::FaultFileSystem::Fault;
using Unsynced = model::FaultFileSystem::Unsynced;

inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace telemetry::test
