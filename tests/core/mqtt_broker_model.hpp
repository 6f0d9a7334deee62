// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <random>
#include <set>
#include <string>
#include <string_view>

namespace telemetry::testing {

/// What a broker knows of one client, written down plainly. It judges every packet of the client
/// (`complaint`), answers late and in any order, forgets answers, and sends messages of its own.
///
/// Payloads are numbers in decimal: the client's QoS 1 publications are 0, 1, 2, ... in the order
/// in which they were first published, and so are the broker's messages to the client.
class BrokerModel {
 public:
  struct Faults {
    unsigned forget_answer = 0;  ///< per 1000 answers
    unsigned lose_session = 0;   ///< per 1000 connections
    unsigned refuse = 0;         ///< per 1000 connections
    unsigned oversize = 0;       ///< per 1000 messages to the client
    unsigned stray_answer = 0;   ///< per 1000 rounds
    unsigned malformed = 0;      ///< per 1000 rounds: bytes that are no packet
    std::size_t oversize_bytes = 0;
  };

  explicit BrokerModel(std::uint64_t seed) : random_(seed) {}

  /// A new transport, without any bytes under way.
  void accept_transport();
  /// Bytes of the client, in any cuts.
  void take(std::string_view bytes);
  /// Sends some of what is due.
  void round();
  /// What goes to the client; the caller removes what it has taken.
  std::string to_client;

  /// One more message for the client.
  void offer_message() { ++messages_offered_; }

  Faults faults;
  bool fifth_is_retained = true;  ///< of the publications: number 0, 5, 10, ...; else none is
  std::string complaint;          ///< the client's first offence; empty while it behaves
  bool poisoned = false;          ///< malformed bytes were sent: this connection must end
  std::uint32_t arrived = 0;      ///< publications 0 .. arrived - 1 came at least once
  std::set<std::uint32_t> acknowledged;  ///< PUBACK was sent, though perhaps never received
  std::set<std::uint32_t> confirmed;     ///< messages to the client that it has acknowledged
  std::set<std::uint32_t> skipped;       ///< of these: too large for the client
  std::uint32_t again = 0, disconnects = 0, pings = 0, subscriptions = 0;

 private:
  struct Outgoing {
    std::uint32_t number;
    std::uint16_t packet_id;
    bool oversize, sent_before;
  };

  bool chance(unsigned per_thousand) { return random_() % 1000 < per_thousand; }
  void complain(const std::string& text) {
    if (complaint.empty()) complaint = text;
  }
  void packet(std::uint8_t first, std::string_view body);
  void on_connect(std::string_view body);
  void on_publish(std::uint8_t first, std::string_view body);
  void on_subscribe(std::string_view body);
  void send_message(Outgoing& message);

  std::mt19937_64 random_;
  // Of the connection.
  std::string input_;
  bool has_transport_ = false, connected_ = false, disconnected_ = false;
  std::deque<std::string> answers_;
  std::map<std::uint16_t, std::uint32_t> ids_;  // packet id to number, since the connection began
  std::uint32_t next_on_wire_ = 0;              // number that must come next on this connection
  bool any_on_wire_ = false;
  // Of the session.
  bool session_ = false, subscribed_ = false;
  std::uint32_t messages_offered_ = 0, messages_taken_ = 0;
  std::deque<Outgoing> outgoing_;
  std::size_t outgoing_sent_ = 0;  // on this connection
  std::uint16_t last_id_ = 0;
  std::map<std::uint32_t, std::uint16_t> id_of_;  // of publications that are not acknowledged
};

}  // namespace telemetry::testing
