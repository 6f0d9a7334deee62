// SPDX-License-Identifier: Apache-2.0
#include "process/service.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <sstream>
#include <thread>

#include "process/audit.hpp"
#include "process/backends.hpp"
#include "process/control.hpp"
#include "process/log.hpp"
#include "process/monitor.hpp"
#include "process/notify.hpp"
#include "process/reload.hpp"
#include "process/requests.hpp"
#include "process/signals.hpp"
#include "process/watchdog.hpp"
#include "telemetry/adapters/mqtt.hpp"
#include "telemetry/pipeline.hpp"

namespace telemetry {
namespace {

constexpr std::chrono::seconds start_retry{5};
// In client ids: the session at the broker belongs to the journal, whichever program has that. What
// the edge logger has not taken yet is there for the gateway.
constexpr std::string_view session_name = "edge";

Result<Config> load_config(const Config::Sources& sources, std::vector<Diagnostic>& diagnostics) {
  return Config::load(sources, option_tables(), diagnostics);
}

Result<std::unique_ptr<Pipeline>> make_pipeline(const Config& config,
                                                const std::vector<std::shared_ptr<Sink>>& others,
                                                const Environment& environment, Audit& audit,
                                                std::vector<RunningSource>& running) {
  running.clear();
  auto options = pipeline_options(config);
  if (!options) return std::move(options).error();
  auto retention = retention_options_from(config);
  if (!retention) return std::move(retention).error();
  options->retention = *std::move(retention);
  auto brokers = mqtt_options_from(config, session_name);
  if (!brokers) return std::move(brokers).error();
  PipelineBuilder builder(*std::move(options));
  builder.environment(environment).on_retained([&audit](const RetentionReport& report) {
    audit.write({.from = "retention", .what = "retention"}, to_json(report));
  });
  auto sinks = make_sinks(config, environment);
  if (!sinks) return std::move(sinks).error();
  for (auto& sink : *sinks) builder.sink(std::move(sink));
  for (const auto& sink : others) builder.sink(sink);
  for (const auto& broker : *brokers) {
    auto source = make_mqtt_source(broker, environment);
    running.push_back({broker, source.get()});
    builder.source(std::move(source));
  }
  return builder.create();
}

/// Prints the counters every interval for as long as it lives.
std::jthread print_stats(const Pipeline& pipeline, double interval_s) {
  if (interval_s <= 0) return {};
  return std::jthread([&pipeline, interval_s](const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    const auto interval = std::chrono::duration<double>(interval_s);
    while (!wake.wait_for(lock, stop, interval, [&] { return stop.stop_requested(); })) {
      fmt::print("{}\n", to_json(pipeline.stats()));
      std::fflush(stdout);
    }
  });
}

/// One line for `systemctl status`.
std::string status_line(const PipelineStats& stats, std::size_t brokers) {
  std::string line =
      fmt::format("{} of {} broker{} connected; {} messages since the start",
                  stats.sources_connected, brokers, brokers == 1 ? "" : "s", stats.ingest.received);
  for (const ConsumerStats& consumer : stats.consumers) {
    if (consumer.failing) {
      line += fmt::format("; {} is failing: {}", consumer.name, consumer.last_error);
    }
  }
  std::ranges::replace(line, '\n', ' ');  // it would be another field of the protocol
  return line;
}

void show(const std::vector<Diagnostic>& diagnostics) {
  for (const auto& d : diagnostics) fmt::print(stderr, "{}\n", to_string(d));
}

/// Lets a signal stop a pipeline that may not exist yet. stop() may take seconds, so that it has a
/// thread of its own: a second signal must still be heard.
class Stopper {
 public:
  void request() {
    notify_service_manager("STOPPING=1");
    const std::scoped_lock lock(mutex_);
    requested_ = true;
    wake_.notify_all();
    if (pipeline_ != nullptr) begin();
  }
  /// Waits; true as soon as a stop was requested.
  bool wait(std::chrono::seconds time) {
    std::unique_lock lock(mutex_);
    return wake_.wait_for(lock, time, [this] { return requested_; });
  }
  /// @param drain  comes before the stop, if it is any
  void attach(Pipeline& pipeline, std::function<void()> drain) {
    const std::scoped_lock lock(mutex_);
    pipeline_ = &pipeline;
    drain_ = std::move(drain);
    if (requested_) begin();
  }

