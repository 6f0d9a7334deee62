// SPDX-License-Identifier: Apache-2.0
#include "telemetry/message.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include "telemetry/core/topic.hpp"

namespace telemetry {

std::string_view to_string(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::valid:
      return "valid";
    case Verdict::unmatched:
      return "unmatched";
    case Verdict::invalid:
      return "invalid";
    case Verdict::unmatched_dead:
      return "unmatched_dead";
  }
  return "unknown";
}

std::optional<RetainedPolicy> retained_policy_of(std::string_view name) noexcept {
  if (name == "skip_stored") return RetainedPolicy::skip_stored;
  if (name == "store") return RetainedPolicy::store;
  if (name == "ignore") return RetainedPolicy::ignore;
  return std::nullopt;
}

bool Deletion::covers(std::string_view topic, std::string_view device, std::string_view schema,
                      std::int64_t time) const {
  const auto lists = [](const std::vector<std::string>& names, std::string_view name) {
    return names.empty() || std::ranges::find(names, name) != names.end();
  };
  return time >= since && time < until && lists(devices, device) && lists(schemas, schema) &&
         std::ranges::any_of(
             topics, [&](const std::string& filter) { return core::topic_matches(filter, topic); });
}

std::uint64_t hash64(std::string_view bytes) noexcept {
  return XXH3_64bits(bytes.data(), bytes.size());
}

double to_double(core::Decimal decimal) noexcept {
  // Exact: both factors are doubles without rounding, so one IEEE operation rounds once.
  constexpr std::int64_t exact_max = std::int64_t{1} << 53;
  static constexpr double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                      1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                      1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  if (decimal.mantissa >= -exact_max && decimal.mantissa <= exact_max) {
    const double mantissa = static_cast<double>(decimal.mantissa);
    if (decimal.exponent >= 0 && decimal.exponent <= 22) return mantissa * powers[decimal.exponent];
    if (decimal.exponent < 0 && decimal.exponent >= -22)
      return mantissa / powers[-decimal.exponent];
  }
  char text[40];
  const auto written =
      fmt::format_to_n(text, sizeof text, "{}e{}", decimal.mantissa, decimal.exponent);
  double value = 0;
  const auto read = std::from_chars(text, text + written.size, value);
  if (read.ec != std::errc::result_out_of_range || decimal.exponent < 0) return value;
  constexpr double infinity = std::numeric_limits<double>::infinity();  // from_chars leaves 0
  return decimal.mantissa < 0 ? -infinity : infinity;
}

core::Decimal to_decimal(double number) noexcept {
  // What sensors send has few digits. One of at most 15 that reads back is the shortest: no two of
  // them are the same double.
  constexpr double scaled_max = 1e15;
  const double scaled = number * 1e4;
  if (std::abs(scaled) < scaled_max) {
    auto mantissa = static_cast<std::int64_t>(scaled + (scaled < 0 ? -0.5 : 0.5));
    if (static_cast<double>(mantissa) / 1e4 == number) {
      std::int16_t exponent = -4;
      while (exponent < 0 && mantissa % 10 == 0) {
        mantissa /= 10;
        ++exponent;
      }
      return {mantissa, exponent};
    }
  }
  constexpr double whole_max = 9007199254740992.0;  // 2^53
  if (std::abs(number) <= whole_max && number == std::trunc(number)) {
    return {static_cast<std::int64_t>(number), 0};
  }
  char text[32];
  const auto written =
      std::to_chars(text, text + sizeof text, number, std::chars_format::scientific);
  const std::string_view view(text, static_cast<std::size_t>(written.ptr - text));
  const std::size_t e = view.find('e');
  core::Decimal decimal;
  int fraction_digits = 0;
  bool in_fraction = false;
  for (char c : view.substr(0, e)) {
    if (c == '.') in_fraction = true;
    if (c < '0' || c > '9') continue;
    decimal.mantissa = decimal.mantissa * 10 + (c - '0');
    fraction_digits += in_fraction ? 1 : 0;
  }
  if (view.front() == '-') decimal.mantissa = -decimal.mantissa;
  int exponent = 0;
  const char* digits = text + e + (text[e + 1] == '+' ? 2 : 1);
  std::from_chars(digits, written.ptr, exponent);
  decimal.exponent = static_cast<std::int16_t>(exponent - fraction_digits);
  return decimal;
}

std::span<char> Arena::allocate(std::size_t bytes, std::size_t alignment) {
  // Alignments are powers of two; a division would be most of what this costs.
  const std::size_t start = (used_ + alignment - 1) & ~(alignment - 1);
  if (!blocks_.empty() && start + bytes <= blocks_[current_].size) {
    used_ = start + bytes;
    return {blocks_[current_].memory.get() + start, bytes};
  }
  // Blocks come from new[], which aligns for every type; look for a free one that is large enough.
  std::size_t next = blocks_.empty() ? 0 : current_ + 1;
  if (next < blocks_.size() && blocks_[next].size < bytes) {
    blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(next), blocks_.end());
  }
  if (next == blocks_.size()) {
    const std::size_t size = bytes > block_bytes_ ? bytes : block_bytes_;
    blocks_.push_back({std::make_unique_for_overwrite<char[]>(size), size});
  }
  full_ += used_;
  current_ = next;
  used_ = bytes;
  return {blocks_[current_].memory.get(), bytes};
}

std::string_view Arena::copy(std::string_view bytes) {
  if (bytes.empty()) return {};
  const auto target = allocate(bytes.size());
  std::memcpy(target.data(), bytes.data(), bytes.size());
  return {target.data(), bytes.size()};
}

std::size_t Arena::capacity() const noexcept {
  std::size_t sum = 0;
  for (const Block& block : blocks_) sum += block.size;
  return sum;
}

void Arena::clear() noexcept { current_ = used_ = full_ = 0; }

void Batch::clear() noexcept {
  readings.clear();
  arena.clear();
  schemas.reset();
  after = last = lost = 0;
  deletion.reset();
}

}  // namespace telemetry
