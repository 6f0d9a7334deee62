// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "pipeline/process_memory.hpp"
#include "telemetry/export.hpp"
#include "telemetry/pipeline.hpp"

namespace telemetry {
namespace {

std::uint64_t kilobytes_after(std::string_view text, std::string_view name) {
  const auto at = text.find(name);
  if (at == std::string_view::npos) return 0;
  text.remove_prefix(at + name.size());
  text.remove_prefix(std::min(text.find_first_of("0123456789"), text.size()));
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value * 1024;
}

/// One JSON object, member by member.
class JsonObject {
 public:
  void number(std::string_view key, std::uint64_t value) { raw(key, std::to_string(value)); }
  void real(std::string_view key, double value) { raw(key, fmt::format("{:.1f}", value)); }
  void boolean(std::string_view key, bool value) { raw(key, value ? "true" : "false"); }
  void text(std::string_view key, std::string_view value) {
    std::string quoted;
    append_json_string(value, quoted);
    raw(key, quoted);
  }
  void raw(std::string_view key, std::string_view json) {
    text_ += fmt::format("{}\"{}\": {}", text_.empty() ? "" : ", ", key, json);
  }
  [[nodiscard]] std::string str() const { return "{" + text_ + "}"; }

 private:
  std::string text_;
};

/// The main store is the first sink; without one, the journal is all there is.
std::uint64_t messages_stored(const PipelineStats& stats) {
  return stats.consumers.empty() || stats.consumers.front().name == "dead_letters"
             ? stats.ingest.journaled
             : stats.consumers.front().accepted;
}

std::uint64_t messages_lost_to_consumers(const PipelineStats& stats) {
  std::uint64_t lost = 0;
  for (const ConsumerStats& consumer : stats.consumers) lost += consumer.lost;
  return lost;
}

/// Taken in and then not stored, or never taken in; repeats are not among them.
std::uint64_t messages_dropped(const PipelineStats& stats) {
  return stats.ingest.refused + stats.ingest.unmatched_dropped + stats.sources.dropped_by_broker +
         stats.journal.dropped_frames + messages_lost_to_consumers(stats);
}

std::uint64_t storage_errors(const PipelineStats& stats) {
  std::uint64_t errors = stats.journal.sync_failures + stats.journal.append_failures;
  for (const ConsumerStats& consumer : stats.consumers) errors += consumer.retries;
  return errors;
}

double buffer_usage_percent(const PipelineStats& stats) {
  return stats.messages_open_max == 0 ? 0
                                      : 100.0 * static_cast<double>(stats.messages_open) /
                                            static_cast<double>(stats.messages_open_max);
}

std::string journal_json(const JournalStats& journal, std::uint64_t bytes_max) {
  JsonObject json;
  json.number("bytes", journal.bytes);
  json.number("bytes_max", bytes_max);
  json.number("segments", journal.segments);
  json.number("first_sequence", journal.first_sequence);
  json.number("last_sequence", journal.last_sequence);
  json.number("syncs", journal.syncs);
  json.number("sync_failures", journal.sync_failures);
  json.number("rollbacks", journal.rollbacks);
  json.number("damaged_places", journal.damaged_places);
  json.number("damaged_bytes", journal.damaged_bytes);
  json.number("dropped", journal.dropped_frames);
  json.boolean("full", journal.full);
  json.boolean("clock_suspect", journal.clock_suspect);
  return json.str();
}

std::string consumers_json(const std::vector<ConsumerStats>& consumers) {
  std::string list;
  for (const ConsumerStats& consumer : consumers) {
    JsonObject json;
    json.text("name", consumer.name);
    json.number("position", consumer.position);
    json.number("durable", consumer.durable);
    json.number("lag", consumer.lag);
    json.number("accepted", consumer.accepted);
    json.number("rejected", consumer.rejected);
    json.number("writes", consumer.writes);
    json.number("retries", consumer.retries);
    json.number("lost", consumer.lost);
    json.boolean("failing", consumer.failing);
    if (!consumer.last_error.empty()) json.text("last_error", consumer.last_error);
    list += (list.empty() ? "" : ", ") + json.str();
  }
  return "[" + list + "]";
}

std::string rules_json(const std::vector<std::uint64_t>& counts) {
  JsonObject json;
  for (std::size_t rule = 0; rule < counts.size(); ++rule) {
    if (counts[rule] != 0)
      json.number(core::to_string(static_cast<core::Rule>(rule)), counts[rule]);
  }
  return json.str();
}

}  // namespace

ProcessMemory process_memory(FileSystem& files) {
  auto file = files.open_read("/proc/self/status");
  if (!file) return {};
  std::array<std::uint8_t, 4096> bytes{};
  auto read = files.read(*file, 0, bytes);
  files.close(*file);
  if (!read) return {};
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), *read);
  return {kilobytes_after(text, "VmRSS:"), kilobytes_after(text, "VmHWM:")};
}

