// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <map>

#include "dead_letter/letters.hpp"
#include "ingest/patience.hpp"
#include "telemetry/export.hpp"

/// From the dead letters through the door into the main journal, exactly once.
///
/// `handled` says which letters have left, and, before each batch, which ones are under way and
/// above which of the main journal's sequences they will stand there; each bears its reference. A
/// crash leaves a batch of which nothing, a part or everything is in the main journal: settle()
/// looks, at the next start and before each replay. So a letter has left when it is in the main
/// journal, and not before.
///
/// Limits: replay_messages and replay_bytes in memory; 16 bytes for each gap between letters that
/// have left.
namespace telemetry {
namespace {

constexpr std::size_t replay_messages = 2'000;
constexpr std::size_t replay_bytes = 512 * 1024;
constexpr std::int64_t open_timeout_ns = 60'000'000'000;

class Replay {
 public:
  Replay(Ingest& ingest, DeadLetterSink& letters, bool refused, const Environment& environment,
         const ReplayProgress& progress)
      : ingest_(ingest),
        letters_(letters),
        refused_(refused),
        environment_(environment),
        progress_(progress),
        door_(ingest.make_door()) {}

  Result<ReplayReport> run(const LetterSelection& selection);

 private:
  struct Kept {
    core::FrameHeader header;
    std::string topic, payload;
  };
  [[nodiscard]] Result<bool> take(const Letter& letter);
  [[nodiscard]] Result<void> add_batch();
  [[nodiscard]] Result<void> commit(std::vector<Outcome>& outcomes);
  void count(const std::vector<Outcome>& outcomes);
  [[nodiscard]] bool go_on() {
    if (progress_ && !progress_(report_)) report_.stopped = true;
    return !report_.stopped;
  }
  [[nodiscard]] std::string problem_of(const Kept& kept) const;

