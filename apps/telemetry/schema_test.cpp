// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>

#include "commands.hpp"
#include "message_line.hpp"
#include "output.hpp"
#include "settings.hpp"
#include "telemetry/core/journal_format.hpp"
#include "telemetry/core/limits.hpp"
#include "telemetry/core/topic.hpp"
#include "telemetry/export.hpp"
#include "telemetry/ingest.hpp"

namespace telemetry::command_line {
namespace {

struct Arguments {
  std::string schemas, topic;
  std::vector<std::string> files;
  bool lines = false;
  bool messages = false;
  bool json = false;
};

/// One payload and where it stood.
struct Sample {
  std::string file;
  std::size_t line = 0;  ///< 0 = the whole file
  std::string payload;
  std::string topic;
  [[nodiscard]] std::string place() const {
    return line == 0 ? file : fmt::format("{}:{}", file, line);
  }
};

struct Value {
  std::string path, json, unit;
  core::FieldType type = core::FieldType::any;
  bool is_default = false;
};

/// What the door would make of a sample.
struct Judged {
  const Schema* schema = nullptr;
  bool valid = false;
  std::vector<std::string> problems;
  std::vector<std::string> warnings;  ///< what lenient mode made of values of another type
  std::vector<Value> values;
  std::string extra, device, time;
  std::string time_note;  ///< why it is not the device's; empty = it is
  bool has_sequence = false;
  std::int64_t sequence = 0;
};

/// How the values of a valid payload came about.
struct Origins {
  std::vector<bool> is_default;        ///< by slot
  std::vector<core::Violation> notes;  ///< what is not taken as it was written
};

/// The same decoder without the defaults: what stays null is filled by them.
Origins origins_of(const Schema& schema, std::string_view payload) {
  core::SchemaView view = schema.view();
  view.defaults = {};
  std::vector<core::Value> values(view.slot_count);
  std::vector<char> scratch(payload.size());
  std::vector<core::Extra> extras(1024);  // more than a valid payload may have
  std::array<core::Violation, 1> violations;
  Origins origins{std::vector<bool>(view.slot_count), std::vector<core::Violation>(16)};
  const auto result = core::decode(view, payload, {values, scratch, violations, extras},
                                   schema.pattern_hook(), schema.coercion_hook(), origins.notes);
  origins.notes.resize(std::min(result.notes(), origins.notes.size()));
  for (const core::Default& one : schema.view().defaults) {
    origins.is_default[one.slot] = values[one.slot].is_absent();
  }
  return origins;
}

std::string time_note(const Schema& schema, const Reading& reading) {
  if ((reading.flags & core::frame_flag::time_from_device) != 0) return {};
  if (schema.time_slots().empty()) return "the schema names no time field";
  const bool none = std::ranges::all_of(
      schema.time_slots(), [&](std::uint16_t slot) { return reading.values[slot].is_null(); });
  return none ? "the payload has no time" : "the device's clock is absurd";
}

Judged judged(const Schema* schema, const Reading& reading) {
  Judged out;
  out.schema = schema;
  out.device = reading.device;
  out.valid = reading.verdict == Verdict::valid;
  if (schema == nullptr) {
    out.problems.emplace_back("no schema matches the topic");
    return out;
  }
  if (!out.valid) {
    for (const auto& violation : violations_of(reading))
      out.problems.push_back(schema->describe(violation, reading.document));
    return out;
  }
  append_json_time(reading.time, out.time);
  out.time_note = time_note(*schema, reading);
  out.has_sequence = (reading.flags & core::frame_flag::has_sequence) != 0;
  out.sequence = reading.sequence;
  out.extra = reading.extra;
  const Origins origins = origins_of(*schema, reading.document);
  for (const auto& note : origins.notes) {
    out.warnings.push_back(schema->describe(note, reading.document));
  }
  for (std::size_t slot = 0; slot < reading.values.size(); ++slot) {
    const SlotInfo& info = schema->slots()[slot];
    Value& value = out.values.emplace_back(
        Value{info.path, {}, info.unit, info.type, origins.is_default[slot]});
    append_json_value(reading.values[slot], value.json);
  }
  return out;
}

/// The readings of a sample; none where the schema drops it.
std::vector<Judged> judge_all(const Schema* schema, const Sample& sample, std::int64_t now,
                              SparkplugBirths& births) {
  if (sample.payload.size() > core::payload_bytes_max) {
    Judged out;
    out.schema = schema;
    out.problems.push_back(fmt::format("{} bytes: the largest payload that is stored is {}",
                                       sample.payload.size(), core::payload_bytes_max));
    return {out};
  }
  Batch batch;
  judge(schema, {.topic = sample.topic, .payload = sample.payload, .received_at = now}, batch,
        nullptr, &births);
  std::vector<Judged> all;
  for (const Reading& reading : batch.readings) all.push_back(judged(schema, reading));
  return all;
}

std::string as_text(const Sample& sample, const Judged& judged) {
  std::string out = sample.place() + (judged.valid ? ": valid" : ": invalid");
  if (judged.schema != nullptr) {
    out += fmt::format(", {} {}", judged.schema->name(), version_of(*judged.schema));
  }
  out += "\n";
  for (const auto& problem : judged.problems) out += fmt::format("  {}\n", problem);
  for (const auto& warning : judged.warnings) out += fmt::format("  warning: {}\n", warning);
  if (!judged.valid) return out;
  std::size_t width = 8;  // of "sequence"
  for (const Value& value : judged.values) width = std::max(width, value.path.size());
  const auto line = [&](std::string_view name, std::string_view text) {
    out += fmt::format("  {:<{}}  {}\n", name, width, text);
  };
  for (const Value& value : judged.values) {
    line(value.path, fmt::format("{}{}{}", value.json == "null" ? "-" : value.json,
                                 value.unit.empty() || value.json == "null" ? "" : " " + value.unit,
                                 value.is_default ? " (default)" : ""));
  }
  if (!judged.extra.empty()) line("extra", judged.extra);
  if (!judged.device.empty()) line("device", judged.device);
  line("time", judged.time.substr(1, judged.time.size() - 2) +
                   (judged.time_note.empty() ? "" : " (of arrival: " + judged.time_note + ")"));
  line("sequence", judged.has_sequence ? std::to_string(judged.sequence) : "-");
  return out;
}

std::string as_json(const Sample& sample, const Judged& judged) {
  std::string out = fmt::format(
      R"({{"file":{},"line":{},"valid":{},"schema":{})", json_string(sample.file), sample.line,
      judged.valid,
      judged.schema == nullptr
          ? "null"
          : json_string(fmt::format("{} {}", judged.schema->name(), version_of(*judged.schema))));
  const auto list = [](const std::vector<std::string>& texts) {
    std::string items;
    for (const auto& text : texts) items += (items.empty() ? "" : ",") + json_string(text);
    return items;
  };
  out += fmt::format(R"(,"problems":[{}],"warnings":[{}])", list(judged.problems),
                     list(judged.warnings));
  std::string values, types, units, defaults;
  if (judged.valid) {
    for (const Value& value : judged.values) {
      values +=
          fmt::format("{}{}:{}", values.empty() ? "" : ",", json_string(value.path), value.json);
      types += fmt::format("{}{}:\"{}\"", types.empty() ? "" : ",", json_string(value.path),
                           to_string(value.type));
      if (!value.unit.empty())
        units += fmt::format("{}{}:{}", units.empty() ? "" : ",", json_string(value.path),
                             json_string(value.unit));
      if (value.is_default) defaults += (defaults.empty() ? "" : ",") + json_string(value.path);
    }
    out += fmt::format(
        R"(,"values":{{{}}},"types":{{{}}},"units":{{{}}},"defaults":[{}],"extra":{},)"
        R"("device":{},"time":{},)"
        R"("time_from_device":{},"sequence":{})",
        values, types, units, defaults, judged.extra.empty() ? "{}" : judged.extra,
        judged.device.empty() ? "null" : json_string(judged.device), judged.time,
        judged.time_note.empty(), judged.has_sequence ? std::to_string(judged.sequence) : "null");
  }
  return out + "}\n";
}

/// Judges samples as they are read and keeps count.
class Tester {
 public:
  Tester(const Arguments& arguments, const SchemaSet& schemas)
      : arguments_(arguments), schemas_(schemas), now_(environment().clock.now()) {}

