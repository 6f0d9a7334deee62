// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "telemetry/sink.hpp"

namespace telemetry {

/// Numbers and cursors as texts that tell nothing: a number counts the messages of all topics, also
/// of those that the reader may not see. The same over restarts. Thread: any.
class Seal {
 public:
  /// @param journal  is the secret that they are made with: the API never shows it
  explicit Seal(const JournalId& journal);

  enum class Kind : std::uint8_t { row, letter, place };
  /// 11 letters, digits, '-' and '_'.
  [[nodiscard]] std::string id(Kind kind, std::uint64_t number) const;
  /// Nothing where it was not made by id().
  [[nodiscard]] std::optional<std::uint64_t> number(Kind kind, std::string_view id) const;

  [[nodiscard]] std::string seal(std::string_view text) const;
  /// Nothing where it was not made by seal(), or was changed.
  [[nodiscard]] std::optional<std::string> open(std::string_view sealed) const;

 private:
  static constexpr std::size_t key_bytes = 32;
  [[nodiscard]] std::uint32_t round(Kind kind, int round, std::uint32_t half) const noexcept;

  std::array<unsigned char, key_bytes> key_{};
};

}  // namespace telemetry
