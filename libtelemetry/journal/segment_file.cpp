// SPDX-License-Identifier: Apache-2.0
#include "journal/segment_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "telemetry/core/checksum.hpp"

namespace telemetry::journal {
namespace {

constexpr std::string_view id_file = "journal.id";
constexpr std::string_view extension = ".tlj";
constexpr std::size_t name_bytes = 20 + 1 + 16 + extension.size();
constexpr std::size_t small_file_bytes_max = 4096;

template <class Number>
bool parse_digits(std::string_view text, int base, Number& out) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return error == std::errc{} && end == text.data() + text.size();
}

// "ID CHECKSUM\n": 32 and 8 hexadecimal digits.
std::optional<JournalId> parse_journal_id(std::span<const std::uint8_t> bytes) noexcept {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  JournalId id{};
  std::uint32_t checksum = 0;
  if (text.size() != 42 || text[32] != ' ' || text[41] != '\n') return std::nullopt;
  for (std::size_t i = 0; i < id.size(); ++i) {
    if (!parse_digits(text.substr(2 * i, 2), 16, id[i])) return std::nullopt;
  }
  if (!parse_digits(text.substr(33, 8), 16, checksum)) return std::nullopt;
  return checksum == core::crc32c(id) ? std::optional(id) : std::nullopt;
}

}  // namespace

std::string segment_name(SegmentKey key) {
  return fmt::format("{:020}-{:016x}{}", key.first, key.id, extension);
}

std::optional<SegmentKey> parse_segment_name(std::string_view name) noexcept {
  SegmentKey key;
  if (name.size() != name_bytes || name[20] != '-' || !name.ends_with(extension) ||
      !parse_digits(name.substr(0, 20), 10, key.first) ||
      !parse_digits(name.substr(21, 16), 16, key.id)) {
    return std::nullopt;
  }
  if (key.first == 0 || key.first > INT64_MAX) return std::nullopt;
  return key;
}

Result<std::vector<SegmentKey>> list_segments(FileSystem& files, const std::string& path) {
  auto names = files.list(path);
  if (!names) return names.error();
  std::vector<SegmentKey> keys;
  for (const auto& name : *names) {
    if (const auto key = parse_segment_name(name)) keys.push_back(*key);
  }
  std::sort(keys.begin(), keys.end());
  return keys;
}

Result<HeaderState> judge_header(const std::string& file, SegmentKey key,
                                 std::span<const std::uint8_t> bytes, const JournalId* journal,
                                 JournalId* found) {
  core::SegmentHeader header;
  if (bytes.size() < core::segment_header_bytes ||
      !core::decode_segment_header(bytes.first<core::segment_header_bytes>(), header)) {
    return HeaderState::damaged;
  }
  if (header.version != 1 || header.required_flags != 0) {
    return Error{Errc::failed_precondition,
                 fmt::format("{}: written by a newer version (format {}, flags {:#x}): use that "
                             "version, or move the file away",
                             file, header.version, header.required_flags)};
  }
  if (header.cipher != 0) {
    return Error{
        Errc::failed_precondition,
        fmt::format("{}: encrypted (cipher {}), which this build cannot read: use one that "
                    "can, or move the file away",
                    file, header.cipher)};
  }
  if (header.first_sequence != key.first || header.segment_id != key.id) {
    return HeaderState::damaged;
  }
  if (found != nullptr) *found = header.journal_id;
  if (journal != nullptr && header.journal_id != *journal) return HeaderState::foreign;
  return HeaderState::good;
}

Result<void> replace_file(FileSystem& files, const std::string& folder, const std::string& name,
                          std::span<const std::uint8_t> bytes) {
  const std::string temporary = folder + "/" + name + ".tmp";
  {
    auto opened = files.open_write(temporary);
    if (!opened) return opened.error();
    const OpenFile file(files, *opened);
    if (auto done = files.truncate(*file, 0); !done) return done;
    if (auto done = files.write(*file, 0, bytes); !done) return done;
    if (auto done = files.sync(*file); !done) return done;
  }
  if (auto done = files.rename(temporary, folder + "/" + name); !done) return done;
  return files.sync_folder(folder);
}

Result<std::vector<std::uint8_t>> read_small_file(FileSystem& files, const std::string& path) {
  auto opened = files.open_read(path);
  if (!opened) return opened.error();
  const OpenFile file(files, *opened);
  std::vector<std::uint8_t> bytes(small_file_bytes_max);
  auto n = files.read(*file, 0, bytes);
  if (!n) return n.error();
  bytes.resize(*n);
  return bytes;
}

Result<std::optional<JournalId>> find_journal_id(FileSystem& files, const std::string& path,
                                                 const std::vector<SegmentKey>& keys,
                                                 bool& from_file) {
  from_file = false;
  auto text = read_small_file(files, path + "/" + std::string(id_file));
  if (text) {
    if (const auto id = parse_journal_id(*text)) {
      from_file = true;
      return id;
    }
  } else if (text.error().code == Errc::permission_denied) {
    return text.error();
  }
  for (auto key = keys.rbegin(); key != keys.rend(); ++key) {
    const std::string file = path + "/" + segment_name(*key);
    auto header = read_small_file(files, file);
    if (!header) continue;
    JournalId id{};
    auto state = judge_header(file, *key, *header, nullptr, &id);
    if (!state) return state.error();
    if (*state == HeaderState::good) return std::optional(id);
  }
  return std::optional<JournalId>();
}

Result<void> write_journal_id(FileSystem& files, const std::string& path, const JournalId& id) {
  const std::string text = fmt::format("{:02x} {:08x}\n", fmt::join(id, ""), core::crc32c(id));
  return replace_file(files, path, std::string(id_file),
                      {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

}  // namespace telemetry::journal
