// SPDX-License-Identifier: Apache-2.0
#include "subscriptions.hpp"

#include <fmt/format.h>
#include <mqtt_protocol.h>

#include <algorithm>
#include <array>

#include "failure.hpp"

namespace telemetry::mqtt {
namespace {

constexpr std::string_view first_line = "telemetry mqtt subscriptions 1\n";
constexpr std::size_t file_bytes_max = 64 * 1024 * 1024;
constexpr std::size_t names_said_max = 5;

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

Result<std::string> read_file(FileSystem& files, const std::string& path) {
  auto file = files.open_read(path);
  if (!file) {
    if (file.error().code == Errc::not_found) return std::string();
    return std::move(file).error();
  }
  std::string text;
  auto size = files.size(*file);
  if (size) {
    text.resize(std::min<std::size_t>(*size, file_bytes_max));
    size = files.read(*file, 0, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  }
  files.close(*file);
  if (!size) return std::move(size).error();
  text.resize(*size);
  return text;
}

}  // namespace

Subscriptions::Subscriptions(const MqttOptions& options, Connection& connection,
                             Environment environment)
    : options_(options), connection_(connection), environment_(std::move(environment)) {
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
  wants_dropped_topic_ = std::ranges::any_of(topics_, [](const Subscription& topic) {
    bool matches = false;
    mosquitto_topic_matches_sub(topic.filter.c_str(), dropped_topic.data(), &matches);
    return matches;
  });
  return true;
}

const Subscription* Subscriptions::wanted(std::string_view filter) const noexcept {
  const auto found = std::ranges::find(topics_, filter, &Subscription::filter);
  return found == topics_.end() ? nullptr : &*found;
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
    watches_ = false;
  }
}

void Subscriptions::connected() {
  pending_.clear();
  unanswered_ = 0;
  static_cast<void>(take());
  recall();
  note_session();
  for (const Subscription& topic : topics_) session_.insert(topic.filter);
  remember();
  for (const Subscription& topic : topics_) {
    const auto granted = granted_.find(topic.filter);
    if (granted == granted_.end() || granted->second != asked_qos(topic)) subscribe(topic);
  }
  for (const std::string& filter : session_) {
    if (wanted(filter) == nullptr) unsubscribe(filter);
  }
  if (!watches_) watch_dropped();
  if (unanswered_ == 0) settle();
}

void Subscriptions::follow() {
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

void Subscriptions::disconnected() noexcept {
  pending_.clear();
  unanswered_ = 0;
  count_.store(0, relaxed);
}

void Subscriptions::subscribe(const Subscription& topic) {
  if (topic.qos == 2 && !qos2_said_) {
    qos2_said_ = true;
    connection_.log(LogLevel::info,
                    "QoS 2 filters are subscribed with QoS 1; duplicates are removed where the "
                    "schema has a sequence_field, else they are possible");
  }
  const int retained = connection_.is_v5() ? MQTT_SUB_OPT_SEND_RETAIN_NEW : 0;
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
  if (filter == dropped_topic) return;  // watched all the same
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

void Subscriptions::watch_dropped() {
  int mid = 0;
  if (mosquitto_subscribe(connection_.client(), &mid, dropped_topic.data(), 0) !=
      MOSQ_ERR_SUCCESS) {
    return;
  }
  pending_[mid] = {Question::watch, {}};
  watches_ = true;
}

void Subscriptions::refused(const std::string& filter, int code) const {
  connection_.log(
      LogLevel::error,
      fmt::format("{} refused the subscription to '{}': {}; allow '{}' to read it in "
                  "the broker's access rules, or remove it from {}.topics",
                  address(options_), filter, mosquitto_reason_string(code),
                  options_.username.empty() ? connection_.client_id() : options_.username,
                  options_.section));
}

void Subscriptions::subscribed(int mid, int code) {
  const auto found = pending_.extract(mid);
  if (found.empty()) return;
  const Asked& asked = found.mapped();
  const bool is_refused = code >= MQTT_RC_UNSPECIFIED;
  if (asked.question == Question::watch) {
    if (is_refused) {
      connection_.log(LogLevel::info, fmt::format("{} does not tell how many messages it drops",
                                                  address(options_)));
    }
    return;
  }
  if (asked.question != Question::subscribe) return;
  --unanswered_;
  if (const Subscription* topic = wanted(asked.filter); topic != nullptr) {
    if (is_refused) {
      refused(asked.filter, code);
    } else {
      granted_[asked.filter] = asked_qos(*topic);
      if (code == 0 && topic->qos > 0) {
        connection_.log(LogLevel::warn,
                        fmt::format("{} grants only QoS 0 for '{}': messages are lost while we are "
                                    "away",
                                    address(options_), asked.filter));
      }
    }
  }
  if (unanswered_ == 0) settle();
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
  auto text = read_file(environment_.files, options_.session_file);
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
  if (const auto done = save(text); done) {
    saved_ = std::move(text);
  } else {
    connection_.log(LogLevel::warn,
                    fmt::format("cannot remember the subscriptions: {}; filters that are removed "
                                "from {}.topics may stay in the broker's session",
                                to_string(done.error()), options_.section));
  }
}

Result<void> Subscriptions::save(const std::string& text) const {
  FileSystem& files = environment_.files;
  const std::string fresh = options_.session_file + ".new";
  auto file = files.open_write(fresh);
  if (!file) return std::move(file).error();
  auto done = files.truncate(*file, 0);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  if (done) done = files.write(*file, 0, {bytes, text.size()});
  if (done) done = files.sync(*file);
  files.close(*file);
  if (done) done = files.rename(fresh, options_.session_file);
  const auto slash = options_.session_file.find_last_of('/');
  const bool has_folder = slash != std::string::npos && slash > 0;
  if (done) done = files.sync_folder(has_folder ? options_.session_file.substr(0, slash) : ".");
  return done;
}

}  // namespace telemetry::mqtt