std::string to_json(const PipelineStats& stats) {
  const IngestStats& in = stats.ingest;
  JsonObject json;
  json.number("messages_received", in.received);
  json.number("messages_stored", messages_stored(stats));
  json.number("messages_dropped", messages_dropped(stats));
  json.number("validation_errors", in.invalid);
  json.number("storage_errors", storage_errors(stats));
  json.number("processing_errors", in.aborted);
  json.number("mqtt_connects", stats.sources.connects);
  json.number("mqtt_disconnects", stats.sources.disconnects);
  json.boolean("mqtt_connected", stats.sources.connected);
  json.real("buffer_usage", buffer_usage_percent(stats));
  json.real("uptime", static_cast<double>(stats.uptime_ns) / 1e9);
  json.number("subscriptions", stats.sources.subscriptions);
  json.number("batches", in.commits);
  json.number("memory", stats.memory_bytes);
  json.number("memory_peak", stats.memory_peak_bytes);
  json.number("bytes_received", in.received_bytes);
  json.number("messages_journaled", in.journaled);
  json.number("messages_open", stats.messages_open);
  json.number("unmatched", in.unmatched);
  json.number("duplicates", in.duplicates);
  json.number("retained_skipped", in.retained_skipped);
  json.number("refused", in.refused);
  json.number("unmatched_dropped", in.unmatched_dropped);
  json.number("broker_dropped", stats.sources.dropped_by_broker);
  json.number("sequence_gaps", in.gaps);
  json.number("sequence_gap_messages", in.gap_messages);
  json.number("sequence_resets", in.resets);
  json.number("late_unchecked", in.late_unchecked);
  json.number("time_missing", in.time_missing);
  json.number("time_absurd", in.time_absurd);
  json.number("coerced", in.coerced);
  json.number("high_water", in.high_water);
  json.number("reloads", stats.reloads);
  json.number("reloads_refused", stats.reloads_refused);
  json.raw("invalid_by_rule", rules_json(in.invalid_by_rule));
  json.raw("journal", journal_json(stats.journal, stats.journal_bytes_max));
  json.number("dead_letter_bytes", stats.dead_letters.bytes);
  json.number("dead_letters_dropped", stats.dead_letters.dropped_frames);
  json.raw("consumers", consumers_json(stats.consumers));
  return json.str();
}

std::string to_text(const PipelineStats& stats) {
  const IngestStats& in = stats.ingest;
  std::string text = fmt::format(
      "messages   received {}, stored {}, dropped {}, repeated {}\n"
      "checks     valid {}, invalid {}, without schema {}, gaps {}, resets {}, late {}, coerced "
      "{}\n"
      "journal    {:.1f} of {:.0f} MB, {} batches, {} syncs, {} messages in batches that failed\n"
      "broker     connects {}, disconnects {}, subscriptions {}\n"
      "process    up {:.1f} s, memory {:.1f} MB, at most {:.1f} MB\n",
      in.received, messages_stored(stats), messages_dropped(stats),
      in.duplicates + in.retained_skipped, in.valid, in.invalid, in.unmatched, in.gaps, in.resets,
      in.late_unchecked, in.coerced, static_cast<double>(stats.journal.bytes) / 1048576,
      static_cast<double>(stats.journal_bytes_max) / 1048576, in.commits, stats.journal.syncs,
      in.aborted, stats.sources.connects, stats.sources.disconnects, stats.sources.subscriptions,
      static_cast<double>(stats.uptime_ns) / 1e9, static_cast<double>(stats.memory_bytes) / 1048576,
      static_cast<double>(stats.memory_peak_bytes) / 1048576);
  for (const ConsumerStats& consumer : stats.consumers) {
    text += fmt::format(
        "{:<10} accepted {}, rejected {}, behind {}, writes {}, retries {}, lost {}{}\n",
        consumer.name, consumer.accepted, consumer.rejected, consumer.lag, consumer.writes,
        consumer.retries, consumer.lost,
        consumer.failing ? ", failing: " + consumer.last_error : std::string());
  }
  return text;
}

}  // namespace telemetry
