// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "telemetry/accounts.hpp"

namespace telemetry::accounts {

inline constexpr std::size_t password_bytes_max = 1'024;

/// True when the hash is of this password.
/// Errors: resource_exhausted  no memory to tell.
[[nodiscard]] Result<bool> verify_password(std::string_view password, std::string_view hash);
/// True when hash_password() makes others by now.
[[nodiscard]] bool is_old_hash(std::string_view hash);
/// The hash of no password, which costs as much to verify as another.
[[nodiscard]] Result<std::string> nobodys_hash(const Environment& environment);

[[nodiscard]] std::string to_hex(std::span<const std::uint8_t> bytes);
/// Of what to_hex() made.
[[nodiscard]] std::string from_hex(std::string_view digits);
/// URL-safe, without padding.
[[nodiscard]] std::string to_base64url(std::span<const std::uint8_t> bytes);
/// 64 hexadecimal digits.
[[nodiscard]] std::string sha256_hex(std::string_view text);
/// In a time that depends on the lengths alone.
[[nodiscard]] bool equal(std::string_view a, std::string_view b) noexcept;
/// Random bytes as base64url.
template <std::size_t bytes>
[[nodiscard]] std::string random_text(const Environment& environment) {
  std::array<std::uint8_t, bytes> random{};
  environment.random(random);
  return to_base64url(random);
}

/// A text that is overwritten when it goes.
class Secret {
 public:
  explicit Secret(std::string text) noexcept : text_(std::move(text)) {}
  ~Secret();
  Secret(const Secret&) = delete;
  Secret(Secret&& other) noexcept : text_(std::exchange(other.text_, {})) {}
  Secret& operator=(const Secret&) = delete;
  [[nodiscard]] std::string_view text() const noexcept { return text_; }

 private:
  std::string text_;
};

/// NAME:PASSWORD of "Basic BASE64"; nothing when it is none.
[[nodiscard]] std::optional<Secret> parse_basic(std::string_view authorization_value);
/// RFC 3339
[[nodiscard]] std::string time_text(std::int64_t ns);

}  // namespace telemetry::accounts
