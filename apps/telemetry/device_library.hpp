// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "telemetry/schema.hpp"

namespace telemetry::command_line {

/// A file of examples/devices, which is part of this program.
struct LibraryFile {
  std::string_view family;
  std::string_view name;  ///< of the file, without .yaml
  std::string_view text;
};

/// In the order of families and names.
[[nodiscard]] std::span<const LibraryFile> library_files();

/// Schemas for one kind of devices.
struct Family {
  std::string_view name;
  std::string_view about;   ///< what it is, in a few words
  std::string_view source;  ///< where the format is described
  std::span<const LibraryFile> files;

  /// Of each file one. They have no mistakes: tests load them.
  [[nodiscard]] std::vector<std::shared_ptr<const Schema>> schemas() const;
};
[[nodiscard]] std::vector<Family> families();

}  // namespace telemetry::command_line
