// SPDX-License-Identifier: Apache-2.0
// Reading PUBLISH packets in bulk.
//
// Life of a byte: fill() looks at what the socket has, finds the end of the last packet that is
// ours and takes the bytes up to there, also those of a PUBLISH that is not whole yet. next() hands
// out one message after the other and queues their PUBACKs; flush() sends these.
//
// Invariants
// - What is not a PUBLISH of QoS 0 or 1 is never taken from the socket, and is announced (other)
//   only once it is there as a whole: libmosquitto then reads exactly that packet. Until the rest
//   of it comes the socket counts as not readable (SO_RCVLOWAT), or poll() would spin.
// - PUBACKs are queued in receive order, and a message that was not handed out has none.
//
// Limits: a packet has at most 256 MB (MQTT); the buffer grows for a large one and shrinks again.
// The queue of PUBACKs is bounded by what the broker sends ahead.
#include "publish_stream.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace telemetry::mqtt {
namespace {

constexpr std::size_t buffer_bytes = 64 * 1024;
constexpr std::uint8_t type_publish = 3;
constexpr std::uint8_t puback_first = 0x40;

std::uint8_t byte_at(std::string_view bytes, std::size_t at) noexcept {
  return static_cast<std::uint8_t>(bytes[at]);
}

std::uint16_t two_bytes(std::string_view bytes) noexcept {
  return static_cast<std::uint16_t>(byte_at(bytes, 0) << 8 | byte_at(bytes, 1));
}

/// Variable byte integer, section 1.5.5: its value, and its length in `length`; 0 = cut, 5 = none.
std::size_t variable_integer(std::string_view bytes, std::size_t& length) noexcept {
  std::size_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    if (i == bytes.size()) {
      length = 0;
      return 0;
    }
    value |= static_cast<std::size_t>(byte_at(bytes, i) & 0x7F) << (7 * i);
    if ((byte_at(bytes, i) & 0x80) == 0) {
      length = i + 1;
      return value;
    }
  }
  length = 5;
  return 0;
}

bool is_publish(std::uint8_t first) noexcept { return first >> 4 == type_publish; }
std::uint8_t qos_of(std::uint8_t first) noexcept { return first >> 1 & 3; }

}  // namespace

PacketHead read_head(std::string_view bytes) noexcept {
  PacketHead head;
  if (bytes.empty()) return head;
  head.first = byte_at(bytes, 0);
  std::size_t length = 0;
  head.body = variable_integer(bytes.substr(1), length);
  head.bytes = 1 + length;
  if (length == 5)
    head.state = PacketHead::State::malformed;
  else if (length > 0)
    head.state = PacketHead::State::complete;
  return head;
}

bool read_publish(std::string_view packet, const PacketHead& head, bool v5, Publish& out) noexcept {
  std::string_view rest = packet.substr(head.bytes);
  const auto take = [&rest](std::size_t bytes) {
    const auto taken = rest.substr(0, bytes);
    rest.remove_prefix(bytes);
    return taken;
  };
  out.message.qos = qos_of(head.first);
  out.message.retained = (head.first & 1) != 0;
  out.packet_id = 0;
  if (rest.size() < 2) return false;
  const std::size_t topic_bytes = two_bytes(take(2));
  // No topic would be a topic alias, which we do not allow the broker.
  if (topic_bytes == 0 || rest.size() < topic_bytes) return false;
  out.message.topic = take(topic_bytes);
  if (out.message.qos > 0) {
    if (rest.size() < 2) return false;
    out.packet_id = two_bytes(take(2));
    if (out.packet_id == 0) return false;
  }
  if (v5) {
    std::size_t length = 0;
    const std::size_t properties = variable_integer(rest, length);
    if (length == 0 || length == 5 || rest.size() - length < properties) return false;
    rest.remove_prefix(length + properties);
  }
  out.message.payload = rest;
  return true;
}

void PublishStream::start(int socket, bool v5) noexcept {
  socket_ = socket;
  v5_ = v5;
  exhausted_ = false;
  error_ = 0;
  low_water_ = 1;
  head_ = tail_ = 0;
  queued_.clear();
  sent_ = settled_ = 0;
}

