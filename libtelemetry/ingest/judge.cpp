// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <new>

#include "ingest/judgement.hpp"
#include "telemetry/core/limits.hpp"
#include "telemetry/ingest.hpp"

namespace telemetry {
namespace {

namespace frame_flag = core::frame_flag;

/// Writes the object of `node` with the extra members that it and its children hold.
class ExtraWriter {
 public:
  ExtraWriter(const core::SchemaView& view, std::span<const core::Extra> extras, char* out) noexcept
      : view_(view), extras_(extras), out_(out) {}

  void object(std::uint16_t node) noexcept {
    put("{");
    bool first = true;
    for (const core::Extra& extra : extras_) {
      if (extra.node == node) member(extra.key, first), put(extra.value);
    }
    for (const core::Key& key : children(node)) {
      if (!is_main_name(node, key) || !holds_extras(key.node)) continue;
      member(key.name, first);
      object(key.node);
    }
    put("}");
  }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  [[nodiscard]] std::span<const core::Key> children(std::uint16_t node) const noexcept {
    const core::Node& object = view_.nodes[node];
    if (object.type != core::FieldType::object) return {};
    return view_.keys.subspan(object.first, object.count);
  }
  /// Aliases share the node with the name before them.
  [[nodiscard]] bool is_main_name(std::uint16_t node, const core::Key& key) const noexcept {
    const auto keys = children(node);
    return &key == keys.data() || (&key - 1)->field != key.field;
  }
  [[nodiscard]] bool holds_extras(std::uint16_t node) const noexcept {
    if (view_.nodes[node].type != core::FieldType::object) return false;
    for (const core::Extra& extra : extras_) {
      if (extra.node == node) return true;
    }
    return std::ranges::any_of(children(node),
                               [this](const core::Key& key) { return holds_extras(key.node); });
  }
  void member(std::string_view key, bool& first) noexcept {
    put(first ? "\"" : ",\"");
    put(key);
    put("\":");
    first = false;
  }
  void put(std::string_view text) noexcept {
    if (out_ != nullptr) std::copy(text.begin(), text.end(), out_ + bytes_);
    bytes_ += text.size();
  }

