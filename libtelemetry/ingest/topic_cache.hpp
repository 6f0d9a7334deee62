// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ingest/hash_index.hpp"
#include "telemetry/schema.hpp"

namespace telemetry {

/// What is known of a topic that was seen before.
struct KnownTopic {
  std::string topic;
  std::uint64_t hash = 0;
  const Schema* schema = nullptr;  ///< null: unmatched; the first of `candidates`
  /// SchemaSet::candidates() where the payload is asked: a condition, or a schema that unfolds.
  std::vector<const Schema*> candidates;
  std::uint32_t device_at = 0;     ///< the level of `topic` that names the device
  std::uint32_t device_bytes = 0;  ///< 0: none does
  std::uint64_t device_hash = 0;   ///< set when the schema numbers per device
};

/// The choice of schema by topic, remembered: one hash look-up for a known topic. Bounded in
/// topics, and in bytes as if they were topic_bytes_usual long: a full cache starts again. Pointers
/// that find() gives are good until the next call.
class TopicCache {
 public:
  explicit TopicCache(std::size_t topics_max) noexcept : topics_max_(topics_max) {}
  /// Null when the topic is not a valid topic name.
  [[nodiscard]] const KnownTopic* find(std::string_view topic, const SchemaSet* schemas);
  void clear() noexcept;
  /// Of all topics that it remembers.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  static constexpr std::size_t topic_bytes_usual = 256;

  std::size_t topics_max_;
  std::size_t bytes_ = 0;
  std::vector<KnownTopic> topics_;
  HashIndex index_;
};

}  // namespace telemetry
