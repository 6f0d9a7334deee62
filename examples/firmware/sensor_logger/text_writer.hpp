// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

/// Text in a buffer of fixed size, without printf. What does not fit leaves the text incomplete.
class TextWriter {
 public:
  explicit TextWriter(std::span<char> room) noexcept : room_(room) {}

  TextWriter& text(std::string_view text) noexcept {
    complete_ = complete_ && text.size() <= room_.size() - size_;
    if (!complete_) return *this;
    std::memcpy(room_.data() + size_, text.data(), text.size());
    size_ += text.size();
    return *this;
  }

  TextWriter& number(std::uint64_t number) noexcept {
    char digits[20];
    std::size_t at = sizeof(digits);
    // Two halves of 32 bits: a Cortex-M divides those by itself.
    while (number > UINT32_MAX) {
      digits[--at] = static_cast<char>('0' + number % 10);
      number /= 10;
    }
    auto low = static_cast<std::uint32_t>(number);
    do {
      digits[--at] = static_cast<char>('0' + low % 10);
      low /= 10;
    } while (low != 0);
    return text({digits + at, sizeof(digits) - at});
  }

  /// A number with two decimals.
  TextWriter& hundredths(std::int32_t number) noexcept {
    const auto size = static_cast<std::uint32_t>(number < 0 ? -number : number);
    if (number < 0) text("-");
    this->number(size / 100);
    const char decimals[] = {'.', static_cast<char>('0' + size / 10 % 10),
                             static_cast<char>('0' + size % 10)};
    return text({decimals, sizeof(decimals)});
  }

  /// Empty when it is incomplete.
  [[nodiscard]] std::string_view result() const noexcept {
    return complete_ ? std::string_view(room_.data(), size_) : std::string_view();
  }

 private:
  std::span<char> room_;
  std::size_t size_ = 0;
  bool complete_ = true;
};
