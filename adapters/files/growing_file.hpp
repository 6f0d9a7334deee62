// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "telemetry/environment.hpp"
#include "telemetry/error.hpp"

namespace telemetry::files {

/// Takes the suffix from a file's name; where something has the name already, the file gets the
/// next free one: NAME-2.jsonl. Synced by the caller.
/// @returns the new name.
[[nodiscard]] Result<std::string> take_suffix(FileSystem& files, const std::string& folder,
                                              const std::string& name, std::string_view suffix);

/// The file that is being written. It grows at its end; what sync() has not confirmed can be taken
/// back. Its name ends with .part until finish().
class GrowingFile {
 public:
  /// Makes FOLDER/NAME.part.
  /// Errors: already_exists  there is one; what FileSystem says.
  [[nodiscard]] static Result<std::unique_ptr<GrowingFile>> create(FileSystem& files,
                                                                   const std::string& folder,
                                                                   const std::string& name);
  /// Leaves the file as it is.
  ~GrowingFile();
  GrowingFile(const GrowingFile&) = delete;
  GrowingFile& operator=(const GrowingFile&) = delete;

  [[nodiscard]] Result<void> append(std::span<const std::uint8_t> bytes);
  /// What was appended survives a power cut, and so does the file's name.
  /// Errors: unavailable  somebody has moved or removed the file; what FileSystem says.
  [[nodiscard]] Result<void> sync();
  /// Cuts off what sync() has not confirmed.
  [[nodiscard]] Result<void> roll_back();
  /// After sync() or roll_back(): gives the file its final name, or removes it when it is empty.
  [[nodiscard]] Result<void> finish();

  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::uint64_t unsynced_bytes() const noexcept { return bytes_ - synced_; }
  /// "FOLDER/NAME.part", for messages.
  [[nodiscard]] std::string path() const { return folder_ + "/" + name_; }

 private:
  GrowingFile(FileSystem& files, std::string folder, std::string name, FileSystem::Handle handle)
      : files_(files), folder_(std::move(folder)), name_(std::move(name)), handle_(handle) {}

  FileSystem& files_;
  std::string folder_;
  std::string name_;
  FileSystem::Handle handle_;
  std::uint64_t bytes_ = 0;
  std::uint64_t synced_ = 0;
  bool is_whole_ = true;  // the file ends at bytes_, as far as is known
  bool name_synced_ = false;
};

}  // namespace telemetry::files
