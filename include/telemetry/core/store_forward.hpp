// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "telemetry/core/card_journal.hpp"
#include "telemetry/core/limits.hpp"
#include "telemetry/core/ring_buffer.hpp"

namespace telemetry::core {

/// In place of a CardJournal where there is no card.
struct NoCard {
  static constexpr CardStatus open() noexcept { return CardStatus::blank; }
  static constexpr CardStatus append(const FrameHeader&, std::string_view,
                                     std::string_view) noexcept {
    return CardStatus::not_open;
  }
  static constexpr CardStatus sync() noexcept { return CardStatus::not_open; }
  static constexpr CardStatus read(std::uint64_t, std::span<std::uint8_t>, FrameView&) noexcept {
    return CardStatus::not_open;
  }
  static constexpr CardStatus set_cursor(std::uint64_t) noexcept { return CardStatus::not_open; }
  static constexpr std::uint64_t cursor() noexcept { return 0; }
  static constexpr std::uint64_t synced_sequence() noexcept { return 0; }
};

struct StoreForwardOptions {
  /// Offline, a record lies at most so long in the ring before it goes to the card: what a power
  /// cut may cost.
  std::uint32_t save_interval_ms = 1000;
  /// Bytes that one poll moves to the card at most, and the least that is worth a sync before the
  /// interval is over: each sync costs a sector.
  std::uint32_t batch_bytes = 2048;
  /// While connected, records go to the card when the ring is fuller; 0: three quarters.
  std::uint32_t high_water_bytes = 0;
  /// The cursor is written after so many acknowledged records from the card, or so long after the
  /// first of them, and when there are no more: what comes twice after a power cut.
  std::uint32_t cursor_records = 64;
  std::uint32_t cursor_interval_ms = 1000;
  /// How often a card that failed, or is full, is tried again.
  std::uint32_t card_retry_ms = 1000;
  /// How long newer records wait for a card that does not answer while it may hold older ones.
  std::uint32_t card_patience_ms = 10'000;
  /// Called by each poll; a poll that hangs does not reach it again. nullptr: none
  void (*feed_watchdog)() noexcept = nullptr;
  /// Called when a poll found nothing to do: sleep until the next interrupt. nullptr: none
  void (*idle)() noexcept = nullptr;
};

/// Takes messages into a ring and brings each to the broker, over the card when it must.
///
///   connected, card empty    ring -> session
///   offline                  ring -> card
///   ring above high water    ring -> card
///   connected, card not empty  card -> session, then ring -> session
///
/// Promise: a message that offer() took goes out at least once, and first sendings keep the order
/// of
///   the offers; what is in flight when a connection ends goes out again, with DUP, from wherever
///   it lies then. A record leaves the ring when the broker has acknowledged it or the card has
///   synced it, never before; the cursor on the card moves when the broker has acknowledged.
/// Limits: records in the ring do not survive a power cut. A card that does not answer for
///   card_patience_ms is given up (counted): newer records go on, and what it holds goes out when
///   it answers again, out of order then. A full card (reject) leaves records in the ring, and a
///   full ring refuses offers.
/// Caller: gives session.receive() a handler that passes on_acknowledged(token) on to this object;
///   calls poll() in each round of its loop.
/// Session: MqttSession, or another with its state(), publish(), next_resend(), resend(),
///   drop_resend() and accepts(). Nobody else publishes with QoS 1 through it.
/// Card: CardJournal or NoCard.
/// Thread: offer() in one context (an interrupt, say), all else in another, if the ring's policy is
///   reject. Memory: the caller's; about 120 bytes in the object.
template <class Session, class Card>
class StoreForward {
 public:
  /// Where a publication lies that waits for its acknowledgement.
  struct Slot {
    std::uint32_t at = 0;    ///< position in the ring, or low half of the card's sequence
    std::uint32_t next = 0;  ///< position behind it in the ring
    bool on_card = false;
    bool done = false;
  };
  /// Since construction; they wrap. Messages that found the ring full: ring.dropped().
  struct Counters {
    std::uint32_t refused = 0;      ///< offers that can never go: too large, or not a valid topic
    std::uint32_t saved = 0;        ///< records written to the card
    std::uint32_t lost = 0;         ///< records that were gone when their turn came
    std::uint32_t card_errors = 0;  ///< times the card failed
    std::uint32_t cards_given_up = 0;
  };

