// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "telemetry/core/journal_format.hpp"

namespace telemetry::core {

inline constexpr std::size_t card_sector_bytes = 512;

/// A card, or anything else made of sectors of 512 bytes. Each call says whether it worked.
/// Optional: `bool flush()`. Without it a write has reached the medium when it returns; with it,
/// all writes before it have when it returns.
/// Watchdog: each call moves one sector; feed it here if opening a journal may outlast it.
template <class Device>
concept BlockDevice =
    requires(Device& device, std::uint32_t sector, std::span<std::uint8_t, card_sector_bytes> in,
             std::span<const std::uint8_t, card_sector_bytes> out) {
      { device.read(sector, in) } -> std::same_as<bool>;
      { device.write(sector, out) } -> std::same_as<bool>;
      { device.sectors() } -> std::convertible_to<std::uint32_t>;
    };

enum class CardStatus : std::uint8_t {
  ok,
  end,          ///< read: no further message
  full,         ///< append: every segment holds messages that the cursor has not passed
  too_large,    ///< append: fits no segment; read: larger than the buffer
  invalid,      ///< an argument has no meaning
  not_open,     ///< open() has not succeeded
  io_error,     ///< the device refused
  blank,        ///< no journal and nothing else: all zeros or all 0xFF
  foreign,      ///< something else is on the card (a file system): format() would destroy it
  damaged,      ///< a journal whose superblocks or first segments cannot be read
  unsupported,  ///< a journal of a newer version
  other_card,   ///< a journal, but not the one that this object had open before
};

enum class CardPolicy : std::uint8_t {
  reject,       ///< a full card takes nothing more
  drop_oldest,  ///< the oldest segment makes room, counted
};

/// What the superblock says. Layout: docs/formats/card_v1.md.
struct CardLayout {
  std::array<std::uint8_t, 16> journal_id{};
  std::uint32_t generation = 0;  ///< how often the card was formatted; part of every segment id
  std::uint32_t sectors_per_segment = 0;
  std::uint32_t segments = 0;
  std::uint32_t first_sector = 0;  ///< where segments begin
};

inline constexpr std::uint32_t card_first_sector = 8;
inline constexpr std::uint32_t card_sectors_per_segment_min = 8;
inline constexpr std::uint32_t card_sectors_per_segment_max = 1u << 21;  // 1 GiB
/// 64 KiB: few enough sectors that opening is fast, and every start uses up one segment.
inline constexpr std::uint32_t card_sectors_per_segment = 128;
/// Topic and payload of this many bytes fit every card.
inline constexpr std::size_t card_message_bytes_max =
    card_sectors_per_segment_min * card_sector_bytes - segment_header_bytes -
    2 * frame_size(0, 0, false);

void encode_superblock(const CardLayout& layout,
                       std::span<std::uint8_t, card_sector_bytes> out) noexcept;
/// @returns ok, blank, foreign, damaged or unsupported.
[[nodiscard]] CardStatus decode_superblock(std::span<const std::uint8_t, card_sector_bytes> sector,
                                           CardLayout& out) noexcept;

/// A journal on a card: messages with sequences from 1, in the bytes of docs/formats/journal_v1.md,
/// with one cursor. docs/formats/card_v1.md says where what lies.
///
/// Promise: what sync() has confirmed is read back after any power cut, in order, until the cursor
///   has passed it (or drop_oldest dropped it, counted). A sector that holds synced frames is never
///   written again while they are needed, so a torn write can only tear what was never confirmed.
/// Start: nothing is continued. The first append after open() begins a new segment.
/// Errors: after io_error from append() or sync() the messages above synced_sequence() are
/// forgotten:
///   append them again. The journal goes on behind the bad place, in a new segment. After any other
///   error nothing has changed. When the card was away, call open() again.
/// Damage: reading skips what has no valid checksum, finds its way again and counts what is
/// missing. Cost: append() writes a sector when 512 bytes are full, sync() fills the sector up and
/// writes it.
///   open() reads log2(segments) to 4 * log2(segments) headers and one segment: 150 to 200 sectors
///   on 32 GB with segments of 64 KiB. Going back in reading costs as much.
/// Thread: one context. Memory: two sectors and about 170 bytes, all in the object.
class CardJournal {
 public:
  /// Since construction.
  struct Counters {
    std::uint32_t missing = 0;  ///< sequences below the last read one that no readable frame bears
    std::uint32_t damaged = 0;  ///< places that were skipped, each time one was met
    std::uint32_t dropped = 0;  ///< messages that drop_oldest dropped before the cursor passed them
    std::uint32_t read_errors = 0;   ///< sectors that the device did not read
    std::uint32_t write_errors = 0;  ///< segments given up because the device did not write
  };

