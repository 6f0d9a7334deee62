// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "ingest/ingest_state.hpp"
#include "telemetry/source.hpp"

namespace telemetry {

/// The door of one source. See ingest.cpp.
class JournalDoor final : public Door {
 public:
  explicit JournalDoor(IngestState& ingest);
  ~JournalDoor() override;

  [[nodiscard]] Result<void> reserve(std::size_t bytes) override;
  void add(const Message& message) override;
  [[nodiscard]] std::size_t open_bytes() const noexcept override { return open_bytes_; }
  [[nodiscard]] std::size_t open_messages() const noexcept override {
    return batch_ == nullptr ? 0 : batch_->readings.size();
  }
  [[nodiscard]] bool should_commit() const noexcept override;
  [[nodiscard]] Result<void> commit(std::vector<Outcome>* outcomes) override;
  void abort() noexcept override;
  [[nodiscard]] std::size_t unacknowledged_max() const noexcept override {
    return std::max<std::size_t>(
        ingest_.sequences.recent_in_snapshot_max() / std::max(ingest_.options.sources, 1u), 1);
  }

 private:
  /// What the sequence check needs beside the reading.
  struct Pending {
    std::uint64_t payload_hash = 0;
    std::uint64_t device_hash = 0;
    bool per_device = false;
    bool time_missing = false;
    bool time_absurd = false;
    bool skip_stored = false;
    bool of_several = false;  ///< readings of one message, or the one that it was made into
    bool number_of_message = false;
    std::uint64_t message_hash = 0;     ///< of all of them
    std::uint32_t first_violation = 0;  // or, of a valid message, first coercion
    std::uint32_t violations = 0;
    std::uint32_t added = 0;  // its place among the add() of this batch
  };
  using Appended = std::optional<Journal::Ticket>;

  void open_batch();
  void add_records(const Schema& schema, std::uint64_t topic_hash, const Message& message,
                   std::int64_t received_at);
  [[nodiscard]] SparkplugBirths* births_of(const Message& message) const noexcept;
  [[nodiscard]] bool take_replay(const Message& message);
  Pending& remember(const Judge::Judgement& judgement, bool per_device, std::uint64_t device_hash);
  void note_open(std::size_t readings);
  [[nodiscard]] Result<Appended> append_open();
  [[nodiscard]] Result<void> sync(const Journal::Ticket& ticket);
  void check_sequences();
  [[nodiscard]] bool check(Reading& reading, const Pending& pending);
  [[nodiscard]] bool check_message(std::size_t first, std::size_t end);
  [[nodiscard]] static SequenceState::Offer offer_of(const Reading& reading,
                                                     const Pending& pending);
  void note_decision(Reading& reading, const Pending& pending,
                     const SequenceState::Decision& decision);
  [[nodiscard]] bool is_to_store(const SequenceState::Decision& decision, const Pending& pending);
  void note_event(const Reading& reading, const Pending& pending,
                  const SequenceState::Decision& decision);
  void fill_records();
  void count_stored();
  void tell();
  void tell_invalid(const Reading& reading, const Pending& pending);
  void tell_noted(const Reading& reading, const Pending& pending);
  [[nodiscard]] std::vector<std::string> describe(const Reading& reading,
                                                  const Pending& pending) const;
  [[nodiscard]] std::vector<Outcome> outcomes_of_batch() const;
  void forget() noexcept;
  Error fail(Error error);

  IngestState& ingest_;
  TopicCache topics_;
  Judge judge_;
  std::shared_ptr<const SchemaSet> schemas_;
  std::uint64_t schemas_version_ = 0;

  std::shared_ptr<Batch> batch_;
  std::vector<Pending> pending_;  // beside batch_->readings
  std::vector<core::Violation> violations_;
  std::vector<Record> unfolded_;
  std::vector<Journal::Record> records_;
  std::uint32_t added_ = 0;  // add() since the last commit
  std::vector<std::pair<std::uint32_t, Outcome::Kind>> left_out_;
  std::size_t open_bytes_ = 0;
  std::int64_t opened_at_ = 0;  // monotonic; of the first message
  std::int64_t interval_ns_;    // the age that closes a batch
  IngestCounts counts_;
  IngestCounts checked_;  // of this batch; counted when it is durable
};

}  // namespace telemetry
