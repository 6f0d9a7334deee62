// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>
#include "catch.hpp"

#include "telemetry/infer.hpp"
#include "telemetry/ingest.hpp"
#include "telemetry/schema.hpp"

namespace inferred {

using namespace telemetry;

inline constexpr std::int64_t second = 1'000'000'000;
inline constexpr std::int64_t start = 1'795'000'000 * second;

struct Sent {
  std::string topic, payload;
  std::int64_t at = 0;
};

using SetPtr = std::shared_ptr<const SchemaSet>;

/// Each draft as the project's own reader reads it.
inline SetPtr load(const std::vector<InferredSchema>& drafts) {
  std::vector<std::shared_ptr<const Schema>> schemas;
  std::vector<Diagnostic> diagnostics;
  for (const InferredSchema& draft : drafts) {
    INFO(draft.document);
    auto schema = Schema::parse(draft.document, draft.name + ".yaml", diagnostics);
    REQUIRE(schema);
    schemas.push_back(*schema);
  }
  auto set = SchemaSet::make(schemas, diagnostics);
  INFO((diagnostics.empty() ? "" : to_string(diagnostics.front())));
  REQUIRE(set);
  CHECK(diagnostics.empty());
  return *set;
}

inline std::vector<InferredSchema> drafts_of(SchemaInference& inference) {
  auto drafts = inference.finish();
  INFO((drafts ? "" : drafts.error().context));
  REQUIRE(drafts);
  return *std::move(drafts);
}

/// What is wrong; empty: accepted.
inline std::string problem_of(const SchemaSet& set, const Sent& sent) {
  const Schema* schema = set.choose(sent.topic);
  if (schema == nullptr) return "no schema";
  Batch batch;
  std::vector<core::Violation> violations;
  judge(schema, {.topic = sent.topic, .payload = sent.payload, .received_at = sent.at}, batch,
        &violations);
  if (batch.readings.front().verdict == Verdict::valid) return {};
  return violations.empty() ? "refused" : schema->describe(violations.front(), sent.payload);
}

}  // namespace inferred
