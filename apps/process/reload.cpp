// SPDX-License-Identifier: Apache-2.0
// A reload, in order: everything is read and checked; then the schemas are swapped, the one step
// that may still be refused; then, what cannot fail, topic filters, log levels and retention
// follow.
#include "process/reload.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "process/backends.hpp"
#include "process/notify.hpp"

namespace telemetry {
namespace {

constexpr std::string_view component = "reload";

bool same_session(const MqttOptions& a, const MqttOptions& b) {
  return a.broker == b.broker && a.port == b.port && a.client_id == b.client_id;
}

}  // namespace

Reloader::Reloader(Config started, Load load)
    : started_(std::move(started)), in_force_(started_), load_(std::move(load)) {}

Reloader::~Reloader() = default;

void Reloader::request() {
  const std::scoped_lock lock(mutex_);
  by_request_ = true;
  wake();
}

void Reloader::wake() {
  requested_ = true;
  ++requests_;
  wake_.notify_all();
}

Result<std::string> Reloader::reload_now() {
  std::unique_lock lock(mutex_);
  wake();
  done_changed_.wait(lock, thread_.get_stop_token(),
                     [this, wanted = requests_] { return done_ >= wanted; });
  if (thread_.get_stop_token().stop_requested()) {
    return Error{Errc::cancelled, "the program stops"};
  }
  return outcome_;
}

void Reloader::set_ready() {
  const std::scoped_lock lock(mutex_);
  ready_ = true;
}

void Reloader::attach(Reloaded target) {
  thread_ = std::jthread([this, target = std::move(target)](const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (wake_.wait(lock, stop, [this] { return requested_; }) && !stop.stop_requested()) {
      requested_ = false;
      const bool by_request = std::exchange(by_request_, false);
      const bool tell = ready_;
      const std::uint64_t requests = requests_;
      lock.unlock();
      if (tell) notify_reloading();
      auto outcome = reload(target);
      if (tell) notify_service_manager("READY=1");
      if (by_request && target.on_requested) target.on_requested(outcome);
      lock.lock();
      outcome_ = std::move(outcome);
      done_ = requests;
      done_changed_.notify_all();
    }
  });
}

Result<std::string> Reloader::reload(const Reloaded& target) {
  const Log& log = target.log.log();
  std::vector<Diagnostic> diagnostics;
  std::vector<std::string> later;
  auto config = apply(target, diagnostics, later);
  for (const Diagnostic& d : diagnostics) {
    const bool is_error = d.severity == Diagnostic::Severity::error;
    log(is_error ? LogLevel::error : LogLevel::warn, component, to_string(d));
  }
  if (!config) {
    Error refused = std::move(config).error();
    refused.context = "refused, everything stays as it was: " + to_string(refused);
    log(LogLevel::error, component, refused.context);
    target.pipeline.note_reload(false);
    refused.diagnostics = std::move(diagnostics);
    return refused;
  }
  std::string done = say_done(target, *config, later);
  in_force_ = *std::move(config);
  target.pipeline.note_reload(true);
  return done;
}

Result<Config> Reloader::apply(const Reloaded& target, std::vector<Diagnostic>& diagnostics,
                               std::vector<std::string>& later) {
  auto config = load_(diagnostics);
  if (!config) return config;
  auto brokers = mqtt_options_from(*config, target.app);
  if (!brokers) return std::move(brokers).error();
  if (auto sinks = make_sinks(*config, system_environment()); !sinks) return sinks.error();
  auto options = pipeline_options(*config);
  if (!options) return std::move(options).error();
  auto retention = retention_options_from(*config);
  if (!retention) return std::move(retention).error();
  std::function<void()> follow_front_end;
  if (target.front_end) {
    auto read = target.front_end(*config);
    if (!read) {
      diagnostics.insert(diagnostics.end(), read.error().diagnostics.begin(),
                         read.error().diagnostics.end());
      return read.error();
    }
    follow_front_end = *std::move(read);
  }
  auto schemas =
      target.pipeline.reload_schemas(options->schema_path, options->schema_path_optional);
  if (!schemas) {
    diagnostics.insert(diagnostics.end(), schemas.error().diagnostics.begin(),
                       schemas.error().diagnostics.end());
    return std::move(schemas).error();
  }
  auto waiting = follow_topics(target, *brokers);
  if (!waiting) return std::move(waiting).error();
  if (follow_front_end) follow_front_end();
  target.log.set_levels(*config);
  target.pipeline.set_retention(*std::move(retention));
  for (const Config::Change& change : started_.changes_in(*config)) {
    const bool waits = std::ranges::find(*waiting, change.key) != waiting->end();
    if (!change.reloadable || waits) later.push_back(change.key);
  }
  return config;
}

/// @returns the keys of topics that must wait.
Result<std::vector<std::string>> Reloader::follow_topics(const Reloaded& target,
                                                         const std::vector<MqttOptions>& brokers) {
  std::vector<std::string> waiting;
  for (std::size_t i = 0; i < brokers.size(); ++i) {
    const auto running = std::ranges::find_if(target.sources, [&](const RunningSource& source) {
      return same_session(source.options, brokers[i]);
    });
    // Filters belong to the broker and the session that are named beside them.
    if (running == target.sources.end()) {
      for (const char* key : {"topics", "retained"}) {
        waiting.push_back(i == 0 ? fmt::format("mqtt.{}", key)
                                 : fmt::format("mqtt[{}].{}", i, key));
      }
    } else if (auto set = running->source->set_topics(brokers[i].topics); !set) {
      return std::move(set).error();
    }
  }
  return waiting;
}

std::string Reloader::say_done(const Reloaded& target, const Config& config,
                               const std::vector<std::string>& later) const {
  std::vector<std::string> now;
  for (const Config::Change& change : in_force_.changes_in(config)) {
    if (change.reloadable && std::ranges::find(later, change.key) == later.end()) {
      now.push_back(change.key);
    }
  }
  const Log& log = target.log.log();
  const std::size_t schemas = target.pipeline.ingest().schemas()->all().size();
  std::string done = fmt::format(
      "done: {} schema{} in force; {}", schemas, schemas == 1 ? "" : "s",
      now.empty() ? "no other setting changed" : fmt::format("changed: {}", fmt::join(now, ", ")));
  log(LogLevel::info, component, done);
  if (later.empty()) return done;
  const std::string waits =
      fmt::format("takes effect at the next start: {}", fmt::join(later, ", "));
  log(LogLevel::warn, component, waits);
  return done + "; " + waits;
}

}  // namespace telemetry
