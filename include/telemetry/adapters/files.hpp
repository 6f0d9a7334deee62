// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/config.hpp"
#include "telemetry/environment.hpp"
#include "telemetry/import.hpp"
#include "telemetry/sink.hpp"

namespace telemetry {

enum class FileFormat : std::uint8_t { jsonl, csv };
enum class FileCompression : std::uint8_t { none, gzip, zstd, lz4 };
enum class FileRotation : std::uint8_t { hourly, daily, size };

/// Files of records in one folder, for other programs to read; docs/files.md describes them. At
/// least once: a message can be there twice only after a crash or a failing disk.
struct FilesOptions {
  std::string name = "filesystem";  ///< of the sink, in logs, metrics and its cursor's file
  std::string base_path;            ///< created, with its parents, by open()
  FileFormat format = FileFormat::jsonl;
  FileCompression compression = FileCompression::none;
  FileRotation rotation = FileRotation::daily;          ///< hours and days of UTC, by receive time
  std::uint64_t file_bytes_max = 100ull * 1024 * 1024;  ///< with every rotation
  std::int64_t sync_interval_ns =
      5'000'000'000;  ///< what has come is put into one frame and synced
  std::uint64_t free_space_reserve_bytes = 64ull * 1024 * 1024;  ///< below it writing stops
};

/// Options "storage.filesystem.*" (storage.filesystem may be a list).
[[nodiscard]] OptionTable files_options() noexcept;
/// @param section  an entry of Config::entries().
/// Errors: invalid_argument  there is no base_path, or the name cannot be a sink's.
[[nodiscard]] Result<FilesOptions> files_options_from(
    const Config& config, std::string_view section = "storage.filesystem");

/// Opened by one process at a time: open() fails with already_exists while another writes into the
/// folder. Memory: some 100 KB, with zstd 0.6 MB; a long record as much as it needs.
[[nodiscard]] std::unique_ptr<Sink> make_files_sink(const FilesOptions& options,
                                                    Environment environment);

/// Opens a file for reading, unpacked where its first bytes are those of gzip, zstd or lz4.
/// Errors: not_found, permission_denied, unavailable; of the reads also data_loss  it is damaged,
/// or ends inside a frame.
[[nodiscard]] Result<ReadBytes> open_unpacked(const std::string& path);

namespace files {

/// Packs texts as frames (zstd, lz4) or members (gzip) that stand alone and have a checksum, so
/// that a file is any number of them one after the other. Without compression the text is the
/// frame.
class Packer {
 public:
  explicit Packer(FileCompression compression);
  ~Packer();
  /// Appends one frame that holds the text.
  /// Errors: internal  the library refuses, for want of memory.
  [[nodiscard]] Result<void> pack(std::string_view text, std::vector<std::uint8_t>& out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace files

}  // namespace telemetry