  const core::SchemaView& view_;
  std::span<const core::Extra> extras_;
  char* out_;
  std::size_t bytes_ = 0;
};

}  // namespace

std::string_view write_extras(const core::SchemaView& view, std::span<const core::Extra> extras,
                              Arena& arena) {
  if (extras.empty()) return {};
  ExtraWriter measure(view, extras, nullptr);
  measure.object(0);
  const auto memory = arena.allocate(measure.bytes());
  ExtraWriter(view, extras, memory.data()).object(0);
  return {memory.data(), memory.size()};
}

core::DecodeResult Judge::decode(const Schema& schema, Reading& reading, Batch& batch) {
  const core::SchemaView& view = schema.view();
  const auto memory =
      batch.arena.allocate(view.slot_count * sizeof(core::Value), alignof(core::Value));
  auto* values = reinterpret_cast<core::Value*>(memory.data());
  std::uninitialized_default_construct_n(values, view.slot_count);
  // Unescaped text is never longer than the payload; what is left goes back.
  const auto scratch = batch.arena.allocate(reading.payload.size());
  const core::DecodeResult result = core::decode(
      view, reading.payload,
      {{values, view.slot_count}, {scratch.data(), scratch.size()}, violations_, extras_},
      schema.pattern_hook(), schema.coercion_hook(), notes_);
  batch.arena.shrink_last(scratch.size() - result.scratch_used);
  if (result.ok()) {
    reading.values = {values, view.slot_count};
    reading.extra = write_extras(view, std::span(extras_).first(result.extras), batch.arena);
  }
  return result;
}

void Judge::resolve_time(const Schema& schema, Reading& reading, Judgement& judgement) const {
  const std::uint16_t slot = schema.view().time_slot;
  if (slot == core::no_index) return;
  const core::Value& value = reading.values[slot];
  if (value.kind() != core::ValueKind::time) {
    judgement.time_missing = true;
    return;
  }
  const std::int64_t time = value.as_integer();
  if (time < time_min || time > time_max(reading.received_at)) {
    judgement.time_absurd = true;
    return;
  }
  reading.time = time;
  reading.flags |= frame_flag::time_from_device;
}

Judge::Judgement Judge::add(const KnownTopic& topic, const Message& message,
                            std::int64_t received_at, Batch& batch) {
  Judgement judgement;
  Reading& reading = batch.readings.emplace_back();
  reading.topic = batch.arena.copy(message.topic);
  reading.topic_hash = topic.hash;
  reading.payload = batch.arena.copy(message.payload);
  reading.device = reading.topic.substr(topic.device_at, topic.device_bytes);
  reading.schema = topic.schema;
  reading.time = reading.received_at = received_at;
  reading.flags = static_cast<std::uint16_t>((message.qos & frame_flag::qos_mask) |
                                             (message.retained ? frame_flag::retained : 0) |
                                             (message.imported ? frame_flag::imported : 0));
  if (topic.schema == nullptr) {
    reading.verdict = Verdict::unmatched;
    reading.reason = core::Rule::no_schema;
    return judgement;
  }
  const core::DecodeResult result = decode(*topic.schema, reading, batch);
  if (!result.ok()) {
    reading.verdict = Verdict::invalid;
    reading.reason = result.first;
    judgement.violations =
        std::span(violations_).first(std::min<std::size_t>(result.violations, violations_max));
    return judgement;
  }
  const auto refuse = [&](core::Rule reason, std::size_t broken) {
    reading.verdict = Verdict::invalid;
    reading.reason = reason;
    reading.values = {};
    reading.extra = {};
    judgement.violations =
        std::span(violations_).first(std::min<std::size_t>(broken, violations_max));
    return judgement;
  };
  if (topic.schema->has_json_schema()) {
    if (const auto broken = topic.schema->check_json_schema(reading.payload, violations_)) {
      return refuse(core::Rule::json_schema, broken);
    }
  }
  if (const std::size_t broken = topic.schema->check_custom(reading.values, violations_)) {
    return refuse(core::Rule::custom, broken);
  }
  if (result.notes() != 0) {
    if (result.coercions != 0) reading.flags |= frame_flag::coerced;
    if (result.roundings != 0) reading.flags |= frame_flag::rounded;
    judgement.notes = std::span(notes_).first(std::min(result.notes(), notes_max));
  }
  resolve_time(*topic.schema, reading, judgement);
  const std::uint16_t slot = topic.schema->view().sequence_slot;
  if (slot != core::no_index && reading.values[slot].kind() == core::ValueKind::integer) {
    reading.sequence = reading.values[slot].as_integer();
    reading.flags |= frame_flag::has_sequence;
  }
  return judgement;
}

void Judge::add(const core::FrameView& frame, const Schema* schema, Batch& batch) {
  Reading& reading = batch.readings.emplace_back();
  reading.id = frame.header.sequence;
  reading.topic = batch.arena.copy(frame.topic);
  reading.topic_hash = hash64(reading.topic);
  reading.payload = batch.arena.copy(frame.payload);
  reading.schema = schema;
  reading.time = frame.header.time;
  reading.received_at = frame.header.received_at;
  reading.reference = frame.header.reference;
  reading.flags = frame.header.flags;
  reading.verdict = static_cast<Verdict>(frame.header.verdict);
  reading.reason = static_cast<core::Rule>(frame.header.reason);
  if (schema != nullptr) reading.device = schema->device(reading.topic);
  if (reading.verdict != Verdict::valid) return;
  if (schema == nullptr || !decode(*schema, reading, batch).ok()) {
    reading.verdict = Verdict::unmatched;
    reading.reason = core::Rule::no_schema;
    reading.schema = nullptr;
    return;
  }
  const std::uint16_t slot = schema->view().sequence_slot;
  if ((reading.flags & frame_flag::has_sequence) != 0 && slot != core::no_index) {
    reading.sequence = reading.values[slot].as_integer();
  }
}

void judge(const Schema* schema, const Message& message, Batch& batch,
           std::vector<core::Violation>* violations) {
  KnownTopic topic;
  topic.hash = hash64(message.topic);
  topic.schema = schema;
  if (schema != nullptr) {
    const std::string_view device = schema->device(message.topic);
    if (!device.empty()) {
      topic.device_at = static_cast<std::uint32_t>(device.data() - message.topic.data());
      topic.device_bytes = static_cast<std::uint32_t>(device.size());
    }
  }
  Judge one;
  const auto judgement = one.add(topic, message, message.received_at, batch);
  if (violations != nullptr) {
    violations->assign(judgement.violations.begin(), judgement.violations.end());
  }
}

std::vector<core::Violation> violations_of(const Reading& reading) {
  constexpr std::size_t block_bytes = 16 * 1024;
  std::vector<core::Violation> violations;
  Batch batch;
  batch.arena = Arena(block_bytes);
  judge(reading.schema, {.topic = reading.topic, .payload = reading.payload}, batch, &violations);
  return violations;
}

void read_back(const core::FrameView& frame, const Schema* schema, Batch& batch) {
  thread_local Judge one;
  one.add(frame, schema, batch);
}

}  // namespace telemetry
