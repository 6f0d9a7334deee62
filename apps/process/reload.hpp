// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "process/log.hpp"
#include "telemetry/adapters/mqtt.hpp"
#include "telemetry/config.hpp"
#include "telemetry/pipeline.hpp"

namespace telemetry {

/// A source of the pipeline and the options that it was made with.
struct RunningSource {
  MqttOptions options;
  MqttSource* source = nullptr;  ///< owned by the pipeline
};

/// What a reload acts on. All of it outlives the Reloader.
struct Reloaded {
  std::string app;  ///< in the client ids at the broker
  Pipeline& pipeline;
  std::vector<RunningSource> sources;
  const ProcessLog& log;
  /// As that of FrontEnd; none without one.
  std::function<Result<std::function<void()>>(const Config&)> front_end = {};
  /// Told of each reload that request() asked for.
  std::function<void(const Result<std::string>& outcome)> on_requested = {};
};

/// Reads the configuration and the schemas again and applies what may change while the program
/// runs: schemas, topic filters, log levels, retention, the certificate of web.tls. All or nothing:
/// a mistake anywhere leaves everything as it is, and is logged with its place.
class Reloader {
 public:
  using Load = std::function<Result<Config>(std::vector<Diagnostic>&)>;
  /// @param started  the configuration that the program runs with.
  /// @param load     reads the present one.
  Reloader(Config started, Load load);
  ~Reloader();
  Reloader(const Reloader&) = delete;
  Reloader& operator=(const Reloader&) = delete;

  /// Asks for a reload, once for all requests until it begins. Returns at once: it has a thread of
  /// its own. What was asked for before attach() is done then. Thread: any.
  void request();
  /// request(), and waits until it is done. @returns what has taken effect, a line.
  /// Errors: why it was refused, all mistakes in its diagnostics; everything stays as it was.
  /// Thread: any but this one's.
  [[nodiscard]] Result<std::string> reload_now();
  /// From now on there is something to act on.
  void attach(Reloaded target);
  /// The program has said READY=1, so that the service manager is told of reloads. Thread: any.
  void set_ready();

 private:
  void wake();  // with the mutex
  [[nodiscard]] Result<std::string> reload(const Reloaded& target);
  [[nodiscard]] Result<Config> apply(const Reloaded& target, std::vector<Diagnostic>& diagnostics,
                                     std::vector<std::string>& later);
  [[nodiscard]] static Result<std::vector<std::string>> follow_topics(
      const Reloaded& target, const std::vector<MqttOptions>& brokers);
  [[nodiscard]] std::string say_done(const Reloaded& target, const Config& config,
                                     const std::vector<std::string>& later) const;

  const Config started_;
  Config in_force_;
  const Load load_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  bool requested_ = false, by_request_ = false;
  std::uint64_t requests_ = 0, done_ = 0;  // requests made, and of them those that are over
  std::condition_variable_any done_changed_;
  Result<std::string> outcome_ = std::string();  // of the last
  bool ready_ = false;
  std::jthread thread_;
};

}  // namespace telemetry
