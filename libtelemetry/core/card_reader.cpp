// SPDX-License-Identifier: Apache-2.0
// Reading a card's journal, sector by sector through one buffer. A frame is handed out only when
// its checksum is right; where none is, the magic is looked for at each following byte.
#include <cstring>

#include "core/frame_codec.hpp"
#include "core/little_endian.hpp"
#include "telemetry/core/card_journal.hpp"
#include "telemetry/core/checksum.hpp"

namespace telemetry::core {
namespace {

constexpr std::uint64_t no_limit = INT64_MAX;

}  // namespace

/// Begins a segment. @param counting the segment before was read: numbers between are missing
void CardJournal::enter(std::uint32_t segment, bool counting) noexcept {
  read_segment_ = segment;
  read_offset_ = segment_header_bytes;
  read_limit_ = 0;
  std::uint64_t first = 0;
  if (!header_of(segment, first)) {
    ++counters_.damaged;
    if (!counting) read_next_ = 1;
  } else if (counting) {
    skip_to(first);
  } else {
    read_next_ = first;
  }
}

void CardJournal::skip_to(std::uint64_t sequence) noexcept {
  if (sequence <= read_next_) return;
  const std::uint64_t begin = counted_ >= read_next_ ? counted_ + 1 : read_next_;
  if (sequence > begin) {
    counters_.missing += static_cast<std::uint32_t>(sequence - begin);
    counted_ = sequence - 1;
  }
  read_next_ = sequence;
}

/// How far frames may stand in the segment that is read.
std::uint32_t CardJournal::read_end() const noexcept {
  return read_segment_ == newest_ && write_offset_ != 0 ? synced_offset_ : segment_bytes();
}

/// Frames from this sequence on do not count: they were given up, and the next segment has them.
std::uint64_t CardJournal::read_limit() noexcept {
  if (read_segment_ == newest_) return synced_ + 1;
  if (read_limit_ == 0) {
    read_limit_ = no_limit;
    std::uint64_t first = 0;
    for (std::uint32_t i = 1; i <= header_probes && i <= newest_ - read_segment_; ++i) {
      if (header_of(read_segment_ + i, first)) {
        read_limit_ = first;
        break;
      }
    }
  }
  return read_limit_;
}

/// Takes the bytes at `offset` of the segment: adds them to the checksum, copies them if `out`.
bool CardJournal::stream(std::uint32_t& offset, std::size_t bytes, std::uint8_t* out,
                         std::uint32_t& checksum) noexcept {
  while (bytes > 0) {
    if (!load_sector(sector_of(read_segment_, offset))) return false;
    const std::size_t at = offset % card_sector_bytes;
    const std::size_t room = card_sector_bytes - at;
    const std::size_t part = bytes < room ? bytes : room;
    const auto piece = std::span(read_buffer_).subspan(at, part);
    checksum = crc32c(piece, checksum);
    if (out != nullptr) {
      std::memcpy(out, piece.data(), part);
      out += part;
    }
    bytes -= part;
    offset += static_cast<std::uint32_t>(part);
  }
  return true;
}

/// The frame at read_offset_. Topic and payload are not copied when the buffer is too small.
CardJournal::Found CardJournal::frame_here(std::uint64_t limit, std::span<std::uint8_t> buffer,
                                           FrameView& out) noexcept {
  const std::uint32_t room = read_end() - read_offset_;
  std::uint32_t offset = read_offset_;
  std::uint32_t checksum = frame_seed(segment_id(read_segment_), offset);
  std::array<std::uint8_t, frame_header_bytes> header;
  FrameStart start;
  if (!stream(offset, header.size(), header.data(), checksum)) return Found::error;
  if (!decode_frame_header(header, start) || start.frame_bytes > room) return Found::nothing;
  const std::uint64_t sequence = start.header.sequence;
  if (sequence > limit) return Found::nothing;
  if (has_own_sequence(start.header.kind) && (sequence < read_next_ || sequence == limit)) {
    return Found::nothing;
  }
  std::size_t rest = start.frame_bytes - frame_bytes_min;
  if (has_reference(start.header)) {
    std::uint8_t reference[frame_reference_bytes];
    if (!stream(offset, sizeof(reference), reference, checksum)) return Found::error;
    start.header.reference = load<std::uint64_t>(reference);
    rest -= frame_reference_bytes;
  }
  const bool fits = rest <= buffer.size();
  if (!stream(offset, rest, fits ? buffer.data() : nullptr, checksum)) return Found::error;
  const std::uint32_t expected = checksum;
  std::uint8_t stored[frame_checksum_bytes];
  if (!stream(offset, sizeof(stored), stored, checksum)) return Found::error;
  if (load<std::uint32_t>(stored) != expected) return Found::nothing;
  out.header = start.header;
  out.bytes = start.frame_bytes;
  out.topic = out.payload = {};
  if (fits) {
    const auto* text = reinterpret_cast<const char*>(buffer.data());
    out.topic = {text, start.topic_bytes};
    out.payload = {text + start.topic_bytes, rest - start.topic_bytes};
  }
  return Found::frame;
}

/// The next frame from read_offset_ on, which moves to its begin.
CardJournal::Found CardJournal::next_frame(std::uint64_t limit, std::span<std::uint8_t> buffer,
                                           FrameView& out) noexcept {
  static constexpr auto magic_begin = static_cast<std::uint8_t>(frame_magic & 0xFF);
  bool lost = false;
  while (read_offset_ + frame_bytes_min <= read_end()) {
    if (lost) {
      if (!load_sector(sector_of(read_segment_, read_offset_))) {
        if (!is_alive()) return Found::error;
        read_offset_ +=
            static_cast<std::uint32_t>(card_sector_bytes - read_offset_ % card_sector_bytes);
        continue;
      }
      if (read_buffer_[read_offset_ % card_sector_bytes] != magic_begin) {
        ++read_offset_;
        continue;
      }
    }
    const Found found = frame_here(limit, buffer, out);
    if (found == Found::frame) {
      if (lost) ++counters_.damaged;
      return found;
    }
    if (found == Found::error && !is_alive()) return found;
    lost = true;
    ++read_offset_;
  }
  return Found::nothing;
}

CardStatus CardJournal::read(std::uint64_t sequence, std::span<std::uint8_t> buffer,
                             FrameView& out) noexcept {
  if (!open_) return CardStatus::not_open;
  if (sequence == 0) sequence = 1;
  if (newest_ == 0 || sequence > synced_) return CardStatus::end;
  if (read_segment_ < oldest() || sequence < read_next_) {
    const std::uint32_t errors = counters_.read_errors;
    enter(find(oldest(), newest_, sequence), false);
    if (counters_.read_errors != errors && !is_alive()) return CardStatus::io_error;
  }
  while (read_next_ <= synced_) {
    const std::uint64_t limit = read_limit();
    if (read_next_ >= limit) {
      enter(read_segment_ + 1, true);
      continue;
    }
    const Found found = next_frame(limit, buffer, out);
    if (found == Found::error) return CardStatus::io_error;
    if (found == Found::nothing) {
      if (read_segment_ != newest_) {
        enter(read_segment_ + 1, true);
      } else {
        skip_to(limit);
      }
      continue;
    }
    const FrameHeader& header = out.header;
    const auto bytes = static_cast<std::uint32_t>(out.bytes);
    if (!has_own_sequence(header.kind)) {
      read_offset_ += bytes;
      continue;
    }
    skip_to(header.sequence);
    const bool wanted = header.kind == FrameKind::message && header.sequence >= sequence;
    const std::size_t reference_bytes = has_reference(header) ? frame_reference_bytes : 0;
    if (wanted && bytes - frame_bytes_min - reference_bytes > buffer.size()) {
      return CardStatus::too_large;
    }
    read_next_ = header.sequence + 1;
    read_offset_ += bytes;
    if (wanted) return CardStatus::ok;
  }
  return CardStatus::end;
}

}  // namespace telemetry::core
