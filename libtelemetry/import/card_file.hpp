// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "telemetry/core/card_journal.hpp"
#include "telemetry/environment.hpp"
#include "telemetry/error.hpp"

namespace telemetry {

/// A card that is read where it lies: an image, a block device, or a folder of its files. Nothing
/// is written.
class CardFile {
 public:
  /// Errors: not_found, permission_denied, unavailable  the path; failed_precondition  it holds no
  /// card journal; data_loss  its superblocks are damaged.
  [[nodiscard]] static Result<std::unique_ptr<CardFile>> open(const std::string& path,
                                                              FileSystem& files);
  virtual ~CardFile() = default;
  [[nodiscard]] virtual core::CardJournal& journal() noexcept = 0;
};

}  // namespace telemetry
