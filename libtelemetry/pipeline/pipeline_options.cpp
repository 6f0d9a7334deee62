// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>

#include "telemetry/pipeline.hpp"

namespace telemetry {
namespace {

constexpr std::uint64_t mebibyte = 1024 * 1024;

SyncMode sync_mode(const std::string& text) {
  if (text == "always") return SyncMode::always;
  return text == "never" ? SyncMode::never : SyncMode::interval;
}

Unmatched unmatched(const std::string& text) {
  if (text == "dead_letter") return Unmatched::dead_letter;
  return text == "drop" ? Unmatched::drop : Unmatched::store;
}

/// The folder `dead_letters` beside the journal's.
std::string beside(std::string journal) {
  while (journal.size() > 1 && journal.back() == '/') journal.pop_back();
  const auto slash = journal.find_last_of('/');
  return (slash == std::string::npos ? std::string() : journal.substr(0, slash + 1)) +
         "dead_letters";
}

}  // namespace

Result<PipelineOptions> pipeline_options(const Config& config) {
  const auto size = [&](std::string_view key) {
    return static_cast<std::uint64_t>(config.integer(key));
  };
  PipelineOptions options;
  options.journal.path = config.text("journal.path");
  if (options.journal.path.empty()) {
    return mistakes_error(
        {config.mistake("journal.path", "empty", "name a folder, for example ./data/journal")});
  }
  options.journal.size_max_bytes = size("journal.size_max_mb") * mebibyte;
  options.journal.segment_bytes = size("journal.segment_mb") * mebibyte;
  options.journal.sync = sync_mode(config.text("journal.sync"));
  options.journal.when_full =
      config.text("journal.when_full") == "drop_oldest" ? WhenFull::drop_oldest : WhenFull::block;
  options.journal.replay_window_ns = config.duration_ns("journal.replay_window");

  options.dead_letters = options.journal;
  options.dead_letters.path = config.text("dead_letters.path");
  if (options.dead_letters.path.empty()) options.dead_letters.path = beside(options.journal.path);
  options.dead_letters.size_max_bytes = size("dead_letters.size_max_mb") * mebibyte;
  options.dead_letters.when_full = WhenFull::drop_oldest;

  options.ingest.sync = options.journal.sync;
  options.ingest.sync_bytes = size("journal.sync_bytes");
  options.ingest.sync_interval_ns =
      static_cast<std::int64_t>(config.number("journal.sync_interval_ms") * 1e6);
  options.ingest.unmatched = unmatched(config.text("schema.unmatched"));
  options.ingest.batch_messages_max = size("buffer.size");
  options.ingest.high_water_messages = config.is_set("buffer.high_water_mark")
                                           ? size("buffer.high_water_mark")
                                           : options.ingest.batch_messages_max * 8 / 10;

  options.consumer.batch_rows_max = size("buffer.batch_size");
  options.consumer.batch_age_ns =
      static_cast<std::int64_t>(config.number("buffer.flush_interval_sec") * 1e9);

  options.schema_path = config.text("schema.path");
  options.schema_path_optional = !config.is_set("schema.path");
  return options;
}

}  // namespace telemetry
