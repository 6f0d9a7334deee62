// SPDX-License-Identifier: Apache-2.0
#include "telemetry/pipeline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <ctime>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "pipeline/process_memory.hpp"
#include "pipeline/retainer.hpp"

/// Sources, door, journal and consumers, and the threads they run on: one per source, one per
/// consumer, one that says `ready` and trims the journal, one for retention, which may wait long.
///
/// Start: a new journal must number its messages above all that a store holds whose row ids are
/// journal sequences, for such a store skips ids that it knows. One that is away for now cannot say
/// what it holds; then a journal that does not exist yet begins at a number made from the
/// clock, which no earlier one can have reached (2^20 messages for each second since 2020). A
/// journal that exists goes on where it ended. What this leaves open: an old copy of the journal is
/// put back while a store is away at start: the store takes what comes until it is back for known.
/// Otherwise sinks are opened by their consumers, and none delays the start.
///
/// Stop, in order: the sources commit, acknowledge and end; the stores write what is durable, for
/// at most `drain_ns`, then the dead letters do; what is left stays in the journal.
namespace telemetry {
namespace {

constexpr std::string_view pipeline_component = "pipeline";
constexpr std::int64_t year_2020_s = 1'577'836'800;
constexpr int sequence_bits_per_second = 20;
constexpr std::chrono::nanoseconds ready_poll_min = std::chrono::milliseconds(10);
constexpr std::chrono::nanoseconds deletion_poll_min = std::chrono::milliseconds(2);
constexpr std::chrono::nanoseconds deletion_poll_max = std::chrono::milliseconds(250);
constexpr std::chrono::nanoseconds trim_interval = std::chrono::seconds(1);

/// What the sinks say before the journal is opened.
struct Floor {
  std::uint64_t sequence = 0;
  bool all_known = true;
};

class WiredPipeline final : public Pipeline {
 public:
  WiredPipeline(const PipelineOptions& options, Environment environment)
      : options_(options),
        environment_(std::move(environment)),
        feed_(options.feed_bytes_max),
        started_at_(environment_.clock.monotonic()) {}
  ~WiredPipeline() override { stop(); }

  [[nodiscard]] Result<void> wire(std::vector<std::unique_ptr<Source>> sources,
                                  std::vector<std::shared_ptr<Sink>> sinks,
                                  IngestCallbacks callbacks, OnRetained on_retained);
  [[nodiscard]] Result<void> start(std::function<void()> on_ready) override;
  void stop() override;
  void request_stop() noexcept override { end({}); }
  [[nodiscard]] Result<void> wait() override;
  [[nodiscard]] PipelineStats stats() const override;
  [[nodiscard]] Api& api() noexcept override { return *api_; }
  [[nodiscard]] Ingest& ingest() noexcept override { return *ingest_; }
  [[nodiscard]] DeadLetterSink* dead_letters() noexcept override { return dead_letters_; }
  [[nodiscard]] Result<void> reload_schemas(const std::string& schema_path,
                                            bool schema_path_optional) override;
  [[nodiscard]] Result<DeletionReport> erase(const Principal& principal, const Deletion& deletion,
                                             const DeletionProgress& progress) override;
  [[nodiscard]] Result<RetentionReport> retain(const DeletionProgress& progress) override {
    return retainer_->retain(progress);
  }
  void set_retention(RetentionOptions options) override { retainer_->set(std::move(options)); }
  void note_reload(bool done) noexcept override { ++(done ? reloads_ : reloads_refused_); }

 private:
  [[nodiscard]] Result<std::shared_ptr<const SchemaSet>> load_schemas(const std::string& path,
                                                                      bool optional);
  [[nodiscard]] Result<Floor> ask_sinks(const std::vector<std::shared_ptr<Sink>>& sinks);
  [[nodiscard]] std::uint64_t sequence_floor(const Floor& floor);
  void add_consumers(std::vector<std::shared_ptr<Sink>> sinks);
  [[nodiscard]] std::jthread own_thread(std::function<void(const std::stop_token&)> work);
  [[nodiscard]] bool is_own_thread();
  void end(const Result<void>& outcome) noexcept;
  void run_source(Source& source, const std::stop_token& stop);
  void watch(const std::stop_token& stop, const std::function<void()>& on_ready);
  void say_what_stop_waits_for(const ConsumerStats& consumer) const;
  void log(LogLevel level, const std::string& message) const {
    environment_.log(level, pipeline_component, message);
  }

