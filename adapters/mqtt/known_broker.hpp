// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "failure.hpp"
#include "telemetry/adapters/mqtt.hpp"

namespace telemetry::mqtt {

/// What was found out about one broker: the MQTT version that it speaks, and whether asking for
/// its drop counter ends the connection. Remembered over restarts in `options.broker_file`; what
/// speaks against a broker is forgotten after 7 days, for brokers are upgraded.
///
/// With `protocol: auto` a round is one attempt with MQTT 5 and, at once, one with 3.1.1 when the
/// first was not understood. A broker that is known to speak a version is asked for the other one
/// only when it says so itself, or when 5 rounds in a row had no answer: a broker that restarts
/// closes connections too.
/// Thread: one.
class KnownBroker {
 public:
  /// `options` outlives it.
  KnownBroker(const MqttOptions& options, Environment environment);

  /// The version of the next attempt.
  [[nodiscard]] bool next_is_v5();
  /// The attempt with this version was answered so. True when the other version is to be tried at
  /// once.
  [[nodiscard]] bool note(bool v5, Answer answer);
  /// No further attempt now, for whatever reason: the next one begins a round.
  void end_round() noexcept { second_ = tried_both_ = false; }
  /// The attempt that failed last was the second of its round.
  [[nodiscard]] bool tried_both() const noexcept { return tried_both_; }
  /// Why 3.1.1 is spoken: "it closed the connection". Empty when that was asked for.
  [[nodiscard]] std::string_view why_not_v5() const noexcept { return why_not_v5_; }

  /// The connection ends when the broker is asked for its drop counter.
  [[nodiscard]] bool closes_on_watch();
  void note_closes_on_watch();

 private:
  void recall();
  void remember();
  void found(bool v5);
  [[nodiscard]] bool is_fresh(std::int64_t found_at) const noexcept;

  const MqttOptions& options_;
  Environment environment_;
  bool recalled_ = false;
  std::optional<bool> speaks_v5_;
  std::int64_t version_found_at_ = 0;  // wall clock, seconds
  std::int64_t closes_found_at_ = 0;   // the same; 0 = it does not
  bool second_ = false;                // the next attempt is the second of its round,
  bool first_was_v5_ = true;           // and this was the first
  bool tried_both_ = false;
  int unanswered_rounds_ = 0;
  std::string why_not_v5_;
  std::string saved_;  // what the file holds
};

}  // namespace telemetry::mqtt