  template <BlockDevice Device>
  explicit CardJournal(Device& device, CardPolicy policy = CardPolicy::reject) noexcept
      : ops_(&ops_of<Device>), device_(&device), policy_(policy) {}
  CardJournal(const CardJournal&) = delete;
  CardJournal& operator=(const CardJournal&) = delete;

  /// Begins a new, empty journal; what was on the card is lost. open() must follow.
  /// @param journal_id must differ from one format() to the next (random, or a chip's id and a
  ///        count): importers know a message by journal id and sequence
  /// @param sectors_per_segment 8 to 2^21; at least two segments must fit
  /// Errors: invalid; io_error
  [[nodiscard]] CardStatus format(
      const std::array<std::uint8_t, 16>& journal_id,
      std::uint32_t sectors_per_segment = card_sectors_per_segment) noexcept;

  /// Finds segments, last sequence and cursor; writes nothing. What was appended and not synced is
  /// forgotten.
  /// Errors: blank, foreign, damaged, unsupported, other_card; io_error
  [[nodiscard]] CardStatus open() noexcept;
  [[nodiscard]] bool is_open() const noexcept { return open_; }

  /// Appends one message; its sequence is last_sequence() then.
  /// @param header sequence is ignored, kind must be message
  /// Errors: too_large, invalid, full, not_open, io_error
  [[nodiscard]] CardStatus append(const FrameHeader& header, std::string_view topic,
                                  std::string_view payload) noexcept;
  /// All appended messages are on the medium, when it returns ok. Errors: not_open, io_error
  [[nodiscard]] CardStatus sync() noexcept;
  [[nodiscard]] std::uint64_t last_sequence() const noexcept { return next_ - 1; }
  [[nodiscard]] std::uint64_t synced_sequence() const noexcept { return synced_; }

  /// Reads the first synced message whose sequence is at least `sequence`. Going forward is cheap;
  /// going back searches the segment.
  /// @param buffer takes topic and payload, which `out` points to
  /// Errors: end; too_large (out.header is set; read behind its sequence to skip it); not_open,
  ///   io_error
  [[nodiscard]] CardStatus read(std::uint64_t sequence, std::span<std::uint8_t> buffer,
                                FrameView& out) noexcept;

  /// Everything up to `sequence` is done with and may be overwritten; kept over restarts. A lower
  /// one than before changes nothing. Errors: invalid: never synced; not_open, io_error
  [[nodiscard]] CardStatus set_cursor(std::uint64_t sequence) noexcept;
  [[nodiscard]] std::uint64_t cursor() const noexcept { return cursor_; }

  /// Bytes for frames before the card is full; reads a few sectors. Errors: not_open, io_error
  [[nodiscard]] CardStatus bytes_free(std::uint64_t& out) noexcept;
  /// Valid after open().
  [[nodiscard]] const CardLayout& layout() const noexcept { return layout_; }
  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }

 private:
  // One table a device type instead of virtual functions or a second copy of the code.
  struct Ops {
    bool (*read)(void* device, std::uint32_t sector, std::uint8_t* out) noexcept;
    bool (*write)(void* device, std::uint32_t sector, const std::uint8_t* bytes) noexcept;
    bool (*flush)(void* device) noexcept;
    std::uint32_t (*sectors)(void* device) noexcept;
  };
  template <class Device>
  static constexpr Ops ops_of{
      [](void* device, std::uint32_t sector, std::uint8_t* out) noexcept -> bool {
        return static_cast<Device*>(device)->read(
            sector, std::span<std::uint8_t, card_sector_bytes>(out, card_sector_bytes));
      },
      [](void* device, std::uint32_t sector, const std::uint8_t* bytes) noexcept -> bool {
        return static_cast<Device*>(device)->write(
            sector, std::span<const std::uint8_t, card_sector_bytes>(bytes, card_sector_bytes));
      },
      [](void* device) noexcept -> bool {
        if constexpr (requires(Device& d) { d.flush(); }) {
          return static_cast<Device*>(device)->flush();
        } else {
          return true;
        }
      },
      [](void* device) noexcept -> std::uint32_t {
        return static_cast<Device*>(device)->sectors();
      }};

