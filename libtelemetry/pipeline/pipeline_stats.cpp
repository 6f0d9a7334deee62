// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <utility>

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

using enum MetricType;
using Pipe = PipelineStats;

double real(std::uint64_t value) noexcept { return static_cast<double>(value); }

/// Everything that a pipeline counts, in the order of the JSON. The keys are the ancestors' where
/// they had one.
constexpr Metric<PipelineStats> pipeline_metrics[] = {
    {"messages_received", "mqtt_messages_received_total", counter, "Messages taken from sources",
     [](const Pipe& s) { return real(s.ingest.received); }},
    {"messages_stored", "mqtt_messages_stored_total", counter, "Messages that the first store has",
     [](const Pipe& s) { return real(messages_stored(s)); }},
    {"messages_dropped", "mqtt_messages_dropped_total", counter,
     "Messages that are nowhere: refused, dropped by an option, the broker (any client's) or a "
     "full journal",
     [](const Pipe& s) { return real(messages_dropped(s)); }},
    {"validation_errors", "mqtt_validation_errors_total", counter,
     "Messages that break their schema", [](const Pipe& s) { return real(s.ingest.invalid); }},
    {"storage_errors", "mqtt_storage_errors_total", counter,
     "Failed writes of the journal and the stores",
     [](const Pipe& s) { return real(storage_errors(s)); }},
    {"processing_errors", "mqtt_processing_errors_total", counter,
     "Messages of batches that could not be made durable, which the broker delivers again",
     [](const Pipe& s) { return real(s.ingest.aborted); }},
    {"mqtt_connects", "mqtt_connects_total", counter, "Connections to brokers",
     [](const Pipe& s) { return real(s.sources.connects); }},
    {"mqtt_disconnects", "mqtt_disconnects_total", counter, "Connections that ended",
     [](const Pipe& s) { return real(s.sources.disconnects); }},
    {"mqtt_connected", "mqtt_connected", gauge, "1 while every broker is connected",
     [](const Pipe& s) { return s.sources.connected ? 1.0 : 0.0; }, MetricText::boolean},
    {"buffer_usage", "mqtt_buffer_usage_percent", gauge,
     "Memory before the journal that is used, in percent", buffer_usage_percent,
     MetricText::tenths},
    {"uptime", "process_uptime_seconds", gauge, "Time since the start",
     [](const Pipe& s) { return static_cast<double>(s.uptime_ns) / 1e9; }, MetricText::tenths},
    {"subscriptions", "mqtt_subscriptions", gauge, "Topic filters subscribed",
     [](const Pipe& s) { return real(s.sources.subscriptions); }},
    {"batches", "mqtt_batches_total", counter, "Batches made durable",
     [](const Pipe& s) { return real(s.ingest.commits); }},
    {"memory", "process_resident_memory_bytes", gauge, "Resident memory",
     [](const Pipe& s) { return real(s.memory_bytes); }},
    {"memory_peak", "process_resident_memory_peak_bytes", gauge, "Most resident memory so far",
     [](const Pipe& s) { return real(s.memory_peak_bytes); }},
    {"processor", "process_cpu_seconds_total", counter, "Processor time of the process",
     [](const Pipe& s) { return static_cast<double>(s.processor_ns) / 1e9; }, MetricText::tenths},
    {"disk_free", "telemetry_disk_free_bytes", gauge, "Free on the disk of the journal",
     [](const Pipe& s) { return real(s.disk_free_bytes); }},
    {"bytes_received", "mqtt_received_bytes_total", counter, "Payloads taken from sources",
     [](const Pipe& s) { return real(s.ingest.received_bytes); }},
    {"messages_journaled", "mqtt_messages_journaled_total", counter, "Messages on stable storage",
     [](const Pipe& s) { return real(s.ingest.journaled); }},
    {"messages_open", "mqtt_buffer_size", gauge, "Messages in memory before the journal",
     [](const Pipe& s) { return real(s.messages_open); }},
    {"unmatched", "mqtt_messages_unmatched_total", counter, "Messages of topics without schema",
     [](const Pipe& s) { return real(s.ingest.unmatched); }},
    {"duplicates", "mqtt_messages_duplicate_total", counter, "Messages that came again",
     [](const Pipe& s) { return real(s.ingest.duplicates); }},
    {"retained_skipped", "mqtt_messages_retained_skipped_total", counter,
     "Retained messages that were stored before",
     [](const Pipe& s) { return real(s.ingest.retained_skipped); }},
    {"retained_ignored", "mqtt_messages_retained_ignored_total", counter,
     "Retained messages that `mqtt.retained: ignore` left out",
     [](const Pipe& s) { return real(s.ingest.retained_ignored); }},
    {"dead_letter_bytes", "telemetry_dead_letters_bytes", gauge, "Size of the dead letters",
     [](const Pipe& s) { return real(s.dead_letters.bytes); }},
    {"dead_letter_syncs", "telemetry_dead_letters_syncs_total", counter,
     "Times the dead letters were forced to the disk",
     [](const Pipe& s) { return real(s.dead_letters.syncs); }},
    {"refused", "mqtt_messages_refused_total", counter,
     "Messages with a bad topic or too large a payload",
     [](const Pipe& s) { return real(s.ingest.refused); }},
    {"unmatched_dropped", "mqtt_messages_unmatched_dropped_total", counter,
     "Messages without schema that `schema.unmatched: drop` dropped",
     [](const Pipe& s) { return real(s.ingest.unmatched_dropped); }},
    {"content_dropped", "mqtt_readings_content_dropped_total", counter,
     "Readings that their schema drops by content, and messages with an empty list of them",
     [](const Pipe& s) { return real(s.ingest.content_dropped); }},
    {"broker_dropped", "mqtt_broker_dropped_total", counter,
     "Messages that the broker says it dropped from the queues of all its clients, ours among them",
     [](const Pipe& s) { return real(s.sources.dropped_by_broker); }},
    {"sequence_gaps", "mqtt_sequence_gaps_total", counter, "Gaps in devices' numbering",
     [](const Pipe& s) { return real(s.ingest.gaps); }},
    {"sequence_gap_messages", "mqtt_sequence_gap_messages_total", counter,
     "Messages that are missing in gaps",
     [](const Pipe& s) { return real(s.ingest.gap_messages); }},
    {"sequence_resets", "mqtt_sequence_resets_total", counter, "Devices that began to count again",
     [](const Pipe& s) { return real(s.ingest.resets); }},
    {"late_unchecked", "mqtt_messages_late_total", counter,
     "Messages too old for the check of duplicates",
     [](const Pipe& s) { return real(s.ingest.late_unchecked); }},
    {"time_missing", "mqtt_time_missing_total", counter, "Messages without device time",
     [](const Pipe& s) { return real(s.ingest.time_missing); }},
    {"time_absurd", "mqtt_time_absurd_total", counter, "Messages with an absurd device time",
     [](const Pipe& s) { return real(s.ingest.time_absurd); }},
    {"coerced", "mqtt_messages_coerced_total", counter,
     "Valid messages of which lenient mode read a value as another type",
     [](const Pipe& s) { return real(s.ingest.coerced); }},
    {"rounded", "mqtt_messages_rounded_total", counter,
     "Valid messages with a number that was rounded to what can be held",
     [](const Pipe& s) { return real(s.ingest.rounded); }},
    {"high_water", "mqtt_high_water_total", counter,
     "Times that the memory before the journal was nearly full",
     [](const Pipe& s) { return real(s.ingest.high_water); }},
    {"reloads", "telemetry_reloads_total", counter, "Reloads that took effect",
     [](const Pipe& s) { return real(s.reloads); }},
    {"reloads_refused", "telemetry_reloads_refused_total", counter,
     "Reloads that a mistake kept from taking effect",
     [](const Pipe& s) { return real(s.reloads_refused); }},
    {"dead_letters_dropped", "telemetry_dead_letters_dropped_total", counter,
     "Dead letters that made room for newer ones",
     [](const Pipe& s) { return real(s.dead_letters.dropped_frames); }},
};

