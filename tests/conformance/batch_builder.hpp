// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/message.hpp"
#include "telemetry/query.hpp"
#include "telemetry/schema.hpp"

namespace telemetry::test {

/// The newest rows of the topics that match.
inline Latest latest_of(std::string filter) {
  Latest latest;
  latest.topics = {std::move(filter)};
  return latest;
}

/// 2026-11-21T08:00:00Z: receive times of built batches begin here.
inline constexpr std::int64_t start_ns = 1'795'248'000'000'000'000;

using SchemaPtr = std::shared_ptr<const Schema>;

/// Compiles a schema document; ends the test when it has mistakes.
[[nodiscard]] SchemaPtr parse_schema(const std::string& document);
/// The temperature sensor of examples/schemas.
[[nodiscard]] SchemaPtr temperature_schema();

/// Builds batches as the door would.
class BatchBuilder {
 public:
  /// Readings get the ids after + 1, after + 2, ...
  explicit BatchBuilder(std::uint64_t after = 0);

  /// Judges the payload by the schema; ends the test when it is invalid.
  Reading& add(std::string_view topic, const SchemaPtr& schema, std::string_view payload,
               std::int64_t received_at = 0);
  /// With these values by slot, unjudged; their texts are borrowed.
  Reading& add_values(std::string_view topic, const SchemaPtr& schema,
                      std::span<const core::Value> values, std::int64_t received_at = 0);
  /// A message of a topic without schema.
  Reading& add_raw(std::string_view topic, std::string_view payload, std::int64_t received_at = 0);
  /// Ids in between that no reading has.
  void skip(std::uint64_t ids) { next_id_ += ids; }
  [[nodiscard]] std::string_view keep(std::string_view bytes) { return batch_->arena.copy(bytes); }
  [[nodiscard]] BatchPtr done();

 private:
  std::span<core::Value> allocate_values(std::size_t count);
  void judged_by(Reading& reading, const SchemaPtr& schema);
  Reading& append(std::string_view topic, std::string_view payload, std::int64_t received_at);

  std::shared_ptr<Batch> batch_;
  std::shared_ptr<std::vector<SchemaPtr>> schemas_;
  std::uint64_t next_id_;
};

}  // namespace telemetry::test
