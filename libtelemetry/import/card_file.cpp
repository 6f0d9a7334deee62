// SPDX-License-Identifier: Apache-2.0
#include "import/card_file.hpp"

#include <fmt/format.h>

#include <utility>

#include "telemetry/core/card_files.hpp"

namespace telemetry {
namespace {

using Sector = std::span<std::uint8_t, core::card_sector_bytes>;
using ConstSector = std::span<const std::uint8_t, core::card_sector_bytes>;

/// An image or a block device.
class Image {
 public:
  Image(FileSystem& files, FileSystem::Handle file, std::uint64_t bytes) noexcept
      : files_(files), file_(file), sectors_(bytes / core::card_sector_bytes) {}
  ~Image() { files_.close(file_); }
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;

  bool read(std::uint32_t sector, Sector out) {
    const auto bytes = files_.read(file_, std::uint64_t{sector} * out.size(), out);
    return bytes && *bytes == out.size();
  }
  bool write(std::uint32_t, ConstSector) { return false; }
  [[nodiscard]] std::uint32_t sectors() const noexcept {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(sectors_, UINT32_MAX));
  }

 private:
  FileSystem& files_;
  FileSystem::Handle file_;
  std::uint64_t sectors_;
};

/// The files of a mounted card.
class Folder {
 public:
  struct File {
    FileSystem::Handle handle = -1;
  };
  Folder(FileSystem& files, std::string path) : files_(files), path_(std::move(path)) {}

  core::FileStatus open(File& file, const char* name, bool create) {
    if (create) return core::FileStatus::error;
    auto opened = files_.open_read(path_ + "/" + name);
    if (!opened) {
      return opened.error().code == Errc::not_found ? core::FileStatus::missing
                                                    : core::FileStatus::error;
    }
    file.handle = *opened;
    return core::FileStatus::ok;
  }
  bool read(File& file, std::uint32_t offset, Sector out, std::size_t& bytes) {
    const auto read = files_.read(file.handle, offset, out);
    if (read) bytes = *read;
    return static_cast<bool>(read);
  }
  bool write(File&, std::uint32_t, ConstSector) { return false; }
  bool sync(File&) { return true; }
  void close(File& file) {
    files_.close(file.handle);
    file.handle = -1;
  }

 private:
  FileSystem& files_;
  std::string path_;
};

class CardInImage final : public CardFile {
 public:
  CardInImage(FileSystem& files, FileSystem::Handle file, std::uint64_t bytes)
      : image_(files, file, bytes) {}
  core::CardJournal& journal() noexcept override { return journal_; }

 private:
  Image image_;
  core::CardJournal journal_{image_};
};

class CardInFolder final : public CardFile {
 public:
  CardInFolder(FileSystem& files, const std::string& path) : folder_(files, path) {}
  core::CardJournal& journal() noexcept override { return journal_; }

 private:
  Folder folder_;
  core::CardFiles<Folder> sectors_{folder_, UINT32_MAX};
  core::CardJournal journal_{sectors_};
};

Result<void> opened(const std::string& path, core::CardStatus status) {
  using enum core::CardStatus;
  switch (status) {
    case ok:
      return {};
    case damaged:
      return Error{Errc::data_loss, path +
                                        ": both superblocks of the card's journal are damaged; try "
                                        "another copy of the card (docs/formats/card_v1.md)"};
    case unsupported:
      return Error{Errc::failed_precondition,
                   path + ": a card journal of a newer version; import it with a newer telemetry"};
    case io_error:
      return Error{Errc::unavailable, path + ": the card cannot be read"};
    default:
      return Error{Errc::failed_precondition,
                   path +
                       ": no card journal there; name an image of the card, its device, or the "
                       "folder with its TLMCARD.TLC"};
  }
}

}  // namespace

Result<std::unique_ptr<CardFile>> CardFile::open(const std::string& path, FileSystem& files) {
  std::unique_ptr<CardFile> card;
  if (files.list(path)) {
    card = std::make_unique<CardInFolder>(files, path);
  } else {
    auto file = files.open_read(path);
    if (!file) return file.error();
    const auto bytes = files.size(*file);
    if (!bytes) {
      files.close(*file);
      return bytes.error();
    }
    card = std::make_unique<CardInImage>(files, *file, *bytes);
  }
  if (auto good = opened(path, card->journal().open()); !good) return good.error();
  return card;
}

}  // namespace telemetry