  static constexpr std::size_t record_header_bytes = 10;

  /// @param window as many publications are in flight at most; no more than the session's window
  /// @param buffer takes one record: 10 bytes + topic + payload of the largest message
  StoreForward(ByteRing& ring, Session& session, Card& card, std::span<Slot> window,
               std::span<std::uint8_t> buffer, const StoreForwardOptions& options) noexcept
      : ring_(ring),
        session_(session),
        card_(card),
        options_(options),
        window_(window),
        buffer_(buffer),
        ring_sent_(ring.begin()) {}
  StoreForward(ByteRing&, Session&, Card&, std::span<Slot>, std::span<std::uint8_t>,
               StoreForwardOptions&&) = delete;  // the options would not live long enough
  StoreForward(const StoreForward&) = delete;
  StoreForward& operator=(const StoreForward&) = delete;

  /// Takes a message that was judged and found good.
  /// @param time_ns since 1970, or of a clock that the importer can place
  /// @returns false when it is too large or the ring is full; counted
  bool offer(std::string_view topic, std::string_view payload, std::int64_t time_ns) noexcept {
    const std::size_t bytes = topic.size() + payload.size();
    if (topic.size() > topic_bytes_max || bytes > card_message_bytes_max ||
        record_header_bytes + bytes > buffer_.size() || !session_.accepts(topic, payload.size())) {
      ++counters_.refused;
      return false;
    }
    const auto topic_bytes = static_cast<std::uint16_t>(topic.size());
    std::uint8_t head[record_header_bytes];
    std::memcpy(head, &time_ns, sizeof(time_ns));
    std::memcpy(head + sizeof(time_ns), &topic_bytes, sizeof(topic_bytes));
    return ring_.push(head, bytes_of(topic), bytes_of(payload));
  }

  /// Moves what can be moved. Takes as long as the card takes for batch_bytes; waits for nothing
  /// else.
  /// @param now_ms of any clock that goes forward; may wrap
  /// @returns true when there was something to do: call again soon. false: sleep
  bool poll(std::uint32_t now_ms) noexcept {
    if (options_.feed_watchdog != nullptr) options_.feed_watchdog();
    now_ms_ = now_ms;
    bool worked = open_card();
    if (is_connected() && send()) worked = true;
    if (save()) worked = true;
    if (keep_cursor()) worked = true;
    if (!worked && options_.idle != nullptr) options_.idle();
    return worked;
  }

  /// The broker has acknowledged a publication. Unknown tokens are ignored.
  void on_acknowledged(std::uint32_t token) noexcept {
    if (token - first_token_ >= in_flight_) return;
    slot(token - first_token_).done = true;
    settle();
  }

  /// Messages that wait on the card, those in flight included.
  [[nodiscard]] std::uint64_t waiting_on_card() const noexcept {
    return card_known_ ? card_.synced_sequence() - acknowledged_ : 0;
  }
  /// ok while the card is in use (full: it is, but nothing more fits); else why it is not.
  [[nodiscard]] CardStatus card_status() const noexcept { return card_status_; }
  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }

 private:
  struct Message {
    std::string_view topic;
    std::string_view payload;
    std::int64_t time_ns = 0;
  };

  static std::span<const std::uint8_t> bytes_of(std::string_view text) noexcept {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
  }
  [[nodiscard]] bool is_connected() const noexcept {
    using State = decltype(session_.state());
    return session_.state() == State::connected;
  }
  [[nodiscard]] bool passed(std::uint32_t since_ms, std::uint32_t interval_ms) const noexcept {
    return now_ms_ - since_ms >= interval_ms;
  }

  // --- What is in flight: slots in the order of sending.

