// SPDX-License-Identifier: Apache-2.0
#include "journal/reader.hpp"

#include <algorithm>

// Reads only what is durable: such bytes never change, so a reader takes no lock while it walks
// them. At its limit it asks the log how far it may go now. A number that is skipped inside a
// segment was lost to damage. One that is skipped between two segments was lost only if the first
// one ended in damage or one between them was deleted; else it was never given out
// (sequence_floor).

namespace telemetry::journal {

void SegmentReader::close() noexcept {
  if (file_ >= 0) log_.files().close(file_);
  file_ = -1;
}

Result<std::optional<core::FrameView>> SegmentReader::next() {
  for (;;) {
    if (file_ < 0 || ended_) {
      auto opened = open_next();
      if (!opened) return opened.error();
      if (!*opened) return std::optional<core::FrameView>();
    }
    auto event = scanner_.next();
    if (!event) return event.error();
    switch (*event) {
      case FrameScanner::Event::frame:
        if (take(scanner_.frame().header)) return std::optional(scanner_.frame());
        break;
      case FrameScanner::Event::damage:
        log_.note_damage(key_, scanner_.offset(), scanner_.bytes());
        break;
      case FrameScanner::Event::torn:
        note_torn();
        break;
      case FrameScanner::Event::end:
        if (!advance()) return std::optional<core::FrameView>();
        break;
    }
  }
}

bool SegmentReader::take(const core::FrameHeader& header) {
  if (header.kind == core::FrameKind::schema) return true;
  if (!has_own_sequence(header.kind) || header.sequence <= position_) return false;
  skip_to(header.sequence - 1, true);
  position_ = header.sequence;
  return true;
}

void SegmentReader::skip_to(std::uint64_t sequence, bool lost) {
  if (sequence <= position_) return;
  if (lost) missing_ += sequence - position_;
  position_ = sequence;
}

void SegmentReader::note_torn() {
  // A live segment is durable up to the limit: what cannot be read there is damage.
  const std::uint64_t expected = view_.live ? view_.last : view_.next_first - 1;
  if (position_ >= expected) return;  // the rest of an abandoned segment: nothing is missing
  log_.note_damage(key_, scanner_.offset(), scanner_.bytes());
  if (view_.live)
    skip_to(view_.last, true);
  else
    lossy_ = true;
}

bool SegmentReader::advance() {
  const auto view = log_.view_of(key_);
  std::uint64_t end = view.end;
  if (end == 0) {
    const auto size = log_.files().size(file_);
    end = size ? *size : scanner_.position();
  }
  view_ = view;
  scanner_.set_limit(end, view.next_first);
  if (scanner_.position() < end) return true;
  if (view.live) return false;
  ended_ = true;
  return true;
}

Result<bool> SegmentReader::open_next() {
  for (;;) {
    const auto found = started_ ? log_.segment_after(key_) : log_.segment_for(position_ + 1);
    if (!found) return false;
    auto opened = log_.files().open_read(log_.path_of(*found));
    const bool gone = !opened && opened.error().code == Errc::not_found;
    if (!opened && !gone) return opened.error();
    // Numbers up to here were in segments that are gone, or were never given out.
    const std::uint64_t before = found->first - 1;
    skip_to(std::min(before, std::max(log_.trimmed_through(), position_)), true);
    skip_to(before, lossy_ || !started_);
    close();
    started_ = true;
    ended_ = false;
    lossy_ = gone;
    key_ = *found;
    if (gone) continue;  // deleted meanwhile, or by someone else
    file_ = *opened;
    scanner_.start(file_, key_);
    return true;
  }
}

SegmentLog::View SegmentLog::view_of(SegmentKey key) const {
  const std::lock_guard lock(mutex_);
  View view;
  const auto segment =
      std::lower_bound(segments_.begin(), segments_.end(), key,
                       [](const Segment& s, const SegmentKey& k) { return s.key < k; });
  const bool known = segment != segments_.end() && segment->key == key;
  const auto next = known ? segment + 1 : segment;
  view.next_first = next != segments_.end() ? next->key.first : next_;
  if (!known) return view;
  view.end = segment->end;
  const std::lock_guard commit_lock(commit_.mutex);
  if (commit_.file >= 0 && commit_.segment == key) {
    view.live = true;
    view.end = commit_.durable_offset;
    view.last = commit_.durable_last;
    view.next_first = UINT64_MAX;
  }
  return view;
}

std::optional<SegmentKey> SegmentLog::segment_for(std::uint64_t sequence) const {
  const std::lock_guard lock(mutex_);
  if (segments_.empty()) return std::nullopt;
  auto after =
      std::upper_bound(segments_.begin(), segments_.end(), sequence,
                       [](std::uint64_t wanted, const Segment& s) { return wanted < s.key.first; });
  if (after != segments_.begin()) --after;
  return after->key;
}

std::optional<SegmentKey> SegmentLog::segment_after(SegmentKey key) const {
  const std::lock_guard lock(mutex_);
  const auto next =
      std::upper_bound(segments_.begin(), segments_.end(), key,
                       [](const SegmentKey& k, const Segment& s) { return k < s.key; });
  if (next == segments_.end()) return std::nullopt;
  return next->key;
}

std::uint64_t SegmentLog::trimmed_through() const {
  const std::lock_guard lock(mutex_);
  return trimmed_through_;
}

}  // namespace telemetry::journal
