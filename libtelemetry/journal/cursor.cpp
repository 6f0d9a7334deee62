// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "journal/segment_log.hpp"
#include "telemetry/core/checksum.hpp"

// Cursor file: magic "TLMCUR01" 8 | journal id 16 | sequence u64 | crc32c of the 32 before u32.

namespace telemetry::journal {
namespace {

constexpr std::string_view magic = "TLMCUR01";
constexpr std::size_t checked_bytes = 32;
constexpr std::size_t cursor_bytes = checked_bytes + 4;
constexpr std::size_t consumer_name_bytes_max = 128;

bool good_name(const std::string& name) {
  constexpr std::string_view allowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
  return !name.empty() && name.size() <= consumer_name_bytes_max && name.front() != '.' &&
         name.find_first_not_of(allowed) == std::string::npos;
}

template <class Number>
void put(std::uint8_t* out, Number value) noexcept {
  for (std::size_t i = 0; i < sizeof value; ++i) {
    out[i] = static_cast<std::uint8_t>(value >> (8 * i) & 0xFF);
  }
}

Error bad_name(const std::string& name) {
  return {
      Errc::invalid_argument,
      fmt::format("consumer name '{}' cannot be a file name (use letters, digits, _ - .)", name)};
}

using Bytes = std::array<std::uint8_t, cursor_bytes>;

Bytes encode_cursor(const Position& position) noexcept {
  Bytes bytes{};
  std::memcpy(bytes.data(), magic.data(), magic.size());
  std::memcpy(bytes.data() + 8, position.journal.data(), position.journal.size());
  put(bytes.data() + 24, position.sequence);
  put(bytes.data() + checked_bytes, core::crc32c(std::span(bytes).first(checked_bytes)));
  return bytes;
}

}  // namespace

Result<std::optional<Position>> SegmentLog::load_cursor(const std::string& consumer) const {
  if (!good_name(consumer)) return bad_name(consumer);
  const std::string path = options_.path + "/cursors/" + consumer;
  auto bytes = read_small_file(files(), path);
  if (!bytes) {
    if (bytes.error().code == Errc::not_found) return std::optional<Position>();
    return bytes.error();
  }
  Position position;
  if (bytes->size() == cursor_bytes) {
    std::memcpy(position.journal.data(), bytes->data() + 8, position.journal.size());
    for (std::size_t i = 0; i < 8; ++i) {
      position.sequence |= static_cast<std::uint64_t>((*bytes)[24 + i]) << (8 * i);
    }
    const Bytes expected = encode_cursor(position);
    if (std::equal(expected.begin(), expected.end(), bytes->begin())) {
      return std::optional(position);
    }
  }
  log(LogLevel::error,
      fmt::format("{}: damaged; {} starts from the oldest message", path, consumer));
  return std::optional<Position>();
}

Result<void> SegmentLog::store_cursor(const std::string& consumer, const Position& position) {
  if (!good_name(consumer)) return bad_name(consumer);
  const std::lock_guard lock(cursor_mutex_);
  const std::string folder = options_.path + "/cursors";
  auto stored = replace_file(files(), folder, consumer, encode_cursor(position));
  if (!stored && stored.error().code == Errc::not_found) {
    if (auto made = files().create_folder(folder); !made) return made;
    stored = replace_file(files(), folder, consumer, encode_cursor(position));
  }
  return stored;
}

void SegmentLog::bring_cursors(std::uint64_t last) {
  const std::lock_guard lock(cursor_mutex_);
  for (const auto& [consumer, durable] : cursors_) {
    if (durable == UINT64_MAX) continue;  // it needs nothing: that is no position
    const auto stored = load_cursor(consumer);
    if (!stored || !stored->has_value() || (*stored)->journal != id_) continue;
    if ((*stored)->sequence >= std::min(durable, last)) continue;
    // Where it fails, the next start says that messages are lost.
    (void)store_cursor(consumer, {id_, durable});
  }
}

}  // namespace telemetry::journal
