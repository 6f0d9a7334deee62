// SPDX-License-Identifier: Apache-2.0
#include "bench_samples.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "output.hpp"
#include "simulator/devices.hpp"
#include "simulator/temperature_schema.hpp"
#include "telemetry/core/time.hpp"
#include "telemetry/export.hpp"
#include "telemetry/ingest.hpp"

namespace telemetry::command_line::bench {
namespace {

constexpr std::size_t topics_per_schema = 100;
constexpr std::size_t schemas_max = 16;

// Where time and number go in a payload that was made from a schema; JSON has no such bytes.
constexpr char time_mark = '\x01';
constexpr char sequence_mark = '\x02';

std::string decimal_text(core::Decimal d) { return fmt::format("{}e{}", d.mantissa, d.exponent); }

/// Writes JSON that keeps types, bounds, lengths and enums. Patterns, comparisons and `requires`
/// it does not know: what comes out is judged before it is used.
class PayloadMaker {
 public:
  PayloadMaker(const core::SchemaView& view, bool optional_fields)
      : view_(view), optional_fields_(optional_fields) {}

  std::string make() { return object(view_.nodes[0]); }

 private:
  std::string object(const core::Node& node) {
    std::string out = "{";
    std::uint16_t last = core::no_index;
    for (const core::Key& key : view_.keys.subspan(node.first, node.count)) {
      if (key.field == last) continue;  // an alias
      last = key.field;
      const core::Node& member = view_.nodes[key.node];
      const bool numbered = member.slot != core::no_index &&
                            (member.slot == view_.time_slot || member.slot == view_.sequence_slot);
      if (!key.required && !numbered && !optional_fields_) continue;
      if (!key.required && member.pattern != core::no_index) continue;
      out +=
          fmt::format("{}{}:{}", out.size() == 1 ? "" : ",", json_string(key.name), value(member));
    }
    return out + "}";
  }

  std::string value(const core::Node& node) {
    if (node.slot != core::no_index && node.slot == view_.sequence_slot) return {sequence_mark};
    switch (node.type) {
      case core::FieldType::string:
      case core::FieldType::integer:
      case core::FieldType::number:
        return scalar(node);
      case core::FieldType::boolean:
      case core::FieldType::any:
        return "true";
      case core::FieldType::timestamp:
        return {time_mark, static_cast<char>('0' + static_cast<int>(node.time_format))};
      case core::FieldType::object:
        return object(node);
      case core::FieldType::array:
        return array(node);
    }
    return "null";
  }

  std::string scalar(const core::Node& node) const {
    if (node.count > 0) {  // enum
      std::string out;
      append_json_value(view_.enums[node.first], out);
      return out;
    }
    if (node.type == core::FieldType::string) {
      const std::size_t least = node.length_min;
      const std::size_t most = node.length_max;
      std::string text = "sample-001";
      text.resize(std::clamp(text.size(), least, std::max(least, most)), 'x');
      return json_string(text);
    }
    if (node.min != core::no_index) return decimal_text(view_.bounds[node.min]);
    if (node.max != core::no_index) return decimal_text(view_.bounds[node.max]);
    return node.type == core::FieldType::integer ? "42" : "21.5";
  }

  std::string array(const core::Node& node) {
    std::string out = "[";
    const std::size_t items = std::clamp<std::size_t>(3, node.length_min, node.length_max);
    for (std::size_t i = 0; i < items; ++i)
      out += (i == 0 ? "" : ",") + value(view_.nodes[node.first]);
    return out + "]";
  }