constexpr Metric<PipelineStats> journal_metrics[] = {
    {"bytes", "telemetry_journal_bytes", gauge, "Size of the journal",
     [](const Pipe& s) { return real(s.journal.bytes); }},
    {"bytes_max", "telemetry_journal_bytes_max", gauge, "Most that the journal may take",
     [](const Pipe& s) { return real(s.journal_bytes_max); }},
    {"segments", "telemetry_journal_segments", gauge, "Files of the journal",
     [](const Pipe& s) { return real(s.journal.segments); }},
    {"first_sequence", "telemetry_journal_first_sequence", gauge, "Oldest message held",
     [](const Pipe& s) { return real(s.journal.first_sequence); }},
    {"last_sequence", "telemetry_journal_last_sequence", gauge, "Newest durable message",
     [](const Pipe& s) { return real(s.journal.last_sequence); }},
    {"syncs", "telemetry_journal_syncs_total", counter, "Times it was forced to the disk",
     [](const Pipe& s) { return real(s.journal.syncs); }},
    {"sync_failures", "telemetry_journal_sync_failures_total", counter,
     "Files abandoned because the disk failed",
     [](const Pipe& s) { return real(s.journal.sync_failures); }},
    {"rollbacks", "telemetry_journal_rollbacks_total", counter,
     "Times that unsynced messages were taken back",
     [](const Pipe& s) { return real(s.journal.rollbacks); }},
    {"damaged_places", "telemetry_journal_damaged_places_total", counter,
     "Places that could not be read", [](const Pipe& s) { return real(s.journal.damaged_places); }},
    {"damaged_bytes", "telemetry_journal_damaged_bytes_total", counter,
     "Bytes that could not be read", [](const Pipe& s) { return real(s.journal.damaged_bytes); }},
    {"dropped", "telemetry_journal_dropped_total", counter,
     "Messages that a store still needed and drop_oldest dropped",
     [](const Pipe& s) { return real(s.journal.dropped_frames); }},
    {"full", "telemetry_journal_full", gauge, "1 while it takes nothing",
     [](const Pipe& s) { return s.journal.full ? 1.0 : 0.0; }, MetricText::boolean},
    {"clock_suspect", "telemetry_journal_clock_suspect", gauge,
     "1 after the clock has jumped by more than a day, while nothing is deleted",
     [](const Pipe& s) { return s.journal.clock_suspect ? 1.0 : 0.0; }, MetricText::boolean},
};

