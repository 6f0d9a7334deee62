// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "telemetry/message.hpp"

namespace telemetry::mqtt {

/// One PUBLISH of QoS 0 or 1. Source: MQTT 3.1.1 and 5.0, section 3.3.
struct Publish {
  Message message;              ///< views into the bytes it was read from
  std::uint16_t packet_id = 0;  ///< 0 with QoS 0
};

/// How a packet begins, as far as the bytes go.
struct PacketHead {
  enum class State : std::uint8_t { complete, cut, malformed };
  State state = State::cut;
  std::uint8_t first = 0;  ///< type and flags
  std::size_t bytes = 0;   ///< of the head itself
  std::size_t body = 0;    ///< that follow it
};
/// Source: MQTT 5.0, section 2.1.
[[nodiscard]] PacketHead read_head(std::string_view bytes) noexcept;
/// Reads one whole packet that begins with `head`. False when it is malformed.
[[nodiscard]] bool read_publish(std::string_view packet, const PacketHead& head, bool v5,
                                Publish& out) noexcept;

/// The hot path of a plain TCP connection after CONNACK: PUBLISH packets in and PUBACKs out, many
/// per system call, where libmosquitto makes four reads and two writes for each message.
///
/// Every other packet stays in the socket, for libmosquitto to read: bytes are looked at first
/// (MSG_PEEK) and taken only up to the first packet that is not ours. Nothing is sent but by
/// flush().
/// Thread: one.
class PublishStream {
 public:
  enum class Next : std::uint8_t {
    message,    ///< one; its PUBACK, if it wants one, is queued
    none,       ///< nothing more is there now
    other,      ///< a whole packet that libmosquitto is to read
    handover,   ///< libmosquitto is to read everything from here on: a PUBLISH of QoS 2, whose
                ///< answers must keep their place, or a packet of another type that is too large
    closed,     ///< the broker has closed the connection
    malformed,  ///< what comes is not MQTT
    failed,     ///< the socket failed; see error()
  };

  /// A new connection, whose socket does not block; whatever was left of the one before is
  /// forgotten.
  void start(int socket, bool v5) noexcept;
  /// @param out valid until the next call.
  [[nodiscard]] Next next(Publish& out);
  [[nodiscard]] bool has_acknowledgements() const noexcept { return sent_ < queued_.size(); }
  /// The PUBACKs that are queued now may leave whatever happens: their messages are durable.
  void settle() noexcept { settled_ = queued_.size(); }
  /// Forgets the PUBACKs that were queued since.
  void discard_unsettled() noexcept { queued_.resize(std::max(settled_, sent_)); }
  /// Sends PUBACKs as far as the socket takes them. False when it failed; see error().
  [[nodiscard]] bool flush() noexcept;
  [[nodiscard]] int error() const noexcept { return error_; }  ///< errno

 private:
  [[nodiscard]] Next fill();
  [[nodiscard]] ssize_t receive(char* to, std::size_t bytes, int flags) const noexcept;
  [[nodiscard]] Next fail(int error) noexcept;
  void make_room();
  void wait_for(std::size_t bytes) noexcept;
  [[nodiscard]] std::string_view unread() const noexcept {
    return {buffer_.get() + head_, tail_ - head_};
  }

  int socket_ = -1;
  bool v5_ = true;
  bool exhausted_ = false;  // the last look found less than there was room for
  int error_ = 0;
  int low_water_ = 1;               // bytes that make the socket readable
  std::unique_ptr<char[]> buffer_;  // whole PUBLISH packets, the last one perhaps cut
  std::size_t capacity_ = 0, head_ = 0, tail_ = 0;
  std::vector<std::uint8_t> queued_;  // PUBACKs
  std::size_t sent_ = 0;              // bytes of them
  std::size_t settled_ = 0;           // bytes at the front
};

}  // namespace telemetry::mqtt
