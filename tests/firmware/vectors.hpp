// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "telemetry/core/decode.hpp"

/// The test vectors that host and firmware share: one text, one reader, no heap.
namespace telemetry::test_vectors {

/// vectors.inc as it is in the tree. It says how it is read.
inline constexpr std::string_view text =
#include "firmware/vectors.inc"
    ;

struct NamedSchema {
  std::string_view name;
  core::SchemaView view;
};

/// A line of text in fixed memory; what does not fit is cut and seen in the comparison.
class Line {
 public:
  Line& operator<<(std::string_view part) noexcept;
  Line& operator<<(std::int64_t number) noexcept;
  void clear() noexcept { size_ = 0; }
  [[nodiscard]] std::string_view view() const noexcept { return {bytes_.data(), size_}; }

 private:
  std::array<char, 512> bytes_{};
  std::size_t size_ = 0;
};

struct Failure {
  std::uint32_t line = 0;  ///< of the file
  std::string_view expected;
  std::string_view found;
};

class Runner {
 public:
  explicit constexpr Runner(std::span<const NamedSchema> schemas) noexcept : schemas_(schemas) {}

  /// Runs all vectors. @returns how many there were.
  std::uint32_t run(std::string_view file, void (*failed)(const Failure&)) noexcept;

 private:
  void read_line(std::string_view line) noexcept;
  void judge(std::string_view payload) noexcept;
  void expect(std::string_view expected, std::string_view found) noexcept;
  void expect_match(std::string_view arguments) noexcept;
  std::string_view read_hex(std::string_view digits) noexcept;

  std::span<const NamedSchema> schemas_;
  const core::SchemaView* schema_ = nullptr;
  void (*failed_)(const Failure&) = nullptr;
  std::uint32_t line_number_ = 0;
  std::uint32_t vectors_ = 0;
  bool verdict_due_ = false;
  std::array<char, 256> bytes_{};
  std::array<char, 512> scratch_{};
  std::array<core::Value, 32> values_{};
  std::array<core::Violation, 8> violations_{};
  std::array<core::Extra, 4> extras_{};
  Line verdict_;
  Line found_values_;
  Line found_extras_;
};

}  // namespace telemetry::test_vectors
