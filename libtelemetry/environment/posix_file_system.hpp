// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "telemetry/environment.hpp"

namespace telemetry::environment {

/// The operating system's files. Thread: any.
class PosixFileSystem final : public FileSystem {
 public:
  Result<Handle> open_read(const std::string& path) override;
  Result<Handle> open_write(const std::string& path) override;
  Result<Handle> open_private(const std::string& path) override;
  void close(Handle file) noexcept override;
  Result<std::size_t> read(Handle file, std::uint64_t offset, std::span<std::uint8_t> out) override;
  Result<void> write(Handle file, std::uint64_t offset,
                     std::span<const std::uint8_t> bytes) override;
  Result<void> truncate(Handle file, std::uint64_t bytes) override;
  Result<void> sync(Handle file) override;
  void begin_sync(Handle file) noexcept override;
  void drop_cache(Handle file) noexcept override;
  Result<std::uint64_t> size(Handle file) override;
  Result<Status> status(Handle file) override;
  Result<void> create_folder(const std::string& path) override;
  Result<void> sync_folder(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& path) override;
  Result<Handle> lock(const std::string& path) override;
  Result<std::uint64_t> free_bytes(const std::string& path) override;

 private:
  Result<Handle> open(const std::string& path, int flags, const char* what, unsigned mode = 0640);
  /// Error of a failed call on an open file; errno is the reason.
  Error failed(Handle file, const char* what);

  std::mutex mutex_;
  std::map<Handle, std::string> paths_;  // of open files, for error messages
};

}  // namespace telemetry::environment