PublishStream::Next PublishStream::next(Publish& out) {
  while (true) {
    const PacketHead head = read_head(unread());
    if (head.state == PacketHead::State::malformed) return Next::malformed;
    if (head.state == PacketHead::State::complete && unread().size() - head.bytes >= head.body) {
      const auto packet = unread().substr(0, head.bytes + head.body);
      head_ += packet.size();
      if (!read_publish(packet, head, v5_, out)) return Next::malformed;
      if (out.packet_id != 0) {
        const auto high = static_cast<std::uint8_t>(out.packet_id >> 8);
        const auto low = static_cast<std::uint8_t>(out.packet_id & 0xFF);
        queued_.insert(queued_.end(), {puback_first, 2, high, low});
      }
      return Next::message;
    }
    if (std::exchange(exhausted_, false)) return Next::none;
    if (const Next filled = fill(); filled != Next::message) return filled;
  }
}

/// Space behind the packet that is cut, enough for the rest of it.
void PublishStream::make_room() {
  const std::size_t kept = tail_ - head_;
  const PacketHead cut = read_head(unread());
  const std::size_t packet = cut.state == PacketHead::State::complete ? cut.bytes + cut.body : 0;
  const std::size_t wanted = std::max(buffer_bytes, packet);
  if (capacity_ < wanted || (capacity_ > wanted && kept == 0)) {
    // A large packet is waited for in steps, so that a length alone takes no memory.
    const std::size_t step = std::min(wanted, std::max(buffer_bytes, 2 * kept));
    if (step != capacity_) {
      auto larger = std::make_unique_for_overwrite<char[]>(step);
      if (kept > 0) std::memcpy(larger.get(), buffer_.get() + head_, kept);
      buffer_ = std::move(larger);
      capacity_ = step;
      head_ = 0;
      tail_ = kept;
      return;
    }
  }
  if (head_ > 0) std::memmove(buffer_.get(), buffer_.get() + head_, kept);
  head_ = 0;
  tail_ = kept;
}

/// Takes what is ours: Next::message when that is something.
PublishStream::Next PublishStream::fill() {
  make_room();
  wait_for(1);
  const std::size_t room = capacity_ - tail_;
  ssize_t got = receive(buffer_.get() + tail_, room, MSG_PEEK);
  if (got == 0) return Next::closed;
  if (got < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? Next::none : fail(errno);
  const std::string_view seen{buffer_.get(), tail_ + static_cast<std::size_t>(got)};
  std::size_t ours = 0;
  PacketHead head;
  while (ours < seen.size()) {
    head = read_head(seen.substr(ours));
    if (!is_publish(head.first) || qos_of(head.first) > 1) break;
    if (head.state == PacketHead::State::malformed) break;
    if (head.state == PacketHead::State::cut || seen.size() - ours - head.bytes < head.body) {
      ours = seen.size();
    } else {
      ours += head.bytes + head.body;
    }
  }
  // Less than was taken before: a head whose second half shows that it is none.
  if (ours <= tail_) {
    const std::size_t there = seen.size() - ours;
    if (is_publish(head.first) && qos_of(head.first) > 1) return Next::handover;
    if (head.state == PacketHead::State::malformed) return Next::malformed;
    if (head.state == PacketHead::State::complete) {
      if (head.bytes + head.body <= there) return Next::other;
      if (head.bytes + head.body > room) return Next::handover;
    }
    wait_for(there + 1);
    return Next::none;
  }
  const std::size_t bytes = ours - tail_;
  got = receive(buffer_.get() + tail_, bytes, 0);
  if (got != static_cast<ssize_t>(bytes)) return fail(got < 0 ? errno : EPROTO);
  tail_ = ours;
  exhausted_ = ours == seen.size() && ours < capacity_;
  return Next::message;
}

ssize_t PublishStream::receive(char* to, std::size_t bytes, int flags) const noexcept {
  ssize_t got = 0;
  do {
    got = ::recv(socket_, to, bytes, flags | MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  return got;
}

PublishStream::Next PublishStream::fail(int error) noexcept {
  error_ = error;
  return Next::failed;
}

/// Lets poll() say "readable" when so many bytes are there.
void PublishStream::wait_for(std::size_t bytes) noexcept {
  const int low_water = static_cast<int>(bytes);
  if (low_water == low_water_) return;
  low_water_ = low_water;
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVLOWAT, &low_water, sizeof low_water);
}

bool PublishStream::flush() noexcept {
  while (has_acknowledgements()) {
    const ssize_t put = ::send(socket_, queued_.data() + sent_, queued_.size() - sent_,
                               MSG_NOSIGNAL | MSG_DONTWAIT);
    if (put < 0) {
      if (errno == EINTR) continue;
      error_ = errno;
      return errno == EAGAIN || errno == EWOULDBLOCK;
    }
    sent_ += static_cast<std::size_t>(put);
  }
  queued_.clear();
  sent_ = settled_ = 0;
  return true;
}

}  // namespace telemetry::mqtt
