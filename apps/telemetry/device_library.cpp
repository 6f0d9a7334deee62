// SPDX-License-Identifier: Apache-2.0
#include "device_library.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace telemetry::command_line {
namespace {

constexpr LibraryFile files[] = {
#include "device_library.inc"
};

/// `# WHAT IT IS. Source: WHERE` at the head of one file of the family; either may have a line of
/// its own.
void describe(Family& family) {
  constexpr std::string_view mark = "Source: ";
  for (const LibraryFile& file : family.files) {
    std::string_view rest = file.text;
    const std::size_t at = rest.find(mark);
    if (at == rest.npos) continue;
    const std::size_t end = std::min(rest.find('\n', at), rest.size());
    family.source = rest.substr(at + mark.size(), end - at - mark.size());
    rest = rest.substr(2, std::min(rest.find('\n'), at) - 2);
    while (rest.ends_with(' ') || rest.ends_with('.')) rest.remove_suffix(1);
    family.about = rest;
  }
}

}  // namespace

std::span<const LibraryFile> library_files() { return files; }

std::vector<std::shared_ptr<const Schema>> Family::schemas() const {
  std::vector<std::shared_ptr<const Schema>> out;
  std::vector<Diagnostic> diagnostics;
  for (const LibraryFile& file : files) {
    const std::string place = std::string(file.family) + "/" + std::string(file.name);
    if (auto schema = Schema::parse(file.text, place, diagnostics)) out.push_back(*schema);
  }
  return out;
}

std::vector<Family> families() {
  std::vector<Family> out;
  for (const LibraryFile& file : files) {
    if (out.empty() || out.back().name != file.family) out.push_back({file.family, {}, {}, {}});
    Family& family = out.back();
    const LibraryFile* const first = family.files.empty() ? &file : family.files.data();
    family.files = {first, static_cast<std::size_t>(&file - first) + 1};
  }
  std::ranges::for_each(out, describe);
  return out;
}

}  // namespace telemetry::command_line