  Ingest& ingest_;
  DeadLetterSink& letters_;
  const bool refused_;
  const Environment& environment_;
  const ReplayProgress& progress_;
  std::unique_ptr<Door> door_;
  Handled handled_;
  std::vector<Kept> batch_;
  std::size_t bytes_ = 0;
  std::map<std::uint64_t, std::uint64_t> refused_ids_;  // by reference: a crash may keep one twice
  std::vector<std::pair<std::uint64_t, std::uint64_t>> twins_;  // first and second
  ReplayReport report_;
};

/// As it stands, with nothing under way.
Result<Handled> settled(const std::string& path, Journal& main, const Environment& environment) {
  auto handled = Handled::load(environment.files, path);
  if (!handled || !handled->under_way) return handled;
  if (auto done = handled->settle(main); !done) return done.error();
  if (auto stored = handled->store(environment.files, path); !stored) return stored.error();
  return handled;
}

Message message_of(const core::FrameHeader& header, std::string_view topic,
                   std::string_view payload) {
  return {.topic = topic,
          .payload = payload,
          .qos = static_cast<std::uint8_t>(header.flags & core::frame_flag::qos_mask),
          .retained = (header.flags & core::frame_flag::retained) != 0,
          .retained_policy = RetainedPolicy::store,
          .received_at = header.received_at,
          .reference = header.reference,
          .imported = (header.flags & core::frame_flag::imported) != 0,
          .unfolded = (header.flags & core::frame_flag::unfolded) != 0};
}

Result<ReplayReport> Replay::run(const LetterSelection& selection) {
  const auto end = letters_.durable_end(open_timeout_ns);
  if (!end) return end.error();
  auto handled = settled(letters_.path(), ingest_.journal(), environment_);
  if (!handled) return handled.error();
  handled_ = *std::move(handled);
  handled_.forget_below(letters_.stats().first_sequence);
  Result<void> failed;
  auto read =
      visit_letters(letters_.path(), environment_, selection, handled_, [&](const Letter& letter) {
        if (letter.header.sequence > *end) return false;
        auto more = take(letter);
        if (!more) failed = more.error();
        return more && *more;
      });
  if (read && failed) read = add_batch();
  if (!failed) read = failed;
  for (const auto& [first, second] : twins_) {
    if (handled_.contains(first)) handled_.add({&second, 1});
  }
  // Also after an error: what was replayed has left.
  auto stored = handled_.store(environment_.files, letters_.path());
  if (!read) return read.error();
  if (!stored) return stored.error();
  return report_;
}

/// @returns false when it shall stop.
Result<bool> Replay::take(const Letter& letter) {
  const core::FrameHeader& header = letter.header;
  if (header.reference == 0) return true;  // not written by us
  if (letter.is_refused()) {
    if (!refused_) {
      ++report_.refused;
      return true;
    }
    const auto [first, is_new] = refused_ids_.emplace(header.reference, header.sequence);
    if (!is_new) {
      twins_.emplace_back(first->second, header.sequence);
      return true;
    }
  }
  batch_.push_back({header, std::string(letter.topic), std::string(letter.payload)});
  bytes_ += letter.topic.size() + letter.payload.size();
  if (batch_.size() < replay_messages && bytes_ < replay_bytes) return true;
  if (auto added = add_batch(); !added) return added.error();
  return go_on();
}

Result<void> Replay::add_batch() {
  std::vector<Outcome> outcomes;
  auto done = commit_patiently([&] { return commit(outcomes); }, [this] { return !go_on(); });
  if (!done) return done;
  count(outcomes);
  batch_.clear();
  bytes_ = 0;
  return {};
}

Result<void> Replay::commit(std::vector<Outcome>& outcomes) {
  for (const Kept& kept : batch_) door_->add(message_of(kept.header, kept.topic, kept.payload));
  if (door_->open_messages() > 0) {
    auto& under_way = handled_.under_way.emplace();
    under_way.journal = ingest_.journal().id();
    under_way.above = ingest_.journal().durable_end();
    for (const Kept& kept : batch_) {
      under_way.letters.emplace_back(kept.header.sequence, kept.header.reference);
    }
    if (auto stored = handled_.store(environment_.files, letters_.path()); !stored) {
      door_->abort();
      return stored;
    }
  }
  return door_->commit(&outcomes);
}

void Replay::count(const std::vector<Outcome>& outcomes) {
  std::vector<std::uint64_t> left;
  for (std::size_t i = 0; i < batch_.size(); ++i) {
    ++report_.selected;
    if (outcomes[i].kind == Outcome::Kind::stored) {
      left.push_back(batch_[i].header.sequence);
    } else if (++report_.failed == 1) {
      report_.example = problem_of(batch_[i]);
    }
  }
  report_.replayed += left.size();
  handled_.add(left);
  handled_.under_way.reset();
}

std::string Replay::problem_of(const Kept& kept) const {
  const auto schemas = ingest_.schemas();
  const Message message = message_of(kept.header, kept.topic, kept.payload);
  const Schema* schema =
      schemas == nullptr
          ? nullptr
          : schemas->choose(UnfoldInput{
                .topic = message.topic, .payload = message.payload, .unfolded = message.unfolded});
  const bool matched = schemas != nullptr && !schemas->candidates(message.topic).empty();
  std::string what = matched ? "no schema takes it" : "no schema matches the topic";
  if (schema != nullptr) {
    Batch batch;
    const Unfolded unfolded = judge(schema, message, batch);
    what = unfolded.dropped != 0 ? schema->name() + " drops it" : schema->name();
    for (const Reading& reading : batch.readings) {
      const auto violations = violations_of(reading);
      if (violations.empty()) continue;
      what = schema->describe(violations[0], reading.document);
      break;
    }
  }
  return printable(kept.topic) + ": " + what;
}

}  // namespace

Result<ReplayReport> replay_letters(Ingest& ingest, DeadLetterSink& letters,
                                    const LetterSelection& selection, bool refused,
                                    const Environment& environment,
                                    const ReplayProgress& progress) {
  return Replay(ingest, letters, refused, environment, progress).run(selection);
}

Result<std::uint64_t> drop_letters(Ingest& ingest, DeadLetterSink& letters,
                                   const LetterSelection& selection,
                                   const Environment& environment) {
  const auto end = letters.durable_end(open_timeout_ns);
  if (!end) return end.error();
  auto handled = settled(letters.path(), ingest.journal(), environment);
  if (!handled) return handled.error();
  handled->forget_below(letters.stats().first_sequence);
  std::vector<std::uint64_t> dropped;
  auto read =
      visit_letters(letters.path(), environment, selection, *handled, [&](const Letter& letter) {
        if (letter.header.sequence > *end) return false;
        dropped.push_back(letter.header.sequence);
        return true;
      });
  if (!read) return read.error();
  handled->add(dropped);
  if (auto stored = handled->store(environment.files, letters.path()); !stored) {
    return stored.error();
  }
  return dropped.size();
}

Result<void> settle_replay(const std::string& path, Journal& main, const Environment& environment) {
  const auto handled = settled(path, main, environment);
  return handled ? Result<void>() : Result<void>(handled.error());
}

std::string to_json(const ReplayReport& r) {
  std::string example;
  append_json_string(r.example, example);
  return fmt::format(
      R"({{"selected":{},"replayed":{},"failed":{},"refused":{},"example":{},"stopped":{}}})",
      r.selected, r.replayed, r.failed, r.refused, example, r.stopped);
}

std::string to_text(const ReplayReport& r) {
  std::string out = fmt::format("{} letters: {} replayed", r.selected, r.replayed);
  if (r.failed > 0) out += fmt::format(", {} fail again and stay ({})", r.failed, r.example);
  if (r.refused > 0) out += fmt::format("; {} refused by a store left (--refused)", r.refused);
  if (r.stopped) out += "; stopped before the end: repeat it";
  return out;
}

}  // namespace telemetry
