// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "telemetry/core/journal_format.hpp"

namespace telemetry::model {

/// The sequence check as its rules say it, with maps and lists and no thought of speed: what
/// SequenceState must equal after every step. Undo is a copy made before. Numbers stay small here.
class SequenceReference {
 public:
  struct Run {
    std::int64_t first = 0, last = 0;              // covered numbers
    std::map<std::int64_t, std::uint64_t> hashes;  // of those that came
    std::int64_t brought = 0;                      // numbers since the last roll
    bool late = false;
    [[nodiscard]] bool covers(std::int64_t n) const { return first <= n && n <= last; }
    [[nodiscard]] std::uint64_t hash(std::int64_t n) const {
      const auto found = hashes.find(n);
      return found == hashes.end() ? 0 : found->second;
    }
  };
  struct Entry {
    std::string key;
    bool device = false;
    std::uint64_t payload = 0;
    std::vector<Run> runs;  // most recently used first, at most two
  };
  struct Decision {
    bool stored = false;
    std::uint16_t flags = 0;
  };

  SequenceReference(std::size_t entries_max, std::int64_t window, std::size_t recent_max)
      : entries_max_(entries_max), window_(window), recent_max_(recent_max) {}

  Decision offer(const std::string& topic, const std::string& device, bool numbered, std::int64_t n,
                 std::uint64_t payload, bool retained, bool may_come_again) {
    Entry* of_topic = find(topic, false);
    if (retained && of_topic != nullptr && of_topic->payload == payload) return {};
    Entry* numbering = device.empty() ? of_topic : find(device, true);
    if (numbered && numbering != nullptr) {
      for (const Run& run : numbering->runs) {
        if (run.covers(n) && run.hash(n) == payload) return {};
      }
    }
    const Message message{device.empty() ? topic : device, !device.empty(), n, payload};
    if (numbered && may_come_again) {
      if (std::ranges::find(recent_, message) != recent_.end()) return {};
      remember(message);
    }
    use(topic, false).payload = payload;
    if (!numbered) return {true, 0};
    Entry& entry = device.empty() ? entries_.back() : use(device, true);
    return {true, number(entry, n, payload)};
  }

  void roll() {
    for (Entry& entry : entries_) {
      if (entry.runs.size() == 2 && entry.runs[1].brought == 0) entry.runs.pop_back();
      for (Run& run : entry.runs) {
        cut(run, std::max<std::int64_t>(run.brought, 64));
        run.brought = 0;
      }
    }
  }

  /// Becomes `before`, but what fell out of the newest messages since stays out.
  void undo_to(const SequenceReference& before) {
    const std::size_t fallen = fallen_ - before.fallen_;
    *this = before;
    fallen_ += fallen;
    recent_.erase(recent_.begin(),
                  recent_.begin() + static_cast<std::ptrdiff_t>(std::min(fallen, recent_.size())));
  }
  void restore_recent(const SequenceReference& from) { recent_ = from.recent_; }
  void remember(const std::string& key, bool device, std::int64_t n, std::uint64_t payload) {
    remember(Message{key, device, n, payload});
  }
  [[nodiscard]] std::size_t recent() const { return recent_.size(); }

  /// docs/formats/sequence_snapshot_v2.md, without the fingerprints: these are compared by what is
  /// recognised.
  [[nodiscard]] std::string bytes() const {
    std::string out = "TSEQ";
    put(out, 2, 2);
    put(out, 0, 2);
    put(out, entries_.size(), 4);
    for (const Entry& entry : entries_) {
      put(out, entry.device ? 1 : 0, 1);
      put(out, entry.runs.size(), 1);
      put(out, entry.key.size(), 2);
      put(out, entry.payload, 8);
      out += entry.key;
      for (const Run& run : entry.runs) {
        put(out, static_cast<std::uint64_t>(run.last), 8);
        put(out, static_cast<std::uint64_t>(run.last - run.first + 1), 4);
        put(out, run.late ? 1 : 0, 4);
        for (std::int64_t n = run.first; n <= run.last; ++n) put(out, run.hash(n), 8);
      }
    }
    put(out, recent_.size(), 4);
    return out;
  }

 private:
  static void put(std::string& out, std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
  }
  static void cut(Run& run, std::int64_t numbers) {
    run.first = std::max(run.first, run.last - numbers + 1);
    run.hashes.erase(run.hashes.begin(), run.hashes.lower_bound(run.first));
  }

  Entry* find(const std::string& key, bool device) {
    const auto at = std::ranges::find_if(
        entries_, [&](const Entry& e) { return e.key == key && e.device == device; });
    return at == entries_.end() ? nullptr : &*at;
  }
  /// The newest that may come again, oldest first.
  using Message = std::tuple<std::string, bool, std::int64_t, std::uint64_t>;
  void remember(const Message& message) {
    recent_.push_back(message);
    if (recent_.size() <= recent_max_) return;
    recent_.pop_front();
    ++fallen_;
  }

  /// Moves the entry to the end of the list; makes it, and pushes the first out, when needed.
  Entry& use(const std::string& key, bool device) {
    const auto at = std::ranges::find_if(
        entries_, [&](const Entry& e) { return e.key == key && e.device == device; });
    if (at != entries_.end()) {
      entries_.splice(entries_.end(), entries_, at);
    } else {
      if (entries_.size() >= entries_max_) entries_.pop_front();
      entries_.push_back({key, device, 0, {}});
    }
    return entries_.back();
  }

  std::uint16_t number(Entry& entry, std::int64_t n, std::uint64_t payload) {
    namespace flag = core::frame_flag;
    auto& runs = entry.runs;
    const Run fresh{n, n, {{n, payload}}, 1, false};
    if (runs.empty()) {
      runs.push_back(fresh);
      return 0;
    }
    std::size_t follows = runs.size();
    for (std::size_t i = 0; i < runs.size(); ++i) {
      const std::int64_t above = n - runs[i].last;
      if (above < 1 || above > window_) continue;
      if (follows == runs.size() || above < n - runs[follows].last) follows = i;
    }
    const bool next = follows < runs.size() && n == runs[follows].last + 1;
    if (!next) {
      for (Run& run : runs) {
        if (!run.covers(n) || run.hash(n) != 0) continue;
        run.hashes[n] = payload;
        return 0;
      }
    }
    const bool conflict = std::ranges::any_of(
        runs, [&](const Run& run) { return run.covers(n) && run.hash(n) != 0; });
    if (follows == runs.size() && conflict) {
      runs.insert(runs.begin(), fresh);
      runs.resize(2);
      return flag::sequence_reset;
    }
    if (follows == runs.size() && n > runs[0].last) follows = 0;
    if (follows == runs.size()) {
      runs.resize(1);
      runs.push_back(fresh);
      runs[1].late = true;
      return flag::late_unchecked;
    }
    Run& run = runs[follows];
    std::uint16_t flags = n == run.last + 1 ? 0 : flag::sequence_gap;
    if (run.late) flags |= flag::sequence_reset;
    run.late = false;
    run.brought += n - run.last;
    if (n - run.last > window_) {
      run.first = n;
      run.hashes.clear();
    }
    run.last = n;
    run.hashes[n] = payload;
    cut(run, window_);
    if (follows == 1) std::swap(runs[0], runs[1]);
    return flags;
  }

  std::size_t entries_max_;
  std::int64_t window_;
  std::size_t recent_max_;
  std::deque<Message> recent_;
  std::size_t fallen_ = 0;
  std::list<Entry> entries_;  // least recently stored first
};

}  // namespace telemetry::model
