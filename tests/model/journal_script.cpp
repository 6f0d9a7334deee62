// SPDX-License-Identifier: Apache-2.0
#include "model/journal_script.hpp"

#include <algorithm>
#include <map>

namespace telemetry::model {
namespace {

constexpr int steps = 60;
constexpr std::size_t window_size = 4;
constexpr std::string_view folder = "/data/journal";

std::string id_of(std::string_view payload) {
  return std::string(payload.substr(0, payload.find(' ')));
}

}  // namespace

JournalScript::JournalScript(std::uint64_t seed) : random_(seed) {}

JournalOptions JournalScript::options() const {
  JournalOptions options;
  options.path = folder;
  options.segment_bytes = 1500;
  options.size_max_bytes = 8192;
  options.replay_window_ns = 1'000'000'000;
  return options;
}

void JournalScript::complain(const std::string& what) {
  if (complaint.empty()) complaint = what;
}

std::string JournalScript::payload() {
  const std::size_t length = random_() % 8 == 0 ? 200 + random_() % 1000 : random_() % 120;
  return "m" + std::to_string(sent_.size()) + " " + std::string(length, 'x');
}

// What a sequence check would keep: the newest messages, rebuilt from snapshot and frames.
std::string JournalScript::state() const {
  std::string text;
  for (const auto index : window_) text += id_of(sent_[index].payload) + " ";
  return text;
}

bool JournalScript::open(FaultFileSystem& files) {
  recovered_.clear();
  SegmentContent content;
  content.schema_document = [](std::uint64_t id) { return "schema " + std::to_string(id); };
  content.snapshot = [this] { return Snapshot::of(state()); };
  auto opened = Journal::open(options(), fault_environment(clock_, files), content,
                              [this](const core::FrameView& frame) {
                                if (frame.header.kind == core::FrameKind::snapshot) {
                                  recovered_.clear();
                                  std::string_view rest = frame.payload;
                                  while (!rest.empty()) {
                                    recovered_.push_back(id_of(rest));
                                    rest.remove_prefix(rest.find(' ') + 1);
                                  }
                                } else if (frame.header.kind == core::FrameKind::message) {
                                  recovered_.push_back(id_of(frame.payload));
                                }
                              });
  if (!opened) {
    open_error_ = opened.error().context;
    return false;
  }
  journal_ = std::move(*opened);
  journal_->on_rollback([this](std::uint64_t last) { rolled_back(last); });
  journal_->set_cursor("store", cursor_);
  return true;
}

void JournalScript::close() {
  reader_.reset();
  journal_.reset();
  ticket_.reset();
}

void JournalScript::rolled_back(std::uint64_t last) {
  for (auto& sent : sent_) {
    if (sent.promise == Promise::none && sent.sequence > last) sent.promise = Promise::withdrawn;
    if (sent.promise == Promise::kept && sent.sequence > last) {
      complain("rolled back although synced: " + sent.payload);
    }
  }
  std::erase_if(window_, [&](std::size_t i) { return sent_[i].sequence > last; });
  ticket_.reset();
}

void JournalScript::append(FaultFileSystem& files) {
  const std::size_t count = 1 + random_() % 3;
  std::vector<Journal::Record> records(count);
  std::size_t bytes = 0;
  const std::size_t begin = sent_.size();
  for (std::size_t i = 0; i < count; ++i) sent_.push_back({payload(), 0, Promise::withdrawn});
  for (std::size_t i = 0; i < count; ++i) {
    records[i].header.schema_id = 1 + random_() % 3;
    records[i].topic = "sensors/1/t";
    records[i].payload = sent_[begin + i].payload;
    bytes += core::frame_size(records[i].topic.size(), records[i].payload.size(), false);
  }
  const auto lock = journal_->lock();
  auto room = journal_->reserve(bytes);
  if (!room) return;
  // A segment is open: what was withdrawn before is gone for good.
  for (std::size_t i = 0; i < begin; ++i) {
    if (sent_[i].promise == Promise::withdrawn) sent_[i].promise = Promise::never;
  }
  auto ticket = journal_->append(records);
  if (!ticket) return;
  for (std::size_t i = 0; i < count; ++i) {
    sent_[begin + i].promise = Promise::none;
    sent_[begin + i].sequence = records[i].header.sequence;
    window_.push_back(begin + i);
    if (window_.size() > window_size) window_.erase(window_.begin());
  }
  ticket_ = *ticket;
  if (files.crashed()) complain("append succeeded without power");
}

void JournalScript::sync() {
  if (!ticket_) return;
  const auto ticket = *ticket_;
  if (!journal_->sync(ticket)) return;
  for (auto& sent : sent_) {
    if (sent.promise == Promise::none && sent.sequence <= ticket.last) sent.promise = Promise::kept;
  }
}

void JournalScript::read() {
  if (!reader_) reader_ = journal_->read_from(cursor_);
  for (int i = 0; i < 10; ++i) {
    auto frame = reader_->next();
    if (!frame || !*frame) return;
    if ((*frame)->header.kind != core::FrameKind::message) continue;
    const auto sequence = (*frame)->header.sequence;
    const auto found = std::find_if(sent_.begin(), sent_.end(), [&](const Sent& sent) {
      return sent.sequence == sequence && sent.promise != Promise::withdrawn &&
             sent.promise != Promise::never;
    });
    if (found == sent_.end() || found->payload != (*frame)->payload) {
      complain("read what was not appended: " + std::string((*frame)->payload));
    } else if (sequence > journal_->durable_end()) {
      complain("read what is not durable: " + found->payload);
    }
  }
}

void JournalScript::run(FaultFileSystem& files) {
  if (!files.create_folder(std::string(folder)) || !open(files)) return;
  for (int step = 0; step < steps && !files.crashed(); ++step) {
    clock_.advance(100'000'000);
    switch (random_() % 16) {
      case 0:
        close();
        if (!open(files)) return;
        break;
      case 1:
        if (reader_ && reader_->position() > cursor_) cursor_ = reader_->position();
        if (auto stored = journal_->store_cursor("store", {journal_->id(), cursor_}); !stored)
          break;
        journal_->set_cursor("store", cursor_);
        journal_->trim();
        break;
      case 2:
      case 3:
        read();
        break;
      case 4:
      case 5:
      case 6:
      case 7:
        sync();
        break;
      default:
        append(files);
    }
  }
}

std::string JournalScript::compare(bool first) {
  std::map<std::string, const Sent*> by_id;
  for (const auto& sent : sent_) by_id[id_of(sent.payload)] = &sent;
  auto reader = journal_->read_from(cursor_);
  std::vector<std::string> seen;
  std::uint64_t last = cursor_;
  for (;;) {
    auto frame = reader->next();
    if (!frame) return "cannot read: " + frame.error().context;
    if (!*frame) break;
    if ((*frame)->header.kind != core::FrameKind::message) continue;
    const std::string id = id_of((*frame)->payload);
    const auto found = by_id.find(id);
    if (found == by_id.end()) return "seen and never sent: " + id;
    const Sent& sent = *found->second;
    if (sent.payload != (*frame)->payload) return "changed: " + id;
    if (sent.promise == Promise::never) return "rolled back, and seen: " + id;
    if ((*frame)->header.sequence <= last) return "out of order: " + id;
    last = (*frame)->header.sequence;
    if (sent.sequence != 0 && sent.promise == Promise::kept && sent.sequence != last) {
      return "another sequence: " + id;
    }
    seen.push_back(id);
  }
  for (const auto& sent : sent_) {
    const std::string id = id_of(sent.payload);
    if (sent.promise == Promise::kept && sent.sequence > cursor_ &&
        std::find(seen.begin(), seen.end(), id) == seen.end()) {
      return "synced, and missing: " + id;
    }
  }
  if (!first) {
    for (const auto& id : seen_before_) {
      if (std::find(seen.begin(), seen.end(), id) == seen.end()) {
        return "seen after the first crash, and missing after the second: " + id;
      }
    }
  }
  const std::size_t common = std::min({seen.size(), recovered_.size(), window_size});
  if (!std::equal(seen.end() - static_cast<std::ptrdiff_t>(common), seen.end(),
                  recovered_.end() - static_cast<std::ptrdiff_t>(common))) {
    return "the recovered state does not match the messages";
  }
  seen_before_ = std::move(seen);
  return {};
}

std::string JournalScript::verify(FaultFileSystem& files, FaultFileSystem::Unsynced unsynced) {
  close();
  files.restart(unsynced);
  if (!open(files)) return "open failed: " + open_error_;
  const auto stats = journal_->stats();
  if (unsynced == FaultFileSystem::Unsynced::kept && stats.damaged_places > 0) {
    return "damage where nothing was damaged";
  }
  auto cursor = journal_->load_cursor("store");
  if (!cursor) return cursor.error().context;
  if (auto wrong = compare(true); !wrong.empty()) return wrong;

  // What recovery found is durable now; what it did not find is gone for good.
  for (auto& sent : sent_) {
    if (sent.promise == Promise::kept) continue;
    const bool seen = std::find(seen_before_.begin(), seen_before_.end(), id_of(sent.payload)) !=
                      seen_before_.end();
    sent.promise = seen ? Promise::found : Promise::never;
  }

  // Go on: numbers above all that were seen, and what is promised now survives the next cut too.
  window_.clear();
  journal_->set_cursor("store", journal_->durable_end());
  const std::size_t before = sent_.size();
  const std::uint64_t end = journal_->durable_end();
  append(files);
  if (sent_.back().promise != Promise::none) return "cannot append after recovery";
  if (sent_[before].sequence <= end) return "a number was given out twice";
  sync();
  if (sent_.back().promise != Promise::kept) return "cannot sync after recovery";
  cursor_ = std::max(cursor_, journal_->first_sequence() - 1);  // what the cap took
  close();
  files.restart(FaultFileSystem::Unsynced::lost);
  if (!open(files)) return "open failed: " + open_error_;
  std::erase_if(seen_before_, [&](const std::string& id) {
    return std::any_of(sent_.begin(), sent_.end(), [&](const Sent& sent) {
      return id_of(sent.payload) == id && sent.sequence != 0 && sent.sequence <= cursor_;
    });
  });
  recovered_.clear();
  if (auto wrong = compare(false); !wrong.empty()) return wrong;
  return complaint;
}

}  // namespace telemetry::model
