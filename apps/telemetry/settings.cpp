// SPDX-License-Identifier: Apache-2.0
#include "settings.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <set>

#include "output.hpp"
#include "process/audit.hpp"
#include "process/backends.hpp"

namespace telemetry::command_line {
namespace {

constexpr std::int64_t hour_ns = 3'600'000'000'000;

// A file may be named twice, also by its folder.
std::vector<Diagnostic> distinct(std::span<const Diagnostic> diagnostics) {
  std::vector<Diagnostic> out;
  std::set<std::string> said;
  for (const Diagnostic& diagnostic : diagnostics) {
    Diagnostic plain = diagnostic;
    plain.file = std::filesystem::path(plain.file).lexically_normal().string();
    if (said.insert(to_string(plain)).second) out.push_back(diagnostic);
  }
  return out;
}

}  // namespace

Argument Settings::add_to(Command& command) {
  const Argument config =
      command.option("-c,--config", file, "Configuration file (else CONFIG_PATH, else defaults)")
          .type("FILE");
  command
      .option("--set", assignments,
              "Overrides one setting: journal.path=/mnt/journal; may be repeated")
      .type("KEY=VALUE");
  return config;
}

Result<Config> Settings::load(std::vector<Diagnostic>& diagnostics) const {
  Config::Sources sources;
  sources.file = file;
  sources.app = app;
  for (const std::string& assignment : assignments) {
    const std::size_t equals = assignment.find('=');
    if (equals == std::string::npos) {
      return Error{Errc::invalid_argument,
                   fmt::format("--set \"{}\": write KEY=VALUE, for example journal.path=/mnt/j",
                               assignment)};
    }
    sources.overrides.emplace_back(assignment.substr(0, equals), assignment.substr(equals + 1));
  }
  return Config::load(sources, option_tables(), diagnostics);
}

Result<Config> Settings::load() const {
  std::vector<Diagnostic> diagnostics;
  Result<Config> config = load(diagnostics);
  print(diagnostics);
  return config;
}

Result<std::unique_ptr<Pipeline>> start_pipeline(const Config& config) {
  auto options = pipeline_options(config);
  if (!options) return std::move(options).error();
  auto retention = retention_options_from(config);
  if (!retention) return std::move(retention).error();
  options->retention = *std::move(retention);
  options->retention.every_ns = 0;
  options->drain_ns = hour_ns;  // what was taken in shall be stored when the command ends
  // All of them: the journal might let go of what a store that it does not know here needs.
  auto sinks = make_sinks(config, environment());
  if (!sinks) return std::move(sinks).error();
  PipelineBuilder builder(*std::move(options));
  builder.environment(environment());
  for (auto& sink : *sinks) builder.sink(std::move(sink));
  auto pipeline = builder.start();
  if (!pipeline) print(pipeline.error().diagnostics);
  return pipeline;
}

void note(const Config& config, std::string_view what, std::string_view details,
          const Result<std::string>& outcome) {
  Audit(config.text("journal.path"), environment())
      .write({.from = "command", .what = what, .details = details}, outcome);
}

Environment environment() {
  return system_environment(
      Log([](LogLevel, std::string_view component,
             std::string_view message) { say(fmt::format("{}: {}", component, message)); },
          LogLevel::warn));
}

void print(std::span<const Diagnostic> diagnostics) {
  for (const Diagnostic& diagnostic : distinct(diagnostics)) {
    std::fprintf(stderr, "%s\n", to_string(diagnostic).c_str());
  }
}

std::string to_json(std::span<const Diagnostic> diagnostics) {
  std::string out;
  for (const Diagnostic& d : distinct(diagnostics)) {
    const bool error = d.severity == Diagnostic::Severity::error;
    out += fmt::format(
        R"({}{{"severity":"{}","file":{},"line":{},"column":{},"message":{},"hint":{}}})",
        out.empty() ? "" : ",", error ? "error" : "warning", json_string(d.file), d.line, d.column,
        json_string(d.message), json_string(d.hint));
  }
  return out;
}

}  // namespace telemetry::command_line
