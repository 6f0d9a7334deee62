// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <utility>

#include "consumer/journal_batches.hpp"
#include "live/state.hpp"
#include "telemetry/export.hpp"

namespace telemetry {
namespace {

constexpr JournalBatches::Limits replay_limits{1'000, 1024 * 1024};
constexpr std::size_t kept_events = 256;

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
    } while (!hub->join(mailbox, options.selection, at));
    joined = true;
  }

  Result<Next> replay(std::vector<LiveEvent>& out);
  Next take(std::vector<LiveEvent>& out);

  const std::shared_ptr<LiveHub::State> hub;
  Journal& journal;
  const Environment environment;
  const LiveOptions options;
  LiveMailbox mailbox;
  std::uint64_t at = 0;  // everything up to here was considered; 0 = unknown
  std::unique_ptr<JournalBatches> behind;
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
}

LiveStream::~LiveStream() {
  if (state_->joined) state_->hub->leave(state_->mailbox, state_->options.selection);
}

void LiveStream::on_ready(std::function<void()> wake) {
  const std::scoped_lock lock(state_->mailbox.mutex);
  state_->mailbox.wake = std::move(wake);
}

bool LiveStream::blocks() const noexcept { return !state_->joined; }

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
  return state_->take(out);
}

/// The journal's end moves, so that the hub is asked again: it lets in only who has all that it
/// gave out before.
Result<LiveStream::Next> LiveStream::State::replay(std::vector<LiveEvent>& out) {
  auto batch = behind->next(at, replay_limits);
  if (!batch) return std::move(batch).error();
  if (*batch == nullptr) {
    joined = hub->join(mailbox, options.selection, at);
    if (joined) behind.reset();
    return Next::more;
  }
  if ((*batch)->lost > 0) out.push_back(gap_in(**batch));
  for (const Reading& reading : (*batch)->readings) {
    if (is_dead(reading.verdict)) continue;
    fill_row(reading, row);
    if (!is_selected(options.selection, row)) continue;
    out.push_back({.record = record_of(row, seal), .sequence = reading.id});
  }
  at = (*batch)->last;
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
