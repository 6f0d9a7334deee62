// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>

#include "ingest/batch_pool.hpp"
#include "ingest/birth_replay.hpp"
#include "ingest/judgement.hpp"
#include "ingest/sequence_state.hpp"
#include "telemetry/ingest.hpp"

namespace telemetry {

inline constexpr std::size_t sequence_events_max = 100;

/// What a door counts between two merges.
struct IngestCounts {
  IngestStats sums;
  std::array<std::uint64_t, 32> invalid_by_rule{};
  void clear();
};

/// What all doors share.
class IngestState final : public Ingest {
 public:
  IngestState(const IngestOptions& options, const JournalOptions& journal_options,
              std::shared_ptr<const SchemaSet> schemas, Environment environment,
              IngestCallbacks callbacks);
  [[nodiscard]] Result<void> open_journal(const JournalOptions& options);

  [[nodiscard]] std::unique_ptr<Door> make_door() override;
  [[nodiscard]] Journal& journal() noexcept override { return *journal_; }
  void swap_schemas(std::shared_ptr<const SchemaSet> schemas) override;
  [[nodiscard]] std::shared_ptr<const SchemaSet> schemas() const override;
  void on_durable(std::function<void(const BatchPtr&)> callback) override;
  [[nodiscard]] Result<std::uint64_t> append(Deletion deletion) override;
  [[nodiscard]] IngestStats stats() const override;

  // For doors.
  [[nodiscard]] std::uint64_t schemas_version() const noexcept {
    return schemas_version_.load(std::memory_order_acquire);
  }
  /// Under the journal's lock: the batch is appended and waits for its sync.
  void appended(const Journal::Ticket& ticket, const std::shared_ptr<Batch>& batch);
  /// Hands on, in order, what is durable up to `last`.
  void publish(std::uint64_t last);
  void merge(IngestCounts& counts);
  void report(const Error& error, std::size_t messages);
  /// True when the next invalid message may be logged; `suppressed` were held back before it.
  [[nodiscard]] bool may_log_invalid(std::uint64_t& suppressed) noexcept;
  void log_invalid(const Reading& reading, const std::vector<std::string>& problems,
                   std::uint64_t suppressed);
  /// The same for valid messages with values that lenient mode read.
  [[nodiscard]] bool may_log_noted(std::uint64_t& suppressed) noexcept;
  void log_noted(const Reading& reading, const std::vector<std::string>& values,
                 std::uint64_t suppressed);
  /// The device time of a valid message is absurd.
  void log_time(const Reading& reading);
  void log_refused(const Message& message);
  /// Of a frame. A larger one could not be journaled even if the journal were empty.
  [[nodiscard]] std::size_t message_bytes_max() const noexcept { return message_bytes_max_; }
  /// A batch is closed at this size; with one more message of the largest it still fits.
  [[nodiscard]] std::size_t batch_bytes() const noexcept { return batch_bytes_; }

  const IngestOptions options;
  const Environment environment;
  const IngestCallbacks callbacks;
  const std::shared_ptr<BatchPool> pool = std::make_shared<BatchPool>(16 * 1024);
  SequenceState sequences;      // guarded by the journal's lock
  Journal::Ticket last_ticket;  // guarded by the journal's lock
  SparkplugBirths births;
  SparkplugBirths births_of_copies;  // those of messages that are replayed or imported
  std::atomic<std::size_t> messages_open{0};
  Histogram processing, sync;

 private:
  void recover(const core::FrameView& frame);
  void replay(const core::FrameView& frame);
  void replay_message();
  [[nodiscard]] const Schema* schema_of_frame(std::uint64_t id) const;
  [[nodiscard]] std::string schema_document(std::uint64_t id) const;
  void roll_back(std::uint64_t last_durable);

  std::size_t batch_bytes_, message_bytes_max_;

  mutable std::mutex schemas_mutex_;
  std::shared_ptr<const SchemaSet> schemas_;
  /// Replaced sets that an open batch may still use.
  std::vector<std::weak_ptr<const SchemaSet>> retired_schemas_;
  std::atomic<std::uint64_t> schemas_version_{1};

  std::mutex publish_mutex_;
  std::deque<BatchPtr> unpublished_;  // appended, in journal order
  std::vector<std::function<void(const BatchPtr&)>> on_durable_;

  std::uint64_t tail_ = 0;  // last appended sequence; guarded by the journal's lock

  mutable std::mutex stats_mutex_;
  IngestCounts totals_;
  std::deque<SequenceEvent> events_;
  RateLimit invalid_log_, noted_log_, time_log_, refused_log_, error_log_;

  struct Recovery {
    std::map<std::uint64_t, std::shared_ptr<const Schema>> schemas;
    Judge judge;
    Batch batch;
    std::uint64_t unknown_schema = 0;
    /// Readings of the message under way; batch holds what they view.
    std::vector<SequenceState::Offer> message;
    bool one_number = false;
    BirthReplay birth;
  };
  std::unique_ptr<Recovery> recovery_;

  std::unique_ptr<Journal> journal_;  // last: its callbacks use the members above
};

}  // namespace telemetry
