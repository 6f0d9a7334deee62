// SPDX-License-Identifier: Apache-2.0
// End to end: a publisher here, the broker, then what telemetry-edge is made of, in a temporary
// folder. Two parts: as fast as it goes, then at half that rate with the time until each message
// can be queried.
//
// The topic begins with '$', so that no subscriber of `#` gets these messages: a telemetry-edge at
// work on this broker stores none of them. Unless the user allows more, so few are under way that
// mosquitto's default queue of 1000 for us does not overflow, acknowledgements that it has not read
// yet included: its drops would be missing here, and an alarm for every logger on this broker.
//
// One connection publishes, the broker keeps the order, one source reads: the journal numbers
// messages in the order of publication. That ties a row to the time of its publication without
// asking anything of the user's schemas. check_all() verifies it.
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <functional>
#include <mutex>
#include <thread>

#include "bench.hpp"

namespace telemetry::command_line::bench {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::int64_t ns_per_s = 1'000'000'000;
constexpr std::int64_t answer_ns =
    5 * ns_per_s;  // of the broker, for a connection, a first message
constexpr std::int64_t silence_ns = 15 * ns_per_s;  // without one more row: it will not come
constexpr std::int64_t poll_ns = 5'000'000;
constexpr int burst_messages = 50;  // beyond it: not one look at the counters a message
constexpr std::uint64_t messages_max = 400'000;
constexpr std::uint64_t payload_bytes_max = 96ull * 1024 * 1024;

double clock_s(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

/// Keeps the last line that was logged: why a broker does not answer is only there.
class LastLine {
 public:
  [[nodiscard]] Log log() {
    return Log(
        [this](LogLevel, std::string_view, std::string_view message) {
          const std::scoped_lock lock(mutex_);
          line_ = message;
        },
        LogLevel::warn);
  }
  [[nodiscard]] std::string get() const {
    const std::scoped_lock lock(mutex_);
    std::string line = line_;
    const std::size_t retry = line.find("; next try in");  // there is none here
    if (retry != std::string::npos) line.erase(retry, line.find(" (", retry) - retry);
    return line;
  }

 private:
  mutable std::mutex mutex_;
  std::string line_;
};

/// The user's schemas, each for the same topics below `prefix`.
Result<void> write_schemas(const Samples& samples, const std::string& prefix,
                           const std::string& folder, FileSystem& files) {
  if (auto made = files.create_folder(folder); !made) return made;
  constexpr std::string_view key = R"("topic_pattern":")";
  for (std::size_t i = 0; i < samples.all.size(); ++i) {
    std::string document = samples.all[i].schema->document();
    document.insert(document.find(key) + key.size(), prefix);
    std::ofstream out(fmt::format("{}/{}.json", folder, i), std::ios::binary);
    if (!(out << document).flush()) {
      return Error{Errc::unavailable, folder + ": a schema cannot be written; is the disk full?"};
    }
  }
  return {};
}

class EndToEnd {
 public:
  EndToEnd(const Run& run, MqttOptions broker, const std::string& folder,
           const std::string& database_folder)
      : run_(run),
        environment_(run.environment),
        mqtt_(std::move(broker)),
        folder_(folder),
        address_(fmt::format("{}:{}", mqtt_.broker, mqtt_.port)) {
    environment_.log = last_line_.log();
    std::array<std::uint8_t, 8> random;
    environment_.random(random);
    for (const std::uint8_t byte : random) id_ += fmt::format("{:02x}", byte);
    prefix_ = fmt::format("$telemetry-bench/{}/", id_);
    sqlite_ = run.sqlite;
    sqlite_.path = database_folder + "/bench.db";
    SqliteOptions reader = sqlite_;
    reader.read_only = true;
    reader_ = make_sqlite_store(reader, environment_);
  }

  ~EndToEnd() {
    if (pipeline_ != nullptr) pipeline_->stop();
  }
  EndToEnd(const EndToEnd&) = delete;
  EndToEnd& operator=(const EndToEnd&) = delete;

  [[nodiscard]] const std::string& address() const { return address_; }

  /// Errors: unavailable  the broker does not answer, or lets nothing through.
  Result<void> connect() {
    MqttOptions options = mqtt_;
    options.client_id = "telemetry-bench";
    options.in_flight_max = run_.in_flight_max;
    auto publisher = MqttPublisher::connect(options, environment_, [this](std::uint64_t) {
      publisher_cpu_s_.store(clock_s(CLOCK_THREAD_CPUTIME_ID), std::memory_order_relaxed);
    });
    if (!publisher) return publisher.error();
    publisher_ = *std::move(publisher);
    auto connected = wait([this] { return publisher_->is_connected(); }, answer_ns);
    if (!connected) return explain(connected.error(), "the broker does not answer");
    if (auto made = make_pipeline(); !made) return made;
    auto subscribed =
        wait([this] { return pipeline_->stats().sources.subscriptions > 0; }, answer_ns);
    if (!subscribed) return explain(subscribed.error(), "nothing can be subscribed to");
    if (auto published = publish(); !published) return published;
    auto arrived = wait([this] { return stored() == published_; }, answer_ns);
    if (!arrived) {
      return explain(arrived.error(),
                     fmt::format("a message to {}# did not come back; may this user publish and "
                                 "subscribe there?",
                                 prefix_));
    }
    first_id_ = pipeline_->stats().journal.last_sequence;
    return {};
  }

