// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

/// What a debugger or an emulator does for an image under test. Without one the first call is a
/// fault: a product has none of them.
/// Source: Arm, Semihosting for AArch32 and AArch64, release 2.0.
namespace semihosting {

[[noreturn]] void exit(int code) noexcept;
void print(std::string_view text) noexcept;
void print(std::uint32_t number) noexcept;

/// What stands behind the image's name (QEMU: -append).
/// @param memory for name and arguments; too small: empty.
[[nodiscard]] std::string_view arguments(std::span<char> memory) noexcept;

/// A file of the host.
class File {
 public:
  /// @param path not a NUL in it, at most 255 bytes.
  [[nodiscard]] bool open_to_read(std::string_view path) noexcept { return open(path, 1); }
  [[nodiscard]] bool open_to_write(std::string_view path) noexcept { return open(path, 5); }
  /// @returns bytes read; less than asked for at the end.
  std::size_t read(std::span<std::uint8_t> out) noexcept;
  [[nodiscard]] bool write(std::span<const std::uint8_t> bytes) noexcept;
  void close() noexcept;

 private:
  bool open(std::string_view path, std::uint32_t mode) noexcept;
  std::int32_t handle_ = -1;
};

}  // namespace semihosting
