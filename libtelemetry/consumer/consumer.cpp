// SPDX-License-Identifier: Apache-2.0
#include "telemetry/consumer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <iterator>
#include <set>

#include "consumer/journal_batches.hpp"

/// The loop from a cursor to a sink.
///
/// A consumer that has caught up takes the door's batches from the Feed; one that is behind, or
/// that starts, reads the journal until the Feed holds what comes next. What has piled up goes out
/// in one write: at most `batch_rows_max` rows and `batch_bytes_max` bytes, at the latest
/// `batch_age_ns` after the first of them came.
///
/// Invariants: readings are written in journal order; `position` moves only after a write that
/// succeeded; the journal keeps all above `durable`. After any error nothing in memory is believed:
/// the sink is closed, opened again and asked for its position, so that a write whose outcome is
/// unknown (a connection lost during commit) is neither lost nor repeated by a transactional sink.
/// Another goes on after `durable`: at least once.
///
/// The cursor's file: NAME is where a sink without a position goes on; NAME.hint is, of a
/// transactional one, a lower bound of what it holds. With it the journal may let go of consumed
/// segments while the sink is away.
///
/// A position in another journal, or outside what the journal holds, is loss of data: said in the
/// log, counted where the number is known, and the consumer goes on with what there is.
namespace telemetry {
namespace {

constexpr std::string_view consumer_component = "consumer";

std::string text(const JournalId& id) {
  std::string hex;
  for (const std::uint8_t byte : id) hex += fmt::format("{:02x}", byte);
  return hex;
}

/// What a sink takes of a batch, without what lies at or below `after`; shares its memory.
BatchPtr part_of(const BatchPtr& whole, std::uint64_t after, const SinkTraits& traits) {
  const auto is_wanted = [&](const Reading& reading) {
    return reading.id > after &&
           (is_dead(reading.verdict) ? traits.takes_dead : traits.takes_living);
  };
  if (whole->after == after && std::ranges::all_of(whole->readings, is_wanted)) return whole;
  auto part = std::make_shared<Batch>();
  part->after = after;
  part->last = whole->last;
  part->lost = whole->lost;
  part->deletion = whole->deletion;
  std::ranges::copy_if(whole->readings, std::back_inserter(part->readings), is_wanted);
  if (!part->readings.empty()) part->schemas = whole;
  return part;
}

ConsumerOptions options_for(const SinkTraits& traits, ConsumerOptions options) {
  if (traits.batch_rows_max != 0) options.batch_rows_max = traits.batch_rows_max;
  if (traits.batch_bytes_max != 0) options.batch_bytes_max = traits.batch_bytes_max;
  if (traits.batch_age_ns != 0) options.batch_age_ns = traits.batch_age_ns;
  if (traits.flush_idle_ns != 0) options.flush_idle_ns = traits.flush_idle_ns;
  return options;
}

constexpr std::uint32_t rejected_lines_max = 10;  // in the log, per
constexpr std::int64_t rejected_lines_interval_ns = 10'000'000'000;

/// While it collects, a consumer is woken once for so many messages, not for every batch.
constexpr std::size_t wake_rows = 1'000;

/// Sinks may be anyone's: what they throw ends here.
template <class Work>
auto guarded(const std::string& name, const Work& work) -> decltype(work()) {
  try {
    return work();
  } catch (const std::exception& failure) {
    return Error{Errc::internal, fmt::format("{}: {}", name, failure.what())};
  } catch (...) {
    return Error{Errc::internal, fmt::format("{}: an unknown exception", name)};
  }
}

}  // namespace

struct Consumer::State {
  State(std::shared_ptr<Sink> the_sink, Journal& the_journal, Feed& the_feed,
        ConsumerOptions the_options, Environment the_environment, OnRejected rejected)
      : sink(std::move(the_sink)),
        traits(sink->traits()),
        journal(the_journal),
        feed(the_feed),
        reader(feed.join()),
        options(options_for(traits, the_options)),
        environment(std::move(the_environment)),
        on_rejected(std::move(rejected)),
        rejected_log(environment.clock, rejected_lines_max, rejected_lines_interval_ns),
        name(sink->name()),
        behind(journal, environment),
        newest(journal.durable_end()) {
    stats.name = name;
    claim();
  }