  /// As fast as it goes, for a time and until all is stored.
  Result<void> measure_rate(std::int64_t budget_ns, BrokerFigures& figures) {
    const std::uint64_t before = published_;
    const double cpu_before = pipeline_cpu_s();
    const std::int64_t began = run_.now();
    const std::int64_t until = began + budget_ns;
    while (has_more(2) && run_.now() < until) {  // the other half is for the latency
      if (auto room = wait_for_room(); !room) return room;
      for (int i = 0; i < burst_messages; ++i) {
        if (auto published = publish(); !published) return published;
      }
    }
    if (auto all = wait_for_rows(); !all) return all;
    const double seconds = static_cast<double>(run_.now() - began) / 1e9;
    const auto messages = static_cast<double>(published_ - before);
    figures.messages_per_s = messages / seconds;
    figures.cpu_per_100000_messages_s = (pipeline_cpu_s() - cpu_before) / messages * 1e5;
    return {};
  }

  /// At a steady rate, with a reader beside it.
  Result<void> measure_latency(std::int64_t budget_ns, BrokerFigures& figures) {
    figures.latency_messages_per_s = figures.messages_per_s / 2;
    std::vector<double> latencies_ms;
    std::uint64_t seen = published_;
    const std::uint64_t before = published_;
    const std::int64_t began = run_.now();
    std::int64_t polled = began, progress = began;
    while (true) {
      const std::int64_t now = run_.now();
      if (auto go = check_stop(run_); !go) return go;
      const bool publishing = now < began + budget_ns && has_more();
      const double due = static_cast<double>(now - began) / 1e9 * figures.latency_messages_per_s;
      while (publishing && published_ - before < static_cast<std::uint64_t>(due) && has_room()) {
        if (auto published = publish(); !published) return published;
      }
      if (now - polled >= poll_ns) {
        const auto found = queryable();
        if (!found) return found.error();
        polled = run_.now();
        if (*found > seen) progress = polled;
        for (; seen < *found; ++seen) {
          latencies_ms.push_back(static_cast<double>(polled - published_at_[seen]) / 1e6);
        }
        if (!publishing && seen == published_) break;
        if (polled - progress > silence_ns) return missing();
      }
      std::this_thread::sleep_for(microseconds(500));
    }
    if (latencies_ms.empty()) return Error{Errc::internal, "no message was timed"};
    figures.latency_p50_ms = percentile(latencies_ms, 0.5);
    figures.latency_p99_ms = percentile(latencies_ms, 0.99);
    return {};
  }

  /// Every message is one row, in the order of publication, and the broker has dropped nothing.
  Result<void> check_all(BrokerFigures& figures) {
    publisher_.reset();
    pipeline_->stop();
    std::uint64_t rows = 0;
    bool in_order = true;
    Query query;
    query.topics = {prefix_ + "#"};
    auto queried = reader_->query(query, [&](const Row& row) {
      ++rows;
      const std::uint64_t message = row.id - first_id_;
      in_order = in_order && message < published_ && row.topic == topic(message);
      return in_order && !run_.stop.load();
    });
    if (!queried) return queried.error();
    if (auto go = check_stop(run_); !go) return go;
    if (!in_order) return Error{Errc::data_loss, "rows are not in the order of publication"};
    if (rows != published_) return missing();
    figures.messages = rows;
    return {};
  }

 private:
  Result<void> make_pipeline() {
    PipelineOptions options = run_.pipeline;
    options.journal.path = folder_ + "/journal";
    options.dead_letters.path.clear();
    options.schema_path = folder_ + "/schemas";
    options.validation_functions = ValidationFunctions::not_called();
    options.ingest.window = std::max<std::uint32_t>(options.ingest.window, mqtt_.receive_maximum);
    auto written = write_schemas(run_.samples, prefix_, options.schema_path, environment_.files);
    if (!written) return written;
    MqttOptions subscriber = mqtt_;
    subscriber.client_id = "telemetry-bench-" + id_;
    subscriber.persistent_session = false;
    subscriber.session_file.clear();
    subscriber.broker_file.clear();
    subscriber.topics = {{prefix_ + "#", 1}};
    auto pipeline = PipelineBuilder(std::move(options))
                        .environment(environment_)
                        .source(make_mqtt_source(subscriber, environment_))
                        .sink(make_sqlite_store(sqlite_, environment_))
                        .start();
    if (!pipeline) return pipeline.error();
    pipeline_ = *std::move(pipeline);
    return {};
  }

  [[nodiscard]] std::string topic(std::uint64_t message) const {
    return prefix_ + run_.samples.topic(message);
  }

