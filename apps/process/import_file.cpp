// SPDX-License-Identifier: Apache-2.0
#include "process/import_file.hpp"

#include <fmt/format.h>

#include <array>
#include <filesystem>

#include "telemetry/adapters/files.hpp"
#include "telemetry/adapters/sqlite.hpp"

namespace telemetry {
namespace {

enum class Kind : std::uint8_t { card, database, records };

/// A card begins with its magic bytes or with zeros, an image of a file system with code; records
/// begin with text.
Result<Kind> kind_of(const std::string& path) {
  std::error_code unknown;
  if (!std::filesystem::is_regular_file(path, unknown)) return Kind::card;
  auto read = open_unpacked(path);
  if (!read) return read.error();
  std::array<char, 16> first{};
  const auto size = (*read)(first);
  if (!size) return size.error();
  const std::string_view text(first.data(), *size);
  constexpr std::string_view database("SQLite format 3\0", 16);
  if (text == database) return Kind::database;
  if (text.starts_with('{') || text.starts_with('[') || text.starts_with("\xEF\xBB\xBF") ||
      text.starts_with("topic,") || text.starts_with("\"topic\",") || text.starts_with('\n'))
    return Kind::records;
  return text.find(',') != text.npos && text.find('\0') == text.npos ? Kind::records : Kind::card;
}

}  // namespace

Result<ImportReport> import_file(Ingest& ingest, const std::string& journal_path,
                                 const std::string& path, const Environment& environment) {
  const auto kind = kind_of(path);
  if (!kind) return kind.error();
  if (*kind == Kind::card) return import_card(ingest, journal_path, path, environment);
  if (*kind == Kind::database) {
    auto source = open_old_messages(path);
    if (!source) return source.error();
    return import_messages(ingest, journal_path, *std::move(source), environment);
  }
  auto report = import_records(
      ingest, journal_path, [&path] { return open_unpacked(path); }, environment);
  if (!report && report.error().code == Errc::invalid_argument)
    return Error{Errc::invalid_argument, fmt::format("{}: {}", path, report.error().context)};
  return report;
}

}  // namespace telemetry