  Slot& slot(std::size_t index) noexcept {
    index += first_slot_;
    return window_[index < window_.size() ? index : index - window_.size()];
  }
  [[nodiscard]] std::uint64_t sequence_of(const Slot& slot) const noexcept {
    return acknowledged_ +
           static_cast<std::uint32_t>(slot.at - static_cast<std::uint32_t>(acknowledged_));
  }
  void add_slot(std::uint32_t at, std::uint32_t next, bool on_card) noexcept {
    slot(in_flight_) = {at, next, on_card, false};
    ++in_flight_;
  }
  Slot* slot_in_ring(std::uint32_t at) noexcept {
    for (std::size_t i = 0; i < in_flight_; ++i) {
      if (Slot& s = slot(i); !s.on_card && s.at == at) return &s;
    }
    return nullptr;
  }

  /// Frees what is acknowledged and has nothing unacknowledged before it.
  void settle() noexcept {
    for (; in_flight_ > 0 && slot(0).done; --in_flight_, ++first_token_) {
      if (!slot(0).on_card) ring_.release(slot(0).next);
      first_slot_ = first_slot_ + 1 < window_.size() ? first_slot_ + 1 : 0;
    }
    std::uint64_t done = sent_;
    for (std::size_t i = 0; i < in_flight_; ++i) {
      if (!slot(i).on_card || slot(i).done) continue;
      const std::uint64_t before = sequence_of(slot(i)) - 1;
      if (before < done) done = before;
    }
    acknowledged_ = done;
  }

  // --- The card comes and goes.

  bool open_card() noexcept {
    if (card_ready_ || (card_tried_ && !passed(card_tried_ms_, options_.card_retry_ms))) {
      return false;
    }
    if (!card_tried_) card_away_ms_ = now_ms_;
    card_tried_ = true;
    card_tried_ms_ = now_ms_;
    card_status_ = card_.open();
    card_ready_ = card_status_ == CardStatus::ok;
    if (!card_ready_) return false;
    given_up_ = false;
    if (!card_known_ || card_.synced_sequence() < sent_) {  // formatted since: another journal
      forget_card_slots();
      sent_ = acknowledged_ = card_.cursor();
    }
    card_known_ = true;
    return true;
  }

  void forget_card_slots() noexcept {
    for (std::size_t i = 0; i < in_flight_; ++i) {
      if (slot(i).on_card) slot(i).done = true;
    }
    sent_ = acknowledged_;
    settle();
  }

  void card_failed(CardStatus status) noexcept {
    ++counters_.card_errors;
    card_status_ = status;
    card_ready_ = false;
    card_tried_ms_ = card_away_ms_ = now_ms_;
    staged_ = 0;
  }

  /// The card may hold older records than the ring, and may answer again soon.
  bool waits_for_card(bool wanted) noexcept {
    if (card_ready_ || given_up_ || !wanted) return false;
    if (card_status_ == CardStatus::io_error && !passed(card_away_ms_, options_.card_patience_ms)) {
      return true;
    }
    if (card_status_ == CardStatus::io_error) ++counters_.cards_given_up;
    given_up_ = true;
    forget_card_slots();  // they go out again when it is back
    return false;
  }

  // --- To the broker.

  bool send() noexcept {
    bool worked = false;
    for (std::uint32_t token = 0; session_.next_resend(token); worked = true) {
      if (!send_again(token)) return worked;
    }
    if (waits_for_card(!card_known_ || sent_ < card_.synced_sequence())) return worked;
    while (in_flight_ < window_.size()) {
      const bool from_card = card_ready_ && sent_ < card_.synced_sequence();
      if (!(from_card ? send_from_card() : send_from_ring())) break;
      worked = true;
    }
    return worked;
  }

  /// @returns false: not now
  bool send_again(std::uint32_t token) noexcept {
    const std::uint32_t index = token - first_token_;
    Message message;
    bool found = false;
    if (index < in_flight_ && !slot(index).done) {
      const Slot& s = slot(index);
      if (!s.on_card) {
        std::uint32_t at = s.at;
        found = read_ring(at, message);
      } else if (waits_for_card(true)) {
        return false;
      } else if (card_ready_) {
        const std::uint64_t sequence = sequence_of(s);
        const CardStatus status = read_card(sequence, message);
        if (!card_ready_) return false;
        found = status == CardStatus::ok && staged_ == sequence;
      }
    }
    if (found) return session_.resend(message.topic, message.payload);
    session_.drop_resend();
    if (token - first_token_ < in_flight_ && !slot(token - first_token_).done) {
      ++counters_.lost;
      slot(token - first_token_).done = true;
      settle();
    }
    return true;
  }

