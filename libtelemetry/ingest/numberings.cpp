// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>

#include "ingest/sequence_state.hpp"
#include "telemetry/ingest.hpp"

// What the door knows stands in the journal: the snapshot of its oldest segment names the
// numberings of what is gone, and the frames bear what the check found.

namespace telemetry {
namespace {

class Numberings {
 public:
  void take(const core::FrameView& frame);
  [[nodiscard]] std::vector<NumberingReport> reports() &&;

 private:
  struct Known {
    NumberingReport report;
    bool has_last = false;
  };
  [[nodiscard]] Known* find(const std::string& key, bool per_device);
  void take_snapshot(std::string_view bytes);
  void take_message(const core::FrameView& frame);

  const std::size_t keys_max_ = IngestOptions().devices_max;
  bool began_ = false;  // the oldest snapshot was read
  std::map<std::pair<std::string, bool>, Known> by_key_;
  std::map<std::uint64_t, std::shared_ptr<const Schema>> schemas_;
  Batch batch_;
};

void Numberings::take(const core::FrameView& frame) {
  switch (frame.header.kind) {
    case core::FrameKind::snapshot:
      take_snapshot(frame.payload);
      break;
    case core::FrameKind::schema: {
      std::vector<Diagnostic> ignored;
      auto schema = Schema::parse(std::string(frame.payload), "journal", ignored,
                                  ValidationFunctions::not_called());
      if (schema) schemas_[frame.header.schema_id] = std::move(*schema);
      break;
    }
    case core::FrameKind::message:
      take_message(frame);
      break;
    case core::FrameKind::tombstone:
    case core::FrameKind::padding:
    case core::FrameKind::problems:
      break;
  }
}

/// Null when there are too many.
Numberings::Known* Numberings::find(const std::string& key, bool per_device) {
  const auto known = by_key_.find({key, per_device});
  if (known != by_key_.end()) return &known->second;
  if (by_key_.size() == keys_max_) return nullptr;
  Known& fresh = by_key_[{key, per_device}];
  fresh.report.key = key;
  fresh.report.per_device = per_device;
  return &fresh;
}

void Numberings::take_snapshot(std::string_view bytes) {
  if (began_) return;
  SequenceState state(SequenceState::Options{});
  began_ = state.load(bytes);
  state.visit([this](const std::string& key, bool per_device, std::int64_t last) {
    Known* const known = find(key, per_device);
    if (known == nullptr || known->has_last) return;
    known->report.last = last;
    known->has_last = true;
  });
}

void Numberings::take_message(const core::FrameView& frame) {
  const std::uint16_t flags = frame.header.flags;
  // A replayed dead letter went past the check.
  if ((flags & core::frame_flag::has_sequence) == 0 ||
      (flags & core::frame_flag::has_reference) != 0) {
    return;
  }
  const auto schema = schemas_.find(frame.header.schema_id);
  if (schema == schemas_.end()) return;
  batch_.clear();
  read_back(frame, schema->second.get(), batch_);
  const Reading& reading = batch_.readings.front();
  if (reading.schema == nullptr) return;
  const bool per_device = schema->second->sequence_per_device() && !reading.device.empty();
  Known* const known = find(std::string(per_device ? reading.device : reading.topic), per_device);
  if (known == nullptr) return;
  NumberingReport& report = known->report;
  const bool reset = (flags & core::frame_flag::sequence_reset) != 0;
  const bool goes_on = known->has_last && reading.sequence > report.last;
  if ((flags & core::frame_flag::sequence_gap) != 0) {
    ++report.gaps;
    if (goes_on && !reset) {
      report.missing += static_cast<std::uint64_t>(reading.sequence) -
                        static_cast<std::uint64_t>(report.last) - 1;
    }
  }
  if (reset) ++report.resets;
  if (reset || goes_on || !known->has_last) report.last = reading.sequence;
  known->has_last = true;
  ++report.messages;
  report.received_at = reading.received_at;
}

std::vector<NumberingReport> Numberings::reports() && {
  std::vector<NumberingReport> all;
  all.reserve(by_key_.size());
  for (auto& [key, known] : by_key_) all.push_back(std::move(known.report));
  return all;
}

}  // namespace

Result<std::vector<NumberingReport>> read_numberings(const std::string& path,
                                                     const Environment& environment) {
  Numberings numberings;
  auto read = dump_journal(path, environment,
                           [&](const core::FrameView& frame, const std::string&, std::uint64_t) {
                             numberings.take(frame);
                             return true;
                           });
  if (!read) return read.error();
  return std::move(numberings).reports();
}

}  // namespace telemetry
