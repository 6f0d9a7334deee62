// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "commands.hpp"
#include "device_library.hpp"
#include "new_files.hpp"
#include "output.hpp"

namespace telemetry::command_line {
namespace {

constexpr std::size_t columns = 80;

struct Arguments {
  std::string what, folder;
  bool json = false;
};

std::string family_names() {
  std::vector<std::string_view> names;
  for (const Family& family : families()) names.push_back(family.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

/// The files of FAMILY or FAMILY/NAME, where NAME is that of the file or of the schema.
Result<std::vector<LibraryFile>> files_of(std::string_view what) {
  const std::size_t slash = std::min(what.find('/'), what.size());
  const std::string_view wanted = what.substr(std::min(slash + 1, what.size()));
  for (const Family& family : families()) {
    if (family.name != what.substr(0, slash)) continue;
    if (slash == what.size()) return std::vector(family.files.begin(), family.files.end());
    std::vector<std::string_view> names;
    const auto schemas = family.schemas();
    for (std::size_t i = 0; i < schemas.size(); ++i) {
      const LibraryFile& file = family.files[i];
      if (file.name == wanted || schemas[i]->name() == wanted) return std::vector{file};
      names.push_back(file.name);
    }
    return Error{Errc::invalid_argument, fmt::format("the library has no {}; {} has {}", what,
                                                     family.name, fmt::join(names, ", "))};
  }
  return Error{Errc::invalid_argument, fmt::format("the library has no family \"{}\"; it has {}",
                                                   what.substr(0, slash), family_names())};
}

std::vector<std::string_view> filters_of(std::span<const std::shared_ptr<const Schema>> schemas) {
  std::vector<std::string_view> filters;
  for (const auto& schema : schemas) filters.emplace_back(schema->filter());
  std::ranges::sort(filters);
  filters.erase(std::ranges::unique(filters).begin(), filters.end());
  return filters;
}

std::string as_json(const Family& family) {
  std::string list;
  const auto schemas = family.schemas();
  for (std::size_t i = 0; i < schemas.size(); ++i) {
    list += fmt::format(R"({}{{"file":{},"name":{},"version":"{}","filter":{}}})",
                        list.empty() ? "" : ",", json_string(family.files[i].name),
                        json_string(schemas[i]->name()), version_of(*schemas[i]),
                        json_string(schemas[i]->filter()));
  }
  return fmt::format(R"({{"family":{},"about":{},"source":{},"schemas":[{}]}})",
                     json_string(family.name), json_string(family.about),
                     json_string(family.source), list);
}

std::string as_text(const Family& family) {
  const auto schemas = family.schemas();
  std::string out = fmt::format("{}: {}; {} schema{}\n", family.name, family.about, schemas.size(),
                                schemas.size() == 1 ? "" : "s");
  std::string line = " ";
  for (const std::string_view filter : filters_of(schemas)) {
    if (line.size() + 1 + filter.size() > columns) {
      out += line + "\n";
      line = " ";
    }
    line += fmt::format(" {}", filter);
  }
  return out + line + "\n";
}

int list(const Arguments& arguments) {
  std::string out;
  for (const Family& family : families()) {
    if (arguments.json)
      out += (out.empty() ? "" : ",") + as_json(family);
    else
      out += as_text(family);
  }
  Output output;
  output.write(arguments.json ? fmt::format("{{\"families\":[{}]}}\n", out) : out);
  return output.finish(0);
}

int show(const Arguments& arguments) {
  const auto files = files_of(arguments.what);
  if (!files) return fail(files.error());
  Output output;
  for (const LibraryFile& file : *files) {
    if (files->size() > 1) output.write(fmt::format("### {}/{}\n", file.family, file.name));
    output.write(file.text);
  }
  return output.finish(0);
}

int copy(const Arguments& arguments) {
  const auto files = files_of(arguments.what);
  if (!files) return fail(files.error());
  std::vector<NewFile> made;
  std::string lines;
  for (const LibraryFile& file : *files) {
    std::vector<Diagnostic> diagnostics;
    const auto schema = Schema::parse(file.text, std::string(file.name), diagnostics);
    if (!schema) return fail(schema.error());
    // Files of several families stand in one folder: they are called as their schemas.
    made.push_back(
        {(std::filesystem::path(arguments.folder) / ((*schema)->name() + ".yaml")).string(),
         file.text});
    lines += fmt::format("{}: for {}\n", made.back().path, (*schema)->filter());
  }
  if (const auto written = write_new_files(arguments.folder, made, {}); !written)
    return fail(written.error());
  Output output;
  output.write(lines);
  return output.finish(0);
}

}  // namespace

void add_schema_library(Command& schema) {
  Command& group =
      schema.command("library", "Schemas for known devices, which are part of this program");
  group.footer(
      "They are a beginning: add the members and entities of your devices, name your time zone, "
      "remove what you do not have. What each reads: docs/payloads.md.");
  group.example("telemetry schema library list");
  const auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;

  Command& listed = group.command("list", "Families of devices, and the topics of their schemas");
  listed.flag("--json", a.json, "One JSON object with all schemas");
  listed.example("telemetry schema library list");
  listed.action([arguments] { return list(*arguments); });

  Command& shown = group.command("show", "Prints schemas of a family");
  shown.positional("FAMILY", a.what, "All schemas of it; FAMILY/NAME is one").required();
  shown.example("telemetry schema library show tasmota/sensor");
  shown.action([arguments] { return show(*arguments); });

  Command& copied = group.command("copy", "Writes schemas of a family into a folder");
  copied.positional("FAMILY", a.what, "All schemas of it; FAMILY/NAME is one").required();
  copied.positional("FOLDER", a.folder, "Such as schema.path; it is made if need be").required();
  copied.footer(
      "Each file is called as its schema. Files that exist stay: if there is one, nothing is "
      "written. Exit code: 0 written, 1 not, 2 wrong usage, or a file is there.");
  copied.example("telemetry schema library copy tasmota house/schemas");
  copied.action([arguments] { return copy(*arguments); });
}

}  // namespace telemetry::command_line
