// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <tuple>

#include "commands.hpp"
#include "output.hpp"
#include "process/backends.hpp"
#include "settings.hpp"
#include "telemetry/adapters/http.hpp"
#include "telemetry/adapters/mqtt.hpp"
#include "telemetry/pipeline.hpp"

namespace telemetry::command_line {
namespace {

struct Arguments {
  Settings settings;
  bool json = false;
};

constexpr const char* no_file = "the configuration";

std::string file_of(const Settings& settings) {
  if (!settings.file.empty()) return settings.file;
  const char* named = std::getenv("CONFIG_PATH");
  return named != nullptr && *named != '\0' ? named : no_file;
}

// What the owners of the settings have to say on top of the tables.
void check_owners(const Config& config, const Settings& settings,
                  std::vector<Diagnostic>& diagnostics) {
  const std::string file = file_of(settings);
  const int whole = file == no_file ? 0 : 1;
  const auto take = [&](const auto& result) {
    if (result) return;
    for (Diagnostic found : result.error().diagnostics) {
      if (found.file.empty()) {  // a default: the file lacks something
        found.file = file;
        found.line = found.column = whole;
      }
      diagnostics.push_back(std::move(found));
    }
  };
  take(mqtt_options_from(config, settings.app));
  take(make_sinks(config, environment()));
  take(pipeline_options(config));
  take(retention_options_from(config));
  if (settings.app == "gateway" && config.boolean("web.enabled")) {
    take(web::service_options(config));
    take(tls_certificate_from(config));
  }
  const std::string schemas = config.text("schema.path");
  if (config.is_set("schema.path") && !std::filesystem::exists(schemas)) {
    Diagnostic missing = config.mistake("schema.path", schemas + " does not exist here",
                                        "create it, or name where the schemas are");
    missing.severity = Diagnostic::Severity::warning;
    diagnostics.push_back(std::move(missing));
  }
  std::stable_sort(diagnostics.begin(), diagnostics.end(),
                   [](const Diagnostic& a, const Diagnostic& b) {
                     return std::tie(a.line, a.column) < std::tie(b.line, b.column);
                   });
}

// Names the file only where the file is to blame.
std::string verdict(std::span<const Diagnostic> diagnostics, const std::string& file) {
  const auto wrong = [&](const Diagnostic& d) {
    return d.severity == Diagnostic::Severity::error && d.file == file;
  };
  if (std::any_of(diagnostics.begin(), diagnostics.end(), wrong)) return file + " cannot be used";
  return file + " is good, but not with the settings from elsewhere that are named above";
}

int check(const Arguments& arguments) {
  std::vector<Diagnostic> diagnostics;
  const Result<Config> config = arguments.settings.load(diagnostics);
  if (!config && !has_errors(diagnostics)) return fail(config.error());  // no file to speak of
  if (config) check_owners(*config, arguments.settings, diagnostics);
  const bool good = !has_errors(diagnostics);
  static const std::vector<std::string> none;
  const auto& notes = config ? config->inert_sections() : none;
  const std::string file = file_of(arguments.settings);

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
    say(verdict(diagnostics, file));
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
  a.settings.app = "gateway";
  checked.positional("FILE", a.settings.file, "The same as --config FILE")
      .excludes(a.settings.add_to(checked));
  checked.option("--app", a.settings.app, "The app that will read it")
      .one_of({"gateway", "edge"})
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
