// SPDX-License-Identifier: Apache-2.0
#include "options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "failure.hpp"
#include "telemetry/message.hpp"

namespace telemetry {
namespace mqtt {
namespace {

constexpr Option table[] = {
    {.key = "mqtt.broker",
     .fallback = "localhost",
     .doc = "Host name or address of the broker, or a URL: mqtt://HOST:PORT, mqtts://HOST:PORT."},
    {.key = "mqtt.port",
     .type = OptionType::integer,
     .fallback = "1883",
     .doc = "Port of the broker; with TLS 8883 unless it is set.",
     .min = 1,
     .max = 65'535},
    {.key = "mqtt.client_id",
     .doc = "Name of the session that the broker keeps for this program; made of program, host, "
            "journal path and broker unless it is set."},
    {.key = "mqtt.username", .doc = "User name at the broker; empty connects anonymously."},
    {.key = "mqtt.password", .type = OptionType::secret, .doc = "Password at the broker."},
    {.key = "mqtt.keepalive",
     .type = OptionType::integer,
     .fallback = "60",
     .doc = "Longest silence before the broker is asked for a sign of life; 0 never asks.",
     .unit = "s",
     .min = 0,
     .max = 65'535},
    {.key = "mqtt.tls.enabled",
     .type = OptionType::boolean,
     .fallback = "false",
     .doc = "Speak TLS with the broker."},
    {.key = "mqtt.tls.ca_file",
     .doc = "Certificate authorities (PEM) that may have signed the broker's certificate; those of "
            "the system unless it is set."},
    {.key = "mqtt.tls.cert_file", .doc = "Client certificate (PEM)."},
    {.key = "mqtt.tls.key_file", .doc = "Key of the client certificate (PEM, not encrypted)."},
    {.key = "mqtt.tls.min_version",
     .type = OptionType::choice,
     .fallback = "1.2",
     .doc = "Lowest TLS version.",
     .choices = "1.2|1.3"},
    {.key = "mqtt.topics",
     .type = OptionType::topic_list,
     .doc = "Topic filters to subscribe to, each a text or {topic, qos, retained}; QoS 2 is "
            "subscribed as QoS 1.",
     .reloadable = true},
    {.key = "mqtt.retained",
     .type = OptionType::choice,
     .fallback = "skip_stored",
     .doc = "What becomes of messages that the broker kept from before the subscription; "
            "skip_stored leaves out those that equal the last stored of their topic. An entry of "
            "topics may say otherwise.",
     .choices = retained_policies,
     .reloadable = true},
    {.key = "mqtt.persistent_session",
     .type = OptionType::boolean,
     .fallback = "true",
     .doc = "The broker keeps messages while this program is away."},
    {.key = "mqtt.session_expiry",
     .type = OptionType::duration,
     .fallback = "7d",
     .doc = "How long the broker keeps the session of an absent program (MQTT 5).",
     .min = 0,
     .max = 4'294'967'295.0},
    {.key = "mqtt.receive_maximum",
     .type = OptionType::integer,
     .fallback = "10000",
     .doc =
         "Messages that the broker may send before the first is acknowledged (MQTT 5); fewer with "
         "a journal below 8 MB.",
     .unit = "messages",
     .min = 1,
     .max = 65'535},
    {.key = "mqtt.protocol",
     .type = OptionType::choice,
     .fallback = "auto",
     .doc = "MQTT version; auto takes 5, and 3.1.1 when the broker refuses 5, closes on it or does "
            "not "
            "answer; what was found is remembered for 7 days.",
     .choices = "auto|5|3.1.1"},
    {.key = "mqtt.coalesce_ms",
     .type = OptionType::number,
     .fallback = "1",
     .doc = "Under load, wait this long to sync more messages at once; 0 never waits.",
     .unit = "ms",
     .min = 0,
     .max = 100},
    {.key = "mqtt.reconnect_min",
     .type = OptionType::duration,
     .fallback = "0.5s",
     .doc = "First wait before connecting again; it doubles with each failure.",
     .min = 0.01,
     .max = 3'600},
    {.key = "mqtt.reconnect_max",
     .type = OptionType::duration,
     .fallback = "30s",
     .doc = "Longest wait before connecting again.",
     .min = 0.01,
     .max = 3'600},
};

/// Reads one entry of `mqtt`.
class Reader {
 public:
  Reader(const Config& config, std::string section, std::vector<std::string>& mistakes)
      : config_(config), section_(std::move(section)), mistakes_(mistakes) {}

  MqttOptions read(std::string_view app, MqttUse use) {
    MqttOptions options;
    options.section = section_;
    options.username = config_.text(key("username"));
    options.keepalive_s = static_cast<std::uint16_t>(config_.integer(key("keepalive")));
    options.tls.enabled = config_.boolean(key("tls.enabled"));
    options.tls.ca_file = config_.text(key("tls.ca_file"));
    options.tls.cert_file = config_.text(key("tls.cert_file"));
    options.tls.key_file = config_.text(key("tls.key_file"));
    options.tls.min_version = config_.text(key("tls.min_version"));
    options.topics = config_.topics(key("topics"));
    for (Subscription& topic : options.topics) {
      if (!topic.retained) topic.retained = retained_policy_of(config_.text(key("retained")));
    }
    options.persistent_session = config_.boolean(key("persistent_session"));
    options.session_expiry_s = static_cast<std::uint32_t>(std::min<std::int64_t>(
        config_.duration_ns(key("session_expiry")) / 1'000'000'000, UINT32_MAX));
    options.receive_maximum = static_cast<std::uint16_t>(config_.integer(key("receive_maximum")));
    const std::string protocol = config_.text(key("protocol"));
    options.protocol = protocol == "5"       ? MqttProtocol::v5
                       : protocol == "3.1.1" ? MqttProtocol::v311
                                             : MqttProtocol::automatic;
    options.coalesce_ns = static_cast<std::int64_t>(config_.number(key("coalesce_ms")) * 1e6);
    options.reconnect_min_ns = config_.duration_ns(key("reconnect_min"));
    options.reconnect_max_ns = config_.duration_ns(key("reconnect_max"));
    options.broker = config_.text(key("broker"));
    options.password = config_.text(key("password"));
    options.port = options.tls.enabled && !config_.is_set(key("port"))
                       ? std::uint16_t{8883}
                       : static_cast<std::uint16_t>(config_.integer(key("port")));
    options.client_id = config_.text(key("client_id"));
    if (options.client_id.empty()) options.client_id = default_id(options, app);
    if (use == MqttUse::subscribe) {
      if (options.persistent_session) options.session_file = file(options, "subscriptions");
      options.broker_file = file(options, "broker");
    }
    for (std::string& text : contradictions(
             options, use, [this](std::string_view name) { return config_.where(key(name)); })) {
      mistakes_.push_back(std::move(text));
    }
    return options;
  }

 private:
  [[nodiscard]] std::string key(std::string_view name) const {
    return fmt::format("{}.{}", section_, name);
  }

  // Only what stays the same while a user edits the file: another id would orphan the session, and
  // the messages in it, at the broker.
  [[nodiscard]] std::string default_id(const MqttOptions& options, std::string_view app) const {
    std::error_code error;
    const std::filesystem::path journal = config_.text("journal.path");
    const auto absolute = std::filesystem::weakly_canonical(journal, error);
    return fixed_client_id(
        fmt::format("telemetry-{}", app),
        fmt::format("{}\n{}", error ? journal.string() : absolute.string(), address(options)));
  }

  // Beside what the session fills: both are lost, kept and copied together.
  [[nodiscard]] std::string file(const MqttOptions& options, std::string_view name) const {
    return fmt::format("{}/{}-{:016x}", config_.text("journal.path"), name,
                       hash64(fmt::format("{}\n{}", options.client_id, address(options))));
  }

  const Config& config_;
  std::string section_;
  std::vector<std::string>& mistakes_;
};

}  // namespace
}  // namespace mqtt

std::span<const Option> mqtt_options() noexcept { return mqtt::table; }

Result<std::vector<MqttOptions>> mqtt_options_from(const Config& config, std::string_view app,
                                                   MqttUse use) {
  std::vector<std::string> mistakes;
  std::vector<MqttOptions> all;
  const std::size_t entries = std::max<std::size_t>(config.count("mqtt"), 1);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::string section = entries == 1 ? "mqtt" : fmt::format("mqtt[{}]", i);
    MqttOptions options = mqtt::Reader(config, section, mistakes).read(app, use);
    for (const MqttOptions& other : all) {
      if (use == MqttUse::subscribe && other.client_id == options.client_id &&
          other.broker == options.broker && other.port == options.port) {
        mistakes.push_back(fmt::format(
            "{}: the same client id as {} at the same broker, so that they would throw each other "
            "out; put all topics into one entry, or give each its own client_id",
            config.where(fmt::format("{}.broker", section)), other.section));
      }
    }
    all.push_back(std::move(options));
  }
  if (!mistakes.empty()) {
    return Error{Errc::invalid_argument, fmt::format("{}", fmt::join(mistakes, "; "))};
  }
  return all;
}

}  // namespace telemetry
