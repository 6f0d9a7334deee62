// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>
#include "catch.hpp"

#include "telemetry/schema.hpp"

namespace schema_test {

using SchemaPtr = std::shared_ptr<const telemetry::Schema>;

inline std::string all_of(const std::vector<telemetry::Diagnostic>& diagnostics) {
  std::string text;
  for (const telemetry::Diagnostic& d : diagnostics) text += to_string(d) + "\n";
  return text;
}

/// The schema of a document without mistakes.
inline SchemaPtr good(const std::string& document, const std::string& file = "test.yaml") {
  std::vector<telemetry::Diagnostic> diagnostics;
  auto schema = telemetry::Schema::parse(document, file, diagnostics);
  INFO(document);
  INFO(all_of(diagnostics));
  REQUIRE(schema);
  REQUIRE(diagnostics.empty());
  return *schema;
}

/// Lines 1 to 3 of a schema.
inline const std::string head = "name: t\nversion: \"1.0\"\ntopic_pattern: a/{device}/b\n";

/// A schema with these fields, which begin in line 5.
inline std::string with_fields(const std::string& fields) { return head + "fields:\n" + fields; }

}  // namespace schema_test
