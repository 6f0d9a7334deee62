// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>

#include "commands.hpp"
#include "output.hpp"
#include "schema_files.hpp"
#include "telemetry/condition.hpp"
#include "telemetry/core/limits.hpp"
#include "telemetry/core/topic.hpp"
#include "telemetry/export.hpp"
#include "telemetry/ingest.hpp"

namespace telemetry::command_line {
namespace {

struct Arguments {
  Settings settings;
  std::vector<std::string> topics, payloads;
  std::string path;
  bool json = false;
};

/// The condition of a schema as it stands in its document; empty: it takes every payload.
std::string condition_of(const Schema& schema) {
  const auto when = json_member(schema.document(), "when");
  return when ? text_of_json(*when) : std::string();
}

/// One schema that matches the topic.
struct Candidate {
  const Schema* schema = nullptr;
  std::string when;
  bool asked = false;         ///< else a more specific schema is asked in its place
  std::optional<bool> takes;  ///< with a payload, of those that are asked up to the one that does
  std::string refusal;        ///< why it cannot read the payload
};

struct Choice {
  std::vector<Candidate> schemas;
  const Schema* taken_by = nullptr;
  std::size_t readings = 0, invalid = 0;  ///< of the payload
};

Choice choose(const SchemaSet& set, const std::string& topic,
              const std::optional<std::string>& payload) {
  Choice choice;
  const auto asked = set.candidates(topic);
  const UnfoldInput input{.topic = topic, .payload = payload ? *payload : std::string_view()};
  for (const Schema* schema : asked) {
    Candidate& one =
        choice.schemas.emplace_back(Candidate{schema, condition_of(*schema), true, {}, {}});
    if (!payload || choice.taken_by != nullptr) continue;
    one.takes = schema->takes(input);
    if (*one.takes) {
      choice.taken_by = schema;
      continue;
    }
    Arena arena;
    std::vector<Record> records;
    const Unfolded unfolded = schema->unfold(input, arena, records);
    if (unfolded.refusal == core::Rule::form) one.refusal = unfolded.reason;
  }
  for (const Schema* schema : set.matching(topic)) {
    if (std::ranges::find(asked, schema) == asked.end())
      choice.schemas.push_back({schema, condition_of(*schema), false, {}, {}});
  }
  if (choice.taken_by != nullptr) {
    Batch batch;
    const Message message{
        .topic = topic, .payload = *payload, .received_at = environment().clock.now()};
    judge(choice.taken_by, message, batch);
    choice.readings = batch.readings.size();
    choice.invalid = static_cast<std::size_t>(std::ranges::count_if(
        batch.readings, [](const Reading& reading) { return reading.verdict != Verdict::valid; }));
  }
  return choice;
}

std::string_view outcome_of(const Choice& choice) {
  if (choice.taken_by == nullptr) return "unmatched";
  if (choice.readings == 0) return "dropped";
  return choice.invalid == 0 ? "valid" : "invalid";
}

std::string as_json(const std::string& topic, bool with_payload, const Choice& choice) {
  std::string list;
  for (const Candidate& one : choice.schemas) {
    list += fmt::format(R"({}{{{},"when":{},"asked":{})", list.empty() ? "" : ",",
                        members_of(*one.schema), one.when.empty() ? "null" : json_string(one.when),
                        one.asked);
    if (with_payload) {
      list += fmt::format(R"(,"takes":{})", one.takes ? (*one.takes ? "true" : "false") : "null");
      if (!one.refusal.empty()) list += fmt::format(R"(,"refusal":{})", json_string(one.refusal));
    }
    list += '}';
  }
  std::string out = fmt::format(R"({{"topic":{},"schemas":[{}])", json_string(topic), list);
  if (with_payload)
    out += fmt::format(R"(,"taken_by":{},"outcome":"{}","readings":{},"invalid":{})",
                       choice.taken_by == nullptr ? "null" : json_string(choice.taken_by->name()),
                       outcome_of(choice), choice.readings, choice.invalid);
  return out + "}\n";
}

std::string note_of(const Candidate& one, bool with_payload) {
  if (!one.asked) return ", less specific";
  if (with_payload && !one.takes) return ": not asked";
  if (one.takes && *one.takes)
    return one.when.empty() ? ": takes it" : ": takes it, for " + one.when;
  if (one.takes && !one.refusal.empty()) return ": cannot read it: " + one.refusal;
  if (one.takes) return ": not met: " + one.when;
  return one.when.empty() ? ": takes what is left" : ": when " + one.when;
}

std::string result_of(const Choice& choice) {
  if (choice.taken_by == nullptr) return "no schema takes it";
  const std::string name =
      fmt::format("{} {}", choice.taken_by->name(), version_of(*choice.taken_by));
  if (choice.readings == 0) return name + " drops it";
  const std::string count =
      fmt::format("{} reading{}", choice.readings, choice.readings == 1 ? "" : "s");
  return choice.invalid == 0
             ? fmt::format("{} takes it: {}", name, count)
             : fmt::format("{} takes it: {}, {} invalid", name, count, choice.invalid);
}

std::string as_text(const std::string& topic, bool with_payload, const Choice& choice) {
  if (choice.schemas.empty()) return topic + ": no schema\n";
  // Without a payload and without conditions there is one line a schema, as there always was.
  const bool ordered = with_payload || !choice.schemas.front().when.empty();
  std::string out = with_payload ? fmt::format("{}: {}\n", topic, result_of(choice)) : "";
  for (const Candidate& one : choice.schemas)
    out += fmt::format("{}{} {} ({}, {}){}\n", with_payload ? "  " : topic + ": ",
                       one.schema->name(), version_of(*one.schema), one.schema->filter(),
                       one.schema->file(), ordered || !one.asked ? note_of(one, with_payload) : "");
  return out;
}

/// TEXT, or what FILE of @FILE has.
Result<std::string> payload_of(const std::string& given) {
  if (!given.starts_with('@')) return given;
  const std::string path = given.substr(1);
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  // A folder opens; only reading it fails.
  if (!in || (in.peek() == std::ifstream::traits_type::eof() && in.bad()))
    return Error{Errc::not_found,
                 fmt::format("{}: cannot read it: {}", path, errno_text(errno == 0 ? EIO : errno))};
  in.clear();
  return std::string(std::istreambuf_iterator<char>(in), {});
}

int which(const Arguments& arguments) {
  for (const std::string& topic : arguments.topics) {
    if (!core::is_valid_topic(topic)) {
      return fail({Errc::invalid_argument,
                   fmt::format("\"{}\" is not a topic; name one without + and #", topic)});
    }
  }
  std::vector<std::optional<std::string>> payloads;
  for (const std::string& given : arguments.payloads) {
    auto bytes = payload_of(given);
    if (!bytes) return fail(bytes.error());
    if (bytes->size() > core::payload_bytes_max)
      return fail({Errc::invalid_argument,
                   fmt::format("--payload: {} bytes: the largest payload that is stored is {}",
                               bytes->size(), core::payload_bytes_max)});
    payloads.emplace_back(*std::move(bytes));
  }
  const bool with_payload = !payloads.empty();
  if (!with_payload) payloads.emplace_back();
  std::vector<Diagnostic> diagnostics;
  const auto set = load_schemas(arguments.settings, arguments.path, diagnostics);
  print(diagnostics);
  if (!set) return fail(set.error());
  Output output;
  bool all = true;
  for (const std::string& topic : arguments.topics) {
    for (const auto& payload : payloads) {
      const Choice choice = choose(**set, topic, payload);
      all = all && (with_payload ? choice.taken_by != nullptr : !choice.schemas.empty());
      output.write(arguments.json ? as_json(topic, with_payload, choice)
                                  : as_text(topic, with_payload, choice));
    }
  }
  return output.finish(all ? 0 : 1);
}

}  // namespace

void add_schema_which(Command& schema) {
  const auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  Command& command = schema.command(
      "which", "Tells which schema judges a topic, and which others match; 1 when none does");
  command.positional("TOPIC", a.topics, "Topics").required();
  command.option("--path", a.path, "Folder or file of the schemas").type("PATH");
  command
      .option("--payload", a.payloads,
              "Explains the choice for this payload; @FILE reads a file. May be repeated")
      .type("TEXT");
  a.settings.add_to(command);
  command.flag("--json", a.json, "One JSON object a topic instead of lines");
  command.footer(
      "The most specific filter wins: level by level a name beats +, + beats #. Of one filter "
      "those with `when` are asked first, by their names, and one of the others takes what is "
      "left.");
  command.example("telemetry schema which sensors/sensor-001/temperature --path ./schemas");
  command.example(
      "telemetry schema which sensors/sensor-001/temperature --path ./schemas \\\n"
      "      --payload '{\"temperature\":21.5}'");
  command.action([arguments] { return which(*arguments); });
}

}  // namespace telemetry::command_line
