// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>

#include "commands.hpp"
#include "output.hpp"
#include "settings.hpp"
#include "telemetry/core/topic.hpp"
#include "telemetry/schema.hpp"

namespace telemetry::command_line {
namespace {

struct Arguments {
  Settings settings;
  std::vector<std::string> paths, topics;
  std::string path;
  bool json = false;
};

using SetPtr = std::shared_ptr<const SchemaSet>;

std::string to_json(const Schema& schema) {
  return fmt::format(
      R"({{"name":{},"version":"{}","filter":{},"file":{},"id":"{:016x}","fields":{}}})",
      json_string(schema.name()), version_of(schema), json_string(schema.filter()),
      json_string(schema.file()), schema.id(), schema.slots().size());
}

// The schemas of a path, or of the configuration.
Result<SetPtr> load(const Arguments& arguments, std::string path,
                    std::vector<Diagnostic>& diagnostics) {
  if (path.empty()) {
    const Result<Config> config = arguments.settings.load();
    if (!config) return config.error();
    path = config->text("schema.path");
  }
  return SchemaSet::load(path, diagnostics, ValidationFunctions::not_called());
}

int check(const Arguments& arguments) {
  std::vector<std::string> paths = arguments.paths;
  if (paths.empty()) paths.emplace_back();
  std::vector<Diagnostic> diagnostics;
  std::string lines;
  std::string list;
  int code = 0;
  for (const std::string& path : paths) {
    const std::size_t before = diagnostics.size();
    const Result<SetPtr> set = load(arguments, path, diagnostics);
    if (!set) {
      code = exit_code(set.error().code);
      if (diagnostics.size() == before) return fail(set.error());
      continue;
    }
    for (const auto& schema : (*set)->all()) {
      lines += fmt::format("{}: {} {}, {} fields, for {}\n", schema->file(), schema->name(),
                           version_of(*schema), schema->slots().size(), schema->filter());
      list += (list.empty() ? "" : ",") + to_json(*schema);
    }
  }
  Output output;
  if (arguments.json) {
    output.write(fmt::format(R"({{"ok":{},"schemas":[{}],"diagnostics":[{}]}})"
                             "\n",
                             code == 0, list, command_line::to_json(diagnostics)));
    return output.finish(code);
  }
  output.write(lines);
  print(diagnostics);
  if (code != 0) say("the schemas cannot be used");
  if (code == 0 && lines.empty()) say("no schemas there");
  return output.finish(code);
}

int which(const Arguments& arguments) {
  for (const std::string& topic : arguments.topics) {
    if (!core::is_valid_topic(topic)) {
      return fail({Errc::invalid_argument,
                   fmt::format("\"{}\" is not a topic; name one without + and #", topic)});
    }
  }
  std::vector<Diagnostic> diagnostics;
  const Result<SetPtr> set = load(arguments, arguments.path, diagnostics);
  print(diagnostics);
  if (!set) return fail(set.error());
  Output output;
  bool all = true;
  for (const std::string& topic : arguments.topics) {
    const auto matching = (*set)->matching(topic);
    all = all && !matching.empty();
    if (arguments.json) {
      std::string list;
      for (const Schema* schema : matching) list += (list.empty() ? "" : ",") + to_json(*schema);
      output.write(fmt::format("{{\"topic\":{},\"schemas\":[{}]}}\n", json_string(topic), list));
      continue;
    }
    if (matching.empty()) output.write(topic + ": no schema\n");
    for (const Schema* schema : matching) {
      output.write(fmt::format("{}: {} {} ({}, {}){}\n", topic, schema->name(), version_of(*schema),
                               schema->filter(), schema->file(),
                               schema == matching.front() ? "" : ", less specific"));
    }
  }
  return output.finish(all ? 0 : 1);
}

}  // namespace

void add_schema(Command& program) {
  Command& group =
      program.command("schema", "Checks, compares, tries, drafts and compiles schemas");
  group.example("telemetry schema check ./schemas");
  const auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;

  Command& checked =
      group.command("check", "Names every mistake of schema files, with line, column and remedy");
  checked.positional("PATH", a.paths, "Folders or files; else schema.path of the configuration");
  a.settings.add_to(checked);
  checked.flag("--json", a.json, "One JSON object instead of lines");
  checked.example("telemetry schema check ./schemas");
  checked.example("telemetry schema check --config edge.yaml");
  checked.action([arguments] { return check(*arguments); });

  Command& asked = group.command(
      "which", "Tells which schema judges a topic, and which others match; 1 when none does");
  asked.positional("TOPIC", a.topics, "Topics").required();
  asked.option("--path", a.path, "Folder or file of the schemas").type("PATH");
  a.settings.add_to(asked);
  asked.flag("--json", a.json, "One JSON object a topic instead of lines");
  asked.footer("The most specific filter wins: level by level a name beats +, + beats #.");
  asked.example("telemetry schema which sensors/sensor-001/temperature --path ./schemas");
  asked.action([arguments] { return which(*arguments); });

  add_schema_diff(group);
  add_schema_test(group);
  add_schema_infer(group);
  add_schema_library(group);
  add_schema_compile(group);
}

}  // namespace telemetry::command_line
