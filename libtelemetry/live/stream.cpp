// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "consumer/journal_batches.hpp"
#include "live/state.hpp"
#include "telemetry/export.hpp"
#include "telemetry/ingest.hpp"

namespace telemetry {
namespace {

constexpr JournalBatches::Limits replay_limits{1'000, 1024 * 1024};
constexpr std::size_t kept_events = 256;
constexpr std::size_t frames_per_next = 10'000;
constexpr std::size_t work_per_next = 1024 * 1024;  // bytes looked at

}  // namespace

struct LiveStream::State {
  State(std::shared_ptr<LiveHub::State> the_hub, Journal& the_journal, Environment the_environment,
        LiveOptions the_options)
      : hub(std::move(the_hub)),
        journal(the_journal),
        environment(std::move(the_environment)),
        options(std::move(the_options)),
        mailbox(options.messages_max, options.bytes_max) {}

  /// Without a place to go on from: with what comes next.
  void join_now() {
    do {
      at = hub->position.load();
    } while (!hub->join(mailbox, options.selection, key, at));
    joined = true;
  }

  Result<Next> replay(std::vector<LiveEvent>& out);
  Result<void> find_deletions();
  [[nodiscard]] bool is_deleted(const Row& row) const;
  Next decide(std::vector<LiveEvent>& out);
  Next take(std::vector<LiveEvent>& out);