 private:
  void begin() {
    thread_ = std::jthread([pipeline = pipeline_, drain = drain_] {
      if (drain) drain();
      pipeline->stop();
    });
  }
  std::mutex mutex_;
  std::condition_variable wake_;
  Pipeline* pipeline_ = nullptr;
  std::function<void()> drain_;
  bool requested_ = false;
  std::jthread thread_;
};

}  // namespace

Result<void> run_service(const ServiceOptions& options) {
  const std::string& app = options.sources.app;
  std::vector<Diagnostic> diagnostics;
  const auto config = load_config(options.sources, diagnostics);
  show(diagnostics);
  if (!config) return config.error();
  const auto opened = ProcessLog::open(*config, options.debug);
  if (!opened) return opened.error();
  const Log& log = opened->log();
  for (const auto& line : config->inert_sections()) log(LogLevel::info, "config", line);

  const auto environment = system_environment(log);
  const std::string journal_path = config->text("journal.path");
  Audit audit(journal_path, environment);
  // Destroyed in reverse: no signal can reach a stopper or pipeline that is gone.
  std::unique_ptr<Pipeline> pipeline;
  Stopper stopper;
  Reloader reloader(*config, [&](auto& found) { return load_config(options.sources, found); });
  const StopSignals signals([&](int) { stopper.request(); }, [&] { reloader.request(); });
  std::vector<RunningSource> sources;
  auto made = make_pipeline(*config, options.sinks, environment, audit, sources);
  // A full disk is freed some day; the broker keeps what comes until then.
  while (!made && is_retryable(made.error().code)) {
    const std::string why =
        fmt::format("{}; next try in {} s", to_string(made.error()), start_retry.count());
    log(LogLevel::error, app, why);
    notify_service_manager("STATUS=" + why);
    if (stopper.wait(start_retry)) return {};
    made = make_pipeline(*config, options.sinks, environment, audit, sources);
  }
  if (!made) {
    show(made.error().diagnostics);
    return made.error();
  }
  pipeline = *std::move(made);
  const auto status = [&pipeline = *pipeline, brokers = sources.size()] {
    return status_line(pipeline.stats(), brokers);
  };
  std::vector<Heartbeat> loops;
  for (const RunningSource& running : sources) {
    loops.push_back(
        {running.source->name(), [source = running.source] { return source->rounds(); }});
  }
  auto ended = pipeline->start([&] {
    log(LogLevel::info, app, "ready");
    notify_service_manager("STATUS=" + status());
  });
  {
    const auto control = control::Server::open(
        journal_path, request_handlers(*pipeline, reloader, journal_path, environment),
        [&](const control::Done& done) {
          if (done.command == "status") return;
          audit.write({.user = done.user,
                       .from = "socket",
                       .what = done.command,
                       .details = done.arguments},
                      done.outcome);
        });
    if (!control) log(LogLevel::warn, "control", to_string(control.error()));
    const auto stats = print_stats(*pipeline, options.stats_interval_s);
    const auto watching = monitor(*config, *pipeline, environment);
    FrontEnd front_end;
    if (ended && options.front_end) {
      auto served = options.front_end(*config, *pipeline, environment);
      if (served) {
        front_end = *std::move(served);
      } else {
        show(served.error().diagnostics);
        ended = served.error();
      }
    }
    stopper.attach(*pipeline, std::move(front_end.drain));
    reloader.attach({std::string(session_name), *pipeline, std::move(sources), *opened,
                     std::move(front_end.reload), [&](const Result<std::string>& outcome) {
                       audit.write({.from = "signal", .what = "reload"}, in_json(outcome));
                     }});
    if (front_end.life) loops.push_back(front_end.heartbeat);
    if (ended) {
      // The broker may be away for days: that is no reason to end what has started.
      notify_service_manager("READY=1\nSTATUS=" + status());
      reloader.set_ready();
      const auto watchdog = watch_loops(std::move(loops), status, log);
      ended = pipeline->wait();
    }
    pipeline->stop();
  }
  const auto stats = pipeline->stats();
  if (options.stats_interval_s > 0) fmt::print("{}\n", to_json(stats));
  std::istringstream lines(to_text(stats));
  for (std::string line; std::getline(lines, line);) log(LogLevel::info, app, line);
  return ended;
}

}  // namespace telemetry
