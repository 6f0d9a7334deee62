// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "telemetry/error.hpp"

namespace telemetry::forms {

enum class Packing : std::uint8_t { gzip, zlib, zstd, base64, hex, json_text };
inline constexpr std::string_view packings_text = "gzip, zlib, zstd, base64, hex, json_text";

/// @returns nothing when `name` is none of these.
[[nodiscard]] std::optional<Packing> packing_of(std::string_view name) noexcept;

/// Takes bytes out of what they are packed in. Keeps the memory of the libraries for the next time.
class Unpacker {
 public:
  Unpacker();
  ~Unpacker();

  /// Replaces `out`, which is not what `bytes` points into. All bytes are used.
  /// Errors: invalid_argument  damaged, cut off, followed by other bytes, or over the limit.
  [[nodiscard]] Result<void> unpack(Packing packing, std::string_view bytes, std::string& out);

 private:
  struct Streams;
  std::unique_ptr<Streams> streams_;
};

}  // namespace telemetry::forms
