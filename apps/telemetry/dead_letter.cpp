// SPDX-License-Identifier: Apache-2.0
#include "telemetry/dead_letter.hpp"

#include <fmt/format.h>

#include <deque>
#include <memory>
#include <optional>

#include "commands.hpp"
#include "output.hpp"
#include "process/letter_request.hpp"
#include "settings.hpp"
#include "telemetry/core/decode.hpp"
#include "telemetry/core/topic.hpp"
#include "telemetry/export.hpp"
#include "telemetry/pipeline.hpp"

namespace telemetry::command_line {
namespace {

struct Arguments {
  Settings settings;
  std::string topic, since, until, order = "newest";
  std::vector<std::string> ids;
  std::uint64_t limit = 100;
  bool json = false;
};

Result<LetterSelection> selection_of(const Arguments& arguments) {
  LetterSelection selection;
  selection.topic_filter = arguments.topic;
  if (!arguments.topic.empty() && !core::is_valid_filter(arguments.topic)) {
    return Error{Errc::invalid_argument,
                 fmt::format("--topic \"{}\" is not a topic filter", arguments.topic)};
  }
  const std::int64_t now = environment().clock.now();
  for (const bool until : {false, true}) {
    const std::string& text = until ? arguments.until : arguments.since;
    if (text.empty()) continue;
    const auto time = parse_query_time(text, now);
    if (!time) return time.error();
    (until ? selection.until : selection.since) = *time;
  }
  for (const std::string& text : arguments.ids) {
    const auto range = parse_ids(text);
    if (!range) return range.error();
    selection.ids.push_back(*range);
  }
  return selection;
}

Result<std::string> folder_of(const Settings& settings) {
  const Result<Config> config = settings.load();
  if (!config) return config.error();
  auto options = pipeline_options(*config);
  if (!options) return options.error();
  return options->dead_letters.path;
}

std::string time_of(std::int64_t ns) {
  std::string quoted;
  append_json_time(ns, quoted);
  return quoted.substr(1, quoted.size() - 2);
}

std::string reason_of(const Letter& letter) {
  if (letter.is_refused()) return "refused by a store";
  return std::string(core::to_string(static_cast<core::Rule>(letter.header.reason)));
}

// What is wrong, or, where the letter does not say, the name of the rule.
std::string what_is_wrong(const Letter& letter) {
  const std::string text = problems_text(parse_problems(letter.problems));
  return printable(text.empty() ? reason_of(letter) : text);
}

// The members that list and show have in common.
std::string json_members(const Letter& letter) {
  return fmt::format(
      R"("id":{},"received_at":"{}","topic":{},"verdict":"{}","reason":{},"bytes":{},"problems":{})",
      letter.header.sequence, time_of(letter.header.received_at), json_string(letter.topic),
      to_string(static_cast<Verdict>(letter.header.verdict)), json_string(reason_of(letter)),
      letter.payload.size(), letter.problems.empty() ? "[]" : letter.problems);
}

std::string list_line(const Letter& letter, bool json) {
  if (json) return "{" + json_members(letter) + "}\n";
  return fmt::format("{:>8}  {:<30}  {:>7} B  {}  {}\n", letter.header.sequence,
                     time_of(letter.header.received_at), letter.payload.size(),
                     printable(letter.topic), what_is_wrong(letter));
}

int list(const Arguments& arguments) {
  const auto selection = selection_of(arguments);
  if (!selection) return fail(selection.error());
  const auto folder = folder_of(arguments.settings);
  if (!folder) return fail(folder.error());
  const bool newest = arguments.order == "newest";
  Output output;
  std::uint64_t letters = 0;
  std::deque<std::string> last;  // newest first: as many as are printed
  const auto read = read_letters(*folder, environment(), *selection, [&](const Letter& letter) {
    ++letters;
    if (!newest && letters > arguments.limit) return true;  // counted
    std::string line = list_line(letter, arguments.json);
    if (!newest) return output.write(line);
    last.push_back(std::move(line));
    if (last.size() > arguments.limit) last.pop_front();
    return true;
  });
  for (auto line = last.rbegin(); line != last.rend(); ++line) output.write(*line);
  if (!read) return output.finish(fail(read.error()));
  if (letters == 0) say("no dead letters match");
  if (letters > arguments.limit) {
    say(fmt::format("{} of {} letters; --limit shows more", arguments.limit, letters));
  }
  return output.finish(0);
}

std::string schema_of(const Letter& letter) {
  if (letter.header.schema_id == 0) return "none";
  std::vector<Diagnostic> ignored;
  const auto schema = Schema::parse(std::string(letter.schema), "letter", ignored,
                                    ValidationFunctions::not_called());
  return schema ? (*schema)->name() + " " + version_of(**schema)
                : fmt::format("{:016x}", letter.header.schema_id);
}

// The exact bytes: as text, or as base64 where they are none.
std::string payload_of(const Letter& letter, bool json) {
  if (payload_kind(letter.payload) != Row::RawKind::binary) {
    return json ? json_string(letter.payload) : printable(letter.payload);
  }
  Row row;
  row.raw = letter.payload;
  row.raw_kind = Row::RawKind::binary;
  std::string out;
  append_payload_json(row, out);
  return out;
}

std::string show_text(const Letter& letter, bool json) {
  const core::FrameHeader& h = letter.header;
  const int qos = h.flags & core::frame_flag::qos_mask;
  const bool retained = (h.flags & core::frame_flag::retained) != 0;
  if (json) {
    return fmt::format(
        R"({{{},"timestamp":"{}","schema":{},"schema_id":"{:016x}","qos":{},"retained":{},)"
        R"("reference":{},"payload":{}}})"
        "\n",
        json_members(letter), time_of(h.time), json_string(schema_of(letter)), h.schema_id, qos,
        retained, h.reference, payload_of(letter, true));
  }
  std::string out = fmt::format(
      "id        {}, message {} of the journal\nreceived  {}\ntopic     {}\nQoS       {}{}\n"
      "schema    {}\nreason    {}\n",
      h.sequence, h.reference, time_of(h.received_at), printable(letter.topic), qos,
      retained ? ", retained" : "", printable(schema_of(letter)), reason_of(letter));
  for (const Problem& problem : parse_problems(letter.problems)) {
    out += "          " + printable(problems_text({&problem, 1})) + "\n";
  }
  return out +
         fmt::format("payload   {} bytes\n{}\n", letter.payload.size(), payload_of(letter, false));
}

int show(const Arguments& arguments) {
  const auto selection = selection_of(arguments);
  if (!selection) return fail(selection.error());
  const auto folder = folder_of(arguments.settings);
  if (!folder) return fail(folder.error());
  Output output;
  bool found = false;
  const auto read = read_letters(*folder, environment(), *selection, [&](const Letter& letter) {
    if (found && !arguments.json) output.write("\n");
    found = true;
    return output.write(show_text(letter, arguments.json));
  });
  if (!read) return output.finish(fail(read.error()));
  if (found) return output.finish(0);
  return fail({Errc::not_found,
               fmt::format("{}: no such letter: never there, replayed, dropped, or gone because "
                           "the journal was full; telemetry dead-letter list shows which are there",
                           *folder)});
}

void add_selection(Command& command, Arguments& a) {
  command.option("--topic", a.topic, "Only those whose topic matches").type("FILTER");
  command.option("--since", a.since, "Received not before").type("TIME");
  command.option("--until", a.until, "Received before").type("TIME");
}

}  // namespace

void add_dead_letter(Command& program) {
  Command& group =
      program.command("dead-letter", "Shows the messages that no store took, and replays them");
  group.example("telemetry dead-letter list --config edge.yaml");
  const auto add = [&](const char* name, const char* text, auto run) {
    const auto arguments = std::make_shared<Arguments>();
    Command& command = group.command(name, text);
    arguments->settings.add_to(command);
    command.action([arguments, run] { return run(*arguments); });
    return std::pair<Command&, Arguments&>(command, *arguments);
  };

  auto [listed, l] = add("list", "Prints them, one per line: id, time, size, topic, what is wrong",
                         [](const Arguments& a) { return list(a); });
  add_selection(listed, l);
  listed.option("--order", l.order, "Lines come oldest or newest first")
      .one_of({"oldest", "newest"})
      .type("ORDER")
      .show_default();
  listed.option("--limit", l.limit, "At most this many").type("N").range(1, 100'000).show_default();
  listed.flag("--json", l.json, "One JSON object a line");
  listed.footer("Also while telemetry-edge runs. Times are as in telemetry query.");
  listed.example("telemetry dead-letter list --config edge.yaml");
  listed.example("telemetry dead-letter list -c edge.yaml --topic 'sensors/#' --since 1h");
  listed.example("telemetry dead-letter list -c edge.yaml --json | jq .problems");

  auto [shown, s] = add("show", "Prints all of one: what is wrong, and the payload as it came",
                        [](const Arguments& a) { return show(a); });
  shown.positional("ID", s.ids, "Number in the list; 3-7 for several").required();
  shown.flag("--json", s.json, "JSON; a payload that is no text is {\"base64\": ...}");
  shown.example("telemetry dead-letter show 1 --config edge.yaml");
}

}  // namespace telemetry::command_line
