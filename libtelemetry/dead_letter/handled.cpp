// SPDX-License-Identifier: Apache-2.0
#include "dead_letter/handled.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "journal/segment_file.hpp"
#include "telemetry/core/checksum.hpp"

// Beside the journal and not as tombstones in it: those would take room, and so push the oldest
// letters out while others are replayed.

namespace telemetry {
namespace {

constexpr std::string_view file_name = "handled";
constexpr std::string_view magic = "TLMHLT01";
constexpr std::string_view check_word = "crc32c ";
constexpr std::size_t check_bytes = check_word.size() + 8 + 1;
constexpr std::uint64_t file_bytes_max = 256ull * 1024 * 1024;

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// Takes what stands before `end` off the text; all of it where `end` does not come.
std::string_view cut(std::string_view& text, char end) {
  const std::string_view piece = text.substr(0, text.find(end));
  text.remove_prefix(std::min(piece.size() + 1, text.size()));
  return piece;
}

template <class Number>
bool read(std::string_view text, Number& number, int base = 10) {
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return failed == std::errc() && end == text.data() + text.size();
}

bool read_id(std::string_view text, JournalId& id) {
  if (text.size() != 2 * id.size()) return false;
  for (std::size_t i = 0; i < id.size(); ++i) {
    if (!read(text.substr(2 * i, 2), id[i], 16)) return false;
  }
  return true;
}

Result<std::string> read_file(FileSystem& files, const std::string& path) {
  auto opened = files.open_read(path);
  if (!opened) return opened.error();
  const journal::OpenFile file(files, *opened);
  auto size = files.size(*file);
  if (!size) return size.error();
  std::string text(std::min(*size, file_bytes_max), '\0');
  auto n = files.read(*file, 0, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  if (!n) return n.error();
  text.resize(*n);
  return text;
}

}  // namespace

Result<Handled> Handled::load(FileSystem& files, const std::string& folder) {
  const std::string path = folder + "/" + std::string(file_name);
  const auto whole = read_file(files, path);
  if (!whole) {
    if (whole.error().code == Errc::not_found) return Handled();
    return whole.error();
  }
  const Error damaged{Errc::data_loss,
                      path +
                          ": damaged; without it nobody knows which letters were replayed or "
                          "dropped. Remove it to have them all as letters again"};
  std::string_view text = *whole;
  std::uint32_t checksum = 0;
  if (text.size() < check_bytes) return damaged;
  const std::string_view check = text.substr(text.size() - check_bytes);
  text.remove_suffix(check_bytes);
  if (!check.starts_with(check_word) || !check.ends_with('\n') ||
      !read(check.substr(check_word.size(), 8), checksum, 16) ||
      checksum != core::crc32c(bytes_of(text)) || cut(text, '\n') != magic) {
    return damaged;
  }
  Handled handled;
  while (!text.empty()) {
    std::string_view line = cut(text, '\n');
    const std::string_view word = cut(line, ' ');
    const std::string_view first = cut(line, ' ');
    std::uint64_t second = 0;
    if (!read(line, second)) return damaged;
    if (word == "above") {
      if (!read_id(first, handled.under_way.emplace().journal)) return damaged;
      handled.under_way->above = second;
      continue;
    }
    std::uint64_t number = 0;
    if (!read(first, number)) return damaged;
    if (word == "range") {
      handled.ranges_.emplace_back(number, second);
    } else if (word == "letter" && handled.under_way) {
      handled.under_way->letters.emplace_back(number, second);
    } else {
      return damaged;
    }
  }
  return handled;
}

Result<void> Handled::store(FileSystem& files, const std::string& folder) const {
  std::string text = fmt::format("{}\n", magic);
  const auto out = std::back_inserter(text);
  for (const auto& [first, last] : ranges_) fmt::format_to(out, "range {} {}\n", first, last);
  if (under_way) {
    fmt::format_to(out, "above {:02x} {}\n", fmt::join(under_way->journal, ""), under_way->above);
    for (const auto& [id, reference] : under_way->letters) {
      fmt::format_to(out, "letter {} {}\n", id, reference);
    }
  }
  fmt::format_to(out, "{}{:08x}\n", check_word, core::crc32c(bytes_of(text)));
  return journal::replace_file(files, folder, std::string(file_name), bytes_of(text));
}

bool Handled::contains(std::uint64_t id) const noexcept {
  const auto after = std::upper_bound(ranges_.begin(), ranges_.end(), Range(id, UINT64_MAX));
  return after != ranges_.begin() && id <= std::prev(after)->second;
}

void Handled::add(std::span<const std::uint64_t> ids) {
  for (const std::uint64_t id : ids) ranges_.emplace_back(id, id);
  std::sort(ranges_.begin(), ranges_.end());
  auto last = ranges_.begin();
  for (auto next = ranges_.begin(); next != ranges_.end(); ++next) {
    if (next->first <= last->second + 1) {
      last->second = std::max(last->second, next->second);
    } else {
      *++last = *next;
    }
  }
  if (last != ranges_.end()) ranges_.erase(last + 1, ranges_.end());
}

void Handled::forget_below(std::uint64_t first) {
  std::erase_if(ranges_, [first](const Range& range) { return range.second < first; });
}

bool Handled::forget_above(std::uint64_t last) {
  const bool any = (!ranges_.empty() && ranges_.back().second > last) ||
                   (under_way && std::ranges::any_of(under_way->letters, [last](const auto& one) {
                      return one.first > last;
                    }));
  std::erase_if(ranges_, [last](const Range& range) { return range.first > last; });
  if (!ranges_.empty()) ranges_.back().second = std::min(ranges_.back().second, last);
  if (under_way) std::erase_if(under_way->letters, [last](auto& one) { return one.first > last; });
  return any;
}

Result<void> Handled::settle(Journal& main) {
  if (!under_way) return {};
  std::vector<std::uint64_t> found;
  // Of another main journal nothing can be known: they stay, and a store that knows them says so.
  if (under_way->journal == main.id()) {
    std::multimap<std::uint64_t, std::uint64_t> by_reference;
    for (const auto& [id, reference] : under_way->letters) by_reference.emplace(reference, id);
    const auto reader = main.read_from(under_way->above);
    for (;;) {
      const auto frame = reader->next();
      if (!frame) return frame.error();
      if (!frame->has_value()) break;
      const core::FrameHeader& header = (*frame)->header;
      if (header.kind != core::FrameKind::message ||
          (header.flags & core::frame_flag::has_reference) == 0) {
        continue;
      }
      const auto [begin, end] = by_reference.equal_range(header.reference);
      for (auto one = begin; one != end; ++one) found.push_back(one->second);
    }
  }
  add(found);
  under_way.reset();
  return {};
}

}  // namespace telemetry
