// SPDX-License-Identifier: Apache-2.0
#include "catch.hpp"

#include "telemetry/pipeline.hpp"

using namespace telemetry;

namespace {

Result<PipelineOptions> options_of(std::vector<std::pair<std::string, std::string>> settings) {
  Config::Sources sources;
  sources.overrides = std::move(settings);
  sources.environment = [](const std::string&) { return std::optional<std::string>(); };
  sources.environment_names = [] { return std::vector<std::string>(); };
  const OptionTable tables[] = {base_options()};
  std::vector<Diagnostic> diagnostics;
  auto config = Config::load(sources, tables, diagnostics);
  for (const Diagnostic& d : diagnostics) UNSCOPED_INFO(to_string(d));
  REQUIRE(config);
  return pipeline_options(*config);
}

}  // namespace

TEST_CASE("an empty configuration gives the documented defaults") {
  const auto options = options_of({});
  REQUIRE(options);
  CHECK(options->journal.path == "./data/journal");
  CHECK(options->journal.sync == SyncMode::interval);
  CHECK(options->ingest.sync_interval_ns == 2'000'000);
  CHECK(options->ingest.sync_bytes == 1024 * 1024);
  CHECK(options->journal.size_max_bytes == 1024ull * 1024 * 1024);
  CHECK(options->journal.replay_window_ns == 24ll * 3600 * 1'000'000'000);
  CHECK(options->dead_letters.path == "./data/dead_letters");
  CHECK(options->dead_letters.when_full == WhenFull::drop_oldest);
  CHECK(options->ingest.batch_messages_max == 10'000);
  CHECK(options->ingest.high_water_messages == 8'000);
  CHECK(options->consumer.batch_rows_max == 8192);
  CHECK(options->consumer.batch_age_ns == 100'000'000);
  CHECK(options->schema_path == "./schemas");
  CHECK(options->schema_path_optional);
}

TEST_CASE("each setting reaches its option") {
  const auto options = options_of({{"journal.path", "/var/lib/journal/"},
                                   {"journal.sync", "always"},
                                   {"journal.when_full", "drop_oldest"},
                                   {"journal.size_max_mb", "100"},
                                   {"journal.segment_mb", "8"},
                                   {"dead_letters.size_max_mb", "5"},
                                   {"schema.unmatched", "drop"},
                                   {"schema.path", "/etc/schemas"},
                                   {"buffer.size", "100"},
                                   {"buffer.high_water_mark", "50"}});
  REQUIRE(options);
  CHECK(options->dead_letters.path == "/var/lib/dead_letters");
  CHECK(options->journal.sync == SyncMode::always);
  CHECK(options->ingest.sync == SyncMode::always);
  CHECK(options->journal.when_full == WhenFull::drop_oldest);
  CHECK(options->journal.size_max_bytes == 100u * 1024 * 1024);
  CHECK(options->journal.segment_bytes == 8u * 1024 * 1024);
  CHECK(options->dead_letters.size_max_bytes == 5u * 1024 * 1024);
  CHECK(options->ingest.unmatched == Unmatched::drop);
  CHECK_FALSE(options->schema_path_optional);
  CHECK(options->ingest.batch_messages_max == 100);
  CHECK(options->ingest.high_water_messages == 50);
}