  /// False when nobody reads the output any more.
  bool test(const Sample& sample) {
    const Schema* schema = schema_of(sample);
    const std::vector<Judged> readings = judge_all(schema, sample, now_, births_);
    if (readings.empty()) {
      ++dropped_;
      return arguments_.json || output_.write(fmt::format("{}: dropped by {} {}\n", sample.place(),
                                                          schema->name(), version_of(*schema)));
    }
    for (const Judged& one : readings) {
      ++(one.valid ? valid_ : invalid_);
      if (!output_.write(arguments_.json ? as_json(sample, one) : as_text(sample, one)))
        return false;
    }
    return true;
  }

  bool test_all(std::istream& in, const std::string& name, bool lines) {
    Sample sample{name, 0, {}, arguments_.topic};
    if (!lines) {
      sample.payload.assign(std::istreambuf_iterator<char>(in), {});
      return test(sample);
    }
    while (std::getline(in, sample.payload)) {
      ++sample.line;
      if (sample.payload.find_first_not_of(" \t\r") == std::string::npos) continue;
      if (arguments_.messages && !as_message(sample)) {
        say(fmt::format("{}: not a message: a JSON object with topic and payload is wanted",
                        sample.place()));
        ++invalid_;
        continue;
      }
      if (!test(sample)) return false;
    }
    return true;
  }

