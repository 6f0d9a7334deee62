// SPDX-License-Identifier: Apache-2.0
#include "repair.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "frames.hpp"
#include "growing_file.hpp"
#include "telemetry/export.hpp"

namespace telemetry::files {
namespace {

constexpr std::size_t block_bytes = 64 * 1024;

/// Calls visit(block) for the file's bytes in order until it returns false.
template <class Visit>
Result<void> for_each_block(FileSystem& files, FileSystem::Handle file, const Visit& visit) {
  std::vector<std::uint8_t> block(block_bytes);
  for (std::uint64_t offset = 0;;) {
    const auto size = files.read(file, offset, block);
    if (!size) return size.error();
    if (*size == 0 || !visit(std::span<const std::uint8_t>(block).first(*size))) return {};
    offset += *size;
  }
}

Result<Whole> whole_lines(FileSystem& files, FileSystem::Handle file, FileFormat format) {
  Whole whole;
  std::uint64_t at = 0;
  bool quoted = false;  // inside "..." of a CSV cell a line end is text
  auto read = for_each_block(files, file, [&](std::span<const std::uint8_t> block) {
    for (const std::uint8_t byte : block) {
      ++at;
      if (byte == 0) return false;
      if (byte == '"' && format == FileFormat::csv) quoted = !quoted;
      if (byte == '\n' && !quoted) whole.bytes = whole.text_bytes = at;
    }
    return true;
  });
  if (!read) return read.error();
  return whole;
}

Result<Whole> whole_frames(FileSystem& files, FileSystem::Handle file,
                           FileCompression compression) {
  Unpacker unpacker(compression);
  std::vector<char> text(block_bytes);
  Whole whole;
  std::uint64_t at = 0;
  std::uint64_t text_bytes = 0;
  auto read = for_each_block(files, file, [&](std::span<const std::uint8_t> block) {
    bool is_full = false;  // there may be more text without more input
    while (!block.empty() || is_full) {
      const auto step = unpacker.step(block, text);
      if (step.outcome == Unpacker::Outcome::damaged) return false;
      block = block.subspan(step.consumed);
      at += step.consumed;
      text_bytes += step.produced;
      is_full = step.produced == text.size() && step.outcome == Unpacker::Outcome::more;
      if (step.outcome == Unpacker::Outcome::frame_end) whole = {at, text_bytes};
      if (step.consumed == 0 && step.produced == 0) break;
    }
    return true;
  });
  if (!read) return read.error();
  return whole;
}

bool has_record(Kind kind, const Whole& whole) {
  const std::size_t header = kind.format == FileFormat::csv ? record_csv_header.size() : 0;
  return whole.text_bytes > header;
}

class Repair {
 public:
  Repair(const Environment& environment, const std::string& component, const std::string& folder)
      : files_(environment.files), log_(environment.log), component_(component), folder_(folder) {}

  Result<void> run(const std::string& name, Kind kind) {
    const std::string path = folder_ + "/" + name;
    auto file = files_.open_write(path);
    if (!file) return file.error();
    auto cut = cut_torn_end(path, *file, kind);
    files_.close(*file);
    if (!cut) return cut.error();
    switch (*cut) {
      case Found::records:
        return finish(name, part_suffix);
      case Found::nothing:
        return files_.remove(path);
      case Found::damage:
        break;
    }
    return set_aside(name);
  }

 private:
  enum class Found : std::uint8_t { nothing, records, damage };

  Result<Found> cut_torn_end(const std::string& path, FileSystem::Handle file, Kind kind) {
    // Only what is on the disk counts, not what a failed sync left in memory.
    if (auto synced = files_.sync(file); !synced) return synced.error();
    files_.drop_cache(file);
    const auto size = files_.size(file);
    if (!size) return size.error();
    const auto whole = whole_part(files_, file, kind);
    if (!whole) return whole.error();
    const std::uint64_t torn = *size - whole->bytes;
    if (torn > torn_bytes_max) return Found::damage;
    if (!has_record(kind, *whole)) return Found::nothing;
    if (torn == 0) return Found::records;
    if (auto cut = files_.truncate(file, whole->bytes); !cut) return cut.error();
    if (auto synced = files_.sync(file); !synced) return synced.error();
    log_(LogLevel::warn, component_,
         fmt::format("{}: the last {} bytes were not whole after a crash and are cut off; their "
                     "messages are written again",
                     path, torn));
    return Found::records;
  }

  Result<void> finish(const std::string& name, std::string_view suffix) {
    auto renamed = take_suffix(files_, folder_, name, suffix);
    if (!renamed) return renamed.error();
    return {};
  }

  Result<void> set_aside(const std::string& name) {
    const std::string kept = name + std::string(damaged_suffix);
    if (auto renamed = files_.rename(folder_ + "/" + name, folder_ + "/" + kept); !renamed) {
      return renamed;
    }
    log_(LogLevel::error, component_,
         fmt::format("{}/{}: damaged in the middle, which no crash does (check the disk); the file "
                     "is kept as it is: gzip, zstd or lz4 -dc show what comes before the damage",
                     folder_, kept));
    return {};
  }

  FileSystem& files_;
  const Log& log_;
  const std::string& component_;
  const std::string& folder_;
};

}  // namespace

Result<Whole> whole_part(FileSystem& files, FileSystem::Handle file, Kind kind) {
  if (kind.compression == FileCompression::none) return whole_lines(files, file, kind.format);
  return whole_frames(files, file, kind.compression);
}

Result<std::uint64_t> tidy_folder(const Environment& environment, const std::string& component,
                                  const std::string& folder) {
  const auto names = environment.files.list(folder);
  if (!names) return names.error();
  Repair repair(environment, component, folder);
  std::uint64_t highest = 0;
  bool changed = false;
  for (const std::string& name : *names) {
    highest = std::max(highest, number_of(name).value_or(0));
    const auto kind = kind_of_part(name);
    if (!kind) continue;
    if (auto repaired = repair.run(name, *kind); !repaired) {
      environment.log(LogLevel::error, component,
                      fmt::format("{}/{}: cannot be put right now, the next start tries again: {}",
                                  folder, name, to_string(repaired.error())));
      continue;
    }
    changed = true;
  }
  if (changed) {
    if (auto synced = environment.files.sync_folder(folder); !synced) return synced.error();
  }
  return highest;
}

}  // namespace telemetry::files
