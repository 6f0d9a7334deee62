// SPDX-License-Identifier: Apache-2.0
#include "process/letter_request.hpp"

#include <fmt/format.h>

#include <charconv>

namespace telemetry {

Result<std::pair<std::uint64_t, std::uint64_t>> parse_ids(std::string_view text) {
  std::uint64_t first = 0;
  const char* const end = text.data() + text.size();
  auto [at, failed] = std::from_chars(text.data(), end, first);
  std::uint64_t last = first;
  if (failed == std::errc() && at != end && *at == '-') {
    const auto second = std::from_chars(at + 1, end, last);
    at = second.ptr;
    failed = second.ec;
  }
  if (failed == std::errc() && at == end && first <= last) return std::pair(first, last);
  return Error{Errc::invalid_argument,
               fmt::format("{:?} is no letter's id: write 12, or 12-20 for several", text)};
}

}  // namespace telemetry
