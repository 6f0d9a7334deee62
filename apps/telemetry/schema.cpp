// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>

#include "commands.hpp"
#include "output.hpp"
#include "schema_files.hpp"

namespace telemetry::command_line {
namespace {

struct Arguments {
  Settings settings;
  std::vector<std::string> paths;
  bool json = false;
};

using SetPtr = std::shared_ptr<const SchemaSet>;

Result<SetPtr> load(const Arguments& arguments, std::string path,
                    std::vector<Diagnostic>& diagnostics) {
  return load_schemas(arguments.settings, std::move(path), diagnostics);
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
      list += fmt::format("{}{{{}}}", list.empty() ? "" : ",", members_of(*schema));
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

}  // namespace

std::string members_of(const Schema& schema) {
  return fmt::format(R"("name":{},"version":"{}","filter":{},"file":{},"id":"{:016x}","fields":{})",
                     json_string(schema.name()), version_of(schema), json_string(schema.filter()),
                     json_string(schema.file()), schema.id(), schema.slots().size());
}

Result<std::shared_ptr<const SchemaSet>> load_schemas(const Settings& settings, std::string path,
                                                      std::vector<Diagnostic>& diagnostics) {
  if (path.empty()) {
    const Result<Config> config = settings.load();
    if (!config) return config.error();
    path = config->text("schema.path");
  }
  return SchemaSet::load(path, diagnostics, ValidationFunctions::not_called());
}

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

  add_schema_which(group);
  add_schema_diff(group);
  add_schema_test(group);
  add_schema_infer(group);
  add_schema_library(group);
  add_schema_compile(group);
}

}  // namespace telemetry::command_line
