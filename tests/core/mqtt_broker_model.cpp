// SPDX-License-Identifier: Apache-2.0
#include "core/mqtt_broker_model.hpp"

#include <algorithm>
#include <iterator>

namespace telemetry::testing {
namespace {

std::string number_of_two_bytes(std::size_t value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value)};
}

std::size_t two_bytes(std::string_view at) {
  return static_cast<std::size_t>(static_cast<std::uint8_t>(at[0])) << 8 |
         static_cast<std::uint8_t>(at[1]);
}

std::string packet_of(unsigned first, std::string_view body) {
  std::string bytes(1, static_cast<char>(first));
  std::size_t rest = body.size();
  do {
    bytes += static_cast<char>(rest % 128 + (rest >= 128 ? 128 : 0));
    rest /= 128;
  } while (rest != 0);
  return bytes.append(body);
}

}  // namespace

void BrokerModel::accept_transport() {
  input_.clear();
  to_client.clear();
  answers_.clear();
  ids_.clear();
  has_transport_ = true;
  connected_ = disconnected_ = poisoned = any_on_wire_ = false;
  outgoing_sent_ = 0;
}

void BrokerModel::take(std::string_view bytes) {
  input_.append(bytes);
  while (complaint.empty()) {
    std::size_t at = 1, body = 0, factor = 1;
    for (;; factor *= 128) {
      if (at >= input_.size()) return;
      const auto byte = static_cast<std::uint8_t>(input_[at++]);
      body += byte % 128u * factor;
      if (byte < 128) break;
      if (at > 4) return complain("a remaining length of more than four bytes");
    }
    if (input_.size() - at < body) return;
    const auto first = static_cast<std::uint8_t>(input_[0]);
    const std::string whole = input_.substr(at, body);
    input_.erase(0, at + body);
    packet(first, whole);
  }
}

void BrokerModel::packet(std::uint8_t first, std::string_view body) {
  if (disconnected_) return complain("a packet behind DISCONNECT");
  if (!connected_) return first == 0x10 ? on_connect(body) : complain("not CONNECT first");
  if ((first & 0xF0) == 0x30) return on_publish(first, body);
  if (first == 0x82) return on_subscribe(body);
  if (first == 0x40) {
    if (body.size() != 2) return complain("a PUBACK of the wrong size");
    const std::size_t id = two_bytes(body);
    for (std::size_t i = 0; i < outgoing_sent_; ++i) {
      if (outgoing_[i].packet_id != id) continue;
      confirmed.insert(outgoing_[i].number);
      if (outgoing_[i].oversize) skipped.insert(outgoing_[i].number);
      outgoing_.erase(outgoing_.begin() + static_cast<std::ptrdiff_t>(i));
      --outgoing_sent_;
      return;
    }
    return complain("a PUBACK for nothing");
  }
  if (!body.empty()) return complain("an empty packet that is not empty");
  if (first == 0xC0) {
    ++pings;
    answers_.push_back(packet_of(0xD0, ""));
  } else if (first == 0xE0) {
    ++disconnects;
    disconnected_ = true;
  } else {
    complain("a packet type that a client does not send");
  }
}

void BrokerModel::on_connect(std::string_view body) {
  if (body.substr(0, 8) != std::string_view("\0\4MQTT\4\0", 8)) return complain("a wrong CONNECT");
  connected_ = true;
  if (chance(faults.refuse)) {
    answers_.push_back(packet_of(0x20, std::string_view("\0\3", 2)));
    return;
  }
  if (chance(faults.lose_session)) {
    session_ = subscribed_ = false;
    outgoing_.clear();
  }
  answers_.push_back(packet_of(0x20, std::string_view(session_ ? "\1\0" : "\0\0", 2)));
  session_ = true;
}