  [[nodiscard]] int finish() {
    const std::uint64_t all = valid_ + invalid_ + dropped_;
    if (all == 0) say("no payload there");
    if (!arguments_.json && all > 1) {
      output_.write(fmt::format("{} valid, {} invalid{}\n", valid_, invalid_,
                                dropped_ == 0 ? "" : fmt::format(", {} dropped", dropped_)));
    }
    return output_.finish(invalid_ == 0 && all > 0 ? 0 : 1);
  }

 private:
  [[nodiscard]] const Schema* schema_of(const Sample& sample) {
    if (sample.topic.empty()) return schemas_.all().front().get();
    return schemas_.choose(
        UnfoldInput{.topic = sample.topic, .payload = sample.payload, .births = &births_});
  }
  [[nodiscard]] static bool as_message(Sample& sample) {
    auto message = read_message_line(sample.payload);
    if (!message) return false;
    sample.topic = std::move(message->topic);
    sample.payload = std::move(message->payload);
    return true;
  }

  const Arguments& arguments_;
  const SchemaSet& schemas_;
  std::int64_t now_;
  SparkplugBirths births_;  // of the samples before
  Output output_;
  std::uint64_t valid_ = 0, invalid_ = 0, dropped_ = 0;
};

int run(const Arguments& arguments) {
  if (!arguments.topic.empty() && !core::is_valid_topic(arguments.topic)) {
    return fail(
        {Errc::invalid_argument,
         fmt::format("--topic \"{}\": not a topic; name one without + and #", arguments.topic)});
  }
  std::vector<Diagnostic> diagnostics;
  // This program has none of the functions that a schema may name: they are not called.
  const auto set =
      SchemaSet::load(arguments.schemas, diagnostics, ValidationFunctions::not_called());
  print(diagnostics);
  if (!set) return fail(set.error());
  if (arguments.topic.empty() && !arguments.messages && (*set)->all().size() != 1) {
    return fail({Errc::invalid_argument,
                 fmt::format("{}: {} schemas there; say which topic the payloads came on: --topic "
                             "TOPIC, or --messages",
                             arguments.schemas, (*set)->all().size())});
  }
  Tester tester(arguments, **set);
  for (const std::string& file : arguments.files) {
    const bool lines = arguments.lines || arguments.messages || file.ends_with(".jsonl");
    if (file == "-") {
      if (!tester.test_all(std::cin, "standard input", lines)) break;
      continue;
    }
    errno = 0;
    std::ifstream in(file, std::ios::binary);
    // A folder opens; only reading it fails.
    if (!in || (in.peek() == std::ifstream::traits_type::eof() && in.bad())) {
      return fail({Errc::not_found, fmt::format("{}: cannot read it: {}", file,
                                                errno_text(errno == 0 ? EIO : errno))});
    }
    in.clear();
    if (!tester.test_all(in, file, lines)) break;
  }
  return tester.finish();
}

}  // namespace

void add_schema_test(Command& schema) {
  const auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  Command& command = schema.command(
      "test", "Judges sample payloads as telemetry-edge would; 1 when one is invalid");
  command.positional("SCHEMA", a.schemas, "Schema file, or folder of them with --topic").required();
  command
      .positional("PAYLOAD", a.files,
                  "Files of one payload each; of one a line when they end with .jsonl; - is "
                  "standard input")
      .required();
  command.option("--topic", a.topic, "Topic of the payloads: chooses the schema, names the device")
      .type("TOPIC");
  command.flag("--lines", a.lines, "One payload a line, whatever the files are called");
  command.flag("--messages", a.messages,
               "A message a line, with its topic: {\"topic\": ..., \"payload\": ...}, as "
               "mosquitto_sub -F %j writes it; or with payload_base64 or payload_hex");
  command.flag("--json", a.json, "One JSON object a reading instead of lines");
  command.footer(
      "Shows what each valid payload is stored as: values with units, defaults that were "
      "filled in, device, time, sequence number, what lenient mode read as another type; "
      "and each rule that an invalid one breaks. Nothing is stored, repeats are not "
      "looked for, and custom functions are not called. Exit code: 0 all are valid, 1 one "
      "is invalid or no schema matches, 2 wrong usage.");
  command.example("telemetry schema test schemas/room.yaml sample.json");
  command.example(
      "telemetry schema test schemas captured.jsonl \\\n"
      "      --topic sensors/sensor-001/temperature");
  command.example("mosquitto_sub -t '#' -C 100 -F %j | telemetry schema test schemas --messages -");
  command.example(
      "mosquitto_sub -t 'sensors/+/temperature' -C 100 | \\\n"
      "      telemetry schema test schemas/temperature_sensor.yaml --lines -");
  command.action([arguments] { return run(*arguments); });
}

}  // namespace telemetry::command_line
