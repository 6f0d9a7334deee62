// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "telemetry/core/card_journal.hpp"

namespace telemetry::core {

enum class FileStatus : std::uint8_t { ok, missing, error };

/// Files of a folder, as FatFs, littlefs or a VFS give them. Names fit 8.3 and are upper case.
/// After an error every handle is closed and opened again at the next use: a file system that lost
/// its card mounts again in open().
template <class Files>
concept CardFileSystem =
    requires(Files& files, typename Files::File& file, const char* name, bool create,
             std::uint32_t offset, std::span<std::uint8_t, card_sector_bytes> in,
             std::span<const std::uint8_t, card_sector_bytes> out, std::size_t& bytes) {
      requires std::default_initializable<typename Files::File>;
      /// For reading and writing. missing: not there, and not to be created.
      { files.open(file, name, create) } -> std::same_as<FileStatus>;
      /// `bytes`: how many there were; fewer than 512 at the end of the file.
      { files.read(file, offset, in, bytes) } -> std::same_as<bool>;
      /// The offset is never beyond the end of the file.
      { files.write(file, offset, out) } -> std::same_as<bool>;
      /// What was written lasts, the file's name and size too.
      { files.sync(file) } -> std::same_as<bool>;
      files.close(file);
    };

/// A folder as the block device of a CardJournal: superblock and cursors are files of one sector,
/// each segment is a file. Files are written in whole sectors at rising offsets and, when their
/// turn comes again, from the start; none is removed or renamed. Names: docs/formats/card_v1.md.
///
/// Thread: one context. Memory: two of the file system's handles.
template <CardFileSystem Files>
class CardFiles {
 public:
  /// @param sectors how much of the file system the journal may fill, in 512 bytes
  CardFiles(Files& files, std::uint32_t sectors) noexcept : files_(files), sectors_(sectors) {}
  ~CardFiles() { close(); }
  CardFiles(const CardFiles&) = delete;
  CardFiles& operator=(const CardFiles&) = delete;

  [[nodiscard]] std::uint32_t sectors() const noexcept { return sectors_; }

  bool read(std::uint32_t sector, std::span<std::uint8_t, card_sector_bytes> out) noexcept {
    const Place place = locate(sector);
    Handle& handle = writer_.number == place.number ? writer_ : reader_;
    const FileStatus status = use(handle, place.number, false);
    if (status == FileStatus::error) return close();
    std::size_t bytes = 0;
    if (status == FileStatus::ok && !files_.read(handle.file, place.offset, out, bytes)) {
      return close();
    }
    if (bytes < out.size()) std::memset(out.data() + bytes, 0, out.size() - bytes);
    if (is_superblock(place.number)) learn(out);
    return true;
  }

  bool write(std::uint32_t sector,
             std::span<const std::uint8_t, card_sector_bytes> bytes) noexcept {
    if (sector == 0 || sector == sectors_ - 1) learn(bytes);
    const Place place = locate(sector);
    if (reader_.number == place.number) release(reader_);
    // The small files do not disturb the segment that is being written.
    Handle& handle = place.number < first_segment ? reader_ : writer_;
    if (handle.number != place.number && !sync(handle)) return close();
    if (use(handle, place.number, true) != FileStatus::ok) return close();
    handle.dirty = true;
    if (!files_.write(handle.file, place.offset, bytes)) return close();
    if (&handle == &writer_) return true;
    if (!sync(handle)) return close();
    release(handle);
    return true;
  }

  bool flush() noexcept { return sync(writer_) || close(); }

 private:
  static constexpr std::uint32_t none = UINT32_MAX;
  // Numbers of files: superblock, two cursors, the superblock's copy, segments.
  static constexpr std::uint32_t copy = 3;
  static constexpr std::uint32_t first_segment = 4;

  struct Handle {
    typename Files::File file{};
    std::uint32_t number = none;
    bool dirty = false;
  };
  struct Place {
    std::uint32_t number;
    std::uint32_t offset;
  };

  static bool is_superblock(std::uint32_t number) noexcept { return number == 0 || number == copy; }

  void learn(std::span<const std::uint8_t, card_sector_bytes> sector) noexcept {
    CardLayout layout;
    if (decode_superblock(sector, layout) == CardStatus::ok) {
      first_sector_ = layout.first_sector;
      sectors_per_segment_ = layout.sectors_per_segment;
    }
  }

  [[nodiscard]] Place locate(std::uint32_t sector) const noexcept {
    if (sector == sectors_ - 1) return {copy, 0};
    if (sector < first_sector_) return {sector < copy ? sector : copy, 0};
    const std::uint32_t at = sector - first_sector_;
    const auto bytes = static_cast<std::uint32_t>(card_sector_bytes);
    return {first_segment + at / sectors_per_segment_, at % sectors_per_segment_ * bytes};
  }

  FileStatus use(Handle& handle, std::uint32_t number, bool create) noexcept {
    if (handle.number == number) return FileStatus::ok;
    release(handle);
    char name[13];
    write_name(number, name);
    const FileStatus status = files_.open(handle.file, name, create);
    if (status == FileStatus::ok) handle.number = number;
    return status;
  }

  static void write_name(std::uint32_t number, char (&name)[13]) noexcept {
    static constexpr char names[first_segment + 1][13] = {
        "TLMCARD.TLC", "CURSOR1.TLC", "CURSOR2.TLC", "TLMCOPY.TLC", "SEG00000.TLJ"};
    std::memcpy(name, names[number < first_segment ? number : first_segment], sizeof(name));
    if (number < first_segment) return;
    std::uint32_t area = number - first_segment;
    for (std::size_t at = 7; at >= 3; --at, area >>= 4) name[at] = "0123456789ABCDEF"[area & 15];
  }

  bool sync(Handle& handle) noexcept {
    if (!handle.dirty) return true;
    if (!files_.sync(handle.file)) return false;
    handle.dirty = false;
    return true;
  }

  void release(Handle& handle) noexcept {
    if (handle.number != none) files_.close(handle.file);
    handle.number = none;
    handle.dirty = false;
  }

  bool close() noexcept {
    release(reader_);
    release(writer_);
    return false;
  }

  Files& files_;
  std::uint32_t sectors_;
  std::uint32_t first_sector_ = card_first_sector;
  std::uint32_t sectors_per_segment_ = card_sectors_per_segment;
  Handle reader_;
  Handle writer_;
};

}  // namespace telemetry::core