  const core::SchemaView& view_;
  bool optional_fields_;
};

void append_timestamp(std::int64_t now, core::TimeFormat format, std::string& out) {
  switch (format) {
    case core::TimeFormat::automatic:
    case core::TimeFormat::rfc3339:
      append_json_time(now, out);
      return;
    case core::TimeFormat::s:
      out += std::to_string(now / 1'000'000'000);
      return;
    case core::TimeFormat::ms:
      out += std::to_string(now / 1'000'000);
      return;
    case core::TimeFormat::us:
      out += std::to_string(now / 1'000);
      return;
    case core::TimeFormat::ns:
      out += std::to_string(now);
      return;
  }
}

void fill_in(const std::string& payload, std::int64_t now, std::uint64_t sequence,
             std::string& out) {
  out.clear();
  for (std::size_t i = 0; i < payload.size(); ++i) {
    if (payload[i] == sequence_mark) {
      out += std::to_string(sequence);
    } else if (payload[i] == time_mark) {
      append_timestamp(now, static_cast<core::TimeFormat>(payload[++i] - '0'), out);
    } else {
      out += payload[i];
    }
  }
}

bool is_good(const Sample& sample, std::int64_t now) {
  Batch batch;
  std::string payload;
  for (std::size_t topic : {std::size_t{0}, sample.topics.size() - 1}) {
    sample.write(topic, now, 1, payload);
    judge(sample.schema.get(),
          {.topic = sample.topics[topic], .payload = payload, .received_at = now}, batch);
    if (batch.readings.back().verdict != Verdict::valid) return false;
  }
  return true;
}

std::optional<Sample> simulated(const SchemaSet& set, std::shared_ptr<const Schema> schema,
                                std::int64_t now) {
  using simulator::DeviceKind;
  for (const auto& [kind, prefix] :
       {std::pair{DeviceKind::temperature, "sensor"}, std::pair{DeviceKind::power_meter_dc, "dc"},
        std::pair{DeviceKind::power_meter_ac, "ac"}, std::pair{DeviceKind::f2, "f2"}}) {
    auto devices = std::make_shared<std::vector<simulator::Device>>();
    Sample sample{schema, {}, {}};
    for (std::size_t i = 0; i < topics_per_schema; ++i) {
      devices->emplace_back(kind, fmt::format("{}-{:03}", prefix, i + 1), i + 1);
      sample.topics.push_back(devices->back().topic());
    }
    if (set.choose(sample.topics[0]) != schema.get()) continue;
    sample.write = [devices](std::size_t topic, std::int64_t at, std::uint64_t sequence,
                             std::string& out) {
      (*devices)[topic].write_reading(at, at, sequence, out);
    };
    if (is_good(sample, now)) return sample;
  }
  return {};
}

std::optional<Sample> made_up(const SchemaSet& set, std::shared_ptr<const Schema> schema,
                              std::int64_t now) {
  Sample sample{schema, {}, {}};
  for (std::size_t i = 0; i < topics_per_schema; ++i) {
    std::string topic;
    for (const char c : schema->filter()) {
      if (c == '+' || c == '#')
        topic += fmt::format("sample-{:03}", i + 1);
      else
        topic += c;
    }
    const bool same = !sample.topics.empty() && sample.topics.back() == topic;
    if (!same && set.choose(topic) == schema.get()) sample.topics.push_back(topic);
  }
  if (sample.topics.empty()) return {};
  for (const bool optional_fields : {true, false}) {
    const std::string payload = PayloadMaker(schema->view(), optional_fields).make();
    sample.write = [payload](std::size_t, std::int64_t at, std::uint64_t sequence,
                             std::string& out) { fill_in(payload, at, sequence, out); };
    if (is_good(sample, now)) return sample;
  }
  return {};
}

Result<std::shared_ptr<const SchemaSet>> load(const std::string& path, bool optional,
                                              std::vector<Diagnostic>& diagnostics,
                                              bool& built_in) {
  built_in = false;
  if (!path.empty()) {
    auto set = SchemaSet::load(path, diagnostics, ValidationFunctions::not_called());
    const bool missing = !set && set.error().code == Errc::not_found && optional;
    if (!missing && (!set || !(*set)->all().empty())) return set;
  }
  built_in = true;
  auto schema = Schema::parse(simulator::temperature_schema, "the temperature sample", diagnostics);
  if (!schema) return schema.error();
  return SchemaSet::make({*schema}, diagnostics);
}

}  // namespace

const std::string& Samples::topic(std::uint64_t message) const {
  const Sample& sample = of(message);
  return sample.topics[message / all.size() % sample.topics.size()];
}

void Samples::write(std::uint64_t message, std::int64_t now, std::string& out) const {
  const Sample& sample = of(message);
  const std::uint64_t turn = message / all.size();
  sample.write(turn % sample.topics.size(), now, turn / sample.topics.size() + 1, out);
}

Result<Samples> make_samples(const std::string& path, bool optional,
                             std::vector<Diagnostic>& diagnostics) {
  Samples samples;
  auto set = load(path, optional, diagnostics, samples.built_in);
  if (!set) return set.error();
  const std::int64_t now = system_environment().clock.now();
  for (const auto& schema : (*set)->all()) {
    const std::string name = schema->name() + " " + version_of(*schema);
    if (samples.all.size() == schemas_max) {
      samples.left_out.push_back(fmt::format("{}: {} schemas are enough", name, schemas_max));
      continue;
    }
    auto sample = simulated(**set, schema, now);
    if (!sample) sample = made_up(**set, schema, now);
    if (sample) {
      samples.all.push_back(*std::move(sample));
    } else {
      samples.left_out.push_back(name + ": no payload that it accepts can be made up");
    }
  }
  if (samples.all.empty()) {
    return Error{Errc::failed_precondition,
                 fmt::format("{}: no payload can be made up that one of its schemas accepts; "
                             "measure without them: --set schema.path=",
                             path)};
  }
  return samples;
}

}  // namespace telemetry::command_line::bench