  const std::shared_ptr<LiveHub::State> hub;
  Journal& journal;
  const Environment environment;
  const LiveOptions options;
  const std::string key = key_of(options.selection);
  const std::size_t comparisons = comparisons_in(options.selection);
  LiveMailbox mailbox;
  std::uint64_t at = 0;  // everything up to here was considered; 0 = unknown
  std::unique_ptr<JournalBatches> behind;
  // Messages that their deletion follows are not replayed.
  std::unique_ptr<Journal::Reader> ahead;  // looks for deletions
  std::vector<Deletion> deletions;
  // Taken from the mailbox, with messages that were not asked yet.
  std::vector<LiveEvent> pending;
  std::vector<LiveMessagePtr> undecided;
  std::size_t next_pending = 0, next_undecided = 0;
  bool reset = false;  // to be said
  bool joined = false;
  bool ended = false;
  const Seal seal{journal.id()};
  Row row;
};

LiveStream::LiveStream(const LiveHub& hub, Journal& journal, Environment environment,
                       LiveOptions options)
    : state_(std::make_unique<State>(hub.state_, journal, std::move(environment),
                                     std::move(options))) {
  const auto& resume = state_->options.resume;
  // A journal that was put back from a copy may end before the place.
  state_->reset =
      resume && (resume->journal != journal.id() || resume->sequence > journal.durable_end());
  if (!resume || state_->reset) {
    state_->join_now();
    return;
  }
  state_->at = resume->sequence;
  state_->behind = std::make_unique<JournalBatches>(journal, state_->environment);
  state_->ahead = journal.read_from(resume->sequence);
}

LiveStream::~LiveStream() {
  if (state_->joined) state_->hub->leave(state_->mailbox, state_->key);
}

void LiveStream::on_ready(std::function<void()> wake) {
  const std::scoped_lock lock(state_->mailbox.mutex);
  state_->mailbox.wake = std::move(wake);
}

bool LiveStream::blocks() const noexcept { return !state_->joined || !state_->pending.empty(); }

std::optional<Position> LiveStream::position() const {
  if (state_->at == 0) return std::nullopt;
  return Position{state_->journal.id(), state_->at};
}

Result<LiveStream::Next> LiveStream::next(std::vector<LiveEvent>& out) {
  if (state_->ended) return Next::end;
  if (std::exchange(state_->reset, false)) {
    out.push_back({.kind = LiveEvent::Kind::reset});
    return Next::more;
  }
  if (!state_->joined) return state_->replay(out);
  return state_->pending.empty() ? state_->take(out) : state_->decide(out);
}

/// What was deleted does not come back: so deletions are looked for before the messages that they
/// follow. One that is put into the journal meanwhile finds the stream on its way.
Result<void> LiveStream::State::find_deletions() {
  for (std::size_t i = 0; i < frames_per_next; ++i) {
    const auto frame = ahead->next();
    if (!frame) return frame.error();
    if (!frame->has_value()) {
      ahead.reset();
      return {};
    }
    if ((*frame)->header.kind != core::FrameKind::tombstone) continue;
    // One that is not understood is passed over, as by the stores.
    if (auto deletion = read_deletion(**frame)) deletions.push_back(*std::move(deletion));
  }
  return {};
}

bool LiveStream::State::is_deleted(const Row& of) const {
  return std::ranges::any_of(deletions, [&](const Deletion& deletion) {
    return of.id < deletion.sequence &&
           deletion.covers(of.topic, of.device, of.raw_kind == Row::RawKind::none ? of.schema : "",
                           of.time);
  });
}

/// The journal's end moves, so that the hub is asked again: it lets in only who has all that it
/// gave out before.
Result<LiveStream::Next> LiveStream::State::replay(std::vector<LiveEvent>& out) {
  if (ahead) {
    if (auto looked = find_deletions(); !looked) return std::move(looked).error();
    return Next::more;
  }
  auto batch = behind->next(at, replay_limits);
  if (!batch) return std::move(batch).error();
  if (*batch == nullptr) {
    joined = hub->join(mailbox, options.selection, key, at);
    if (joined) {
      behind.reset();
      deletions = {};
    }
    return Next::more;
  }
  if ((*batch)->lost > 0) out.push_back(gap_in(**batch));
  for (const Reading& reading : (*batch)->readings) {
    if (is_dead(reading.verdict)) continue;
    fill_row(reading, row);
    if (is_deleted(row) || !is_selected(options.selection, row)) continue;
    out.push_back({.record = record_of(row, seal), .sequence = reading.id});
  }
  at = (*batch)->last;
  return Next::more;
}

/// Asks what the hub has left to this stream, some of it at one time.
LiveStream::Next LiveStream::State::decide(std::vector<LiveEvent>& out) {
  for (std::size_t work = 0; next_pending < pending.size() && work < work_per_next;) {
    LiveEvent& event = pending[next_pending++];
    at = event.sequence;
    if (event.kind == LiveEvent::Kind::message && !event.record) {
      const LiveMessage& message = *undecided[next_undecided++];
      work += work_of(key.size(), comparisons, message.row);
      if (!is_selected(options.selection, message.row)) continue;
      event.record = message.record(seal);
    }
    out.push_back(std::move(event));
  }
  if (next_pending == pending.size()) {
    pending = {};
    undecided = {};
    next_pending = next_undecided = 0;
  }
  return Next::more;
}

LiveStream::Next LiveStream::State::take(std::vector<LiveEvent>& out) {
  const std::uint64_t given = hub->position.load();
  const std::scoped_lock lock(mailbox.mutex);
  if (mailbox.queue.empty() && mailbox.left_out > 0) {
    out.push_back({.kind = LiveEvent::Kind::overflow, .left_out = mailbox.left_out});
    ended = true;
    return Next::end;
  }
  if (mailbox.queue.empty()) {
    at = std::max(at, given);
    mailbox.armed = true;
    // Who waits holds no memory of what he was sent.
    if (out.capacity() > kept_events) out = {};
    if (mailbox.queue.capacity() > kept_events) mailbox.queue = {};
    return Next::later;
  }
  if (!mailbox.undecided.empty()) {
    pending.swap(mailbox.queue);
    undecided.swap(mailbox.undecided);
    mailbox.bytes = 0;
    return Next::more;
  }
  at = mailbox.queue.back().sequence;
  if (out.empty()) {
    out.swap(mailbox.queue);
  } else {
    for (LiveEvent& event : mailbox.queue) out.push_back(std::move(event));
  }
  mailbox.queue.clear();
  mailbox.bytes = 0;
  return Next::more;
}

}  // namespace telemetry
