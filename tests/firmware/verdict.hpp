// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "telemetry/core/decode.hpp"

/// What host and firmware must agree on, of any payload.
namespace telemetry::differential {

inline constexpr std::size_t payload_bytes_max = 2000;
inline constexpr std::size_t slots_max = 80;

/// First broken rule u8 | roundings u8 | violations u16 | hash u32 of values, violations, extras.
using Verdict = std::array<std::uint8_t, 8>;

/// FNV-1a.
class Hash {
 public:
  void add(std::uint64_t number, std::size_t bytes) noexcept {
    for (; bytes > 0; --bytes, number >>= 8) add_byte(static_cast<std::uint8_t>(number));
  }
  void add(std::string_view text) noexcept {
    add(text.size(), 4);
    for (const char c : text) add_byte(static_cast<std::uint8_t>(c));
  }
  [[nodiscard]] std::uint32_t value() const noexcept { return hash_; }

 private:
  void add_byte(std::uint8_t byte) noexcept { hash_ = (hash_ ^ byte) * 16'777'619u; }
  std::uint32_t hash_ = 2'166'136'261u;
};

class Judge {
 public:
  /// @param payload at most payload_bytes_max.
  Verdict operator()(const core::SchemaView& schema, std::string_view payload) noexcept {
    const core::DecodeResult result =
        core::decode(schema, payload, {values_, scratch_, violations_, extras_});
    Hash hash;
    for (std::size_t i = 0; i < schema.slot_count; ++i) add(hash, values_[i]);
    for (std::size_t i = 0; i < result.violations && i < violations_.size(); ++i) {
      const core::Violation& one = violations_[i];
      hash.add(static_cast<std::uint8_t>(one.rule), 1);
      hash.add(one.node, 2);
      hash.add(one.key, 2);
      hash.add(one.offset, 4);
      hash.add(one.length, 4);
    }
    for (std::size_t i = 0; i < result.extras; ++i) {
      hash.add(extras_[i].node, 2);
      hash.add(extras_[i].key);
      hash.add(extras_[i].value);
    }
    Verdict out{static_cast<std::uint8_t>(result.first), result.roundings};
    for (std::size_t i = 0; i < 2; ++i)
      out[2 + i] = static_cast<std::uint8_t>(result.violations >> (8 * i));
    for (std::size_t i = 0; i < 4; ++i)
      out[4 + i] = static_cast<std::uint8_t>(hash.value() >> (8 * i));
    return out;
  }

 private:
  static void add(Hash& hash, const core::Value& value) noexcept {
    hash.add(static_cast<std::uint8_t>(value.kind()), 1);
    switch (value.kind()) {
      case core::ValueKind::null:
        break;
      case core::ValueKind::boolean:
      case core::ValueKind::integer:
      case core::ValueKind::time:
        hash.add(static_cast<std::uint64_t>(value.as_integer()), 8);
        break;
      case core::ValueKind::decimal:
        hash.add(static_cast<std::uint64_t>(value.as_decimal().mantissa), 8);
        hash.add(static_cast<std::uint16_t>(value.as_decimal().exponent), 2);
        break;
      case core::ValueKind::text:
      case core::ValueKind::json:
        hash.add(value.as_text());
        break;
    }
  }

  std::array<core::Value, slots_max> values_{};
  std::array<char, payload_bytes_max> scratch_{};
  std::array<core::Violation, 16> violations_{};
  std::array<core::Extra, 8> extras_{};
};

}  // namespace telemetry::differential