constexpr Metric<ConsumerStats> consumer_metrics[] = {
    {"position", "telemetry_consumer_position", gauge, "Sequence written up to",
     [](const ConsumerStats& s) { return real(s.position); }},
    {"durable", "telemetry_consumer_durable", gauge, "Sequence that survives a power cut",
     [](const ConsumerStats& s) { return real(s.durable); }},
    {"lag", "telemetry_consumer_lag", gauge, "Messages in the journal beyond the position",
     [](const ConsumerStats& s) { return real(s.lag); }},
    {"accepted", "telemetry_consumer_accepted_total", counter, "Messages written",
     [](const ConsumerStats& s) { return real(s.accepted); }},
    {"rejected", "telemetry_consumer_rejected_total", counter,
     "Messages refused for good, which are among the dead letters",
     [](const ConsumerStats& s) { return real(s.rejected); }},
    {"writes", "telemetry_consumer_writes_total", counter, "Writes",
     [](const ConsumerStats& s) { return real(s.writes); }},
    {"retries", "telemetry_consumer_retries_total", counter, "Failed writes, which are repeated",
     [](const ConsumerStats& s) { return real(s.retries); }},
    {"lost", "telemetry_consumer_lost_total", counter,
     "Messages that had left the journal before they were written",
     [](const ConsumerStats& s) { return real(s.lost); }},
    {"failing", "telemetry_consumer_failing", gauge, "1 while writes fail",
     [](const ConsumerStats& s) { return s.failing ? 1.0 : 0.0; }, MetricText::boolean},
};

template <class Stats>
void append(JsonObject& json, std::span<const Metric<Stats>> metrics, const Stats& stats) {
  for (const Metric<Stats>& metric : metrics) json.raw(metric.key, metric.json(stats));
}

std::string journal_json(const PipelineStats& stats) {
  JsonObject json;
  append<PipelineStats>(json, journal_metrics, stats);
  return json.str();
}