  /// @param parts of the messages that a run may send: is the first of so many not used up?
  [[nodiscard]] bool has_more(std::uint64_t parts = 1) const {
    return published_ * parts < messages_max && payload_bytes_ * parts < payload_bytes_max;
  }

  Result<void> publish() {
    run_.samples.write(published_, environment_.clock.now(), payload_);
    published_at_.push_back(run_.now());
    auto published = publisher_->publish(topic(published_), payload_, 1, false);
    if (!published) {
      return explain(published.error(), "the broker takes no more");
    }
    ++published_;
    payload_bytes_ += payload_.size();
    return {};
  }

  /// Rows written and committed.
  [[nodiscard]] std::uint64_t stored() const { return pipeline_->stats().consumers[0].accepted; }

  /// Messages that a query finds.
  [[nodiscard]] Result<std::uint64_t> queryable() {
    std::uint64_t newest = first_id_;
    Latest all;
    all.topics = {prefix_ + "#"};
    auto asked = reader_->latest(all, [&](const Row& row) {
      newest = std::max(newest, row.id);
      return true;
    });
    if (!asked) return asked.error();
    return newest - first_id_ + 1;
  }

  Result<void> wait(const std::function<bool()>& done, std::int64_t timeout_ns) {
    const std::int64_t until = run_.now() + timeout_ns;
    while (!done()) {
      if (auto go = check_stop(run_); !go) return go;
      if (run_.now() >= until) return Error{Errc::unavailable, ""};
      std::this_thread::sleep_for(milliseconds(2));
    }
    return {};
  }

  [[nodiscard]] bool has_room() const {
    return published_ - pipeline_->ingest().stats().received + burst_messages <= run_.in_flight_max;
  }

  Result<void> wait_for_room() {
    auto room = wait([this] { return has_room(); }, silence_ns);
    if (!room && room.error().code != Errc::cancelled) return missing();
    return room;
  }

  Result<void> wait_for_rows() {
    std::uint64_t rows = stored();
    while (rows < published_) {
      auto more = wait([&] { return stored() > rows; }, silence_ns);
      if (!more) return more.error().code == Errc::cancelled ? more.error() : missing();
      rows = stored();
    }
    return {};
  }

  // A signal stays what it is. What was logged last says why, mostly, and the remedy.
  [[nodiscard]] Error explain(const Error& error, const std::string& what) const {
    if (error.code == Errc::cancelled) return error;
    const std::string why = last_line_.get();
    return {error.code, fmt::format("{}: {}{}{}", address_, what, why.empty() ? "" : ": ", why)};
  }

  [[nodiscard]] Error missing() const {
    const PipelineStats stats = pipeline_->stats();
    std::string why = fmt::format("{} of {} messages arrived, {} were stored",
                                  stats.ingest.received, published_, stored());
    if (stats.sources.dropped_by_broker > 0) {
      why += fmt::format(
          "; the broker has dropped {} messages from its queues: set "
          "max_queued_messages 0 in its configuration",
          stats.sources.dropped_by_broker);
    } else if (stats.ingest.received < published_) {
      why += "; look at the broker's log, and set max_queued_messages 0 in its configuration";
    }
    return {Errc::data_loss, fmt::format("{}: {}", address_, why)};
  }

  // Of source, door, journal and store: what the process used, without the two that publish.
  [[nodiscard]] double pipeline_cpu_s() const {
    return clock_s(CLOCK_PROCESS_CPUTIME_ID) - clock_s(CLOCK_THREAD_CPUTIME_ID) -
           publisher_cpu_s_.load(std::memory_order_relaxed);
  }

  const Run& run_;
  LastLine last_line_;
  Environment environment_;
  MqttOptions mqtt_;
  SqliteOptions sqlite_;
  std::string folder_, address_, id_, prefix_, payload_;
  std::atomic<double> publisher_cpu_s_{0};
  std::unique_ptr<MqttPublisher> publisher_;
  std::unique_ptr<Pipeline> pipeline_;
  std::unique_ptr<Store> reader_;
  std::uint64_t published_ = 0, payload_bytes_ = 0;
  std::uint64_t first_id_ = 0;              // of the first message's row
  std::vector<std::int64_t> published_at_;  // monotonic ns, by message
};

}  // namespace

Result<BrokerFigures> measure_broker(const Run& run, const MqttOptions& broker, bool explicitly,
                                     const std::string& folder, const std::string& database_folder,
                                     std::int64_t budget_ns) {
  BrokerFigures figures;
  EndToEnd end_to_end(run, broker, folder, database_folder);
  figures.broker = end_to_end.address();
  if (auto connected = end_to_end.connect(); !connected) {
    if (connected.error().code != Errc::unavailable || explicitly) return connected.error();
    figures.skipped = connected.error().context;
    return figures;
  }
  if (auto done = end_to_end.measure_rate(budget_ns * 6 / 10, figures); !done) return done.error();
  if (auto done = end_to_end.measure_latency(budget_ns * 3 / 10, figures); !done) {
    return done.error();
  }
  if (auto done = end_to_end.check_all(figures); !done) return done.error();
  return figures;
}

}  // namespace telemetry::command_line::bench
