// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "journal/segment_log.hpp"

namespace telemetry::journal {
namespace {

constexpr std::size_t copy_bytes = 256 * 1024;
constexpr std::string_view folder_name = "/quarantine";

Result<void> copy_file(FileSystem& files, const std::string& from, const std::string& to) {
  auto source_file = files.open_read(from);
  if (!source_file) return source_file.error();
  const OpenFile source(files, *source_file);
  auto target_file = files.open_write(to);
  if (!target_file) return target_file.error();
  const OpenFile target(files, *target_file);
  std::vector<std::uint8_t> buffer(copy_bytes);
  for (std::uint64_t at = 0;;) {
    auto n = files.read(*source, at, buffer);
    if (!n) return n.error();
    if (*n == 0) break;
    if (auto done = files.write(*target, at, std::span(buffer).first(*n)); !done) return done;
    at += *n;
  }
  return files.sync(*target);
}

Result<std::uint64_t> file_bytes(FileSystem& files, const std::string& path) {
  auto opened = files.open_read(path);
  if (!opened) return opened.error();
  const OpenFile file(files, *opened);
  return files.size(*file);
}

}  // namespace

Result<bool> copy_to_quarantine(FileSystem& files, const std::string& path, const std::string& name,
                                std::uint64_t bytes_max) {
  const std::string folder = path + std::string(folder_name);
  if (auto made = files.create_folder(folder); !made) return made.error();
  auto names = files.list(folder);
  if (!names) return names.error();
  auto bytes = file_bytes(files, path + "/" + name);
  if (!bytes) return bytes.error();
  for (const auto& entry : *names) {
    if (entry == name) return false;
    if (auto more = file_bytes(files, folder + "/" + entry)) *bytes += *more;
  }
  if (*bytes > bytes_max) {
    return Error{Errc::resource_exhausted,
                 fmt::format("{}: full, {} is not copied there (empty it)", folder, name)};
  }
  const std::string temporary = folder + "/" + name + ".tmp";
  auto copied = copy_file(files, path + "/" + name, temporary);
  if (copied) copied = files.rename(temporary, folder + "/" + name);
  if (copied) copied = files.sync_folder(folder);
  if (!copied) {
    (void)files.remove(temporary);
    return copied.error();
  }
  return true;
}

Result<void> move_to_quarantine(FileSystem& files, const std::string& path,
                                const std::string& name) {
  const std::string folder = path + std::string(folder_name);
  if (auto made = files.create_folder(folder); !made) return made;
  if (auto done = files.rename(path + "/" + name, folder + "/" + name); !done) return done;
  if (auto done = files.sync_folder(folder); !done) return done;
  return files.sync_folder(path);
}

void SegmentLog::note_damage(SegmentKey key, std::uint64_t offset, std::uint64_t bytes) {
  {
    const std::lock_guard lock(mutex_);
    const auto segment = std::find_if(segments_.begin(), segments_.end(),
                                      [key](const Segment& s) { return s.key == key; });
    if (segment == segments_.end() || offset < segment->damage_counted) return;
    segment->damage_counted = offset + bytes;
    ++stats_.damaged_places;
    stats_.damaged_bytes += bytes;
    log(LogLevel::error,
        fmt::format("{}: {} damaged bytes at offset {} skipped", path_of(key), bytes, offset));
    if (segment->quarantined) return;
    segment->quarantined = true;
  }
  // Without the mutex: a copy takes long, and appending goes on meanwhile.
  auto copied = copy_to_quarantine(files(), options_.path, segment_name(key),
                                   std::max(options_.size_max_bytes / 4, 2 * sizes_.segment_bytes));
  const std::lock_guard lock(mutex_);
  if (!copied)
    log(LogLevel::warn, copied.error().context);
  else if (*copied)
    ++stats_.quarantined_segments;
}

}  // namespace telemetry::journal