  enum class Found : std::uint8_t { frame, nothing, error };
  /// A search goes on behind fewer headers than this that cannot be read.
  static constexpr std::uint32_t header_probes = 4;

  // A segment is known by its number, from 1 in the order of their making; the areas of the card
  // take them in turns.
  [[nodiscard]] std::uint32_t segment_bytes() const noexcept;
  [[nodiscard]] std::uint32_t oldest() const noexcept;
  [[nodiscard]] std::uint64_t segment_id(std::uint32_t segment) const noexcept;
  [[nodiscard]] std::uint32_t sector_of(std::uint32_t segment, std::uint32_t offset) const noexcept;
  bool load_sector(std::uint32_t sector) noexcept;
  bool write_sector(std::uint32_t sector, const std::uint8_t* bytes) noexcept;
  [[nodiscard]] bool is_alive() noexcept;

  CardStatus load_layout(CardLayout& out) noexcept;
  bool load_cursors() noexcept;
  /// Number and first sequence of the segment in an area; 0 = none of ours.
  std::uint32_t header_at(std::uint32_t area, std::uint64_t& first) noexcept;
  bool header_of(std::uint32_t segment, std::uint64_t& first) noexcept;
  bool has_damaged_header(std::uint32_t segment) noexcept;
  /// The last segment from `low` to `high` that begins at or before `sequence`.
  std::uint32_t find(std::uint32_t low, std::uint32_t high, std::uint64_t sequence) noexcept;
  CardStatus find_newest() noexcept;
  CardStatus scan_newest() noexcept;
  /// The oldest segment that the cursor has not passed.
  CardStatus find_live(std::uint32_t& segment) noexcept;

  CardStatus open_segment() noexcept;
  bool put(std::span<const std::uint8_t> bytes, std::uint32_t& checksum) noexcept;
  bool put_frame(const FrameHeader& header, std::string_view topic, std::string_view payload,
                 std::size_t zeros) noexcept;
  CardStatus fail() noexcept;

  void enter(std::uint32_t segment, bool counting) noexcept;
  void skip_to(std::uint64_t sequence) noexcept;
  [[nodiscard]] std::uint32_t read_end() const noexcept;
  std::uint64_t read_limit() noexcept;
  Found next_frame(std::uint64_t limit, std::span<std::uint8_t> buffer, FrameView& out) noexcept;
  Found frame_here(std::uint64_t limit, std::span<std::uint8_t> buffer, FrameView& out) noexcept;
  bool stream(std::uint32_t& offset, std::size_t bytes, std::uint8_t* out,
              std::uint32_t& checksum) noexcept;

  const Ops* ops_;
  void* device_;
  CardLayout layout_;
  std::uint64_t next_ = 1;    // sequence of the next message
  std::uint64_t synced_ = 0;  // all up to it are on the medium, or were never given out
  std::uint64_t cursor_ = 0;
  std::uint64_t newest_first_ = 0;  // first sequence of newest_; 0 = unknown
  std::uint32_t newest_ = 0;        // 0 = no segment yet
  std::uint32_t write_offset_ = 0;  // in newest_; 0 = the next append begins a new one
  std::uint32_t synced_offset_ = 0;
  std::uint32_t superblock_sector_ = 0;
  std::uint32_t buffered_ = UINT32_MAX;  // sector in read_buffer_

  std::uint64_t read_next_ = 1;   // the next message read is this one or a later one
  std::uint64_t read_limit_ = 0;  // first sequence of the segment behind; 0 = not looked up
  std::uint64_t counted_ = 0;     // missing ones up to it are counted
  std::uint32_t read_segment_ = 0;
  std::uint32_t read_offset_ = 0;

  Counters counters_;
  CardPolicy policy_;
  bool open_ = false;
  bool known_ = false;            // was open since format()
  std::uint8_t cursor_slot_ = 0;  // where the next cursor goes
  alignas(4) std::array<std::uint8_t, card_sector_bytes> write_buffer_;
  alignas(4) std::array<std::uint8_t, card_sector_bytes> read_buffer_;
};

}  // namespace telemetry::core