  void claim();
  [[nodiscard]] Result<void> open();
  [[nodiscard]] Result<void> find_position();
  void start_from(const std::optional<Position>& known);
  void run(const std::stop_token& stop, std::int64_t drain_ns);
  [[nodiscard]] Result<bool> gather();
  [[nodiscard]] Result<BatchPtr> next_batch(std::uint64_t after, std::size_t rows,
                                            std::size_t bytes);
  [[nodiscard]] Result<void> write();
  [[nodiscard]] Result<void> reject(std::span<const Rejected> readings);
  [[nodiscard]] Result<void> idle();
  void made_durable(std::uint64_t sequence);
  void keep_cursor(bool at_once);
  /// Where the journal keeps the cursor, or, of a transactional sink, a lower bound of it.
  [[nodiscard]] std::string cursor_name() const {
    return traits.transactional ? name + ".hint" : name;
  }
  /// One that keeps nothing says so: without any cursor the journal would keep all.
  void need_above(std::uint64_t sequence) {
    journal.set_cursor(name, traits.keeps_journal ? sequence : UINT64_MAX);
  }
  void recovered();
  void failed(const Error& error);
  void back_off(const Error& error);
  void lose(std::uint64_t messages);
  void finish();
  [[nodiscard]] bool wait(std::uint64_t after, std::uint64_t messages, std::int64_t timeout_ns);
  [[nodiscard]] bool is_draining() const noexcept { return drain_until != 0; }
  [[nodiscard]] std::int64_t now() { return environment.clock.monotonic(); }
  void log(LogLevel level, const std::string& message) {
    environment.log(level, consumer_component, fmt::format("{}: {}", name, message));
  }

  std::shared_ptr<Sink> sink;
  const SinkTraits traits;
  Journal& journal;
  Feed& feed;
  std::size_t reader;
  ConsumerOptions options;
  Environment environment;
  OnRejected on_rejected;
  RateLimit rejected_log;
  std::string name;
  JournalBatches behind;
  const std::uint64_t newest;  // when it was made

  // Used by the running thread only.
  std::stop_token stop;
  std::int64_t drain_until = 0;
  bool opened = false;
  bool found = false;  // position is known from an earlier open()
  std::uint64_t position = 0;
  std::uint64_t durable = 0;
  std::uint64_t journal_seen = 0;  // the journal holds messages up to here; the feed may not
  std::uint64_t cursor_stored = UINT64_MAX;
  std::int64_t cursor_stored_at = 0;
  std::uint32_t failures = 0;  // in a row
  std::vector<BatchPtr> group;
  std::set<std::uint64_t> rejected_ids;  // of the write that is tried, and kept
  std::mutex pause_mutex;
  std::condition_variable_any pause;

