// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "telemetry/core/card_files.hpp"
#include "telemetry/environment.hpp"

/// What a microcontroller's CardJournal wrote, on the host and read-only: an image of the card (or
/// the card's device file), or the folder of a card with a file system. docs/formats/card_v1.md.
namespace telemetry::journal {

/// A core::BlockDevice. Movable; closes the file.
class CardImage {
 public:
  /// Errors: those of FileSystem::open_read and size
  [[nodiscard]] static Result<CardImage> open(FileSystem& files, const std::string& path) {
    auto file = files.open_read(path);
    if (!file) return file.error();
    CardImage image(files, *file);
    auto bytes = files.size(*file);
    if (!bytes) return bytes.error();
    // A device file says 0; how large it is does not matter to a reader.
    image.sectors_ = *bytes == 0 ? UINT32_MAX
                                 : static_cast<std::uint32_t>(std::min<std::uint64_t>(
                                       *bytes / core::card_sector_bytes, UINT32_MAX));
    return image;
  }
  CardImage(CardImage&& other) noexcept
      : files_(other.files_), file_(std::exchange(other.file_, -1)), sectors_(other.sectors_) {}
  CardImage& operator=(CardImage&&) = delete;
  ~CardImage() {
    if (file_ >= 0) files_.close(file_);
  }

  bool read(std::uint32_t sector, std::span<std::uint8_t, core::card_sector_bytes> out) {
    auto bytes = files_.read(file_, std::uint64_t{sector} * core::card_sector_bytes, out);
    return bytes && *bytes == out.size();
  }
  static bool write(std::uint32_t, std::span<const std::uint8_t, core::card_sector_bytes>) {
    return false;
  }
  [[nodiscard]] std::uint32_t sectors() const noexcept { return sectors_; }

 private:
  CardImage(FileSystem& files, FileSystem::Handle file) noexcept : files_(files), file_(file) {}

  FileSystem& files_;
  FileSystem::Handle file_;
  std::uint32_t sectors_ = 0;
};

/// A core::CardFileSystem; core::CardFiles over it is the block device.
class CardFolder {
 public:
  /// What CardFiles is told: the size does not matter to a reader.
  static constexpr std::uint32_t sectors = UINT32_MAX;
  using File = FileSystem::Handle;

  CardFolder(FileSystem& files, std::string path) : files_(files), path_(std::move(path)) {}

  core::FileStatus open(File& file, const char* name, bool create) {
    if (create) return core::FileStatus::error;
    std::string text = path_ + "/" + name;
    auto opened = files_.open_read(text);
    if (!opened && opened.error().code == Errc::not_found) {
      // Some systems show short names in lower case.
      std::transform(text.begin() + static_cast<std::ptrdiff_t>(path_.size()), text.end(),
                     text.begin() + static_cast<std::ptrdiff_t>(path_.size()),
                     [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
      opened = files_.open_read(text);
    }
    if (!opened) {
      return opened.error().code == Errc::not_found ? core::FileStatus::missing
                                                    : core::FileStatus::error;
    }
    file = *opened;
    return core::FileStatus::ok;
  }
  bool read(File& file, std::uint32_t offset, std::span<std::uint8_t, core::card_sector_bytes> out,
            std::size_t& bytes) {
    auto n = files_.read(file, offset, out);
    if (n) bytes = *n;
    return static_cast<bool>(n);
  }
  static bool write(File&, std::uint32_t, std::span<const std::uint8_t, core::card_sector_bytes>) {
    return false;
  }
  static bool sync(File&) { return false; }
  void close(File& file) { files_.close(file); }

 private:
  FileSystem& files_;
  std::string path_;
};

}  // namespace telemetry::journal
