// SPDX-License-Identifier: Apache-2.0
#include "ingest/topic_cache.hpp"

#include "telemetry/core/topic.hpp"
#include "telemetry/message.hpp"

namespace telemetry {

const KnownTopic* TopicCache::find(std::string_view topic, const SchemaSet* schemas) {
  const std::uint64_t hash = hash64(topic);
  const std::uint32_t at =
      index_.find(hash, [&](std::uint32_t i) { return topics_[i].topic == topic; });
  if (at != HashIndex::none) return &topics_[at];
  if (!core::is_valid_topic(topic)) return nullptr;
  if (topics_.size() >= topics_max_ || bytes_ >= topics_max_ * topic_bytes_usual) clear();

  KnownTopic& known = topics_.emplace_back();
  known.topic = topic;
  bytes_ += topic.size();
  known.hash = hash;
  known.schema = schemas == nullptr ? nullptr : schemas->choose(topic);
  if (known.schema != nullptr && (known.schema->is_conditional() || known.schema->unfolds())) {
    known.candidates = schemas->candidates(topic);
  } else if (known.schema != nullptr) {
    const std::string_view device = known.schema->device(topic);
    if (!device.empty()) {
      known.device_at = static_cast<std::uint32_t>(device.data() - topic.data());
      known.device_bytes = static_cast<std::uint32_t>(device.size());
    }
    if (known.schema->sequence_per_device()) known.device_hash = hash64(device);
  }
  index_.insert(hash, static_cast<std::uint32_t>(topics_.size() - 1));
  return &known;
}

void TopicCache::clear() noexcept {
  topics_.clear();
  bytes_ = 0;
  index_.clear();
}

}  // namespace telemetry