/// Each connection carries a contiguous run of numbers that begins with the oldest one that the
/// client does not know to be acknowledged; so nothing new can overtake what is sent again.
void BrokerModel::on_publish(std::uint8_t first, std::string_view body) {
  const bool qos1 = (first & 0x06) == 0x02, duplicate = (first & 0x08) != 0;
  if ((first & 0x04) != 0 || (duplicate && !qos1)) return complain("wrong flags of PUBLISH");
  if (body.size() < 2) return complain("a short PUBLISH");
  const std::size_t topic = two_bytes(body), payload_at = 2 + topic + (qos1 ? 2 : 0);
  if (topic == 0 || payload_at > body.size()) return complain("a PUBLISH of the wrong size");
  if (!qos1) return;
  const auto id = static_cast<std::uint16_t>(two_bytes(body.substr(2 + topic)));
  const std::string payload(body.substr(payload_at));
  if (id == 0 || payload.empty()) return complain("packet id 0 or no number");
  const auto number = static_cast<std::uint32_t>(std::stoul(payload));
  // The retain flag must be the same each time.
  if (((first & 0x01) != 0) != (fifth_is_retained && number % 5 == 0))
    return complain("another retain flag");
  if (any_on_wire_ && number < next_on_wire_)
    return complain("number " + payload + " instead of " + std::to_string(next_on_wire_));
  // What lies between was acknowledged out of order on an earlier connection.
  for (std::uint32_t between = any_on_wire_ ? next_on_wire_ : 0; between < number; ++between) {
    if (!acknowledged.contains(between)) return complain("left out " + std::to_string(between));
  }
  any_on_wire_ = true;
  next_on_wire_ = number + 1;
  if (number > arrived) return complain("number " + payload + " overtook");
  if (number < arrived) {
    ++again;
    if (!duplicate) return complain("sent again without DUP");
    const auto known = id_of_.find(number);
    if (known == id_of_.end() || known->second != id)
      return complain("sent again with another packet id");
  }
  for (const auto& [other_id, other] : ids_) {
    if (other_id == id && other != number) return complain("a packet id that is in use");
  }
  arrived = std::max(arrived, number + 1);
  id_of_[number] = id;
  ids_[id] = number;
  if (chance(faults.forget_answer)) return;
  const std::string answer = packet_of(0x40, number_of_two_bytes(id));
  // Late ones may be overtaken.
  if (random_() % 4 == 0 && !answers_.empty() && answers_.back()[0] == '\x40')
    answers_.insert(answers_.end() - 1, answer);
  else
    answers_.push_back(answer);
}

void BrokerModel::on_subscribe(std::string_view body) {
  if (body.size() < 6 || two_bytes(body) == 0 || two_bytes(body.substr(2)) != body.size() - 5 ||
      body.back() > 1)
    return complain("a wrong SUBSCRIBE");
  subscribed_ = true;
  ++subscriptions;
  if (chance(faults.forget_answer)) return;
  answers_.push_back(packet_of(0x90, std::string(body.substr(0, 2)) + body.back()));
}

void BrokerModel::send_message(Outgoing& message) {
  const unsigned first = message.sent_before ? 0x3A : 0x32;
  message.sent_before = true;
  std::string body = number_of_two_bytes(3) + "a/b" + number_of_two_bytes(message.packet_id) +
                     std::to_string(message.number);
  if (message.oversize) body.resize(faults.oversize_bytes, ' ');
  to_client += packet_of(first, body);
}

void BrokerModel::round() {
  if (!has_transport_ || poisoned) return;
  while (!answers_.empty() && random_() % 3 != 0) {
    const std::string& answer = answers_.front();
    if (answer[0] == '\x40') {
      const auto known = ids_.find(static_cast<std::uint16_t>(two_bytes(answer.substr(2))));
      acknowledged.insert(known->second);
      ids_.erase(known);
    }
    to_client += answer;
    answers_.pop_front();
  }
  if (!connected_ || !answers_.empty()) return;
  while (subscribed_ && messages_taken_ < messages_offered_ && outgoing_.size() < 4) {
    if (++last_id_ == 0) ++last_id_;
    outgoing_.push_back({messages_taken_++, last_id_, chance(faults.oversize), false});
  }
  if (subscribed_ && outgoing_sent_ < outgoing_.size()) send_message(outgoing_[outgoing_sent_++]);
  if (chance(faults.stray_answer))
    to_client += random_() % 2 == 0 ? packet_of(0xD0, "") : packet_of(0x40, "\xFF\x01");
  if (chance(faults.malformed)) {
    constexpr std::string_view bad[] = {"\x36",
                                        "\x20\x02",
                                        "\x32\x03"
                                        "abc",
                                        "\xF0\x01"
                                        "x",
                                        "\x30\xFF\xFF\xFF\xFF\x01",
                                        "\x90\x03\x01\x01\x05"};
    to_client += bad[random_() % std::size(bad)];
    to_client.append(20, '\x00');
    poisoned = true;
  }
}

}  // namespace telemetry::testing
