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

  TextWriter& number(std::uint32_t number) noexcept {
    char digits[10];
    std::size_t at = sizeof(digits);
    do {
      digits[--at] = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number != 0);
    return text({digits + at, sizeof(digits) - at});
  }

  /// Seconds as milliseconds, without a division of 64 bits.
  TextWriter& milliseconds(std::uint32_t seconds, std::uint32_t thousandths) noexcept {
    number(seconds + thousandths / 1'000);
    const std::uint32_t rest = thousandths % 1'000;
    const char digits[] = {static_cast<char>('0' + rest / 100),
                           static_cast<char>('0' + rest / 10 % 10),
                           static_cast<char>('0' + rest % 10)};
    return text({digits, sizeof(digits)});
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
