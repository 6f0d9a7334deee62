// SPDX-License-Identifier: Apache-2.0
#include "import/card_file.hpp"

#include <utility>

#include "journal/card_image.hpp"

namespace telemetry {
namespace {

class CardInImage final : public CardFile {
 public:
  explicit CardInImage(journal::CardImage image) : image_(std::move(image)) {}
  core::CardJournal& journal() noexcept override { return journal_; }

 private:
  journal::CardImage image_;
  core::CardJournal journal_{image_};
};

class CardInFolder final : public CardFile {
 public:
  CardInFolder(FileSystem& files, const std::string& path) : folder_(files, path) {}
  core::CardJournal& journal() noexcept override { return journal_; }

 private:
  journal::CardFolder folder_;
  core::CardFiles<journal::CardFolder> sectors_{folder_, journal::CardFolder::sectors};
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
    auto image = journal::CardImage::open(files, path);
    if (!image) return image.error();
    card = std::make_unique<CardInImage>(*std::move(image));
  }
  if (auto good = opened(path, card->journal().open()); !good) return good.error();
  return card;
}

}  // namespace telemetry
