// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ingest/fixture.hpp"

namespace telemetry::testing {

inline const std::string topic = "sensors/hall/temperature";

/// An ingest on files in memory.
struct House {
  explicit House(IngestOptions ingest_options = {}, IngestCallbacks callbacks = {})
      : options(ingest_options), user(std::move(callbacks)) {
    journal.path = "/journal";
    open();
  }
  void open() {
    ingest.reset();
    auto opened = Ingest::open(options, journal, schemas,
                               model::fault_environment(clock, files, log.log()), user);
    if (!opened) UNSCOPED_INFO(opened.error().context);
    REQUIRE(opened);
    ingest = std::move(*opened);
    ingest->on_durable([this](const BatchPtr& batch) { durable.push_back(batch); });
  }

  model::ManualClock clock;
  model::FaultFileSystem files;
  LogLines log;
  IngestOptions options;
  JournalOptions journal;
  IngestCallbacks user;
  std::shared_ptr<const SchemaSet> schemas = schema_set({temperature_schema});
  std::vector<BatchPtr> durable;
  std::unique_ptr<Ingest> ingest;
};

}  // namespace telemetry::testing
