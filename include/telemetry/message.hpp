// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/core/decode.hpp"
#include "telemetry/core/value.hpp"

namespace telemetry {

class Schema;

/// What becomes of a retained message: one that the broker kept from before we subscribed.
enum class RetainedPolicy : std::uint8_t {
  skip_stored,  ///< left out when it equals the last stored of its topic
  store,        ///< judged as any other message
  ignore,       ///< left out
};
inline constexpr std::string_view retained_policies = "skip_stored|store|ignore";
/// @returns nothing when `name` is none of these.
[[nodiscard]] std::optional<RetainedPolicy> retained_policy_of(std::string_view name) noexcept;

/// What a source hands in. Owns nothing: valid during the call.
struct Message {
  std::string_view topic;
  std::string_view payload;
  std::uint8_t qos = 0;
  bool retained = false;
  RetainedPolicy retained_policy = RetainedPolicy::skip_stored;  ///< counts where it is retained
  std::int64_t received_at = 0;  ///< ns; 0 = the door takes the time
  /// Sequence of the original, when this replays a dead letter; 0 = it does not. Such a message
  /// goes past the sequence check, has the time `received_at` if none of its own, and is left out
  /// when no store would take it now, either.
  std::uint64_t reference = 0;
  /// A copy of a message that may have been here before: what was deleted stays deleted, whenever
  /// this comes.
  bool imported = false;
  /// A reading that was made of a message, as a journal keeps it: frame_flag::unfolded.
  bool unfolded = false;
};

/// The judgement of one message. Stored in journals: append only, never renumber.
enum class Verdict : std::uint8_t {
  valid = 0,           ///< a schema matched and every rule holds
  unmatched = 1,       ///< no schema matches the topic; stored as it is (`unmatched: store`)
  invalid = 2,         ///< a schema matched and a rule is broken: dead letter
  unmatched_dead = 3,  ///< no schema matches and `unmatched: dead_letter`
};
[[nodiscard]] constexpr bool is_dead(Verdict verdict) noexcept {
  return verdict == Verdict::invalid || verdict == Verdict::unmatched_dead;
}
[[nodiscard]] std::string_view to_string(Verdict verdict) noexcept;

/// A judged message, or one reading of it. A view into its Batch: 16-byte values by slot of the
/// judging schema.
struct Reading {
  std::uint64_t id = 0;  ///< journal sequence, from 1, rising, unique per journal
  std::string_view topic;
  std::uint64_t topic_hash = 0;    ///< hash64(topic)
  std::string_view payload;        ///< as received; of several readings of a message its part
  std::string_view document;       ///< what the values were read from: payload, or made of it
  std::string_view device;         ///< that topic or payload name; may be empty
  const Schema* schema = nullptr;  ///< the judging schema; null when unmatched
  std::int64_t time = 0;           ///< ns; device time, or receive time when that is missing/absurd
  std::int64_t received_at = 0;    ///< ns
  std::int64_t sequence = 0;       ///< the device's number; see flags & frame_flag::has_sequence
  std::uint64_t identity = 0;      ///< hash of what its schema calls its identity; 0 = nothing
  std::uint64_t reference = 0;     ///< replay_of, when flags & frame_flag::has_reference
  std::uint16_t flags = 0;         ///< core::frame_flag: qos, retained, time_from_device, ...
  Verdict verdict = Verdict::valid;
  core::Rule reason = core::Rule::none;
  /// Numbers left out before it, with frame_flag::sequence_gap; 0 = not known: it was read back
  /// from the journal.
  std::uint32_t missing = 0;
  std::span<const core::Value> values;  ///< by slot; empty unless verdict is valid
  std::string_view extra;               ///< JSON object of undeclared members, or empty
};

/// Which messages shall be gone: those before it in the journal, and what is replayed or imported
/// of them after it.
struct Deletion {
  std::uint64_t sequence = 0;    ///< its own in the journal
  std::int64_t received_at = 0;  ///< ns; when it was asked for

  std::vector<std::string> topics;   ///< topic filters, any of them
  std::vector<std::string> devices;  ///< any of these; empty = all
  std::vector<std::string> schemas;  ///< names, any of these; empty = all, and without schema
  std::int64_t since = INT64_MIN;    ///< ns of Reading::time, inclusive
  std::int64_t until = INT64_MAX;    ///< ns, exclusive

  /// Whatever its place in the journal. @param schema empty: without schema
  [[nodiscard]] bool covers(std::string_view topic, std::string_view device,
                            std::string_view schema, std::int64_t time) const;
};

/// 64-bit hash of bytes; the same on every machine and in every version (XXH3, seed 0).
[[nodiscard]] std::uint64_t hash64(std::string_view bytes) noexcept;

/// The nearest double; exact where the decimal is one.
[[nodiscard]] double to_double(core::Decimal decimal) noexcept;
/// The shortest decimal that reads back as the same double: what the device wrote. Finite ones
/// only.
[[nodiscard]] core::Decimal to_decimal(double number) noexcept;

/// Memory that only grows and is freed, or reused, as a whole. Pointers into it stay good until
/// clear().
class Arena {
 public:
  explicit Arena(std::size_t block_bytes = 256 * 1024) noexcept : block_bytes_(block_bytes) {}
  [[nodiscard]] std::span<char> allocate(std::size_t bytes, std::size_t alignment = 1);
  [[nodiscard]] std::string_view copy(std::string_view bytes);
  /// Gives back the unused end of the last allocate().
  void shrink_last(std::size_t unused) noexcept { used_ -= unused; }
  void clear() noexcept;
  /// Bytes handed out since clear().
  [[nodiscard]] std::size_t bytes() const noexcept { return full_ + used_; }
  /// Bytes held, used or not.
  [[nodiscard]] std::size_t capacity() const noexcept;

 private:
  struct Block {
    std::unique_ptr<char[]> memory;
    std::size_t size;
  };
  std::size_t block_bytes_;
  std::vector<Block> blocks_;
  std::size_t current_ = 0;  // index of the block in use
  std::size_t used_ = 0;     // bytes of it
  std::size_t full_ = 0;     // bytes used of the blocks before it
};

/// Readings with rising ids and the memory behind their views. Built by one thread, then shared
/// read-only as BatchPtr.
class Batch {
 public:
  std::vector<Reading> readings;
  Arena arena;
  /// Keeps the schemas alive that readings point to.
  std::shared_ptr<const void> schemas;
  /// Journal sequences this batch accounts for: (after, last]. A consumer that has written the
  /// batch is done up to `last`, also where ids in between were skipped or lost.
  std::uint64_t after = 0;
  std::uint64_t last = 0;
  /// Messages of that range that are gone for good: trimmed from the journal, or damaged.
  std::uint64_t lost = 0;
  /// Then the batch has no readings, and is the only one of its write.
  std::optional<Deletion> deletion;

  /// Memory that it holds, used or not: a batch of one small message has a whole block.
  [[nodiscard]] std::size_t bytes_held() const noexcept {
    return sizeof(Batch) + arena.capacity() + readings.capacity() * sizeof(Reading);
  }
  void clear() noexcept;
};
using BatchPtr = std::shared_ptr<const Batch>;

}  // namespace telemetry