  bool send_from_card() noexcept {
    Message message;
    const CardStatus status = read_card(sent_ + 1, message);
    if (!card_ready_) return false;
    if (status == CardStatus::ok) {
      if (!publish(message)) return false;
      sent_ = staged_;
      staged_ = 0;
      add_slot(static_cast<std::uint32_t>(sent_), 0, true);
    } else if (status == CardStatus::too_large) {
      ++counters_.lost;
      sent_ = staged_;
      staged_ = 0;
      settle();
    } else {
      sent_ = card_.synced_sequence();  // the rest is not readable
      settle();
    }
    return true;
  }

  bool send_from_ring() noexcept {
    if (!ring_.holds(ring_sent_)) ring_sent_ = ring_.begin();
    const std::uint32_t at = ring_sent_;
    std::uint32_t next = at;
    Message message;
    if (!read_ring(next, message) || !publish(message)) return false;
    ring_sent_ = next;
    add_slot(at, next, false);
    return true;
  }

  bool publish(const Message& message) noexcept {
    const std::uint32_t token = first_token_ + static_cast<std::uint32_t>(in_flight_);
    return session_.publish(message.topic, message.payload, token);
  }

  bool read_ring(std::uint32_t& at, Message& out) noexcept {
    staged_ = 0;
    std::size_t bytes = 0;
    if (!ring_.read(at, buffer_, bytes) || bytes < record_header_bytes) return false;
    std::uint16_t topic_bytes = 0;
    std::memcpy(&out.time_ns, buffer_.data(), sizeof(out.time_ns));
    std::memcpy(&topic_bytes, buffer_.data() + sizeof(out.time_ns), sizeof(topic_bytes));
    const auto* text = reinterpret_cast<const char*>(buffer_.data()) + record_header_bytes;
    out.topic = {text, topic_bytes};
    out.payload = {text + topic_bytes, bytes - record_header_bytes - topic_bytes};
    return true;
  }

  /// The first message on the card from `sequence` on; staged_ is its sequence. One that the
  /// session did not take stays in the buffer.
  CardStatus read_card(std::uint64_t sequence, Message& out) noexcept {
    if (staged_ != sequence || staged_ == 0) {
      staged_ = 0;
      FrameView frame;
      const CardStatus status = card_.read(sequence, buffer_, frame);
      if (status == CardStatus::io_error || status == CardStatus::not_open) card_failed(status);
      if (status != CardStatus::ok && status != CardStatus::too_large) return status;
      staged_ = frame.header.sequence;
      if (status != CardStatus::ok) return status;
      staged_topic_bytes_ = frame.topic.size();
      staged_bytes_ = frame.topic.size() + frame.payload.size();
    }
    const auto* text = reinterpret_cast<const char*>(buffer_.data());
    out.topic = {text, staged_topic_bytes_};
    out.payload = {text + staged_topic_bytes_, staged_bytes_ - staged_topic_bytes_};
    return CardStatus::ok;
  }

  // --- To the card.

  bool save() noexcept {
    if (!card_ready_ || ring_.empty()) {
      waiting_ = false;
      return false;
    }
    const std::size_t used = ring_.bytes_used();
    if (is_connected()) {
      waiting_ = false;
      if (used <= high_water()) return false;
    } else {
      if (!waiting_) waiting_since_ms_ = now_ms_;
      waiting_ = true;
      if (used < options_.batch_bytes && used < high_water() &&
          !passed(waiting_since_ms_, options_.save_interval_ms)) {
        return false;
      }
    }
    if (card_status_ == CardStatus::full && !passed(card_tried_ms_, options_.card_retry_ms)) {
      return false;
    }
    return move_to_card();
  }

  [[nodiscard]] std::size_t high_water() const noexcept {
    return options_.high_water_bytes != 0 ? options_.high_water_bytes : ring_.capacity() / 4 * 3;
  }

