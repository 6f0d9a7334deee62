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
