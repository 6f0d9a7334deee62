// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <system_error>

#include "commands.hpp"
#include "output.hpp"
#include "settings.hpp"
#include "telemetry/schema.hpp"

namespace telemetry::command_line {
namespace {

struct Arguments {
  std::vector<std::string> files;
  std::string target, name_space = "schemas", output = "-";
};

/// 0, or errno.
int write(const std::filesystem::path& path, std::string_view text) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) return errno;
  int error = 0;
  if (std::fwrite(text.data(), 1, text.size(), file) != text.size()) error = errno;
  if (std::fclose(file) != 0 && error == 0) error = errno;
  return error;
}

/// The old file stays until the new one is complete. A link is followed; what is no file, such as
/// a pipe, is written to.
int replace(const std::string& path, std::string_view text) {
  namespace fs = std::filesystem;
  std::error_code unknown;
  const fs::path real = fs::canonical(path, unknown);
  const fs::path target = unknown ? fs::path(path) : real;
  if (fs::exists(target, unknown) && !fs::is_regular_file(target, unknown)) {
    return write(target, text);
  }
  fs::path fresh = target;
  fresh += ".tmp";
  int error = write(fresh, text);
  if (error == 0) {
    std::error_code failed;
    fs::rename(fresh, target, failed);
    error = failed.value();
  }
  if (error != 0) fs::remove(fresh, unknown);
  return error;
}

int compile(const Arguments& arguments) {
  std::vector<Diagnostic> diagnostics;
  std::vector<std::shared_ptr<const Schema>> schemas;
  for (const std::string& file : arguments.files) {
    std::error_code unknown;
    if (std::filesystem::is_directory(file, unknown)) {
      return fail({Errc::invalid_argument,
                   fmt::format("{}: is a folder; name its files: {}/*.yaml", file, file)});
    }
  }
  bool good = true;
  for (const std::string& file : arguments.files) {
    const std::size_t before = diagnostics.size();
    const auto set = SchemaSet::load(file, diagnostics, ValidationFunctions::not_called());
    if (set) {
      schemas.insert(schemas.end(), (*set)->all().begin(), (*set)->all().end());
      continue;
    }
    good = false;
    if (set.error().code == Errc::not_found) {
      say(fmt::format("{}: no such file", file));
    } else if (diagnostics.size() == before) {
      say(to_string(set.error()));
    }
  }
  // The good files are looked at too: all mistakes in one go.
  Result<std::string> header = std::string();
  if (!schemas.empty()) {
    const std::size_t before = diagnostics.size();
    header = compile_to_cpp(schemas, arguments.name_space, diagnostics);
    if (!header && diagnostics.size() == before) return fail(header.error());
  }
  print(diagnostics);
  if (!good || !header) {
    say("nothing was written");
    return 2;
  }
  if (arguments.output == "-") {
    Output output;
    output.write(*header);
    return output.finish(0);
  }
  const int error = replace(arguments.output, *header);
  if (error == 0) return 0;
  say(fmt::format("{}: cannot write it: {}", arguments.output, errno_text(error)));
  return 1;
}

}  // namespace

void add_schema_compile(Command& schema) {
  const auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  Command& command =
      schema.command("compile", "Writes schemas as a C++ header of constants for firmware");
  command.positional("FILE", a.files, "Schema files").required();
  command.option("--to", a.target, "What to write: cpp").required().one_of({"cpp"}).type("TARGET");
  command.option("--namespace", a.name_space, "Namespace of the header, such as app::schemas")
      .type("NAME")
      .show_default();
  command.option("-o,--output", a.output, "File to write; - is standard output")
      .type("FILE")
      .show_default();
  command.footer(
      "The header has the tables that the gateway judges with, and needs telemetry/core "
      "only. What firmware cannot judge is refused by name and place: pattern, "
      "strict: false, custom, keywords of JSON Schema beyond the tables. The same "
      "schemas give the same bytes. In the firmware:\n"
      "\n"
      "  const auto* schema = schemas::choose(topic);                      // or null\n"
      "  telemetry::core::decode(*schema->view, payload, buffers);\n"
      "\n"
      "Exit code: 0 written, 1 the output cannot be written, 2 a file has mistakes, or "
      "wrong usage; then the old output stays.");
  command.example("telemetry schema compile --to cpp schemas/*.yaml --output firmware/schemas.hpp");
  command.action([arguments] { return compile(*arguments); });
}

}  // namespace telemetry::command_line
