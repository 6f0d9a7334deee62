// SPDX-License-Identifier: Apache-2.0
#include "telemetry/dead_letter.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <iostream>
#include <memory>
#include <optional>

#include "commands.hpp"
#include "output.hpp"
#include "process/control.hpp"
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
  std::string topic, since, until, reason, schema, order = "newest";
  std::vector<std::string> ids;
  std::uint64_t limit = 100;
  bool json = false, refused = false, yes = false;
};

constexpr std::size_t ids_max = 1'000;

Result<LetterSelection> selection_of(const Arguments& arguments) {
  LetterSelection selection;
  selection.topic_filter = arguments.topic;
  selection.reason = arguments.reason;
  selection.schema = arguments.schema;
  if (!arguments.topic.empty() && !core::is_valid_filter(arguments.topic)) {
    return Error{Errc::invalid_argument,
                 fmt::format("--topic \"{}\" is not a topic filter", arguments.topic)};
  }
  if (!arguments.reason.empty()) {
    if (const std::string wrong = reason_problem(arguments.reason); !wrong.empty())
      return Error{Errc::invalid_argument, "--reason: " + wrong};
  }
  const std::int64_t now = environment().clock.now();
  for (const bool until : {false, true}) {
    const std::string& text = until ? arguments.until : arguments.since;
    if (text.empty()) continue;
    const auto time = parse_query_time(text, now);
    if (!time) return time.error();
    (until ? selection.until : selection.since) = *time;
  }
  if (arguments.ids.size() > ids_max) {
    return Error{Errc::invalid_argument,
                 fmt::format("{} ids: at most {} at once; 12-20 stands for several",
                             arguments.ids.size(), ids_max)};
  }
  for (const std::string& text : arguments.ids) {
    const auto range = parse_ids(text);
    if (!range) return range.error();
    selection.ids.push_back(*range);
  }
  return selection;
}

Result<std::string> folder_of(const Config& config) {
  auto options = pipeline_options(config);
  if (!options) return options.error();
  return options->dead_letters.path;
}

Result<std::string> folder_of(const Settings& settings) {
  const Result<Config> config = settings.load();
  if (!config) return config.error();
  return folder_of(*config);
}

std::string time_of(std::int64_t ns) {
  std::string quoted;
  append_json_time(ns, quoted);
  return quoted.substr(1, quoted.size() - 2);
}

// What is wrong, or, where the letter does not say, the name of the rule.
std::string what_is_wrong(const Letter& letter) {
  const std::string text = problems_text(parse_problems(letter.problems));
  return printable(text.empty() ? reason(letter) : text);
}

std::string as_json(std::string_view bytes, Row::RawKind kind) {
  Row row;
  row.raw = bytes;
  row.raw_kind = kind;
  std::string out;
  append_payload_json(row, out);
  return out;
}

