// SPDX-License-Identifier: Apache-2.0
#include "known_broker.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "failure.hpp"
#include "small_file.hpp"

namespace telemetry::mqtt {
namespace {

constexpr std::string_view first_line = "telemetry mqtt broker 1\n";
constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::int64_t kept_s = 7 * 24 * 3600;
/// Rounds without an answer after which a known version is no longer sure.
constexpr int unanswered_max = 5;

std::string_view why(Answer answer) noexcept {
  switch (answer) {
    case Answer::closed:
      return "it closed the connection";
    case Answer::silent:
      return "it did not answer";
    case Answer::not_mqtt:
      return "its answer was not MQTT 5";
    default:
      return "it refused it";
  }
}

/// The part of `text` up to `mark`, which is taken from it, too.
std::string_view cut(std::string_view& text, char mark) noexcept {
  const std::string_view part = text.substr(0, text.find(mark));
  text.remove_prefix(std::min(text.size(), part.size() + 1));
  return part;
}

}  // namespace

KnownBroker::KnownBroker(const MqttOptions& options, Environment environment)
    : options_(options), environment_(std::move(environment)) {}

bool KnownBroker::is_fresh(std::int64_t found_at) const noexcept {
  return environment_.clock.now() / second_ns - found_at < kept_s;
}

bool KnownBroker::next_is_v5() {
  if (options_.protocol != MqttProtocol::automatic) return options_.protocol == MqttProtocol::v5;
  recall();
  if (second_) return !first_was_v5_;
  if (speaks_v5_ == false && !is_fresh(version_found_at_)) speaks_v5_.reset();
  return speaks_v5_.value_or(true);
}

bool KnownBroker::note(bool v5, Answer answer) {
  if (options_.protocol != MqttProtocol::automatic) {
    recall();
    if (v5 && answer == Answer::accepted && speaks_v5_ == false) found(true);
    return false;
  }
  const bool second = std::exchange(second_, false);
  tried_both_ = false;
  if (answer == Answer::accepted || answer == Answer::refused) {
    unanswered_rounds_ = 0;
    found(v5);
    return false;
  }
  if (second) {
    tried_both_ = true;
    ++unanswered_rounds_;
    return false;
  }
  if (answer != Answer::other && speaks_v5_ && unanswered_rounds_ < unanswered_max) {
    ++unanswered_rounds_;
    return false;
  }
  if (v5) why_not_v5_ = why(answer);
  second_ = true;
  first_was_v5_ = v5;
  return true;
}

void KnownBroker::found(bool v5) {
  if (v5) why_not_v5_.clear();
  if (speaks_v5_ == v5) return;
  speaks_v5_ = v5;
  version_found_at_ = environment_.clock.now() / second_ns;
  remember();
}

bool KnownBroker::closes_on_watch() {
  recall();
  return closes_found_at_ != 0 && is_fresh(closes_found_at_);
}

void KnownBroker::note_closes_on_watch() {
  closes_found_at_ = environment_.clock.now() / second_ns;
  remember();
}

void KnownBroker::recall() {
  if (recalled_ || options_.broker_file.empty()) return;
  recalled_ = true;
  const auto text = read_small_file(environment_.files, options_.broker_file);
  // It saves a connection or two, no more: one that cannot be read is rewritten.
  if (!text || !text->starts_with(first_line)) return;
  saved_ = *text;
  std::string_view rest = *text;
  rest.remove_prefix(first_line.size());
  while (!rest.empty()) {
    std::string_view line = cut(rest, '\n');
    const std::string_view name = cut(line, ' ');
    const std::string_view value = cut(line, ' ');
    std::int64_t at = 0;
    std::from_chars(line.data(), line.data() + line.size(), at);
    if (name == "protocol" && (value == "5" || value == "3.1.1")) {
      speaks_v5_ = value == "5";
      version_found_at_ = at;
      if (value == "3.1.1") {
        why_not_v5_ =
            fmt::format("found by an earlier run; {}.protocol: 5 asks again", options_.section);
      }
    } else if (name == "drop_counter" && value == "closes") {
      closes_found_at_ = at;
    }
  }
}

void KnownBroker::remember() {
  if (options_.broker_file.empty()) return;
  std::string text(first_line);
  if (speaks_v5_) {
    text += fmt::format("protocol {} {}\n", *speaks_v5_ ? "5" : "3.1.1", version_found_at_);
  }
  if (closes_found_at_ != 0) text += fmt::format("drop_counter closes {}\n", closes_found_at_);
  if (text == saved_) return;
  saved_ = text;
  if (const auto done = replace_small_file(environment_.files, options_.broker_file, text); !done) {
    environment_.log(LogLevel::warn, "mqtt",
                     fmt::format("cannot remember what {} speaks: {}; the next start asks again",
                                 address(options_), to_string(done.error())));
  }
}

}  // namespace telemetry::mqtt
