// SPDX-License-Identifier: Apache-2.0
// PublishStream over a real TCP connection; the packets are spelled by hand (MQTT 3.1.1 and 5.0).
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>
#include "catch.hpp"

#include "publish_stream.hpp"

using namespace telemetry;
using mqtt::Publish;
using mqtt::PublishStream;
using Next = PublishStream::Next;

namespace {

using namespace std::string_literals;

/// Both ends of a connection on the loopback interface.
struct Connected {
  int broker = -1, client = -1;

  Connected() {
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    const auto generic = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(listener, generic, length) == 0);
    REQUIRE(::listen(listener, 1) == 0);
    REQUIRE(::getsockname(listener, generic, &length) == 0);
    client = ::socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(::connect(client, generic, length) == 0);
    broker = ::accept(listener, nullptr, nullptr);
    REQUIRE(broker >= 0);
    const int on = 1;
    ::setsockopt(broker, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::close(listener);
  }
  ~Connected() {
    hang_up();
    ::close(client);
  }
  void hang_up() {
    if (broker >= 0) ::close(broker);
    broker = -1;
  }
  void send(std::string_view bytes) const {
    REQUIRE(::send(broker, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(bytes.size()));
  }
  [[nodiscard]] bool readable(int wait_ms) const {
    pollfd file{client, POLLIN, 0};
    return ::poll(&file, 1, wait_ms) > 0;
  }
  /// What the client's end holds, as libmosquitto would read it.
  [[nodiscard]] std::string take(std::size_t bytes) const {
    std::string out(bytes, '\0');
    if (bytes == 0) return out;  // recv() of nothing would wait
    REQUIRE(::recv(client, out.data(), bytes, MSG_WAITALL) == static_cast<ssize_t>(bytes));
    return out;
  }
  [[nodiscard]] std::string at_broker() const {
    std::string out(64, '\0');
    const ssize_t got = ::recv(broker, out.data(), out.size(), MSG_DONTWAIT);
    out.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return out;
  }
};

std::string remaining_length(std::size_t length) {
  std::string out;
  do {
    const auto low = static_cast<char>(length & 0x7F);
    length >>= 7;
    out += static_cast<char>(low | (length > 0 ? 0x80 : 0));
  } while (length > 0);
  return out;
}

std::string packet(char first, const std::string& body) {
  return first + remaining_length(body.size()) + body;
}

struct Seen {
  std::string topic, payload;
  int qos = 0;
  bool retained = false;
  bool operator==(const Seen&) const = default;
};

/// Reads until nothing more is there; other packets are taken from the socket and listed.
struct Reader {
  PublishStream stream;
  std::vector<Seen> seen;
  std::vector<std::string> others;

