// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "telemetry/adapters/files.hpp"
#include "telemetry/error.hpp"

namespace telemetry::files {

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

/// Reads frames and judges their checksums. Not for FileCompression::none, which has neither.
class Unpacker {
 public:
  enum class Outcome : std::uint8_t {
    more,       ///< all input was taken, or `out` is full; the frame goes on
    frame_end,  ///< a frame ended, and its checksum is right
    damaged,    ///< no frame can go on like this
  };
  struct Step {
    Outcome outcome = Outcome::more;
    std::size_t consumed = 0;
    std::size_t produced = 0;
  };
  explicit Unpacker(FileCompression compression);
  ~Unpacker();
  [[nodiscard]] Step step(std::span<const std::uint8_t> in, std::span<char> out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace telemetry::files
