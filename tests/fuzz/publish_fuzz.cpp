// SPDX-License-Identifier: Apache-2.0
// First byte: protocol version and where the rest is cut; the rest: what a broker sends. However it
// is cut, the same messages come out of PublishStream, and nothing else is taken from the socket.
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "fuzz.hpp"
#include "publish_stream.hpp"

namespace {

using telemetry::mqtt::PublishStream;
using Next = PublishStream::Next;

class Broker {
 public:
  Broker() { TELEMETRY_FUZZ_CHECK(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends_) == 0); }
  ~Broker() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;
  void send(std::string_view bytes) const {
    if (bytes.empty()) return;
    TELEMETRY_FUZZ_CHECK(::send(ends_[0], bytes.data(), bytes.size(), 0) ==
                         static_cast<ssize_t>(bytes.size()));
  }
  [[nodiscard]] int client() const { return ends_[1]; }

 private:
  int ends_[2] = {-1, -1};
};

/// Everything that comes out, as text; stops where libmosquitto would take over.
struct Output {
  std::string text;
  bool ended = false;

  void read(PublishStream& stream, int socket) {
    telemetry::mqtt::Publish publish;
    while (!ended) {
      const Next next = stream.next(publish);
      if (next == Next::none) return;
      if (next == Next::message) {
        text.append(publish.message.topic).append("\n").append(publish.message.payload);
        text += static_cast<char>(publish.message.qos + '0');
        text += static_cast<char>(publish.packet_id & 0xFF);
      } else if (next == Next::other) {
        char bytes[4096];
        const auto peeked = ::recv(socket, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
        TELEMETRY_FUZZ_CHECK(peeked > 0);
        const auto head = telemetry::mqtt::read_head({bytes, static_cast<std::size_t>(peeked)});
        TELEMETRY_FUZZ_CHECK(head.state == telemetry::mqtt::PacketHead::State::complete);
        const auto whole = head.bytes + head.body;
        TELEMETRY_FUZZ_CHECK(whole <= static_cast<std::size_t>(peeked));
        TELEMETRY_FUZZ_CHECK(::recv(socket, bytes, whole, 0) == static_cast<ssize_t>(whole));
        text.append("other ").append(bytes, whole);
      } else {
        text += static_cast<char>(next);
        ended = true;
      }
    }
  }
};

std::string run(std::string_view bytes, std::size_t cut, bool v5) {
  const Broker broker;
  PublishStream stream;
  stream.start(broker.client(), v5);
  Output output;
  broker.send(bytes.substr(0, cut));
  output.read(stream, broker.client());
  broker.send(bytes.substr(cut));
  output.read(stream, broker.client());
  return output.text;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = as_text(data, size);
  if (text.empty() || text.size() > 4096) return 0;
  const auto bytes = text.substr(1);
  const bool v5 = (data[0] & 1) != 0;
  const std::size_t cut = bytes.size() * (data[0] >> 1) / 127;
  TELEMETRY_FUZZ_CHECK(run(bytes, cut, v5) == run(bytes, 0, v5));
  return 0;
}
