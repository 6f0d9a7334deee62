// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/config.hpp"
#include "telemetry/environment.hpp"
#include "telemetry/source.hpp"

/// MQTT 3.1.1 and 5.0 in and out, on libmosquitto. docs/mqtt.md says what the broker must be set
/// to.
namespace telemetry {

struct MqttTls {
  bool enabled = false;
  std::string ca_file;  ///< PEM; empty = the certificates that the system trusts
  std::string cert_file, key_file;
  std::string min_version = "1.2";  ///< "1.2" or "1.3"
};

enum class MqttProtocol : std::uint8_t {
  automatic,  ///< 5.0, and 3.1.1 when the broker refuses it, closes on it or does not answer it
  v5,
  v311,
};

/// What a list of MqttOptions is used for.
enum class MqttUse : std::uint8_t { subscribe, publish };

/// One connection to one broker.
struct MqttOptions {
  std::string section = "mqtt";      ///< where the settings stand, for messages: "mqtt", "mqtt[1]"
  std::string broker = "localhost";  ///< host name or address; no URL
  std::uint16_t port = 1883;
  std::string client_id;  ///< empty = fixed: program, host, hash of broker and port
  std::string username, password;
  std::uint16_t keepalive_s = 60;  ///< 0 = none, else >= 5; longer than the longest commit
  MqttTls tls;
  std::vector<Subscription> topics;  ///< QoS 2 is subscribed as QoS 1
  bool persistent_session = true;
  /// File that remembers, over restarts, which filters the broker's session holds, so that those
  /// that are no longer in `topics` are unsubscribed; its folder must exist. Empty = not
  /// remembered: such filters stay in the session.
  std::string session_file;
  /// File that remembers, over restarts, which MQTT version the broker speaks, and whether it ends
  /// connections that ask for its drop counters; its folder must exist. Empty = each start asks.
  std::string broker_file;
  std::uint32_t session_expiry_s = 7 * 24 * 3600;  ///< MQTT 5; UINT32_MAX = never
  /// MQTT 5: messages the broker may have under way; lowered to Door::unacknowledged_max().
  std::uint16_t receive_maximum = 10'000;
  MqttProtocol protocol = MqttProtocol::automatic;
  std::int64_t coalesce_ns =
      1'000'000;  ///< under load: wait this long to read more at once; 0 = never
  /// So long a connection stands while the journal has no room, a quarter of `keepalive_s` at most.
  std::int64_t full_wait_ns = 5'000'000'000;
  std::int64_t reconnect_min_ns = 500'000'000;
  std::int64_t reconnect_max_ns = 30'000'000'000;
  std::uint16_t in_flight_max =
      200;  ///< publisher: messages not yet acknowledged; more for a far broker
  std::int64_t publish_wait_ns = 5'000'000'000;  ///< publisher: longest wait for a free place
};

/// Options "mqtt.*" (mqtt may be a list).
[[nodiscard]] OptionTable mqtt_options() noexcept;

/// One MqttOptions per entry of `mqtt`. Reads password files.
/// @param app  name of the program, part of the default client id: "edge", "gateway", ...
/// Errors: invalid_argument  settings contradict each other or name files that cannot be read: see
///         the diagnostics.
[[nodiscard]] Result<std::vector<MqttOptions>> mqtt_options_from(const Config& config,
                                                                 std::string_view app,
                                                                 MqttUse use = MqttUse::subscribe);

/// A source whose topic filters may change while it runs.
class MqttSource : public Source {
 public:
  /// Replaces all topic filters. New ones are subscribed and removed ones unsubscribed on the
  /// connection that stands, within about a second, else on the next one. What the broker has
  /// queued for a removed filter still comes.
  /// Errors: invalid_argument  a filter is wrong, given twice, or there is none; nothing changes.
  /// Thread: any.
  [[nodiscard]] virtual Result<void> set_topics(std::vector<Subscription> topics) = 0;
  /// How often its loop has gone round, which it does every second or two, also while no message
  /// comes; nothing while it is not connected. Thread: any.
  [[nodiscard]] virtual std::optional<std::uint64_t> rounds() const noexcept = 0;
};

/// A subscriber that acknowledges only what the door has committed.
///
/// run() errors: invalid_argument  the options contradict each other; failed_precondition  this
/// libmosquitto does not hold acknowledgements back.
/// Thread: run() uses the calling thread, and one more for as long as a connection is being opened.
/// SIGPIPE is set to be ignored in the whole process (libmosquitto 2.0.11 does so in any case; with
/// later ones we do, unless the program has a handler of its own).
[[nodiscard]] std::unique_ptr<MqttSource> make_mqtt_source(
    const MqttOptions& options, Environment environment = default_environment());

/// Publishes. Keeps nothing over a restart: what is not acknowledged when the process ends is the
/// caller's to send again. While the broker is away up to `in_flight_max` messages wait in memory
/// and are sent, in order, when it is back; one may then arrive twice.
/// Thread: any; a thread of its own runs the connection. Callbacks come from that thread.
class MqttPublisher {
 public:
  /// Called once per message that the broker has (QoS 1) or that was sent (QoS 0). Must not call
  /// publish() or drain().
  using OnAcknowledged = std::function<void(std::uint64_t token)>;

  /// Starts; does not wait for the broker. It connects, and connects again, in the background. The
  /// client id gets a random ending, so that publishers never kick each other.
  /// Errors: invalid_argument  the options contradict each other.
  [[nodiscard]] static Result<std::unique_ptr<MqttPublisher>> connect(
      const MqttOptions& options, Environment environment, OnAcknowledged acknowledged = {});
  /// Disconnects at once; drain() first if everything is to arrive.
  virtual ~MqttPublisher() = default;

  /// Queues a copy of one message. Waits while `in_flight_max` messages are not acknowledged.
  /// @param qos    0 or 1.
  /// @param token  comes back in OnAcknowledged. A message that the broker refuses is logged,
  /// counted
  ///               in refused(), and its token does not come back.
  /// Errors: invalid_argument   topic, QoS or size; deadline_exceeded  no place came free within
  ///         `publish_wait_ns`. Nothing is queued then.
  [[nodiscard]] virtual Result<void> publish(std::string_view topic, std::string_view payload,
                                             std::uint8_t qos, bool retained,
                                             std::uint64_t token = 0) = 0;
  /// Waits until nothing is under way. Errors: deadline_exceeded.
  [[nodiscard]] virtual Result<void> drain(std::int64_t timeout_ns) = 0;
  [[nodiscard]] virtual bool is_connected() const noexcept = 0;
  /// Messages that the broker refused for good (MQTT 5 reason codes).
  [[nodiscard]] virtual std::uint64_t refused() const noexcept = 0;
};

}  // namespace telemetry
