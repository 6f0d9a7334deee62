// SPDX-License-Identifier: Apache-2.0
#include "file_name.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>

namespace telemetry::files {
namespace {

constexpr std::string_view time_pattern = "dddd-dd-ddTddddddZ-";  // d: a digit

std::string_view extension_of(FileFormat format) {
  return format == FileFormat::csv ? ".csv" : ".jsonl";
}

std::string_view extension_of(FileCompression compression) {
  switch (compression) {
    case FileCompression::gzip:
      return ".gz";
    case FileCompression::zstd:
      return ".zst";
    case FileCompression::lz4:
      return ".lz4";
    case FileCompression::none:
      break;
  }
  return "";
}

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// What follows the number; nothing when it is no name of ours.
std::optional<std::string_view> after_number(std::string_view name, std::uint64_t& number) {
  if (name.size() <= time_pattern.size()) return std::nullopt;
  for (std::size_t i = 0; i < time_pattern.size(); ++i) {
    const bool fits = time_pattern[i] == 'd' ? is_digit(name[i]) : name[i] == time_pattern[i];
    if (!fits) return std::nullopt;
  }
  const char* const digits = name.data() + time_pattern.size();
  const auto [end, error] = std::from_chars(digits, name.data() + name.size(), number);
  if (error != std::errc() || !is_digit(*digits)) return std::nullopt;
  return name.substr(static_cast<std::size_t>(end - name.data()));
}

}  // namespace

std::string final_name(std::int64_t first_received_at, std::uint64_t number, FileFormat format,
                       FileCompression compression) {
  using namespace std::chrono;
  const auto second = floor<seconds>(sys_time<nanoseconds>(nanoseconds(first_received_at)));
  const auto day = floor<days>(second);
  const year_month_day date(day);
  const hh_mm_ss time(second - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}{:02}{:02}Z-{:06}{}{}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count(), number,
                     extension_of(format), extension_of(compression));
}

std::optional<std::uint64_t> number_of(std::string_view name) {
  std::uint64_t number = 0;
  if (!after_number(name, number)) return std::nullopt;
  return number;
}

std::optional<Kind> kind_of_part(std::string_view name) {
  if (!name.ends_with(part_suffix)) return std::nullopt;
  name.remove_suffix(part_suffix.size());
  std::uint64_t number = 0;
  const auto rest = after_number(name, number);
  if (!rest) return std::nullopt;
  for (const auto format : {FileFormat::jsonl, FileFormat::csv}) {
    for (const auto compression : {FileCompression::none, FileCompression::gzip,
                                   FileCompression::zstd, FileCompression::lz4}) {
      if (*rest == fmt::format("{}{}", extension_of(format), extension_of(compression))) {
        return Kind{format, compression};
      }
    }
  }
  return std::nullopt;
}

}  // namespace telemetry::files
