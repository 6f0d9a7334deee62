// SPDX-License-Identifier: Apache-2.0
#include "subscriptions.hpp"

#include <fmt/format.h>
#include <mqtt_protocol.h>

#include <algorithm>
#include <array>

#include "failure.hpp"
#include "small_file.hpp"
#include "telemetry/core/schema_table.hpp"
#include "telemetry/core/topic.hpp"

namespace telemetry::mqtt {
namespace {

constexpr std::string_view first_line = "telemetry mqtt subscriptions 1\n";
constexpr std::size_t names_said_max = 5;
/// SUBSCRIBE with another packet id, one after the other; then one a second.
constexpr int tries_again_max = 100;
constexpr std::int64_t again_ns = 1'000'000'000;

/// "'a/#', 'b' and 3 more".
std::string list(const std::vector<std::string>& filters) {
  std::string out;
  const std::size_t shown = std::min(filters.size(), names_said_max);
  for (std::size_t i = 0; i < shown; ++i) {
    out += fmt::format("{}'{}'", i == 0 ? "" : ", ", filters[i]);
  }
  if (filters.size() > shown) out += fmt::format(" and {} more", filters.size() - shown);
  return out;
}

std::uint8_t asked_qos(const Subscription& topic) noexcept { return topic.qos > 0 ? 1 : 0; }

bool is_shared(std::string_view filter) noexcept { return filter.starts_with("$share/"); }

/// True when a topic may match both.
bool overlap(std::string_view a, std::string_view b) noexcept {
  const auto is_wild = [](std::string_view level) { return level == "+" || level == "#"; };
  for (std::size_t i = 0;; ++i) {
    const std::string_view left = core::topic_level(a, i), right = core::topic_level(b, i);
    const bool begins = i == 0 && (left.starts_with('$') || right.starts_with('$'));
    if (left == "#" || right == "#") return !begins;
    const bool left_ends = left.data() == nullptr, right_ends = right.data() == nullptr;
    if (left_ends || right_ends) return left_ends && right_ends;
    if (left != right && (begins || (!is_wild(left) && !is_wild(right)))) return false;
  }
}

}  // namespace

Subscriptions::Subscriptions(const MqttOptions& options, Connection& connection,
                             Environment environment)
    : options_(options),
      connection_(connection),
      environment_(environment),
      drop_watch_(options, connection, environment) {
  next_ = options.topics;
  static_cast<void>(take());
}

void Subscriptions::want(std::vector<Subscription> topics) {
  const std::scoped_lock lock(mutex_);
  next_ = std::move(topics);
}

bool Subscriptions::take() {
  {
    const std::scoped_lock lock(mutex_);
    if (!next_) return false;
    topics_ = *std::move(next_);
    next_.reset();
  }
  drop_watch_.follow(topics_);
  return true;
}

const Subscription* Subscriptions::wanted(std::string_view filter) const noexcept {
  const auto found = std::ranges::find(topics_, filter, &Subscription::filter);
  return found == topics_.end() ? nullptr : &*found;
}

RetainedPolicy Subscriptions::retained_policy(std::string_view topic) const noexcept {
  const Subscription* closest = nullptr;
  for (const Subscription& each : topics_) {
    if (!core::topic_matches(each.filter, topic)) continue;
    if (closest == nullptr || core::compare_filters(core::without_share(each.filter),
                                                    core::without_share(closest->filter)) < 0) {
      closest = &each;
    }
  }
  if (closest == nullptr) return RetainedPolicy::skip_stored;
  return closest->retained.value_or(RetainedPolicy::skip_stored);
}

void Subscriptions::note_session() {
  const bool present = connection_.session_present();
  if (options_.persistent_session && had_session_ && !present) {
    sessions_lost_.fetch_add(1, relaxed);
    connection_.log(LogLevel::warn,
                    fmt::format("{} has lost the session: what was sent while we were away is "
                                "gone; subscribing again",
                                address(options_)));
  }
  had_session_ = true;
  if (!present) session_.clear();
  // 3.1.1 would send all retained messages again, 5 can be asked not to.
  if (connection_.is_v5() || !present) {
    granted_.clear();
    drop_watch_.begin_anew();
  }
}

void Subscriptions::connected() {
  pending_.clear();
  again_.clear();
  unanswered_ = 0;
  tries_again_ = 0;
  static_cast<void>(take());
  recall();
  note_session();
  for (const Subscription& topic : topics_) session_.insert(topic.filter);
  if (connection_.is_v5()) say_overlaps();
  remember();
  for (const Subscription& topic : topics_) {
    const auto granted = granted_.find(topic.filter);
    if (granted == granted_.end() || granted->second != asked_qos(topic)) subscribe(topic);
  }
  for (const std::string& filter : session_) {
    if (wanted(filter) == nullptr) unsubscribe(filter);
  }
  if (unanswered_ == 0) settle();
}

// One copy in 3.1.1; in 5 a broker may send one for each filter, and mosquitto does.
void Subscriptions::say_overlaps() {
  if (std::exchange(overlap_said_, true)) return;
  for (auto a = topics_.begin(); a != topics_.end(); ++a) {
    const auto b = std::find_if(std::next(a), topics_.end(), [&](const Subscription& other) {
      return !is_shared(a->filter) && !is_shared(other.filter) && overlap(a->filter, other.filter);
    });
    if (b == topics_.end()) continue;
    connection_.log(
        LogLevel::warn,
        fmt::format("'{}' and '{}' overlap: with MQTT 5 a broker may send a message once "
                    "for each, and it is stored twice where the schema has no "
                    "sequence_field. Leave one out, or set mqtt.protocol: 3.1.1",
                    a->filter, b->filter));
    return;
  }
}

void Subscriptions::follow() {
  if (!again_.empty()) ask_again();
  if (pending_.empty() && again_.empty()) drop_watch_.tick();
  const std::vector<Subscription> before = topics_;
  if (!take()) return;
  std::vector<std::string> added, removed;
  std::vector<const Subscription*> asked;
  for (const Subscription& topic : topics_) {
    const auto old = std::ranges::find(before, topic.filter, &Subscription::filter);
    if (old == before.end()) added.push_back(topic.filter);
    if (old == before.end() || asked_qos(*old) != asked_qos(topic)) asked.push_back(&topic);
  }
  for (const Subscription& topic : before) {
    if (wanted(topic.filter) == nullptr) removed.push_back(topic.filter);
  }
  for (const Subscription* topic : asked) session_.insert(topic->filter);
  remember();
  if (!added.empty()) {
    connection_.log(LogLevel::info, fmt::format("{}.topics has {} more: {}", options_.section,
                                                added.size(), list(added)));
  }
  if (!removed.empty()) {
    connection_.log(LogLevel::info, fmt::format("{}.topics has {} less: {}", options_.section,
                                                removed.size(), list(removed)));
  }
  for (const Subscription* topic : asked) subscribe(*topic);
  for (const std::string& filter : removed) unsubscribe(filter);
  if (unanswered_ == 0) settle();
}

void Subscriptions::disconnected() {
  drop_watch_.ended(pending_.empty());
  pending_.clear();
  again_.clear();
  unanswered_ = 0;
  count_.store(0, relaxed);
}

std::string Subscriptions::unanswered() const {
  if (!pending_.empty()) {
    const Asked& asked = pending_.begin()->second;
    return fmt::format("{} '{}'",
                       asked.question == Question::subscribe ? "SUBSCRIBE to" : "UNSUBSCRIBE from",
                       asked.filter);
  }
  if (!drop_watch_.is_asked()) return {};
  return fmt::format("SUBSCRIBE to '{}'", drop_counters.front().topic);
}

/// False when the broker has said that it cannot serve this filter. A broker may end the connection
/// that asks all the same.
bool Subscriptions::can_share(const Subscription& topic) {
  if (!is_shared(topic.filter)) return true;
  if (!connection_.has_shared_subscriptions()) {
    refused(topic.filter, MQTT_RC_SHARED_SUBS_NOT_SUPPORTED);
    return false;
  }
  if (!connection_.is_v5() && !std::exchange(shared_said_, true)) {
    connection_.log(
        LogLevel::warn,
        fmt::format("'{}': MQTT 3.1.1 has no shared subscriptions, and a broker may "
                    "grant this and never serve it; if nothing comes, take $share/GROUP/ "
                    "off in {}.topics (docs/brokers.md)",
                    topic.filter, options_.section));
  }
  return true;
}

void Subscriptions::ask_again() {
  const std::int64_t now = environment_.clock.monotonic();
  if (now < again_at_) return;
  if (++tries_again_ > tries_again_max) again_at_ = now + again_ns;
  for (const std::string& filter : std::exchange(again_, {})) {
    if (const Subscription* topic = wanted(filter); topic != nullptr) subscribe(*topic);
  }
}

void Subscriptions::subscribe(const Subscription& topic) {
  if (!can_share(topic)) return;
  if (topic.qos == 2 && !qos2_said_) {
    qos2_said_ = true;
    connection_.log(LogLevel::info,
                    "QoS 2 filters are subscribed with QoS 1; duplicates are removed where the "
                    "schema has a sequence_field, else they are possible");
  }
  const int retained = !connection_.is_v5()                       ? 0
                       : topic.retained == RetainedPolicy::ignore ? MQTT_SUB_OPT_SEND_RETAIN_NEVER
                                                                  : MQTT_SUB_OPT_SEND_RETAIN_NEW;
  granted_.erase(topic.filter);
  int mid = 0;
  const int result = mosquitto_subscribe_v5(connection_.client(), &mid, topic.filter.c_str(),
                                            asked_qos(topic), retained, nullptr);
  if (result != MOSQ_ERR_SUCCESS) {
    connection_.log(LogLevel::error, fmt::format("cannot subscribe to '{}': {}", topic.filter,
                                                 mosquitto_strerror(result)));
    return;
  }
  pending_[mid] = {Question::subscribe, topic.filter};
  ++unanswered_;
  unsaid_ = true;
}

void Subscriptions::unsubscribe(const std::string& filter) {
  if (DropWatch::is_counter(filter)) return;  // watched all the same
  granted_.erase(filter);
  int mid = 0;
  const int result = mosquitto_unsubscribe(connection_.client(), &mid, filter.c_str());
  if (result == MOSQ_ERR_SUCCESS) {
    pending_[mid] = {Question::unsubscribe, filter};
    unsaid_ = true;
  } else {
    connection_.log(LogLevel::error, fmt::format("cannot unsubscribe from '{}': {}", filter,
                                                 mosquitto_strerror(result)));
  }
}

void Subscriptions::refused(const std::string& filter, int code) const {
  std::string remedy;
  if (code == MQTT_RC_SHARED_SUBS_NOT_SUPPORTED) {
    remedy = fmt::format("take $share/GROUP/ off in {}.topics", options_.section);
  } else if (code == MQTT_RC_WILDCARD_SUBS_NOT_SUPPORTED) {
    remedy = fmt::format("name each topic in {}.topics", options_.section);
  } else {
    remedy = fmt::format(
        "allow '{}' to read it in the broker's access rules, or remove it from "
        "{}.topics",
        options_.username.empty() ? connection_.client_id() : options_.username, options_.section);
  }
  connection_.log(LogLevel::error,
                  fmt::format("{} refused the subscription to '{}': {}; {}", address(options_),
                              filter, mosquitto_reason_string(code), remedy));
}

void Subscriptions::subscribed(int mid, int code) {
  if (drop_watch_.answered(mid, code)) return;
  const auto found = pending_.extract(mid);
  if (found.empty() || found.mapped().question != Question::subscribe) return;
  const std::string& filter = found.mapped().filter;
  --unanswered_;
  if (code == MQTT_RC_PACKET_ID_IN_USE) {
    // The broker takes our packet ids and its own for the same numbers.
    if (tries_again_ == 0 && again_.empty()) {
      connection_.log(LogLevel::info,
                      fmt::format("{} says that packet id {} is in use: subscribing to '{}' with "
                                  "another one",
                                  address(options_), mid, filter));
    }
    again_.insert(filter);
    return;
  }
  const bool is_refused = code >= MQTT_RC_UNSPECIFIED;
  if (const Subscription* topic = wanted(filter); topic != nullptr) {
    if (is_refused) {
      refused(filter, code);
    } else {
      granted_[filter] = asked_qos(*topic);
      if (code == 0 && topic->qos > 0) {
        connection_.log(LogLevel::warn,
                        fmt::format("{} grants only QoS 0 for '{}': messages are lost while we are "
                                    "away",
                                    address(options_), filter));
      }
    }
  }
  if (unanswered_ == 0 && again_.empty()) settle();
}

void Subscriptions::unsubscribed(int mid) {
  const auto found = pending_.extract(mid);
  if (found.empty()) return;
  const std::string& filter = found.mapped().filter;
  const bool asked_again = std::ranges::any_of(
      pending_, [&](const auto& entry) { return entry.second.filter == filter; });
  if (wanted(filter) != nullptr || asked_again) return;
  session_.erase(filter);
  remember();
}

/// All questions are answered: how many filters stand.
void Subscriptions::settle() {
  const auto granted = static_cast<std::size_t>(std::ranges::count_if(
      topics_, [&](const Subscription& topic) { return granted_.contains(topic.filter); }));
  count_.store(granted, relaxed);
  if (granted < topics_.size()) return;
  ready_.store(true, relaxed);
  if (!std::exchange(unsaid_, false)) return;
  connection_.log(LogLevel::info, fmt::format("subscribed to {} topic filter{} at {}", granted,
                                              granted == 1 ? "" : "s", address(options_)));
}

void Subscriptions::recall() {
  if (recalled_ || options_.session_file.empty() || !options_.persistent_session) return;
  recalled_ = true;
  auto text = read_small_file(environment_.files, options_.session_file);
  if (text && !text->empty() && !text->starts_with(first_line)) {
    text = Error{Errc::data_loss, options_.session_file + ": not a list of subscriptions"};
  }
  if (!text) {
    connection_.log(LogLevel::warn,
                    fmt::format("cannot tell which subscriptions the session had: {}; those that "
                                "are no longer in {}.topics stay",
                                to_string(text.error()), options_.section));
    return;
  }
  saved_ = *text;
  std::string_view rest = *text;
  rest.remove_prefix(std::min(rest.size(), first_line.size()));
  for (std::size_t end = rest.find('\n'); end != rest.npos; end = rest.find('\n')) {
    session_.emplace(rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  had_session_ = had_session_ || !session_.empty();
}

void Subscriptions::remember() {
  if (options_.session_file.empty() || !options_.persistent_session) return;
  std::string text(first_line);
  for (const std::string& filter : session_) {
    // libmosquitto does not subscribe to a filter with control characters.
    if (filter.find('\n') == filter.npos) text += filter + "\n";
  }
  if (text == saved_) return;
  const auto done = replace_small_file(environment_.files, options_.session_file, text);
  if (done) {
    saved_ = std::move(text);
  } else {
    connection_.log(LogLevel::warn,
                    fmt::format("cannot remember the subscriptions: {}; filters that are removed "
                                "from {}.topics may stay in the broker's session",
                                to_string(done.error()), options_.section));
  }
}

}  // namespace telemetry::mqtt
