// SPDX-License-Identifier: Apache-2.0
#include "consumer/journal_batches.hpp"

#include <fmt/format.h>

#include "telemetry/ingest.hpp"

namespace telemetry {

void JournalBatches::learn(const core::FrameView& frame) {
  if (schemas_.contains(frame.header.schema_id)) return;
  std::vector<Diagnostic> diagnostics;
  auto schema =
      Schema::parse(frame.payload, "journal", diagnostics, ValidationFunctions::not_called());
  if (!schema) return;
  schemas_[frame.header.schema_id] = std::move(*schema);
  auto all = std::make_shared<Schemas>();
  for (const auto& [id, known] : schemas_) all->push_back(known);
  keep_ = std::move(all);
}

const Schema* JournalBatches::find(std::uint64_t id) {
  if (id == 0) return nullptr;
  const auto found = schemas_.find(id);
  if (found != schemas_.end()) return found->second.get();
  if (!unknown_said_) {
    environment_.log(LogLevel::error, "consumer",
                     fmt::format("the journal lacks the document of schema {:016x}: its messages "
                                 "are stored as they are, without typed values",
                                 id));
    unknown_said_ = true;
  }
  return nullptr;
}

/// Nothing when it is not understood: then no message is taken for a deleted one.
std::optional<Deletion> JournalBatches::deletion_of(const core::FrameView& frame) {
  auto deletion = read_deletion(frame);
  if (deletion) return *std::move(deletion);
  environment_.log(LogLevel::error, "consumer",
                   fmt::format("deletion {} of the journal is passed over: {}",
                               frame.header.sequence, to_string(deletion.error())));
  return std::nullopt;
}

Result<BatchPtr> JournalBatches::next(std::uint64_t after, const Limits& limits) {
  if (reader_ == nullptr || reader_->position() != after) {
    reader_ = journal_.read_from(after);
    missing_ = 0;
  }
  auto batch = pool_->take();
  while (batch->readings.size() < limits.rows_max && batch->arena.bytes() < limits.bytes_max) {
    auto frame = reader_->next();
    if (!frame) {
      if (batch->readings.empty()) {
        reader_.reset();
        return std::move(frame).error();
      }
      break;  // what was read is good; the error comes again
    }
    if (!frame->has_value()) break;
    if ((*frame)->header.kind == core::FrameKind::schema) learn(**frame);
    if ((*frame)->header.kind == core::FrameKind::tombstone &&
        ((*frame)->header.flags & core::frame_flag::has_reference) == 0) {
      // It comes again, alone, when there are readings before it.
      batch->deletion = deletion_of(**frame);
      if (batch->deletion) break;
    }
    if ((*frame)->header.kind != core::FrameKind::message) continue;
    read_back(**frame, find((*frame)->header.schema_id), *batch);
  }
  batch->after = after;
  batch->last = reader_->position();
  if (batch->deletion && !batch->readings.empty()) {
    batch->deletion.reset();
    --batch->last;
  }
  batch->schemas = keep_;
  batch->lost = lost_ = reader_->missing() - missing_;
  missing_ = reader_->missing();
  return batch->last > after ? BatchPtr(std::move(batch)) : nullptr;
}

}  // namespace telemetry