std::string histogram_json(const Histogram::Counts& counts) {
  JsonObject json;
  json.number("count", counts.all());
  json.real("sum_ms", static_cast<double>(counts.sum_ns) / 1e6);
  for (const auto& [key, part] : {std::pair{"p50_ms", 0.5}, {"p99_ms", 0.99}}) {
    json.real(key, static_cast<double>(counts.quantile_ns(part)) / 1e6);
  }
  return json.str();
}

std::string consumers_json(const std::vector<ConsumerStats>& consumers) {
  std::string list;
  for (const ConsumerStats& consumer : consumers) {
    JsonObject json;
    json.text("name", consumer.name);
    append<ConsumerStats>(json, consumer_metrics, consumer);
    json.raw("write", histogram_json(consumer.write));
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

std::string to_json(const DeletionReport& report) {
  return fmt::format(R"({{"sequence":{},"deleted":{},"done":{}}})", report.sequence, report.deleted,
                     report.done);
}

std::string to_json(const PipelineStats& stats) {
  JsonObject json;
  append<PipelineStats>(json, pipeline_metrics, stats);
  json.raw("invalid_by_rule", rules_json(stats.ingest.invalid_by_rule));
  json.raw("processing", histogram_json(stats.ingest.processing));
  json.raw("sync", histogram_json(stats.ingest.sync));
  json.raw("journal", journal_json(stats));
  json.raw("consumers", consumers_json(stats.consumers));
  return json.str();
}

void add_to(Exposition& text, const PipelineStats& stats) {
  for (const auto& metric : pipeline_metrics) text.add(metric, stats);
  const std::vector<std::uint64_t>& rules = stats.ingest.invalid_by_rule;
  for (std::size_t rule = 0; rule < rules.size(); ++rule) {
    if (rules[rule] == 0) continue;
    text.add("mqtt_validation_errors_by_rule_total", counter,
             "Messages that break their schema, by the first broken rule",
             Exposition::label("rule", core::to_string(static_cast<core::Rule>(rule))),
             real(rules[rule]));
  }
  text.add("mqtt_processing_seconds", "Time from a batch's first message until it is durable", {},
           stats.ingest.processing);
  text.add("telemetry_journal_sync_seconds", "Time that the journal takes to be on the disk", {},
           stats.ingest.sync);
  for (const auto& metric : journal_metrics) text.add(metric, stats);
  for (const auto& metric : consumer_metrics) {
    for (const ConsumerStats& consumer : stats.consumers) {
      text.add(metric, consumer, Exposition::label("consumer", consumer.name));
    }
  }
  for (const ConsumerStats& consumer : stats.consumers) {
    text.add("mqtt_storage_latency_seconds", "Time of a write to a store",
             Exposition::label("consumer", consumer.name), consumer.write);
  }
  text.add("database_query_duration_seconds", "Time of queries, newest values and aggregates", {},
           stats.queries);
}

std::string to_text(const PipelineStats& stats) {
  const IngestStats& in = stats.ingest;
  std::string text = fmt::format(
      "messages   received {}, stored {}, dropped {}, repeated {}, retained ignored {}\n"
      "checks     valid {}, invalid {}, without schema {}, gaps {}, resets {}, late {}, coerced "
      "{}, rounded {}, absurd times {}\n"
      "journal    {:.1f} of {:.0f} MB, {} batches, {} syncs, {} messages in batches that failed\n"
      "broker     connects {}, disconnects {}, subscriptions {}{}\n"
      "process    up {:.1f} s, memory {:.1f} MB, at most {:.1f} MB\n",
      in.received, messages_stored(stats), messages_dropped(stats),
      in.duplicates + in.retained_skipped, in.retained_ignored, in.valid, in.invalid, in.unmatched,
      in.gaps, in.resets, in.late_unchecked, in.coerced, in.rounded, in.time_absurd,
      static_cast<double>(stats.journal.bytes) / 1048576,
      static_cast<double>(stats.journal_bytes_max) / 1048576, in.commits, stats.journal.syncs,
      in.aborted, stats.sources.connects, stats.sources.disconnects, stats.sources.subscriptions,
      stats.sources.dropped_by_broker == 0
          ? std::string()
          : fmt::format(", dropped {} from the queues of its clients, ours among them",
                        stats.sources.dropped_by_broker),
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