  /// The oldest records, those in flight first: they would hold the ring.
  bool move_to_card() noexcept {
    const std::uint64_t before = card_.synced_sequence();
    std::size_t moved = 0;
    CardStatus status = CardStatus::ok;
    for (std::uint32_t at = ring_.begin(); moved < options_.batch_bytes;) {
      const Slot* s = slot_in_ring(at);
      Message message;
      if (!read_ring(at, message)) break;
      if (s != nullptr && s->done) continue;
      FrameHeader header;
      header.received_at = header.time = message.time_ns;
      header.flags = 1;  // QoS
      status = card_.append(header, message.topic, message.payload);
      if (status != CardStatus::ok) break;
      moved += record_header_bytes + message.topic.size() + message.payload.size();
    }
    const CardStatus synced = card_.sync();
    release_synced(before);
    if (synced != CardStatus::ok || (status != CardStatus::ok && status != CardStatus::full)) {
      card_failed(synced != CardStatus::ok ? synced : status);
      return true;
    }
    card_status_ = status;
    if (status == CardStatus::full) card_tried_ms_ = now_ms_;
    if (status == CardStatus::ok && moved < options_.batch_bytes) waiting_ = false;
    return moved > 0;
  }

  /// Frees the ring of what the card has synced above `before`.
  void release_synced(std::uint64_t before) noexcept {
    std::uint64_t sequence = before;
    std::uint32_t at = ring_.begin();
    for (;;) {
      Slot* s = slot_in_ring(at);
      const bool done = s != nullptr && s->done;
      if (!done && sequence >= card_.synced_sequence()) break;
      Message message;
      if (!read_ring(at, message)) break;
      if (!done) {
        ++sequence;
        ++counters_.saved;
      }
      if (s == nullptr) continue;
      s->at = static_cast<std::uint32_t>(sequence);
      s->on_card = true;
      if (sent_ + 1 == sequence) sent_ = sequence;
    }
    ring_.release(at);
  }

  bool keep_cursor() noexcept {
    if (!card_ready_ || acknowledged_ <= card_.cursor()) {
      cursor_waits_ = false;
      return false;
    }
    if (!cursor_waits_) cursor_since_ms_ = now_ms_;
    cursor_waits_ = true;
    if (acknowledged_ < card_.synced_sequence() &&
        acknowledged_ - card_.cursor() < options_.cursor_records &&
        !passed(cursor_since_ms_, options_.cursor_interval_ms)) {
      return false;
    }
    cursor_waits_ = false;
    const CardStatus status = card_.set_cursor(acknowledged_);
    if (status != CardStatus::ok) card_failed(status);
    return true;
  }

  ByteRing& ring_;
  Session& session_;
  Card& card_;
  const StoreForwardOptions& options_;
  std::span<Slot> window_;
  std::span<std::uint8_t> buffer_;
  std::uint64_t sent_ = 0;          // all records of the card up to it were sent
  std::uint64_t acknowledged_ = 0;  // and acknowledged
  std::uint64_t staged_ = 0;        // the card's record that is in the buffer; 0 = none
  std::size_t staged_topic_bytes_ = 0;
  std::size_t staged_bytes_ = 0;
  std::size_t first_slot_ = 0;
  std::size_t in_flight_ = 0;
  std::uint32_t first_token_ = 0;  // token of the oldest slot; they count up
  std::uint32_t ring_sent_;        // all records before it were sent
  std::uint32_t now_ms_ = 0;
  std::uint32_t card_tried_ms_ = 0;
  std::uint32_t card_away_ms_ = 0;
  std::uint32_t waiting_since_ms_ = 0;
  std::uint32_t cursor_since_ms_ = 0;
  Counters counters_;
  CardStatus card_status_ = CardStatus::io_error;
  bool card_ready_ = false;  // open, and the last call worked
  bool card_known_ = false;  // was open
  bool card_tried_ = false;
  bool given_up_ = false;
  bool waiting_ = false;  // offline, with records in the ring
  bool cursor_waits_ = false;
};

}  // namespace telemetry::core