  Histogram write_time;
  mutable std::mutex stats_mutex;
  ConsumerStats stats;
};

Consumer::Consumer(std::shared_ptr<Sink> sink, Journal& journal, Feed& feed,
                   ConsumerOptions options, Environment environment, OnRejected on_rejected)
    : state_(std::make_unique<State>(std::move(sink), journal, feed, options,
                                     std::move(environment), std::move(on_rejected))) {}
Consumer::~Consumer() = default;
Result<void> Consumer::open() { return state_->open(); }
void Consumer::run(std::stop_token stop, std::int64_t drain_ns) { state_->run(stop, drain_ns); }
Sink& Consumer::sink() noexcept { return *state_->sink; }

ConsumerStats Consumer::stats() const {
  const std::lock_guard lock(state_->stats_mutex);
  ConsumerStats stats = state_->stats;
  const std::uint64_t first = state_->journal.first_sequence();
  const std::uint64_t from = std::max(stats.position, first == 0 ? 0 : first - 1);
  const std::uint64_t end = state_->journal.durable_end();
  stats.lag = end > from ? end - from : 0;
  stats.write = state_->write_time.counts();
  return stats;
}

/// Keeps the journal from deleting what the sink may need, before the sink can be asked.
void Consumer::State::claim() {
  const auto kept = journal.load_cursor(cursor_name());
  if (kept && kept->has_value() && (*kept)->journal == journal.id()) {
    need_above((*kept)->sequence);
  } else {
    const bool all = traits.transactional || traits.start == SinkTraits::Start::oldest;
    need_above(all ? 0 : newest);
  }
}

Result<void> Consumer::State::open() {
  if (auto result = guarded(name, [&] { return sink->open(); }); !result) return result;
  if (auto result = find_position(); !result) {
    sink->close();
    return result;
  }
  opened = true;
  return {};
}

Result<void> Consumer::State::find_position() {
  if (traits.transactional) {
    auto own = guarded(name, [&] { return sink->position(journal.id()); });
    if (!own) return std::move(own).error();
    start_from(*own);
  } else if (found) {
    position = durable;
  } else {
    auto cursor = journal.load_cursor(name);
    if (!cursor) return std::move(cursor).error();
    start_from(*cursor);
  }
  found = true;
  durable = position;
  if (traits.transactional) {
    // What is committed may not be durable yet.
    auto flushed = guarded(name, [&] { return sink->flush(); });
    if (!flushed) return std::move(flushed).error();
    durable = std::min(position, *flushed);
  }
  journal_seen = journal.durable_end();
  need_above(durable);
  const std::lock_guard lock(stats_mutex);
  stats.position = position;
  stats.durable = durable;
  return {};
}

void Consumer::State::start_from(const std::optional<Position>& known) {
  const std::uint64_t before_first = journal.first_sequence() - 1;
  const Position at = known.value_or(Position{});
  if (!known.has_value()) {
    const bool all = traits.start == SinkTraits::Start::oldest;
    position = all ? before_first : std::max(newest, before_first);
  } else if (at.journal != journal.id()) {
    log(LogLevel::error,
        fmt::format("is at message {} of journal {}, but this journal is {}: what the other one "
                    "held beyond that is not here; goes on with the oldest message of this one",
                    at.sequence, text(at.journal), text(journal.id())));
    position = before_first;
  } else if (at.sequence > journal.durable_end() && at.sequence > before_first) {
    log(LogLevel::error,
        fmt::format("is at message {}, but the journal ends at {} (an old journal was restored?): "
                    "goes on with the oldest message of the journal",
                    at.sequence, journal.durable_end()));
    position = before_first;
  } else if (at.sequence < before_first) {
    const std::uint64_t lost = before_first - at.sequence;
    log(LogLevel::error,
        fmt::format("is at message {}, but the journal holds nothing before {}: {} messages are "
                    "lost to it (journal.size_max_mb decides how long an outage may last)",
                    at.sequence, before_first + 1, lost));
    position = before_first;
    lose(lost);
  } else {
    position = at.sequence;
  }
}

void Consumer::State::run(const std::stop_token& stop_token, std::int64_t drain_ns) {
  stop = stop_token;
  for (;;) {
    if (stop.stop_requested() && !is_draining()) {
      drain_until = std::max<std::int64_t>(now() + drain_ns, 1);
    }
    if (is_draining()) {
      const bool done = opened && position >= journal.durable_end();
      if (done || now() >= drain_until) break;
    }
    if (!opened) {
      if (auto result = open(); !result) {
        failed(result.error());
        continue;
      }
    }
    auto gathered = gather();
    Result<void> result;
    if (!gathered) {
      result = std::move(gathered).error();
    } else {
      result = *gathered ? write() : idle();
    }
    if (!result) failed(result.error());
  }
  finish();
}

/// Collects what one write may carry. False when nothing came for `flush_idle_ns`, or at stop.
Result<bool> Consumer::State::gather() {
  group.clear();
  std::size_t rows = 0;
  std::size_t bytes = 0;
  std::uint64_t after = position;
  std::int64_t deadline = now() + options.flush_idle_ns;
  while (rows < options.batch_rows_max && bytes < options.batch_bytes_max) {
    auto batch = next_batch(after, options.batch_rows_max - rows, options.batch_bytes_max - bytes);
    if (!batch && group.empty()) return std::move(batch).error();
    if (!batch) break;
    if (*batch != nullptr) {
      const bool deletes = (*batch)->deletion.has_value();
      if (!group.empty() &&
          (deletes || rows + (*batch)->readings.size() > options.batch_rows_max)) {
        break;
      }
      if (group.empty()) deadline = now() + options.batch_age_ns;
      rows += (*batch)->readings.size();  // also those that the sink does not take
      bytes += (*batch)->bytes_held();
      group.push_back(part_of(*batch, after, traits));
      after = group.back()->last;
      if (deletes) break;
      continue;
    }
    const std::int64_t left = deadline - now();
    const std::uint64_t wanted =
        group.empty() ? 1 : std::min(wake_rows, options.batch_rows_max - rows);
    if (left <= 0 || is_draining() || !wait(after, wanted, left)) break;
  }
  return !group.empty();
}

/// The batch that holds what follows this sequence, from memory (it may begin before) or from the
/// journal; null: none yet.
Result<BatchPtr> Consumer::State::next_batch(std::uint64_t after, std::size_t rows,
                                             std::size_t bytes) {
  if (BatchPtr batch = feed.after(reader, after)) {
    behind.rest();
    return batch;
  }
  // What is durable reaches the feed a moment later: the journal is read only for what the feed has
  // let go, or never had.
  if (after >= std::max(journal_seen, feed.last())) return BatchPtr();
  auto batch = behind.next(after, {rows, bytes});
  if (batch && behind.lost() != 0) {
    log(LogLevel::error, fmt::format("{} messages after {} are damaged or gone from the journal",
                                     behind.lost(), after));
    lose(behind.lost());
  }
  if (batch && *batch == nullptr) journal_seen = after;
  return batch;
}

/// Waits for that many messages. False when the consumer was asked to stop meanwhile.
bool Consumer::State::wait(std::uint64_t after, std::uint64_t messages, std::int64_t timeout_ns) {
  if (feed.last() > after) {
    // The feed went past what it and the journal can give: the journal's end is about to move.
    std::unique_lock lock(pause_mutex);
    pause.wait_for(lock, stop, std::chrono::milliseconds(1), [] { return false; });
  } else {
    feed.wait(after + messages - 1, timeout_ns, stop);
  }
  return !stop.stop_requested();
}

Result<void> Consumer::State::write() {
  const std::int64_t began = now();
  auto report = guarded(name, [&] {
    return sink->write(journal.id(), std::span<const BatchPtr>(group),
                       [this](std::span<const Rejected> readings) { return reject(readings); });
  });
  if (!report) return std::move(report).error();
  write_time.observe(now() - began);
  position = group.back()->last;
  recovered();
  {
    const std::lock_guard lock(stats_mutex);
    stats.accepted += report->accepted;
    stats.rejected += rejected_ids.size();
    ++stats.writes;
    stats.position = position;
    if (const auto& deletion = group.front()->deletion) {
      stats.deletion = deletion->sequence;
      stats.deleted = report->deleted;
    }
  }
  group.clear();
  rejected_ids.clear();
  made_durable(report->durable);
  keep_cursor(false);
  return {};
}

/// The sink has not committed yet, and may have to try again: once is enough.
Result<void> Consumer::State::reject(std::span<const Rejected> readings) {
  std::vector<Rejected> fresh;
  std::ranges::copy_if(readings, std::back_inserter(fresh), [this](const Rejected& rejected) {
    return !rejected_ids.contains(rejected.reading->id);
  });
  if (fresh.empty()) return {};
  if (on_rejected) {
    if (auto kept = on_rejected(fresh); !kept) return kept;
  }
  for (const auto& [reading, reason] : fresh) {
    rejected_ids.insert(reading->id);
    std::uint64_t suppressed = 0;
    if (!rejected_log.allow(suppressed)) continue;
    log(LogLevel::warn,
        fmt::format("refuses message {} on {} for good: {}{}", reading->id, reading->topic, reason,
                    suppressed == 0 ? "" : fmt::format(" ({} more not shown)", suppressed)));
  }
  return {};
}

Result<void> Consumer::State::idle() {
  journal_seen = std::max(journal_seen, journal.durable_end());
  behind.rest();
  auto flushed = guarded(name, [&] { return sink->flush(); });
  if (!flushed) return std::move(flushed).error();
  made_durable(*flushed);
  keep_cursor(false);
  return {};
}

void Consumer::State::made_durable(std::uint64_t sequence) {
  sequence = std::min(sequence, position);
  if (sequence <= durable) return;
  durable = sequence;
  need_above(durable);
  const std::lock_guard lock(stats_mutex);
  stats.durable = durable;
}

void Consumer::State::keep_cursor(bool at_once) {
  if (cursor_stored == durable) return;
  if (traits.transactional && !traits.keeps_journal) return;  // nobody would read it
  if (!at_once && now() - cursor_stored_at < options.cursor_interval_ns) return;
  cursor_stored_at = now();
  if (auto stored = journal.store_cursor(cursor_name(), {journal.id(), durable}); !stored) {
    log(LogLevel::warn, fmt::format("cannot keep its cursor: {}", to_string(stored.error())));
    return;
  }
  cursor_stored = durable;
}

void Consumer::State::recovered() {
  if (failures == 0) return;
  failures = 0;
  log(LogLevel::info, "works again");
  const std::lock_guard lock(stats_mutex);
  stats.failing = false;
}

void Consumer::State::failed(const Error& error) {
  if (opened) sink->close();
  opened = false;
  group.clear();
  behind.rest();
  back_off(error);
}

/// Counts, says and sits out a failure: a wait that doubles up to `retry_max_ns`, half of it
/// random.
void Consumer::State::back_off(const Error& error) {
  {
    const std::lock_guard lock(stats_mutex);
    ++stats.retries;
    stats.failing = true;
    stats.last_error = to_string(error);
  }
  const std::int64_t doubled = options.retry_min_ns << std::min(failures++, 16u);
  std::int64_t delay = std::min(doubled, options.retry_max_ns);
  std::uint8_t random = 0;
  environment.random({&random, 1});
  delay = delay / 2 + delay / 2 * random / 255;
  if (is_draining()) delay = std::min(delay, drain_until - now());
  if (delay <= 0) {
    log(LogLevel::error, to_string(error));
    return;
  }
  log(LogLevel::error,
      fmt::format("{}; retries in {:.1f} s", to_string(error), static_cast<double>(delay) / 1e9));
  std::unique_lock lock(pause_mutex);
  pause.wait_for(lock, is_draining() ? std::stop_token() : stop, std::chrono::nanoseconds(delay),
                 [] { return false; });
}

void Consumer::State::lose(std::uint64_t messages) {
  const std::lock_guard lock(stats_mutex);
  stats.lost += messages;
}

void Consumer::State::finish() {
  if (opened) {
    auto flushed = guarded(name, [&] { return sink->flush(); });
    if (flushed)
      made_durable(*flushed);
    else
      log(LogLevel::warn, fmt::format("the last flush failed: {}", to_string(flushed.error())));
    sink->close();
    opened = false;
  }
  // Also of one that fails just now; one that never was there has no place to keep.
  if (durable > 0) keep_cursor(true);
  const std::uint64_t end = journal.durable_end();
  if (end > position) {
    log(LogLevel::warn,
        fmt::format(
            "stops {} messages before the journal's end; they are written at the next start",
            end - position));
  }
}

}  // namespace telemetry
