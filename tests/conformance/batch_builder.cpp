// SPDX-License-Identifier: Apache-2.0
#include "conformance/batch_builder.hpp"

#include "catch.hpp"

#include <algorithm>
#include <fstream>
#include <memory>
#include <sstream>
#include <vector>

#include "telemetry/core/decode.hpp"
#include "telemetry/core/journal_format.hpp"

namespace telemetry::test {

SchemaPtr parse_schema(const std::string& document) {
  std::vector<Diagnostic> diagnostics;
  auto schema = Schema::parse(document, "test.yaml", diagnostics);
  for (const Diagnostic& diagnostic : diagnostics) UNSCOPED_INFO(to_string(diagnostic));
  REQUIRE(schema);
  return *schema;
}

SchemaPtr temperature_schema() {
  std::ifstream file(TELEMETRY_SOURCE_DIR "/examples/schemas/temperature_sensor.yaml");
  std::stringstream text;
  text << file.rdbuf();
  return parse_schema(text.str());
}

BatchBuilder::BatchBuilder(std::uint64_t after)
    : batch_(std::make_shared<Batch>()),
      schemas_(std::make_shared<std::vector<SchemaPtr>>()),
      next_id_(after + 1) {
  batch_->after = after;
  batch_->schemas = schemas_;
}

Reading& BatchBuilder::append(std::string_view topic, std::string_view payload,
                              std::int64_t received_at) {
  Reading& reading = batch_->readings.emplace_back();
  reading.id = next_id_++;
  reading.topic = keep(topic);
  reading.topic_hash = hash64(topic);
  reading.payload = keep(payload);
  reading.flags = 1;
  reading.received_at =
      received_at != 0 ? received_at : start_ns + static_cast<std::int64_t>(reading.id) * 1'000'000;
  reading.time = reading.received_at;
  return reading;
}

Reading& BatchBuilder::add_raw(std::string_view topic, std::string_view payload,
                               std::int64_t received_at) {
  Reading& reading = append(topic, payload, received_at);
  reading.verdict = Verdict::unmatched;
  return reading;
}

Reading& BatchBuilder::add(std::string_view topic, const SchemaPtr& schema,
                           std::string_view payload, std::int64_t received_at) {
  Reading& reading = append(topic, payload, received_at);
  judged_by(reading, schema);
  const auto values = allocate_values(schema->slots().size());
  std::vector<core::Violation> violations(4);
  std::vector<core::Extra> extras(8);
  const auto result =
      core::decode(schema->view(), reading.payload,
                   {values, batch_->arena.allocate(payload.size() + 1), violations, extras},
                   schema->pattern_hook());
  INFO(payload);
  REQUIRE(core::to_string(result.first) == core::to_string(core::Rule::none));
  reading.values = values;
  std::string extra;
  for (std::size_t i = 0; i < result.extras; ++i) {
    extra += i == 0 ? "{\"" : ",\"";
    extra.append(extras[i].key).append("\":").append(extras[i].value);
  }
  if (!extra.empty()) reading.extra = keep(extra + "}");
  const std::uint16_t time_slot = schema->view().time_slot;
  if (time_slot != core::no_index && values[time_slot].kind() == core::ValueKind::time) {
    reading.time = values[time_slot].as_integer();
    reading.flags |= core::frame_flag::time_from_device;
  }
  return reading;
}

Reading& BatchBuilder::add_values(std::string_view topic, const SchemaPtr& schema,
                                  std::span<const core::Value> values, std::int64_t received_at) {
  Reading& reading = append(topic, {}, received_at);
  judged_by(reading, schema);
  const auto kept = allocate_values(values.size());
  std::copy(values.begin(), values.end(), kept.begin());
  reading.values = kept;
  return reading;
}

std::span<core::Value> BatchBuilder::allocate_values(std::size_t count) {
  const auto memory = batch_->arena.allocate(count * sizeof(core::Value), alignof(core::Value));
  auto* values = reinterpret_cast<core::Value*>(memory.data());
  std::uninitialized_default_construct_n(values, count);
  return {values, count};
}

void BatchBuilder::judged_by(Reading& reading, const SchemaPtr& schema) {
  reading.schema = schema.get();
  reading.device = schema->device(reading.topic);
  if (schemas_->empty() || schemas_->back() != schema) schemas_->push_back(schema);
}

BatchPtr BatchBuilder::done() {
  batch_->last = next_id_ - 1;
  return std::move(batch_);
}

}  // namespace telemetry::test