  PipelineOptions options_;
  Environment environment_;
  Feed feed_;
  std::int64_t started_at_;
  std::unique_ptr<Ingest> ingest_;
  std::vector<std::unique_ptr<Source>> sources_;
  DeadLetterSink* dead_letters_ = nullptr;  // owned by its consumer
  std::vector<std::unique_ptr<Consumer>> consumers_;
  std::optional<Api> api_;
  std::optional<Retainer> retainer_;
  std::mutex erase_mutex_;

  std::atomic<std::uint64_t> reloads_{0}, reloads_refused_{0};

  std::mutex stop_mutex_;  // held by the one who stops; others wait for it
  bool stopped_ = false;
  std::vector<std::jthread> source_threads_, consumer_threads_;
  std::jthread watcher_, retention_thread_;
  std::mutex own_mutex_;
  std::set<std::thread::id> own_;  // the threads above

  std::mutex ended_mutex_;
  std::condition_variable ended_changed_;
  std::atomic<std::size_t> sources_running_{0};
  bool ended_ = false;
  Result<void> outcome_;
};

Result<void> WiredPipeline::wire(std::vector<std::unique_ptr<Source>> sources,
                                 std::vector<std::shared_ptr<Sink>> sinks,
                                 IngestCallbacks callbacks, OnRetained on_retained) {
  auto schemas = load_schemas(options_.schema_path, options_.schema_path_optional);
  if (!schemas) return std::move(schemas).error();
  if (!options_.dead_letters.path.empty()) {
    auto dead_letters = make_dead_letter_sink(options_.dead_letters, environment_);
    dead_letters_ = dead_letters.get();
    sinks.push_back(std::move(dead_letters));
  }
  auto floor = ask_sinks(sinks);
  if (!floor) return std::move(floor).error();
  options_.journal.sequence_floor =
      std::max(options_.journal.sequence_floor, sequence_floor(*floor));
  options_.ingest.sources = static_cast<std::uint32_t>(std::max<std::size_t>(sources.size(), 1));
  auto ingest = Ingest::open(options_.ingest, options_.journal, std::move(*schemas), environment_,
                             std::move(callbacks));
  if (!ingest) return std::move(ingest).error();
  ingest_ = std::move(*ingest);
  if (dead_letters_ != nullptr) {
    auto settled = settle_replay(dead_letters_->path(), ingest_->journal(), environment_);
    if (!settled) log(LogLevel::error, to_string(settled.error()));
  }
  ingest_->on_durable([this](const BatchPtr& batch) { feed_.publish(batch); });
  std::shared_ptr<Store> store;
  for (const auto& sink : sinks) {
    if (store == nullptr) store = std::dynamic_pointer_cast<Store>(sink);
  }
  retainer_.emplace(*this, store, options_.retention, environment_, std::move(on_retained));
  api_.emplace(std::move(store), environment_);
  add_consumers(std::move(sinks));
  sources_ = std::move(sources);
  return {};
}

Result<std::shared_ptr<const SchemaSet>> WiredPipeline::load_schemas(const std::string& path,
                                                                     bool optional) {
  std::vector<Diagnostic> diagnostics;
  if (path.empty()) return SchemaSet::make({}, diagnostics);
  auto schemas = SchemaSet::load(path, diagnostics, options_.validation_functions);
  if (!schemas && schemas.error().code == Errc::not_found && optional) {
    log(LogLevel::warn, fmt::format("{}: no schemas there; messages are not checked (schema.path "
                                    "names their folder)",
                                    path));
    return SchemaSet::make({}, diagnostics);
  }
  if (!schemas) {
    Error error = std::move(schemas).error();
    error.diagnostics = std::move(diagnostics);
    return error;
  }
  for (const Diagnostic& warning : diagnostics) log(LogLevel::warn, to_string(warning));
  return schemas;
}

Result<void> WiredPipeline::reload_schemas(const std::string& schema_path,
                                           bool schema_path_optional) {
  auto schemas = load_schemas(schema_path, schema_path_optional);
  if (!schemas) return std::move(schemas).error();
  if (const auto in_force = ingest_->schemas(); in_force != nullptr) {
    std::vector<Diagnostic> diagnostics;
    if (auto fits = check_succession(*in_force, **schemas, diagnostics); !fits) {
      Error error = std::move(fits).error();
      error.diagnostics = std::move(diagnostics);
      return error;
    }
  }
  ingest_->swap_schemas(*std::move(schemas));
  return {};
}

/// One after the other, so that what a store says of its last deletion belongs to this one.
Result<DeletionReport> WiredPipeline::erase(const Principal& principal, const Deletion& deletion,
                                            const DeletionProgress& progress) {
  if (auto checked = api_->check(principal, deletion); !checked) return checked.error();
  auto pause = deletion_poll_min;
  std::unique_lock lock(erase_mutex_, std::try_to_lock);
  for (; !lock.owns_lock(); (void)lock.try_lock()) {
    if (progress && !progress("another deletion")) return Error{Errc::cancelled, "not begun"};
    std::this_thread::sleep_for(deletion_poll_max);
  }
  auto sequence = ingest_->append(deletion);
  if (!sequence) return std::move(sequence).error();
  DeletionReport report{.sequence = *sequence};
  for (const auto& consumer : consumers_) {
    if (dynamic_cast<Store*>(&consumer->sink()) == nullptr) continue;
    ConsumerStats stats = consumer->stats();
    for (; stats.position < *sequence; stats = consumer->stats()) {
      if (progress && !progress(stats.name)) return report;
      std::this_thread::sleep_for(pause);
      pause = std::min(2 * pause, deletion_poll_max);
    }
    if (stats.deletion == *sequence) report.deleted += stats.deleted;
  }
  report.done = true;
  return report;
}

Result<Floor> WiredPipeline::ask_sinks(const std::vector<std::shared_ptr<Sink>>& sinks) {
  Floor floor;
  std::set<std::string> names;
  for (const auto& sink : sinks) {
    const std::string name = sink->name();
    if (auto valid = check_sink_name(name); !valid) return std::move(valid).error();
    if (!names.insert(name).second) {
      return Error{Errc::invalid_argument,
                   fmt::format("two sinks are named {}; each needs a name of its own", name)};
    }
    Result<std::uint64_t> known = std::uint64_t{0};
    try {
      known = sink->sequence_floor();
    } catch (const std::exception& failure) {
      known = Error{Errc::internal, fmt::format("{}: {}", name, failure.what())};
    }
    if (known) {
      floor.sequence = std::max(floor.sequence, *known);
    } else if (is_retryable(known.error().code)) {
      floor.all_known = false;
      log(LogLevel::warn, fmt::format("{} is away: {}; messages wait in the journal", name,
                                      to_string(known.error())));
    } else {
      return std::move(known).error();
    }
  }
  return floor;
}

std::uint64_t WiredPipeline::sequence_floor(const Floor& floor) {
  if (floor.all_known) return floor.sequence;
  auto names = environment_.files.list(options_.journal.path);
  const bool exists = names && std::ranges::any_of(*names, [](const std::string& name) {
                        return name.ends_with(".tlj");
                      });
  if (exists) return floor.sequence;
  const std::int64_t seconds = environment_.clock.now() / 1'000'000'000 - year_2020_s;
  return std::max(floor.sequence, static_cast<std::uint64_t>(std::max<std::int64_t>(seconds, 0))
                                      << sequence_bits_per_second);
}

void WiredPipeline::add_consumers(std::vector<std::shared_ptr<Sink>> sinks) {
  for (auto& sink : sinks) {
    const bool is_dead_letters = sink.get() == dead_letters_;
    OnRejected on_rejected;
    if (dead_letters_ != nullptr && !is_dead_letters) {
      on_rejected = [this](std::span<const Rejected> readings) {
        return dead_letters_->keep(readings);
      };
    }
    consumers_.push_back(std::make_unique<Consumer>(std::move(sink), ingest_->journal(), feed_,
                                                    options_.consumer, environment_,
                                                    std::move(on_rejected)));
  }
}

Result<void> WiredPipeline::start(std::function<void()> on_ready) {
  const std::lock_guard lock(stop_mutex_);
  if (stopped_ || !consumer_threads_.empty() || !source_threads_.empty()) {
    return Error{Errc::failed_precondition, "the pipeline was started before"};
  }
  for (const auto& consumer : consumers_) {
    consumer_threads_.push_back(
        own_thread([drain_ns = options_.drain_ns, &consumer = *consumer](
                       const std::stop_token& stop) { consumer.run(stop, drain_ns); }));
  }
  sources_running_ = sources_.size();
  for (const auto& source : sources_) {
    source_threads_.push_back(own_thread(
        [this, &source = *source](const std::stop_token& stop) { run_source(source, stop); }));
  }
  watcher_ = own_thread([this, on_ready = std::move(on_ready)](const std::stop_token& stop) {
    watch(stop, on_ready);
  });
  retention_thread_ = own_thread([this](const std::stop_token& stop) { retainer_->run(stop); });
  return {};
}

/// A thread that may not wait for itself.
std::jthread WiredPipeline::own_thread(std::function<void(const std::stop_token&)> work) {
  return std::jthread([this, work = std::move(work)](const std::stop_token& stop) {
    {
      const std::lock_guard lock(own_mutex_);
      own_.insert(std::this_thread::get_id());
    }
    work(stop);
  });
}

bool WiredPipeline::is_own_thread() {
  const std::lock_guard lock(own_mutex_);
  return own_.contains(std::this_thread::get_id());
}

void WiredPipeline::end(const Result<void>& outcome) noexcept {
  const std::lock_guard lock(ended_mutex_);
  if (!ended_) outcome_ = outcome;
  ended_ = true;
  ended_changed_.notify_all();
}

void WiredPipeline::run_source(Source& source, const std::stop_token& stop) {
  Result<void> result;
  try {
    const std::unique_ptr<Door> door = ingest_->make_door();
    result = source.run(*door, stop);
  } catch (const std::exception& failure) {
    result = Error{Errc::internal, fmt::format("{}: {}", source.name(), failure.what())};
  }
  if (!result && !stop.stop_requested()) {
    log(LogLevel::error,
        fmt::format("{} ended for good: {}", source.name(), to_string(result.error())));
  }
  if (--sources_running_ == 0 || !result) {
    end(stop.stop_requested() ? Result<void>() : std::move(result));
  }
}

void WiredPipeline::watch(const std::stop_token& stop, const std::function<void()>& on_ready) {
  bool ready = false;
  auto pause = ready_poll_min / 2;  // doubles: a broker may be away for days
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    if (!ready) {
      ready = std::ranges::all_of(sources_, [](const auto& source) { return source->is_ready(); });
      if (ready && on_ready) on_ready();
    } else {
      ingest_->journal().trim();
    }
    pause = ready ? trim_interval : std::min(2 * pause, trim_interval);
    wake.wait_for(lock, stop, pause, [] { return false; });
  }
}

void WiredPipeline::stop() {
  if (is_own_thread()) {
    request_stop();
    return;
  }
  const std::lock_guard lock(stop_mutex_);
  if (stopped_) return;
  stopped_ = true;
  retention_thread_ = {};  // while the stores still do what it waits for
  watcher_ = {};
  for (auto& thread : source_threads_) thread.request_stop();
  source_threads_.clear();  // joins
  // The dead letters last: a store may reject messages until its end.
  for (const bool dead_letters : {false, true}) {
    const auto each = [&](const auto& work) {
      for (std::size_t i = 0; i < consumer_threads_.size(); ++i) {
        if ((&consumers_[i]->sink() == dead_letters_) == dead_letters) {
          work(*consumers_[i], consumer_threads_[i]);
        }
      }
    };
    each([](Consumer&, std::jthread& thread) { thread.request_stop(); });
    each([&](const Consumer& consumer, std::jthread&) {
      say_what_stop_waits_for(consumer.stats());
    });
    each([](Consumer&, std::jthread& thread) { thread.join(); });
  }
  consumer_threads_.clear();
  end({});
}

/// A store that works is done in no time, as a rule.
void WiredPipeline::say_what_stop_waits_for(const ConsumerStats& consumer) const {
  if (!consumer.failing) return;
  log(LogLevel::warn,
      fmt::format(
          "stopping: waits up to {:g} s, and for an attempt that has begun, for {}, which lacks {} "
          "messages and is failing ({}); "
          "what it does not take is kept in the journal",
          static_cast<double>(options_.drain_ns) / 1e9, consumer.name, consumer.lag,
          consumer.last_error));
}

Result<void> WiredPipeline::wait() {
  std::unique_lock lock(ended_mutex_);
  ended_changed_.wait(lock, [this] { return ended_; });
  return outcome_;
}

PipelineStats WiredPipeline::stats() const {
  PipelineStats stats;
  stats.ingest = ingest_->stats();
  stats.journal = ingest_->journal().stats();
  if (dead_letters_ != nullptr) stats.dead_letters = dead_letters_->stats();
  for (const auto& consumer : consumers_) stats.consumers.push_back(consumer->stats());
  for (const auto& source : sources_) {
    const SourceStats one = source->stats();
    stats.sources.connects += one.connects;
    stats.sources.disconnects += one.disconnects;
    stats.sources.subscriptions += one.subscriptions;
    stats.sources.dropped_by_broker += one.dropped_by_broker;
    stats.sources_connected += one.connected ? 1 : 0;
  }
  stats.sources.connected = !sources_.empty() && stats.sources_connected == sources_.size();
  stats.messages_open = stats.ingest.messages_open;
  stats.messages_open_max =
      options_.ingest.batch_messages_max * std::max<std::size_t>(sources_.size(), 1);
  stats.journal_bytes_max = options_.journal.size_max_bytes;
  stats.uptime_ns = environment_.clock.monotonic() - started_at_;
  const ProcessMemory memory = process_memory(environment_.files);
  stats.memory_bytes = memory.resident_bytes;
  stats.memory_peak_bytes = memory.peak_bytes;
  stats.processor_ns = std::int64_t{std::clock()} * (1'000'000'000 / CLOCKS_PER_SEC);
  const auto free = environment_.files.free_bytes(options_.journal.path);
  stats.disk_free_bytes = free ? *free : 0;
  stats.queries = api_->durations();
  stats.reloads = reloads_;
  stats.reloads_refused = reloads_refused_;
  return stats;
}

}  // namespace

PipelineBuilder::PipelineBuilder(const std::string& folder) {
  options_.journal.path = folder + "/journal";
  options_.dead_letters.path = folder + "/dead_letters";
  options_.dead_letters.size_max_bytes /= 4;
}

PipelineBuilder::PipelineBuilder(PipelineOptions options) : options_(std::move(options)) {}

PipelineBuilder& PipelineBuilder::environment(Environment environment) {
  environment_.emplace(std::move(environment));
  return *this;
}

PipelineBuilder& PipelineBuilder::schemas(std::string path) {
  options_.schema_path = std::move(path);
  return *this;
}

PipelineBuilder& PipelineBuilder::source(std::unique_ptr<Source> source) {
  sources_.push_back(std::move(source));
  return *this;
}

PipelineBuilder& PipelineBuilder::sink(std::shared_ptr<Sink> sink) {
  sinks_.push_back(std::move(sink));
  return *this;
}

PipelineBuilder& PipelineBuilder::sink(std::string name,
                                       std::function<Result<void>(const Reading&)> take,
                                       SinkTraits traits) {
  return sink(make_function_sink(std::move(name), std::move(take), traits));
}

PipelineBuilder& PipelineBuilder::callbacks(IngestCallbacks callbacks) {
  callbacks_ = std::move(callbacks);
  return *this;
}

PipelineBuilder& PipelineBuilder::on_retained(OnRetained on_retained) {
  on_retained_ = std::move(on_retained);
  return *this;
}

Result<std::unique_ptr<Pipeline>> PipelineBuilder::create() {
  auto pipeline =
      std::make_unique<WiredPipeline>(options_, environment_.value_or(default_environment()));
  if (auto wired = pipeline->wire(std::move(sources_), std::move(sinks_), std::move(callbacks_),
                                  std::move(on_retained_));
      !wired) {
    return std::move(wired).error();
  }
  return std::unique_ptr<Pipeline>(std::move(pipeline));
}

Result<std::unique_ptr<Pipeline>> PipelineBuilder::start(std::function<void()> on_ready) {
  auto pipeline = create();
  if (!pipeline) return pipeline;
  if (auto started = (*pipeline)->start(std::move(on_ready)); !started) {
    return std::move(started).error();
  }
  return pipeline;
}

}  // namespace telemetry
