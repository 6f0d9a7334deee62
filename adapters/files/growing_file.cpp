// SPDX-License-Identifier: Apache-2.0
#include "growing_file.hpp"

#include <fmt/format.h>

#include "file_name.hpp"

namespace telemetry::files {
namespace {

Result<bool> exists(FileSystem& files, const std::string& path) {
  const auto found = files.open_read(path);
  if (found) files.close(*found);
  if (!found && found.error().code != Errc::not_found) return found.error();
  return static_cast<bool>(found);
}

}  // namespace

Result<std::string> take_suffix(FileSystem& files, const std::string& folder,
                                const std::string& name, std::string_view suffix) {
  std::string wanted = name.substr(0, name.size() - suffix.size());
  const std::string stem = wanted.substr(0, wanted.find('.'));
  const std::string extensions = wanted.substr(stem.size());
  for (int copy = 2;; ++copy) {
    const auto taken = exists(files, folder + "/" + wanted);
    if (!taken) return taken.error();
    if (!*taken) break;
    wanted = fmt::format("{}-{}{}", stem, copy, extensions);
  }
  auto renamed = files.rename(folder + "/" + name, folder + "/" + wanted);
  if (!renamed) return renamed.error();
  return wanted;
}

Result<std::unique_ptr<GrowingFile>> GrowingFile::create(FileSystem& files,
                                                         const std::string& folder,
                                                         const std::string& name) {
  const std::string part = name + std::string(part_suffix);
  const std::string path = folder + "/" + part;
  const auto taken = exists(files, path);
  if (!taken) return taken.error();
  if (*taken) {
    return Error{Errc::already_exists, path + ": exists and is not overwritten; move it away"};
  }
  auto handle = files.open_write(path);
  if (!handle) return handle.error();
  return std::unique_ptr<GrowingFile>(new GrowingFile(files, folder, part, *handle));
}

GrowingFile::~GrowingFile() { files_.close(handle_); }

Result<void> GrowingFile::append(std::span<const std::uint8_t> bytes) {
  is_whole_ = false;
  if (auto written = files_.write(handle_, bytes_, bytes); !written) return written;
  is_whole_ = true;
  bytes_ += bytes.size();
  files_.begin_sync(handle_);  // or the sync of all of it would hold up the journal's
  return {};
}

Result<void> GrowingFile::sync() {
  if (auto synced = files_.sync(handle_); !synced) {
    is_whole_ = false;
    return synced;
  }
  if (!name_synced_) {
    if (auto synced = files_.sync_folder(folder_); !synced) return synced;
    name_synced_ = true;
  }
  const auto there = exists(files_, path());
  if (!there) return there.error();
  if (!*there) {
    return Error{Errc::unavailable, path() + ": was moved or removed; another is begun"};
  }
  synced_ = bytes_;
  return {};
}

Result<void> GrowingFile::roll_back() {
  if (is_whole_ && bytes_ == synced_) return {};
  if (auto cut = files_.truncate(handle_, synced_); !cut) return cut;
  bytes_ = synced_;
  if (auto synced = files_.sync(handle_); !synced) return synced;
  is_whole_ = true;
  return {};
}

Result<void> GrowingFile::finish() {
  if (bytes_ == 0) {
    if (auto removed = files_.remove(path()); !removed) return removed;
  } else {
    auto renamed = take_suffix(files_, folder_, name_, part_suffix);
    if (!renamed) return renamed.error();
    name_ = *renamed;
  }
  return files_.sync_folder(folder_);
}

}  // namespace telemetry::files
