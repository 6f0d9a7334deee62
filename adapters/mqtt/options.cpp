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
    {.key = "broker",
     .fallback = "localhost",
     .doc = "Host name or address of the broker, or a URL: mqtt://HOST:PORT, mqtts://HOST:PORT."},
    {.key = "port",
     .type = OptionType::integer,
     .fallback = "1883",
     .doc = "Port of the broker; with TLS 8883 unless it is set.",
     .min = 1,
     .max = 65'535},
    {.key = "client_id",
     .doc = "Name of the session that the broker keeps for this program; made of program, host, "
            "journal path and broker unless it is set."},
    {.key = "username",
     .doc = "User name at the broker; empty connects anonymously.",
     .empty_if_unset = true},
    {.key = "password",
     .type = OptionType::secret,
     .doc = "Password at the broker.",
     .empty_if_unset = true},
    {.key = "keepalive",
     .type = OptionType::integer,
     .fallback = "60",
     .doc = "The broker is pinged after this long without a message; 0 never.",
     .unit = "s",
     .min = 0,
     .max = 65'535},
    {.key = "tls.enabled",
     .type = OptionType::boolean,
     .fallback = "false",
     .doc = "Speak TLS with the broker."},
    {.key = "tls.ca_file",
     .doc = "Certificate authorities (PEM) that may have signed the broker's certificate; those of "
            "the system unless it is set."},
    {.key = "tls.cert_file", .doc = "Client certificate (PEM)."},
    {.key = "tls.key_file",
     .doc = "Key of the client certificate (PEM, not encrypted). A warning when every user can "
            "read it.",
     .private_file = true},
    {.key = "tls.min_version",
     .type = OptionType::choice,
     .fallback = "1.2",
     .doc = "Lowest TLS version.",
     .choices = "1.2|1.3"},
    {.key = "topics",
     .type = OptionType::topic_list,
     .doc = "Topic filters to subscribe to, each a text or {topic, qos, retained}; QoS 2 is "
            "subscribed as QoS 1.",
     .reloadable = true},
    {.key = "retained",
     .type = OptionType::choice,
     .fallback = "skip_stored",
     .doc = "What becomes of messages that the broker kept from before the subscription; "
            "skip_stored leaves out those that equal the last stored of their topic. An entry of "
            "topics may say otherwise.",
     .choices = retained_policies,
     .reloadable = true},
    {.key = "persistent_session",
     .type = OptionType::boolean,
     .fallback = "true",
     .doc = "The broker keeps messages while this program is away."},
    {.key = "session_expiry",
     .type = OptionType::duration,
     .fallback = "7d",
     .doc = "How long the broker keeps the session of an absent program (MQTT 5).",
     .min = 0,
     .max = 4'294'967'295.0},
    {.key = "receive_maximum",
     .type = OptionType::integer,
     .fallback = "10000",
     .doc =
         "Messages that the broker may send before the first is acknowledged (MQTT 5); fewer with "
         "a journal below 8 MB.",
     .unit = "messages",
     .min = 1,
     .max = 65'535},
    {.key = "protocol",
     .type = OptionType::choice,
     .fallback = "auto",
     .doc = "MQTT version; auto takes 5, and 3.1.1 when the broker refuses 5, closes on it or does "
            "not "
            "answer; what was found is remembered for 7 days.",
     .choices = "auto|5|3.1.1"},
    {.key = "coalesce_ms",
     .type = OptionType::number,
     .fallback = "1",
     .doc = "Under load, wait this long to sync more messages at once; 0 never waits.",
     .unit = "ms",
     .min = 0,
     .max = 100},
    {.key = "reconnect_min",
     .type = OptionType::duration,
     .fallback = "0.5s",
     .doc = "First wait before connecting again; it doubles with each failure.",
     .min = 0.01,
     .max = 3'600},
    {.key = "reconnect_max",
     .type = OptionType::duration,
     .fallback = "30s",
     .doc = "Longest wait before connecting again.",
     .min = 0.01,
     .max = 3'600},
};

std::optional<std::vector<UrlForm::Setting>> split_url(const Url& url) {
  const bool known = url.scheme.empty() || url.scheme == "mqtt" || url.scheme == "mqtts";
  if (!known || !url.path.empty()) return std::nullopt;
  std::vector<UrlForm::Setting> out;
  if (url.user && !url.user->empty()) out.push_back({"username", *url.user});
  if (url.password && !url.password->empty()) out.push_back({"password", *url.password});
  if (url.port) {
    out.push_back({"port", fmt::format("{}", *url.port)});
  } else if (!url.scheme.empty()) {
    out.push_back({"port", url.scheme == "mqtts" ? "8883" : "1883", true});
  }
  if (url.scheme == "mqtts") out.push_back({"tls.enabled", "true"});
  return out;
}

/// Reads one entry of `mqtt`.
class Reader {
 public:
  Reader(const Config& config, std::string section, std::vector<Diagnostic>& mistakes)
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
    for (Mistake& one : contradictions(options, use)) {
      mistakes_.push_back(config_.mistake(key(one.key), one.text, std::move(one.hint)));
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
  std::vector<Diagnostic>& mistakes_;
};

}  // namespace
}  // namespace mqtt

OptionTable mqtt_options() noexcept {
  return {
      .prefix = "mqtt",
      .options = mqtt::table,
      .entry = "{broker: localhost, topics: [\"#\"]}",
      .url = {.option = "broker",
              .split = mqtt::split_url,
              .refusal = "is neither a host nor a URL of a broker",
              .remedy = "write localhost, mqtt://host:1883 or mqtts://user:password@host:8883"}};
}

Result<std::vector<MqttOptions>> mqtt_options_from(const Config& config, std::string_view app,
                                                   MqttUse use) {
  std::vector<Diagnostic> mistakes;
  std::vector<MqttOptions> all;
  for (const std::string& section : config.entries("mqtt")) {
    MqttOptions options = mqtt::Reader(config, section, mistakes).read(app, use);
    for (const MqttOptions& other : all) {
      if (use == MqttUse::subscribe && other.client_id == options.client_id &&
          other.broker == options.broker && other.port == options.port) {
        mistakes.push_back(config.mistake(
            fmt::format("{}.broker", section),
            fmt::format(
                "the same client id as {} at the same broker, so that they would throw each "
                "other out",
                other.section),
            "put all topics into one entry, or give each its own client_id"));
      }
    }
    all.push_back(std::move(options));
  }
  if (!mistakes.empty()) return mistakes_error(std::move(mistakes));
  return all;
}

}  // namespace telemetry
