// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>

#include "commands.hpp"
#include "output.hpp"
#include "settings.hpp"
#include "telemetry/schema.hpp"

namespace telemetry::command_line {
namespace {

struct Arguments {
  std::string before, after;
  bool json = false;
};

using SchemaPtr = std::shared_ptr<const Schema>;

Result<SchemaPtr> load_one(const std::string& path, std::vector<Diagnostic>& diagnostics) {
  const auto set = SchemaSet::load(path, diagnostics, ValidationFunctions::not_called());
  if (!set) return set.error();
  if ((*set)->all().size() == 1) return (*set)->all().front();
  return Error{Errc::invalid_argument, fmt::format("{}: a folder with {} schemas; name one file",
                                                   path, (*set)->all().size())};
}

/// What the version number of `next` would have to be; empty when it is right.
std::string number_advice(const Schema& previous, const Schema& next, bool same, bool compatible) {
  const SchemaVersion before = previous.version();
  const SchemaVersion after = next.version();
  const bool next_major = after.major > before.major;
  if (same || next_major || (compatible && before < after)) return {};
  return compatible
             ? fmt::format("give it a higher version, \"{}.{}\"", before.major, before.minor + 1)
             : fmt::format("give it a new major version, \"{}.0\"", before.major + 1);
}

std::string to_line(const SchemaChange& change) {
  using enum SchemaChange::Kind;
  const std::string name =
      change.field + (change.field.empty() || change.key.empty() ? "" : ": ") + change.key;
  switch (change.kind) {
    case added:
      return fmt::format("  + {} {}\n", name, change.after);
    case removed:
      return fmt::format("  - {} {}\n", name, change.before);
    case changed:
      break;
  }
  return fmt::format("  ~ {} {} -> {}\n", name, change.before, change.after);
}

std::string to_json(const SchemaChange& change) {
  using enum SchemaChange::Kind;
  const char* kind = change.kind == added     ? "added"
                     : change.kind == removed ? "removed"
                                              : "changed";
  return fmt::format(R"({{"change":"{}","field":{},"key":{},"before":{},"after":{}}})", kind,
                     json_string(change.field), json_string(change.key),
                     change.before.empty() ? "null" : change.before,
                     change.after.empty() ? "null" : change.after);
}

std::string to_json(const Schema& schema) {
  return fmt::format(R"({{"name":{},"version":"{}","file":{},"id":"{:016x}"}})",
                     json_string(schema.name()), version_of(schema), json_string(schema.file()),
                     schema.id());
}

std::string as_json(const Schema& previous, const Schema& next,
                    const std::vector<SchemaChange>& changes,
                    const std::vector<std::string>& reasons, const std::string& advice) {
  std::string change_list, reason_list;
  for (const auto& change : changes) {
    change_list += (change_list.empty() ? "" : ",") + to_json(change);
  }
  for (const auto& reason : reasons) {
    reason_list += (reason_list.empty() ? "" : ",") + json_string(reason);
  }
  return fmt::format(
      R"({{"old":{},"new":{},"changes":[{}],"compatible":{},"reasons":[{}],"advice":{}}})"
      "\n",
      to_json(previous), to_json(next), change_list, reasons.empty(), reason_list,
      json_string(advice));
}

std::string as_text(const Schema& previous, const Schema& next,
                    const std::vector<SchemaChange>& changes,
                    const std::vector<std::string>& reasons, const std::string& advice) {
  std::string out = fmt::format("{} {} -> {} {}\n", previous.name(), version_of(previous),
                                next.name(), version_of(next));
  for (const auto& change : changes) out += to_line(change);
  if (reasons.empty()) {
    out += changes.empty() ? "no difference\n" : "compatible: may follow as a minor version\n";
  } else {
    out += "breaking: may not follow as a minor version\n";
    for (const auto& reason : reasons) out += fmt::format("  {}\n", reason);
  }
  if (!advice.empty()) out += advice + "\n";
  return out;
}

int diff(const Arguments& arguments) {
  std::vector<Diagnostic> diagnostics;
  const auto previous = load_one(arguments.before, diagnostics);
  const auto next = load_one(arguments.after, diagnostics);
  print(diagnostics);
  if (!previous && diagnostics.empty()) return fail(previous.error());
  if (!next && diagnostics.empty()) return fail(next.error());
  if (!previous || !next) {
    say("the schemas cannot be compared");
    return 2;
  }
  const auto changes = differences(**previous, **next);
  std::vector<std::string> reasons;
  std::string advice;
  if ((*previous)->name() != (*next)->name()) {
    reasons.push_back(
        fmt::format("another name: versions of one schema are all called {}", (*previous)->name()));
    advice = fmt::format("name it {}, or take it for a schema of its own", (*previous)->name());
  }
  for (auto& reason : incompatibilities(**previous, **next)) reasons.push_back(std::move(reason));
  if (advice.empty()) {
    advice = number_advice(**previous, **next, changes.empty(), reasons.empty());
  }
  Output output;
  output.write(arguments.json ? as_json(**previous, **next, changes, reasons, advice)
                              : as_text(**previous, **next, changes, reasons, advice));
  return output.finish(reasons.empty() ? 0 : 1);
}

}  // namespace

void add_schema_diff(Command& schema) {
  const auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  Command& command = schema.command(
      "diff", "Tells what differs between two versions, and whether NEW may follow as a minor one");
  command.positional("OLD", a.before, "Schema file in force").required();
  command.positional("NEW", a.after, "Schema file that is to follow").required();
  command.flag("--json", a.json, "One JSON object instead of lines");
  command.footer(
      "Lines: + is new, - is gone, ~ has changed. A minor version may add optional fields "
      "and widen rules, so that what was valid stays valid; all else needs a new major "
      "version. Exit code: 0 NEW may follow OLD as a minor version, 1 it may not, 2 a "
      "file has mistakes.");
  command.example("telemetry schema diff schemas/room.yaml room-next.yaml");
  command.example(
      "git show HEAD:schemas/room.yaml >old.yaml && \\\n"
      "      telemetry schema diff old.yaml schemas/room.yaml");
  command.action([arguments] { return diff(*arguments); });
}

}  // namespace telemetry::command_line
