// SPDX-License-Identifier: Apache-2.0
// Layout of docs/formats/card_v1.md; opening and writing. Reading is in card_reader.cpp.
//
// Segments are numbered from 1 in the order of their making and lie in the areas of the card in
// turns, so a number says where its segment is, and the numbers in the areas are a rising sequence
// that was rotated: the newest segment is found by binary search. The number is also the upper half
// of the segment id, the lower half is a checksum of journal, generation and number: unique without
// a source of entropy, rising, and known even when a header is damaged.
//
// A segment that was given up has no hole: its place is either behind synced frames (the next
// segment's first sequence says where they end) or it is the very first sector, which is written
// again.
#include "telemetry/core/card_journal.hpp"

#include <cstring>

#include "core/frame_codec.hpp"
#include "core/little_endian.hpp"
#include "telemetry/core/checksum.hpp"
#include "telemetry/core/limits.hpp"

namespace telemetry::core {
namespace {

constexpr char superblock_magic[8] = {'T', 'L', 'M', 'C', 'A', 'R', 'D', '1'};
constexpr char cursor_magic[8] = {'T', 'L', 'M', 'C', 'U', 'R', '0', '1'};
constexpr std::size_t superblock_checked_bytes = 60;
constexpr std::size_t cursor_checked_bytes = 32;
constexpr std::uint16_t version = 1;
constexpr std::uint32_t cursor_sector = 1;  // and the one behind it
constexpr std::uint32_t no_sector = UINT32_MAX;
constexpr std::uint64_t sequence_max = INT64_MAX;

bool is_magic(const std::uint8_t* at, const char (&magic)[8]) noexcept {
  return std::memcmp(at, magic, sizeof(magic)) == 0;
}

bool is_erased(std::span<const std::uint8_t> bytes) noexcept {
  const std::uint8_t value = bytes[0];
  for (const std::uint8_t byte : bytes) {
    if (byte != value) return false;
  }
  return value == 0x00 || value == 0xFF;
}

bool is_sound(const CardLayout& layout) noexcept {
  return layout.sectors_per_segment >= card_sectors_per_segment_min &&
         layout.sectors_per_segment <= card_sectors_per_segment_max && layout.segments >= 2 &&
         layout.first_sector >= 3 &&
         // The last sector's number fits 32 bits.
         layout.segments <= (UINT32_MAX - layout.first_sector) / layout.sectors_per_segment;
}

}  // namespace

void encode_superblock(const CardLayout& layout,
                       std::span<std::uint8_t, card_sector_bytes> out) noexcept {
  std::uint8_t* at = out.data();
  std::memset(at, 0, out.size());
  std::memcpy(at, superblock_magic, sizeof(superblock_magic));
  store(at + 8, version);
  // At 10, u16: required flags, 0.
  store(at + 12, layout.generation);
  std::memcpy(at + 16, layout.journal_id.data(), layout.journal_id.size());
  store(at + 32, layout.sectors_per_segment);
  store(at + 36, layout.segments);
  store(at + 40, layout.first_sector);
  store(at + superblock_checked_bytes, crc32c(out.first<superblock_checked_bytes>()));
}

CardStatus decode_superblock(std::span<const std::uint8_t, card_sector_bytes> sector,
                             CardLayout& out) noexcept {
  const std::uint8_t* at = sector.data();
  if (!is_magic(at, superblock_magic)) {
    return is_erased(sector) ? CardStatus::blank : CardStatus::foreign;
  }
  if (load<std::uint32_t>(at + superblock_checked_bytes) !=
      crc32c(sector.first<superblock_checked_bytes>())) {
    return CardStatus::damaged;
  }
  if (load<std::uint16_t>(at + 8) != version || load<std::uint16_t>(at + 10) != 0) {
    return CardStatus::unsupported;
  }
  out.generation = load<std::uint32_t>(at + 12);
  std::memcpy(out.journal_id.data(), at + 16, out.journal_id.size());
  out.sectors_per_segment = load<std::uint32_t>(at + 32);
  out.segments = load<std::uint32_t>(at + 36);
  out.first_sector = load<std::uint32_t>(at + 40);
  return is_sound(out) ? CardStatus::ok : CardStatus::damaged;
}

// --- Places and sectors.
// ---------------------------------------------------------------------------

std::uint32_t CardJournal::segment_bytes() const noexcept {
  return layout_.sectors_per_segment * static_cast<std::uint32_t>(card_sector_bytes);
}

std::uint32_t CardJournal::oldest() const noexcept {
  return newest_ > layout_.segments ? newest_ - layout_.segments + 1 : 1;
}

std::uint64_t CardJournal::segment_id(std::uint32_t segment) const noexcept {
  std::uint8_t bytes[24];
  std::memcpy(bytes, layout_.journal_id.data(), 16);
  store(bytes + 16, layout_.generation);
  store(bytes + 20, segment);
  return std::uint64_t{segment} << 32 | crc32c(bytes);
}

std::uint32_t CardJournal::sector_of(std::uint32_t segment, std::uint32_t offset) const noexcept {
  return layout_.first_sector + (segment - 1) % layout_.segments * layout_.sectors_per_segment +
         offset / static_cast<std::uint32_t>(card_sector_bytes);
}

bool CardJournal::load_sector(std::uint32_t sector) noexcept {
  if (sector == buffered_) return true;
  buffered_ = no_sector;
  // Twice, so that one bad transfer is not taken for a bad sector.
  if (!ops_->read(device_, sector, read_buffer_.data()) &&
      !ops_->read(device_, sector, read_buffer_.data())) {
    ++counters_.read_errors;
    return false;
  }
  buffered_ = sector;
  return true;
}

bool CardJournal::write_sector(std::uint32_t sector, const std::uint8_t* bytes) noexcept {
  if (sector == buffered_) buffered_ = no_sector;
  return ops_->write(device_, sector, bytes);
}

bool CardJournal::is_alive() noexcept {
  buffered_ = no_sector;
  return ops_->read(device_, superblock_sector_, read_buffer_.data());
}

// --- Format and open.
// ------------------------------------------------------------------------------

CardStatus CardJournal::format(const std::array<std::uint8_t, 16>& journal_id,
                               std::uint32_t sectors_per_segment) noexcept {
  open_ = known_ = false;
  const std::uint32_t sectors = ops_->sectors(device_);
  if (sectors <= card_first_sector || sectors_per_segment == 0) return CardStatus::invalid;
  CardLayout layout;
  layout.journal_id = journal_id;
  layout.sectors_per_segment = sectors_per_segment;
  layout.first_sector = card_first_sector;
  layout.segments = (sectors - 1 - card_first_sector) / sectors_per_segment;
  if (!is_sound(layout)) return CardStatus::invalid;
  // Another generation than before: segments of the old journal are none of the new one, even
  // should both bear the same id.
  const std::uint32_t copies[] = {sectors - 1, 0};
  for (const std::uint32_t sector : copies) {
    CardLayout old;
    if (load_sector(sector) && decode_superblock(read_buffer_, old) == CardStatus::ok &&
        old.generation > layout.generation) {
      layout.generation = old.generation;
    }
  }
  ++layout.generation;
  buffered_ = no_sector;
  encode_superblock(layout, read_buffer_);
  for (const std::uint32_t sector : copies) {
    if (!write_sector(sector, read_buffer_.data())) return CardStatus::io_error;
  }
  read_buffer_.fill(0);
  for (std::uint32_t slot = 0; slot < 2; ++slot) {
    if (!write_sector(cursor_sector + slot, read_buffer_.data())) return CardStatus::io_error;
  }
  return ops_->flush(device_) ? CardStatus::ok : CardStatus::io_error;
}

CardStatus CardJournal::load_layout(CardLayout& out) noexcept {
  if (ops_->sectors(device_) == 0) return CardStatus::io_error;
  superblock_sector_ = 0;
  const bool readable = load_sector(0);
  const CardStatus status = readable ? decode_superblock(read_buffer_, out) : CardStatus::io_error;
  if (status != CardStatus::damaged && status != CardStatus::io_error) return status;
  // Only a damaged superblock is replaced by its copy: what somebody else wrote there is his.
  superblock_sector_ = ops_->sectors(device_) - 1;
  if (!load_sector(superblock_sector_)) return CardStatus::io_error;
  return decode_superblock(read_buffer_, out) == CardStatus::ok ? CardStatus::ok
                                                                : CardStatus::damaged;
}

bool CardJournal::load_cursors() noexcept {
  if (!known_) cursor_ = 0;
  std::uint64_t highest = 0;
  cursor_slot_ = 0;
  bool any = false;
  for (std::uint8_t slot = 0; slot < 2; ++slot) {
    if (!load_sector(cursor_sector + slot)) continue;
    any = true;
    const std::uint8_t* at = read_buffer_.data();
    const auto sequence = load<std::uint64_t>(at + 24);
    if (!is_magic(at, cursor_magic) || sequence > sequence_max ||
        std::memcmp(at + 8, layout_.journal_id.data(), layout_.journal_id.size()) != 0 ||
        load<std::uint32_t>(at + cursor_checked_bytes) !=
            crc32c(std::span(read_buffer_).first<cursor_checked_bytes>())) {
      continue;
    }
    if (sequence < highest) continue;
    highest = sequence;
    cursor_slot_ = slot ^ 1;
  }
  if (highest > cursor_) cursor_ = highest;
  return any;
}

std::uint32_t CardJournal::header_at(std::uint32_t area, std::uint64_t& first) noexcept {
  if (!load_sector(layout_.first_sector + area * layout_.sectors_per_segment)) return 0;
  SegmentHeader header;
  if (!decode_segment_header(std::span(read_buffer_).first<segment_header_bytes>(), header)) {
    return 0;
  }
  const auto segment = static_cast<std::uint32_t>(header.segment_id >> 32);
  if (segment == 0 || (segment - 1) % layout_.segments != area ||
      header.segment_id != segment_id(segment) || header.first_sequence == 0 ||
      header.first_sequence > sequence_max) {
    return 0;
  }
  first = header.first_sequence;
  return segment;
}

bool CardJournal::header_of(std::uint32_t segment, std::uint64_t& first) noexcept {
  if (segment == newest_ && newest_first_ != 0) {  // it may not be on the card yet
    first = newest_first_;
    return true;
  }
  return header_at((segment - 1) % layout_.segments, first) == segment;
}

bool CardJournal::has_damaged_header(std::uint32_t segment) noexcept {
  SegmentHeader header;
  return !load_sector(sector_of(segment, 0)) ||
         (is_magic(read_buffer_.data(), segment_magic) &&
          !decode_segment_header(std::span(read_buffer_).first<segment_header_bytes>(), header));
}

std::uint32_t CardJournal::find(std::uint32_t low, std::uint32_t high,
                                std::uint64_t sequence) noexcept {
  while (low < high) {
    const std::uint32_t middle = low + (high - low + 1) / 2;
    std::uint32_t found = middle;
    std::uint64_t first = 0;
    bool good = header_of(found, first);
    while (!good && found < high && found - middle + 1 < header_probes)
      good = header_of(++found, first);
    if (good && first <= sequence) {
      low = found;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

CardStatus CardJournal::find_newest() noexcept {
  newest_ = 0;
  newest_first_ = 0;
  const std::uint32_t errors = counters_.read_errors;
  std::uint64_t first = 0;
  std::uint32_t segment = 0;
  std::uint32_t area = 0;
  bool any_readable = false;
  for (; area < header_probes && area < layout_.segments; ++area) {
    segment = header_at(area, first);
    if (segment != 0) break;
    any_readable = any_readable || buffered_ != no_sector;
  }
  if (segment != 0) {
    // The round that began in area 0: everything above its numbers is of the round before.
    const std::uint32_t last = segment - area + layout_.segments - 1;
    newest_ = find(segment, last, sequence_max);
    if (!header_of(newest_, newest_first_)) newest_first_ = 0;
  }
  if (counters_.read_errors != errors && !is_alive()) return CardStatus::io_error;
  return newest_ == 0 && !any_readable ? CardStatus::damaged : CardStatus::ok;
}

/// Reads the newest segment to its end. A segment behind it whose header alone is damaged counts.
CardStatus CardJournal::scan_newest() noexcept {
  FrameView view;
  const std::uint32_t behind = newest_ + 1;
  if (behind != 0 && has_damaged_header(behind)) {
    const std::uint32_t newest = newest_;
    const std::uint64_t newest_first = newest_first_;
    newest_ = behind;
    newest_first_ = 0;
    enter(behind, false);
    const Found found = next_frame(sequence_max, {}, view);
    if (found == Found::error) return CardStatus::io_error;
    if (found == Found::frame) {
      newest_first_ = view.header.sequence;
    } else {
      newest_ = newest;
      newest_first_ = newest_first;
    }
  }
  // What this object did not sync is forgotten, also if the card has it: it is appended again.
  if (newest_ == 0 || known_) return CardStatus::ok;
  // As many messages as a segment holds at most.
  const std::uint64_t room = segment_bytes() / static_cast<std::uint32_t>(frame_bytes_min) + 1;
  const std::uint64_t limit = newest_first_ != 0 && newest_first_ < sequence_max - room
                                  ? newest_first_ + room
                                  : sequence_max;
  const std::uint32_t errors = counters_.read_errors;
  enter(newest_, false);
  for (;;) {
    const Found found = next_frame(limit, {}, view);
    if (found == Found::error) return CardStatus::io_error;
    if (found == Found::nothing) break;
    read_offset_ += static_cast<std::uint32_t>(view.bytes);
    if (has_own_sequence(view.header.kind)) read_next_ = view.header.sequence + 1;
  }
  // What stood in an unreadable sector has taken numbers that nobody may take again.
  if (counters_.read_errors != errors && limit != sequence_max) read_next_ = limit;
  if (read_next_ > synced_ + 1) synced_ = read_next_ - 1;
  return CardStatus::ok;
}

CardStatus CardJournal::open() noexcept {
  open_ = false;
  buffered_ = no_sector;
  CardLayout layout;
  if (const CardStatus status = load_layout(layout); status != CardStatus::ok) return status;
  if (known_ &&
      (layout.journal_id != layout_.journal_id || layout.generation != layout_.generation)) {
    return CardStatus::other_card;
  }
  layout_ = layout;
  write_offset_ = synced_offset_ = 0;
  if (!load_cursors() && !is_alive()) return CardStatus::io_error;
  if (!known_) synced_ = counted_ = 0;
  if (const CardStatus status = find_newest(); status != CardStatus::ok) return status;
  if (const CardStatus status = scan_newest(); status != CardStatus::ok) return status;
  if (cursor_ > synced_) synced_ = cursor_;
  next_ = synced_ + 1;
  read_segment_ = 0;
  read_next_ = 1;
  open_ = known_ = true;
  return CardStatus::ok;
}

// --- Writing.
// --------------------------------------------------------------------------------------

CardStatus CardJournal::find_live(std::uint32_t& segment) noexcept {
  const std::uint32_t errors = counters_.read_errors;
  segment = newest_ == 0 ? 1 : find(oldest(), newest_, cursor_ + 1);
  return counters_.read_errors != errors && !is_alive() ? CardStatus::io_error : CardStatus::ok;
}

CardStatus CardJournal::open_segment() noexcept {
  const std::uint32_t segment = newest_ + 1;
  if (segment == 0) return CardStatus::full;
  if (segment > layout_.segments) {
    const std::uint32_t victim = segment - layout_.segments;
    std::uint32_t live = 0;
    if (const CardStatus status = find_live(live); status != CardStatus::ok) return status;
    if (victim >= live) {
      if (policy_ == CardPolicy::reject) return CardStatus::full;
      std::uint64_t first = 0;
      std::uint64_t behind = 0;
      if (!header_of(victim, first) || first <= cursor_) first = cursor_ + 1;
      if (header_of(victim + 1, behind) && behind > first) {
        counters_.dropped += static_cast<std::uint32_t>(behind - first);
      }
    }
  }
  SegmentHeader header;
  header.journal_id = layout_.journal_id;
  header.segment_id = segment_id(segment);
  header.first_sequence = next_;
  encode_segment_header(header, std::span(write_buffer_).first<segment_header_bytes>());
  newest_ = segment;
  newest_first_ = next_;
  write_offset_ = synced_offset_ = segment_header_bytes;
  return CardStatus::ok;
}

bool CardJournal::put(std::span<const std::uint8_t> bytes, std::uint32_t& checksum) noexcept {
  checksum = crc32c(bytes, checksum);
  while (!bytes.empty()) {
    const std::size_t at = write_offset_ % card_sector_bytes;
    const std::size_t room = card_sector_bytes - at;
    const std::size_t part = bytes.size() < room ? bytes.size() : room;
    std::memcpy(write_buffer_.data() + at, bytes.data(), part);
    bytes = bytes.subspan(part);
    const std::uint32_t sector = sector_of(newest_, write_offset_);
    write_offset_ += static_cast<std::uint32_t>(part);
    if (part == room && !write_sector(sector, write_buffer_.data())) return false;
  }
  return true;
}

/// @param zeros payload of so many zeros behind `payload`
bool CardJournal::put_frame(const FrameHeader& header, std::string_view topic,
                            std::string_view payload, std::size_t zeros) noexcept {
  static constexpr std::uint8_t zero[32] = {};
  const std::size_t size = frame_size(topic.size(), payload.size() + zeros, has_reference(header));
  std::uint32_t checksum = frame_seed(segment_id(newest_), write_offset_);
  std::array<std::uint8_t, frame_header_bytes + frame_reference_bytes> start;
  const std::size_t start_bytes = encode_frame_header(header, topic.size(), size, start);
  bool good = put(std::span(start).first(start_bytes), checksum);
  for (const std::string_view text : {topic, payload}) {
    good = good && put({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, checksum);
  }
  while (good && zeros > 0) {
    const std::size_t part = zeros < sizeof(zero) ? zeros : sizeof(zero);
    good = put(std::span(zero).first(part), checksum);
    zeros -= part;
  }
  std::uint8_t end[frame_checksum_bytes];
  store(end, checksum);
  return good && put(end, checksum);
}

/// Forgets what was not synced and gives the segment up, unless nothing of it is on the card.
CardStatus CardJournal::fail() noexcept {
  ++counters_.write_errors;
  next_ = synced_ + 1;
  // The buffer holds the first sector still, with the header in it.
  write_offset_ = write_offset_ <= card_sector_bytes ? segment_header_bytes : 0;
  return CardStatus::io_error;
}

CardStatus CardJournal::append(const FrameHeader& header, std::string_view topic,
                               std::string_view payload) noexcept {
  if (!open_) return CardStatus::not_open;
  if (header.kind != FrameKind::message) return CardStatus::invalid;
  if (topic.size() > topic_bytes_max || payload.size() > segment_bytes()) {
    return CardStatus::too_large;
  }
  // Behind each frame there is room for the padding that a sync may need.
  const std::size_t needed =
      frame_size(topic.size(), payload.size(), has_reference(header)) + frame_bytes_min;
  if (needed > segment_bytes() - segment_header_bytes) return CardStatus::too_large;
  if (write_offset_ == 0 || needed > segment_bytes() - write_offset_) {
    if (const CardStatus status = sync(); status != CardStatus::ok) return status;
    if (const CardStatus status = open_segment(); status != CardStatus::ok) return status;
  }
  FrameHeader numbered = header;
  numbered.sequence = next_;
  if (!put_frame(numbered, topic, payload, 0)) return fail();
  ++next_;
  return CardStatus::ok;
}

CardStatus CardJournal::sync() noexcept {
  if (!open_) return CardStatus::not_open;
  if (next_ == synced_ + 1) return CardStatus::ok;
  std::size_t rest = (card_sector_bytes - write_offset_ % card_sector_bytes) % card_sector_bytes;
  if (rest != 0) {
    if (rest < frame_bytes_min) rest += card_sector_bytes;
    FrameHeader padding;
    padding.sequence = next_;
    padding.kind = FrameKind::padding;
    if (!put_frame(padding, {}, {}, rest - frame_bytes_min)) return fail();
  }
  if (!ops_->flush(device_)) return fail();
  synced_ = next_ - 1;
  synced_offset_ = write_offset_;
  return CardStatus::ok;
}

CardStatus CardJournal::set_cursor(std::uint64_t sequence) noexcept {
  if (!open_) return CardStatus::not_open;
  if (sequence > synced_) return CardStatus::invalid;
  if (sequence <= cursor_) return CardStatus::ok;
  buffered_ = no_sector;
  read_buffer_.fill(0);
  std::uint8_t* at = read_buffer_.data();
  std::memcpy(at, cursor_magic, sizeof(cursor_magic));
  std::memcpy(at + 8, layout_.journal_id.data(), layout_.journal_id.size());
  store(at + 24, sequence);
  store(at + cursor_checked_bytes, crc32c(std::span(read_buffer_).first<cursor_checked_bytes>()));
  if (!write_sector(cursor_sector + cursor_slot_, at) || !ops_->flush(device_)) {
    return CardStatus::io_error;
  }
  cursor_ = sequence;
  cursor_slot_ ^= 1;
  return CardStatus::ok;
}

CardStatus CardJournal::bytes_free(std::uint64_t& out) noexcept {
  if (!open_) return CardStatus::not_open;
  std::uint32_t live = 0;
  if (const CardStatus status = find_live(live); status != CardStatus::ok) return status;
  const std::uint32_t used = newest_ == 0 ? 0 : newest_ + 1 - live;
  out = std::uint64_t{layout_.segments - used} * (segment_bytes() - segment_header_bytes);
  if (write_offset_ != 0) out += segment_bytes() - write_offset_;
  return CardStatus::ok;
}

}  // namespace telemetry::core
