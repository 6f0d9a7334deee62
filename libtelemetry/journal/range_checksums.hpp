// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "telemetry/environment.hpp"

namespace telemetry::journal {

/// Checks many ranges of a file at a cost that does not grow with their lengths: a payload may be
/// full of headers that announce megabytes each. The checksum of a range follows from those of all
/// that is before its two ends; for them each block is read once, and one more at each end.
class RangeChecksums {
 public:
  /// Of ranges behind `begin` in a file that is open.
  RangeChecksums(FileSystem& files, FileSystem::Handle file, std::uint64_t begin) noexcept
      : files_(files), file_(file), begin_(begin) {}

  /// Do the four bytes at `end` hold the CRC-32C of those in [from, end), chained from `seed`?
  /// Blocks that cannot be read count as zeros. Errors: unavailable  not even `from` can be read.
  [[nodiscard]] Result<bool> matches(std::uint64_t from, std::uint64_t end, std::uint32_t seed);

 private:
  static constexpr std::size_t block_bytes = 4096;
  struct Place {
    std::uint32_t before;  ///< checksum of all in front of it
    std::uint32_t word;    ///< the four bytes there
  };
  Result<Place> place(std::uint64_t offset);
  /// Zeros behind the end of the file, and when it fails.
  Result<void> read(std::uint64_t offset, std::size_t bytes);

  FileSystem& files_;
  FileSystem::Handle file_;
  std::uint64_t begin_;
  std::vector<std::uint32_t> before_{0};  // [i]: checksum of the first i blocks
  std::array<std::uint8_t, block_bytes + 4> buffer_{};
};

}  // namespace telemetry::journal