  Next read_all(const Connected& connected) {
    Publish publish;
    while (true) {
      const Next next = stream.next(publish);
      if (next == Next::message) {
        const Message& message = publish.message;
        seen.push_back({std::string(message.topic), std::string(message.payload), message.qos,
                        message.retained});
      } else if (next == Next::other) {
        const std::string head = connected.take(2);
        others.push_back(head + connected.take(static_cast<unsigned char>(head[1])));
      } else {
        return next;
      }
    }
  }
};

// 3.1.1: QoS 0; QoS 1 with packet id 0x0102, retained; an empty payload.
const std::string qos0_v3 = "\x30\x09\x00\x03"s + "a/b" + "24.5";
const std::string qos1_v3 = "\x33\x08\x00\x03"s + "a/b" + "\x01\x02" + "x";
const std::string empty_v3 = "\x32\x07\x00\x03"s + "a/c" + "\x00\x07"s;
// 5.0: no properties; message expiry interval (0x02) and a user property (0x26).
const std::string qos0_v5 = "\x30\x0A\x00\x03"s + "a/b" + "\x00"s + "24.5";
const std::string qos1_v5 = "\x32\x15\x00\x03"s + "a/b" + "\x01\x02" + "\x0C" +
                            "\x02\x00\x00\x00\x3C"s + "\x26\x00\x01k\x00\x01v"s + "x";
const std::string pingresp = "\xD0\x00"s;
const std::string suback_v5 = "\x90\x04\x00\x09\x00\x01"s;

}  // namespace

TEST_CASE("messages of MQTT 3.1.1 and 5 are read with all their parts") {
  Connected connected;
  Reader reader;
  reader.stream.start(connected.client, false);
  connected.send(qos0_v3 + qos1_v3 + empty_v3);
  REQUIRE(connected.readable(5'000));
  CHECK(reader.read_all(connected) == Next::none);
  CHECK(reader.seen ==
        std::vector<Seen>{{"a/b", "24.5", 0, false}, {"a/b", "x", 1, true}, {"a/c", "", 1, false}});
  reader.seen.clear();
  reader.stream.start(connected.client, true);
  connected.send(qos0_v5 + qos1_v5);
  REQUIRE(connected.readable(5'000));
  CHECK(reader.read_all(connected) == Next::none);
  CHECK(reader.seen == std::vector<Seen>{{"a/b", "24.5", 0, false}, {"a/b", "x", 1, false}});
}

TEST_CASE(
    "acknowledgements are the packet ids of QoS 1 in receive order, and leave with flush() only") {
  Connected connected;
  Reader reader;
  reader.stream.start(connected.client, false);
  connected.send(qos1_v3 + qos0_v3 + empty_v3);
  REQUIRE(connected.readable(5'000));
  CHECK(reader.read_all(connected) == Next::none);
  CHECK(reader.stream.has_acknowledgements());
  CHECK(connected.at_broker().empty());
  REQUIRE(reader.stream.flush());
  CHECK_FALSE(reader.stream.has_acknowledgements());
  CHECK(connected.at_broker() == "\x40\x02\x01\x02\x40\x02\x00\x07"s);

  connected.send(qos1_v3);
  REQUIRE(connected.readable(5'000));
  CHECK(reader.read_all(connected) == Next::none);
  reader.stream.start(connected.client, false);  // another connection: nothing of the old one
  CHECK_FALSE(reader.stream.has_acknowledgements());
}

TEST_CASE("a message that has not been handed out is not acknowledged") {
  Connected connected;
  PublishStream stream;
  stream.start(connected.client, false);
  connected.send(qos1_v3 + empty_v3);
  REQUIRE(connected.readable(5'000));
  Publish publish;
  REQUIRE(stream.next(publish) == Next::message);
  REQUIRE(stream.flush());
  CHECK(connected.at_broker() == "\x40\x02\x01\x02"s);
}

TEST_CASE(
    "packets may be cut anywhere, and every other packet is left to libmosquitto as a whole") {
  const std::string all = qos1_v5 + pingresp + qos0_v5 + suback_v5 + qos1_v5;
  for (std::size_t cut = 0; cut <= all.size(); ++cut) {
    INFO("cut at byte " << cut);
    Connected connected;
    Reader reader;
    reader.stream.start(connected.client, true);
    if (cut > 0) {
      connected.send(std::string_view(all).substr(0, cut));
      REQUIRE(connected.readable(5'000));
      CHECK(reader.read_all(connected) == Next::none);
      // What is cut must not keep the socket readable, or the thread would spin.
      CHECK_FALSE(connected.readable(0));
    }
    connected.send(std::string_view(all).substr(cut));
    if (cut < all.size()) REQUIRE(connected.readable(5'000));
    CHECK(reader.read_all(connected) == Next::none);
    CHECK(reader.seen.size() == 3);
    CHECK(reader.others == std::vector<std::string>{pingresp, suback_v5});
  }
}

TEST_CASE("a message larger than the buffer arrives whole") {
  Connected connected;
  Reader reader;
  reader.stream.start(connected.client, false);
  std::string payload(3'000'000, '\0');
  for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<char>(i * 7 + i / 251);
  const std::string large = packet('\x32', "\x00\x03"s + "big" + "\x00\x05"s + payload);
  const std::string all = qos0_v3 + large + qos1_v3;
  for (std::size_t at = 0; at < all.size(); at += 50'000) {
    connected.send(std::string_view(all).substr(at, 50'000));
    REQUIRE(connected.readable(5'000));
    CHECK(reader.read_all(connected) == Next::none);
  }
  REQUIRE(reader.seen.size() == 3);
  CHECK(reader.seen[1].payload == payload);
  CHECK(reader.seen[2].payload == "x");
}

TEST_CASE("a PUBLISH of QoS 2 hands the connection over to libmosquitto") {
  Connected connected;
  Reader reader;
  reader.stream.start(connected.client, false);
  const std::string qos2 = "\x34\x08\x00\x03"s + "a/b" + "\x00\x01"s + "x";
  connected.send(qos0_v3 + qos2);
  REQUIRE(connected.readable(5'000));
  CHECK(reader.read_all(connected) == Next::handover);
  CHECK(reader.seen.size() == 1);
  CHECK(connected.take(qos2.size()) == qos2);
}

TEST_CASE("another packet that is larger than the buffer is handed over, too") {
  Connected connected;
  Reader reader;
  reader.stream.start(connected.client, true);
  connected.send(packet('\x90', std::string(100'000, '\1')));
  REQUIRE(connected.readable(5'000));
  CHECK(reader.read_all(connected) == Next::handover);
}

TEST_CASE("what is not MQTT is malformed") {
  const std::string broken[] = {
      "\x30\xFF\xFF\xFF\xFF\x01"s,                          // a length of five bytes
      "\x30\x01\x00"s,                                      // no room for the length of the topic
      "\x30\x04\x00\x09\x61\x62"s,                          // a topic longer than the packet
      "\x30\x03\x00\x00x"s,                                 // no topic
      "\x32\x05\x00\x03\x61\x2F\x62"s,                      // QoS 1 without a packet id
      "\x32\x07\x00\x03\x61\x2F\x62\x00\x00"s,              // packet id 0
      "\x30\x05\x00\x03\x61\x2F\x62"s,                      // MQTT 5: no length of properties
      "\x30\x06\x00\x03\x61\x2F\x62\x05"s,                  // MQTT 5: properties past the end
      "\x30\x0A\x00\x03\x61\x2F\x62\xFF\xFF\xFF\xFF\x7F"s,  // MQTT 5: their length is none
  };
  for (const std::string& bytes : broken) {
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
      INFO("cut at byte " << cut);
      Connected connected;
      Reader reader;
      reader.stream.start(connected.client, true);
      connected.send(qos0_v5 + bytes.substr(0, cut));
      REQUIRE(connected.readable(5'000));
      Next next = reader.read_all(connected);
      if (next == Next::none) {
        connected.send(std::string_view(bytes).substr(cut));
        REQUIRE(connected.readable(5'000));
        next = reader.read_all(connected);
      }
      CHECK(next == Next::malformed);
      CHECK(reader.seen.size() == 1);
    }
  }
}

TEST_CASE("what came before the broker closed is read first") {
  Connected connected;
  Reader reader;
  reader.stream.start(connected.client, false);
  connected.send(qos0_v3 + qos1_v3.substr(0, 5));
  connected.hang_up();
  REQUIRE(connected.readable(5'000));
  Next next = reader.read_all(connected);
  if (next == Next::none && connected.readable(5'000)) next = reader.read_all(connected);
  CHECK(next == Next::closed);
  CHECK(reader.seen.size() == 1);
}
