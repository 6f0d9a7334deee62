// SPDX-License-Identifier: Apache-2.0
#include "telemetry/journal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <system_error>

#include "commands.hpp"
#include "output.hpp"
#include "settings.hpp"
#include "telemetry/core/decode.hpp"
#include "telemetry/core/topic.hpp"
#include "telemetry/dead_letter.hpp"
#include "telemetry/export.hpp"

namespace telemetry::command_line {
namespace {

struct Arguments {
  Settings settings;
  std::string path, filter = "#";
  std::uint64_t limit = 0;
  bool json = false;
  bool all = false;
};

Result<std::string> folder_of(const Arguments& arguments) {
  std::string path = arguments.path;
  if (path.empty()) {
    const Result<Config> config = arguments.settings.load();
    if (!config) return config.error();
    path = config->text("journal.path");
  }
  namespace fs = std::filesystem;
  std::error_code failed;
  fs::directory_iterator entries(path, failed);
  if (failed) return path;  // what reads the folder says why
  const bool any = std::any_of(begin(entries), end(entries), [](const fs::directory_entry& entry) {
    return entry.path().extension() == ".tlj";
  });
  if (any) return path;
  return Error{Errc::not_found,
               fmt::format("{}: no journal there, for it has no segments (*.tlj); name the folder "
                           "of one, or a configuration with journal.path: --config FILE",
                           path)};
}

std::string to_json(const JournalCheck& c) {
  return fmt::format(
      R"({{"file":{},"bytes":{},"frames":{},"messages":{},"first_sequence":{},"last_sequence":{},)"
      R"("damaged_bytes":{},"damaged_places":{},"torn_bytes":{},"header_damaged":{},"note":{}}})",
      json_string(c.file), c.bytes, c.frames, c.messages, c.first_sequence, c.last_sequence,
      c.damaged_bytes, c.damaged_places, c.torn_bytes, c.header_damaged, json_string(c.note));
}

std::string to_text(const JournalCheck& c) {
  std::string out = fmt::format("{}: {} bytes, {} messages", c.file, c.bytes, c.messages);
  if (c.messages > 0) out += fmt::format(" ({} to {})", c.first_sequence, c.last_sequence);
  if (c.header_damaged) out += ", header damaged";
  if (c.damaged_places > 0) {
    out += fmt::format(", {} bytes damaged in {} places", c.damaged_bytes, c.damaged_places);
  }
  if (c.torn_bytes > 0) out += fmt::format(", {} bytes torn at the end", c.torn_bytes);
  if (!c.note.empty()) out += ", " + c.note;
  return out;
}

// Prints what check or repair found. A torn tail is no damage: the writer may be at it just now.
int report(const Arguments& arguments, const std::vector<JournalCheck>& segments, bool repaired) {
  Output output;
  JournalCheck sum;
  std::string list;
  for (const JournalCheck& segment : segments) {
    sum.messages += segment.messages;
    sum.bytes += segment.bytes;
    sum.damaged_places += segment.damaged_places + (segment.header_damaged ? 1 : 0);
    list += (list.empty() ? "" : ",") + to_json(segment);
    if (!arguments.json) output.write(to_text(segment) + "\n");
  }
  const bool damaged = sum.damaged_places > 0;
  if (arguments.json) {
    output.write(fmt::format("{{\"ok\":{},\"segments\":[{}]}}\n", repaired || !damaged, list));
  } else if (repaired) {
    output.write(segments.empty() ? "nothing to repair\n"
                 : damaged        ? "repaired; the damaged segments are in quarantine/\n"
                                  : "repaired; torn ends were cut, nothing was damaged\n");
  } else {
    output.write(fmt::format("{} segments, {} messages, {} bytes: {}\n", segments.size(),
                             sum.messages, sum.bytes, damaged ? "damaged" : "ok"));
  }
  return output.finish(damaged && !repaired ? 1 : 0);
}

int check(const Arguments& arguments, bool repair) {
  const Result<std::string> path = folder_of(arguments);
  if (!path) return fail(path.error());
  const auto segments =
      repair ? repair_journal(*path, environment()) : check_journal(*path, environment());
  if (!segments) return fail(segments.error());
  return report(arguments, *segments, repair);
}

bool is_deletion(const core::FrameHeader& header) {
  return header.kind == core::FrameKind::tombstone &&
         (header.flags & core::frame_flag::has_reference) == 0;
}

const char* kind_name(const core::FrameHeader& header) {
  if (is_deletion(header)) return "deletion";
  switch (header.kind) {
    case core::FrameKind::message:
      return "message";
    case core::FrameKind::schema:
      return "schema";
    case core::FrameKind::snapshot:
      return "snapshot";
    case core::FrameKind::tombstone:
      return "tombstone";
    case core::FrameKind::padding:
      return "padding";
    case core::FrameKind::problems:
      return "problems";
  }
  return "unknown";
}

// One line a frame, as JSON or as columns; `problems` stood before a message.
std::string frame_line(const core::FrameView& frame, const std::string& problems, bool json) {
  const core::FrameHeader& h = frame.header;
  const auto json_of = [](std::string_view bytes, Row::RawKind kind) {
    Row row;
    row.raw = bytes;
    row.raw_kind = kind;
    std::string out;
    append_payload_json(row, out);
    return out;
  };
  const bool snapshot = h.kind == core::FrameKind::snapshot;
  const std::string payload =
      json_of(frame.payload, snapshot ? Row::RawKind::binary : payload_kind(frame.payload));
  std::string received;
  append_json_time(h.received_at, received);
  const std::string_view verdict =
      h.kind == core::FrameKind::message ? to_string(static_cast<Verdict>(h.verdict)) : "";
  const std::string_view reason =
      h.reason == 0 ? "" : core::to_string(static_cast<core::Rule>(h.reason));
  if (!json) {
    return fmt::format(
        "{:>10}  {}  {}{}{}{}  {}  {}{}\n", h.sequence, received.substr(1, received.size() - 2),
        kind_name(h), verdict.empty() ? "" : " ", verdict,
        reason.empty() ? "" : fmt::format(" ({})", reason), json_string(frame.topic), payload,
        problems.empty() ? "" : "  " + printable(problems_text(parse_problems(problems))));
  }
  std::string time;
  append_json_time(h.time, time);
  return fmt::format(
      R"({{"sequence":{},"kind":"{}","topic":{},"payload":{},"timestamp":{},"received_at":{},)"
      R"("verdict":"{}","reason":"{}","schema_id":"{:016x}","qos":{},"retained":{},"reference":{},)"
      R"("problems":{}}})"
      "\n",
      h.sequence, kind_name(h), json_string(frame.topic), payload, time, received, verdict, reason,
      h.schema_id, h.flags & core::frame_flag::qos_mask,
      (h.flags & core::frame_flag::retained) != 0, h.reference,
      problems.empty() ? "[]" : json_of(problems, payload_kind(problems)));
}

int dump(const Arguments& arguments) {
  if (!core::is_valid_filter(arguments.filter)) {
    return fail({Errc::invalid_argument,
                 fmt::format("--topic \"{}\" is not a topic filter", arguments.filter)});
  }
  const Result<std::string> path = folder_of(arguments);
  if (!path) return fail(path.error());
  Output output;
  std::uint64_t frames = 0;
  std::uint64_t next_sequence = 0;  // whose problems these are
  std::string problems;
  const auto result = dump_journal(
      *path, environment(), [&](const core::FrameView& frame, const std::string&, std::uint64_t) {
        if (frame.header.kind == core::FrameKind::padding) return true;
        if (frame.header.kind == core::FrameKind::problems) {
          next_sequence = frame.header.sequence;
          problems = frame.payload;
          return true;
        }
        const bool message = frame.header.kind == core::FrameKind::message;
        if (!message || frame.header.sequence != next_sequence) problems.clear();
        const bool other = !message && frame.header.kind != core::FrameKind::tombstone;
        const bool shown =
            is_deletion(frame.header) ||
            (other ? arguments.all : core::topic_matches(arguments.filter, frame.topic));
        if (!shown) return true;
        return output.write(frame_line(frame, problems, arguments.json)) &&
               ++frames != arguments.limit;
      });
  if (!result) return output.finish(fail(result.error()));
  return output.finish(0);
}

}  // namespace

void add_journal(Command& program) {
  Command& group = program.command("journal", "Looks into a journal, also while it is in use");
  group.example("telemetry journal check ./data/journal");
  const auto arguments = std::make_shared<Arguments>();
  const auto add = [&](const char* name, const char* text, auto run) -> Command& {
    Command& command = group.command(name, text);
    command.positional("PATH", arguments->path, "Folder; else journal.path of the configuration");
    arguments->settings.add_to(command);
    command.flag("--json", arguments->json, "JSON instead of lines");
    command.action([arguments, run] { return run(*arguments); });
    return command;
  };
  Command& checked = add("check", "Reads every frame and reports damage; 1 when there is some",
                         [](const Arguments& a) { return check(a, false); });
  checked.footer("A torn end is no damage: a writer that was killed, or is at work, leaves one.");
  checked.example("telemetry journal check ./data/journal");
  checked.example("telemetry journal check --config edge.yaml --json");

  Command& repaired =
      add("repair", "Rewrites damaged segments without the damage and cuts torn ends",
          [](const Arguments& a) { return check(a, true); });
  repaired.footer(
      "Stop the writer first. Damaged segments are kept in PATH/quarantine. A damaged "
      "journal does not keep telemetry-edge from starting; this is for tidiness.");
  repaired.example("telemetry journal repair ./data/journal");

  Command& dumped = add("dump", "Prints the messages and deletions, one per line", dump);
  dumped.option("--topic", arguments->filter, "Only messages whose topic matches").type("FILTER");
  dumped.option("--limit", arguments->limit, "At most this many; 0 = all").type("N");
  dumped.flag("--all", arguments->all, "Schemas and snapshots of the sequence check, too");
  dumped.example("telemetry journal dump ./data/journal --topic 'sensors/#' --limit 20");
  dumped.example("telemetry journal dump ./data/dead_letters --json | jq .problems");
}

}  // namespace telemetry::command_line
