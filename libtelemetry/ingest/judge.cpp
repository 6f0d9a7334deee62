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

Unfolded unfold_into(const Schema& schema, Message& message, std::int64_t received_at, Batch& batch,
                     std::vector<Record>& records, SparkplugBirths* births) {
  message.topic = batch.arena.copy(message.topic);
  message.payload = batch.arena.copy(message.payload);
  records.clear();
  Unfolded unfolded =
      schema.unfold({message.topic, message.payload, received_at, message.unfolded, births},
                    batch.arena, records);
  if (unfolded.refusal != core::Rule::none)
    records.assign(1, {message.payload, message.payload, schema.device(message.topic)});
  if (unfolded.made) message.unfolded = true;
  return unfolded;
}

std::uint64_t identity_of(const Reading& reading) noexcept {
  if (reading.identity == 0 || (reading.flags & frame_flag::has_sequence) != 0) return 0;
  const std::uint64_t identity = reading.identity ^ hash64(reading.device);
  return identity == 0 ? 1 : identity;
}

core::DecodeResult Judge::decode(const Schema& schema, Reading& reading, Batch& batch) {
  const core::SchemaView& view = schema.view();
  const auto memory =
      batch.arena.allocate(view.slot_count * sizeof(core::Value), alignof(core::Value));
  auto* values = reinterpret_cast<core::Value*>(memory.data());
  std::uninitialized_default_construct_n(values, view.slot_count);
  // Unescaped text is never longer than the payload; what is left goes back.
  const auto scratch = batch.arena.allocate(reading.document.size());
  const core::DecodeResult result = core::decode(
      view, reading.document,
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
  for (const std::uint16_t slot : schema.time_slots()) {
    const core::Value& value = reading.values[slot];
    if (value.kind() != core::ValueKind::time) {
      judgement.time_missing = true;
      continue;
    }
    judgement.time_missing = false;
    const std::int64_t time = value.as_integer();
    judgement.time_absurd = time < time_min || time > time_max(reading.received_at);
    if (judgement.time_absurd) continue;
    reading.time = time;
    reading.flags |= frame_flag::time_from_device;
    return;
  }
}

Reading& Judge::begin(const Message& message, std::int64_t received_at, Batch& batch) {
  Reading& reading = batch.readings.emplace_back();
  reading.time = reading.received_at = received_at;
  reading.flags = static_cast<std::uint16_t>((message.qos & frame_flag::qos_mask) |
                                             (message.retained ? frame_flag::retained : 0) |
                                             (message.imported ? frame_flag::imported : 0) |
                                             (message.unfolded ? frame_flag::unfolded : 0));
  return reading;
}

Judge::Judgement Judge::add(const KnownTopic& topic, const Message& message,
                            std::int64_t received_at, Batch& batch) {
  Reading& reading = begin(message, received_at, batch);
  reading.topic = batch.arena.copy(message.topic);
  reading.topic_hash = topic.hash;
  reading.payload = reading.document = batch.arena.copy(message.payload);
  reading.device = reading.topic.substr(topic.device_at, topic.device_bytes);
  reading.schema = topic.schema;
  if (topic.schema != nullptr) return judge(*topic.schema, reading, batch);
  reading.verdict = Verdict::unmatched;
  reading.reason = core::Rule::no_schema;
  return {};
}

Judge::Judgement Judge::add(const Schema& schema, std::uint64_t topic_hash, const Record& record,
                            core::Rule refusal, const Message& message, std::int64_t received_at,
                            Batch& batch) {
  Reading& reading = begin(message, received_at, batch);
  reading.topic = message.topic;
  reading.topic_hash = topic_hash;
  reading.payload = record.payload;
  reading.document = record.document;
  reading.device = record.device;
  reading.schema = &schema;
  if (refusal == core::Rule::none) return judge(schema, reading, batch);
  reading.verdict = Verdict::invalid;
  reading.reason = refusal;
  violations_[0] = {.rule = refusal};
  Judgement judgement;
  judgement.violations = std::span(violations_).first(1);
  return judgement;
}

Judge::Judgement Judge::judge(const Schema& schema, Reading& reading, Batch& batch) {
  Judgement judgement;
  const core::DecodeResult result = decode(schema, reading, batch);
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
  if (schema.has_json_schema()) {
    if (const auto broken = schema.check_json_schema(reading.document, violations_)) {
      return refuse(core::Rule::json_schema, broken);
    }
  }
  if (const std::size_t broken = schema.check_custom(reading.values, violations_)) {
    return refuse(core::Rule::custom, broken);
  }
  if (result.notes() != 0) {
    if (result.coercions != 0) reading.flags |= frame_flag::coerced;
    if (result.roundings != 0) reading.flags |= frame_flag::rounded;
    judgement.notes = std::span(notes_).first(std::min(result.notes(), notes_max));
  }
  resolve_time(schema, reading, judgement);
  reading.identity = schema.identity(reading.values);
  const std::uint16_t slot = schema.view().sequence_slot;
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
  reading.payload = reading.document = batch.arena.copy(frame.payload);
  reading.schema = schema;
  reading.time = frame.header.time;
  reading.received_at = frame.header.received_at;
  reading.reference = frame.header.reference;
  reading.flags = frame.header.flags;
  reading.verdict = static_cast<Verdict>(frame.header.verdict);
  reading.reason = static_cast<core::Rule>(frame.header.reason);
  bool known = schema != nullptr;
  if (known && schema->unfolds()) {
    records_.clear();
    const UnfoldInput input{.topic = reading.topic,
                            .payload = reading.payload,
                            .received_at = reading.received_at,
                            .unfolded = (reading.flags & frame_flag::unfolded) != 0};
    known = schema->unfold(input, batch.arena, records_).refusal == core::Rule::none &&
            records_.size() == 1;
    if (known) {
      reading.document = records_.front().document;
      reading.device = records_.front().device;
    }
  } else if (known) {
    reading.device = schema->device(reading.topic);
  }
  if (reading.verdict != Verdict::valid) return;
  if (!known || !decode(*schema, reading, batch).ok()) {
    reading.verdict = Verdict::unmatched;
    reading.reason = core::Rule::no_schema;
    reading.schema = nullptr;
    return;
  }
  reading.identity = schema->identity(reading.values);
  const std::uint16_t slot = schema->view().sequence_slot;
  if ((reading.flags & frame_flag::has_sequence) != 0 && slot != core::no_index) {
    reading.sequence = reading.values[slot].as_integer();
  }
}

Unfolded judge(const Schema* schema, const Message& message, Batch& batch,
               std::vector<core::Violation>* violations, SparkplugBirths* births) {
  Judge one;
  Unfolded unfolded;
  const auto note = [&](const Judge::Judgement& judgement) {
    if (violations == nullptr || judgement.violations.empty()) return;
    violations->assign(judgement.violations.begin(), judgement.violations.end());
    violations = nullptr;
  };
  if (violations != nullptr) violations->clear();
  if (schema != nullptr && schema->unfolds()) {
    Message kept = message;
    std::vector<Record> records;
    unfolded = unfold_into(*schema, kept, message.received_at, batch, records, births);
    const std::uint64_t hash = hash64(kept.topic);
    for (const Record& record : records)
      note(one.add(*schema, hash, record, unfolded.refusal, kept, message.received_at, batch));
    return unfolded;
  }
  KnownTopic topic;
  topic.hash = hash64(message.topic);
  topic.schema = schema;
  const std::string_view device = schema == nullptr ? "" : schema->device(message.topic);
  if (!device.empty()) {
    topic.device_at = static_cast<std::uint32_t>(device.data() - message.topic.data());
    topic.device_bytes = static_cast<std::uint32_t>(device.size());
  }
  note(one.add(topic, message, message.received_at, batch));
  return unfolded;
}

std::vector<core::Violation> violations_of(const Reading& reading) {
  constexpr std::size_t block_bytes = 16 * 1024;
  std::vector<core::Violation> violations;
  Batch batch;
  batch.arena = Arena(block_bytes);
  judge(reading.schema,
        {.topic = reading.topic,
         .payload = reading.payload,
         .received_at = reading.received_at,
         .unfolded = (reading.flags & frame_flag::unfolded) != 0},
        batch, &violations);
  return violations;
}

void read_back(const core::FrameView& frame, const Schema* schema, Batch& batch) {
  thread_local Judge one;
  one.add(frame, schema, batch);
}

}  // namespace telemetry
