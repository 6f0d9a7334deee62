// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>

#include "commands.hpp"
#include "output.hpp"
#include "settings.hpp"
#include "telemetry/adapters/files.hpp"
#include "telemetry/adapters/mqtt.hpp"
#include "telemetry/adapters/sqlite.hpp"
#include "telemetry/pipeline.hpp"

namespace telemetry::command_line {
namespace {

struct Arguments {
  Settings settings;
  bool json = false;
};

// What the owners of the settings have to say on top of the tables.
void check_owners(const Config& config, const Settings& settings,
                  std::vector<Diagnostic>& diagnostics) {
  const auto add = [&](const Error& error) {
    diagnostics.push_back(
        {settings.file.empty() ? "the configuration" : settings.file, 0, 0, error.context, ""});
  };
  if (auto options = mqtt_options_from(config, settings.app); !options) add(options.error());
  if (auto options = sqlite_options_from(config); !options) add(options.error());
  if (auto options = files_options_from(config); !options) add(options.error());
  if (auto options = pipeline_options(config); !options) add(options.error());
}

int check(const Arguments& arguments) {
  std::vector<Diagnostic> diagnostics;
  const Result<Config> config = arguments.settings.load(diagnostics);
  if (!config && !has_errors(diagnostics)) return fail(config.error());  // no file to speak of
  if (config) check_owners(*config, arguments.settings, diagnostics);
  const bool good = !has_errors(diagnostics);
  static const std::vector<std::string> none;
  const auto& notes = config ? config->inert_sections() : none;
  const std::string file =
      arguments.settings.file.empty() ? "the configuration" : arguments.settings.file;

  Output output;
  if (arguments.json) {
    std::string list;
    for (const std::string& note : notes) list += (list.empty() ? "" : ",") + json_string(note);
    output.write(fmt::format(R"({{"file":{},"ok":{},"diagnostics":[{}],"notes":[{}]}})"
                             "\n",
                             json_string(file), good, to_json(diagnostics), list));
    return output.finish(good ? 0 : 2);
  }
  print(diagnostics);
  if (!good) {
    say(file + " cannot be used");
    return 2;
  }
  for (const std::string& note : notes) output.write(note + "\n");
  output.write(file + ": ok\n");
  return output.finish(0);
}

int show(const Arguments& arguments) {
  const Result<Config> config = arguments.settings.load();
  if (!config) return fail(config.error());
  Output output;
  if (!arguments.json) {
    output.write(config->dump());
    return output.finish(0);
  }
  std::string out;
  for (const Config::Shown& setting : config->shown()) {
    std::string values;
    for (const std::string& value : setting.values) {
      values += (values.empty() ? "" : ",") + json_string(value);
    }
    out += fmt::format(R"({}{{"key":{},"values":[{}],"set":{},"source":{},"line":{}}})",
                       out.empty() ? "[\n" : ",\n", json_string(setting.key), values, setting.set,
                       json_string(setting.set ? setting.origin.file : "default"),
                       setting.origin.line);
  }
  output.write(out + "\n]\n");
  return output.finish(0);
}

int reference(const Arguments& arguments) {
  Output output;
  output.write(arguments.json ? config_json_schema(option_tables())
                              : config_reference(option_tables()));
  return output.finish(0);
}

}  // namespace

void add_config(Command& program) {
  Command& group = program.command("config", "Checks, shows and explains configurations");
  group.example("telemetry config check edge.yaml");
  const auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;

  Command& checked = group.command(
      "check", "Names every mistake of a configuration, with line, column and remedy");
  a.settings.app = "edge";
  checked.positional("FILE", a.settings.file, "The same as --config FILE")
      .excludes(a.settings.add_to(checked));
  checked.option("--app", a.settings.app, "The app that will read it: edge")
      .one_of({"edge"})
      .type("APP")
      .show_default();
  checked.flag("--json", a.json, "One JSON object instead of lines");
  checked.example("telemetry config check edge.yaml && systemctl restart telemetry-edge");
  checked.action([arguments] { return check(*arguments); });

  Command& shown = group.command(
      "show", "Prints the settings in force as YAML: file, environment, defaults; secrets masked");
  shown.positional("FILE", a.settings.file, "The same as --config FILE")
      .excludes(a.settings.add_to(shown));
  shown.flag("--json", a.json, "As a JSON array that tells where each setting comes from");
  shown.example("telemetry config show edge.yaml --set journal.path=/mnt/journal");
  shown.action([arguments] { return show(*arguments); });

  Command& explained =
      group.command("reference", "Prints the reference of all settings as Markdown");
  explained.flag("--json", a.json, "The JSON Schema of the file instead, for editors");
  explained.example("telemetry config reference --json >edge.schema.json");
  explained.action([arguments] { return reference(*arguments); });
}

}  // namespace telemetry::command_line