std::string list_line(const Letter& letter, bool json) {
  if (json) return to_json(letter, LetterDetail::list) + "\n";
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

// The exact bytes: as text, or as base64 where they are none.
std::string payload_of(const Letter& letter) {
  return payload_kind(letter.payload) == Row::RawKind::binary
             ? as_json(letter.payload, Row::RawKind::binary)
             : printable(letter.payload);
}

std::string show_text(const Letter& letter, bool json) {
  const core::FrameHeader& h = letter.header;
  const int qos = h.flags & core::frame_flag::qos_mask;
  const bool retained = (h.flags & core::frame_flag::retained) != 0;
  if (json) return to_json(letter, LetterDetail::all) + "\n";
  std::string out = fmt::format(
      "id        {}, message {} of the journal\nreceived  {}\ntopic     {}\nQoS       {}{}\n"
      "schema    {}\nreason    {}\n",
      h.sequence, h.reference, time_of(h.received_at), printable(letter.topic), qos,
      retained ? ", retained" : "", printable(schema_name(letter)), reason(letter));
  for (const Problem& problem : parse_problems(letter.problems)) {
    out += "          " + printable(problems_text({&problem, 1})) + "\n";
  }
  return out + fmt::format("payload   {} bytes\n{}\n", letter.payload.size(), payload_of(letter));
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

// Says how far a replay is, every few seconds.
class ProgressLine {
 public:
  bool operator()(std::string_view json) {
    const auto now = std::chrono::steady_clock::now();
    if (now - said_at_ < std::chrono::seconds(2)) return true;
    said_at_ = now;
    say(fmt::format("{} letters judged, {} replayed", control::json_member(json, "selected"),
                    control::json_member(json, "replayed")));
    return true;
  }

 private:
  std::chrono::steady_clock::time_point said_at_ = std::chrono::steady_clock::now();
};

std::string request_of(const LetterSelection& selection, bool refused) {
  std::string request = to_json(selection);
  request.insert(1, fmt::format(R"("refused":{},)", refused));
  return request;
}

Result<std::string> replay_here(const Config& config, const LetterSelection& selection,
                                bool refused) {
  auto pipeline = start_pipeline(config);
  if (!pipeline) return pipeline.error();
  ProgressLine progress;
  const auto report = replay_letters(
      (*pipeline)->ingest(), *(*pipeline)->dead_letters(), selection, refused, environment(),
      [&](const ReplayReport& so_far) { return progress(to_json(so_far)); });
  (*pipeline)->stop();
  Result<std::string> done = std::string();
  if (report) {
    done =
        fmt::format(R"({{"json":{},"text":{}}})", to_json(*report), json_string(to_text(*report)));
  } else {
    done = report.error();
  }
  note(config, "dead_letter_replay", request_of(selection, refused), done);
  return done;
}

int replay(const Arguments& arguments) {
  const auto selection = selection_of(arguments);
  if (!selection) return fail(selection.error());
  const Result<Config> config = arguments.settings.load();
  if (!config) return fail(config.error());
  const std::string journal = config->text("journal.path");
  Result<std::string> answer = std::string();
  if (control::is_served(journal)) {
    ProgressLine progress;
    answer = control::call(journal, "dead_letter_replay", request_of(*selection, arguments.refused),
                           std::ref(progress));
  } else {
    answer = replay_here(*config, *selection, arguments.refused);
  }
  if (!answer) return fail(answer.error());
  const std::string json = control::json_member(*answer, "json");
  Output output;
  if (arguments.json) {
    output.write(json + "\n");
  } else if (const auto text = control::text_member(*answer, "text")) {
    output.write(*text + "\n");
  }
  const bool all = control::json_member(json, "failed") == "0" &&
                   control::json_member(json, "stopped") == "false";
  return output.finish(all ? 0 : 3);
}

Result<std::string> drop_here(const Config& config, const LetterSelection& selection) {
  auto pipeline = start_pipeline(config);
  if (!pipeline) return pipeline.error();
  const auto dropped =
      drop_letters((*pipeline)->ingest(), *(*pipeline)->dead_letters(), selection, environment());
  (*pipeline)->stop();
  Result<std::string> done = std::string();
  if (dropped) {
    done = fmt::format(R"({{"dropped":{}}})", *dropped);
  } else {
    done = dropped.error();
  }
  note(config, "dead_letter_drop", to_json(selection), done);
  return done;
}

bool agreed(std::uint64_t letters) {
  fmt::print(stderr, "drop {} letters for good? [y/N] ", letters);
  std::string line;
  return std::getline(std::cin, line) && (line == "y" || line == "Y" || line == "yes");
}

// Only what was counted: letters that come while someone makes up his mind stay.
void limit_to(std::uint64_t last, LetterSelection& selection) {
  if (selection.ids.empty()) selection.ids = {{0, last}};
  std::erase_if(selection.ids, [last](const auto& range) { return range.first > last; });
  for (auto& range : selection.ids) range.second = std::min(range.second, last);
}

int drop(const Arguments& arguments) {
  auto selection = selection_of(arguments);
  if (!selection) return fail(selection.error());
  const Result<Config> config = arguments.settings.load();
  if (!config) return fail(config.error());
  const auto folder = folder_of(*config);
  if (!folder) return fail(folder.error());
  std::uint64_t letters = 0;
  std::uint64_t last = 0;
  const auto read = read_letters(*folder, environment(), *selection, [&](const Letter& letter) {
    ++letters;
    last = letter.header.sequence;
    return true;
  });
  if (!read) return fail(read.error());
  if (letters == 0) {
    say("no dead letters match");
    return 0;
  }
  if (!arguments.yes && ::isatty(STDIN_FILENO) == 0) {
    return fail({Errc::invalid_argument,
                 fmt::format("{} letters would be dropped for good: say so with --yes", letters)});
  }
  if (!arguments.yes && !agreed(letters)) return 1;
  limit_to(last, *selection);
  const std::string journal = config->text("journal.path");
  const auto answer = control::is_served(journal)
                          ? control::call(journal, "dead_letter_drop", to_json(*selection))
                          : drop_here(*config, *selection);
  if (!answer) return fail(answer.error());
  Output output;
  output.write(arguments.json ? *answer + "\n"
                              : control::json_member(*answer, "dropped") + " letters dropped\n");
  return output.finish(0);
}

void add_selection(Command& command, Arguments& a) {
  // An empty one, as of a shell's variable that is not set, must not stand for all letters.
  const auto not_empty = [](const char* instead) {
    return [instead](std::string_view text) { return std::string(text.empty() ? instead : ""); };
  };
  command.option("--topic", a.topic, "Only those whose topic matches")
      .type("FILTER")
      .check(not_empty("a topic filter, such as sensors/#"));
  command.option("--since", a.since, "Received not before").type("TIME").check(not_empty("a time"));
  command.option("--until", a.until, "Received before").type("TIME").check(not_empty("a time"));
  command.option("--reason", a.reason, "Only those with this reason, such as max or pattern")
      .type("REASON")
      .check(not_empty("a reason, such as max"));
  command
      .option("--schema", a.schema,
              "Only those that this schema has judged; with a version, only that one; none: those "
              "that no schema has judged")
      .type("NAME")
      .check(not_empty("the name of a schema, or none"));
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
  listed.example(
      "telemetry dead-letter list -c edge.yaml \\\n"
      "      --reason max --schema temperature_sensor");
  listed.example("telemetry dead-letter list -c edge.yaml --json | jq .problems");

  auto [shown, s] = add("show", "Prints all of one: what is wrong, and the payload as it came",
                        [](const Arguments& a) { return show(a); });
  shown.positional("ID", s.ids, "Number in the list; 3-7 for several").required();
  shown.flag("--json", s.json, "JSON; a payload that is no text is {\"base64\": ...}");
  shown.example("telemetry dead-letter show 1 --config edge.yaml");

  auto [replayed, r] =
      add("replay", "Judges letters again, by the schemas of now, and stores those that pass",
          [](const Arguments& a) { return replay(a); });
  replayed.positional("ID", r.ids, "Only these; 3-7 for several");
  add_selection(replayed, r);
  replayed.flag("--refused", r.refused, "Also those that a store refused");
  replayed.flag("--json", r.json, "One JSON object instead of a line");
  replayed.footer(
      "They come in the order of their receipt, each once, and keep their time. Those that fail "
      "again stay; exit code 3 then. A running telemetry-edge does the work, by the schemas that "
      "it "
      "knows: telemetry reload comes first. Interrupted, it goes on when it is repeated.");
  replayed.example("telemetry dead-letter replay --config edge.yaml");
  replayed.example("telemetry dead-letter replay -c edge.yaml --topic 'sensors/#' --since 24h");

  auto [dropped, d] = add("drop", "Drops letters for good, after a question",
                          [](const Arguments& a) { return drop(a); });
  dropped.positional("ID", d.ids, "Only these; 3-7 for several");
  add_selection(dropped, d);
  dropped.flag("--yes", d.yes, "Without the question");
  dropped.flag("--json", d.json, "One JSON object instead of a line");
  dropped.example("telemetry dead-letter drop -c edge.yaml --until 30d --yes");
  dropped.example("telemetry dead-letter drop -c edge.yaml 1 --yes");
}

}  // namespace telemetry::command_line
