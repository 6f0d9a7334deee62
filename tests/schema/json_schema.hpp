// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support.hpp"
#include "telemetry/core/decode.hpp"

namespace schema_test {

/// What both judges say of a payload, in words; empty: it is good.
inline std::vector<std::string> told(const telemetry::Schema& schema, std::string_view payload) {
  std::vector<telemetry::core::Value> values(schema.view().slot_count);
  std::vector<char> scratch(payload.size());
  std::vector<telemetry::core::Violation> violations(16);
  std::vector<telemetry::core::Extra> extras(256);
  const auto result =
      telemetry::core::decode(schema.view(), payload, {values, scratch, violations, extras},
                              schema.pattern_hook(), schema.coercion_hook());
  std::size_t broken = result.violations;
  if (result.ok()) broken = schema.check_json_schema(payload, violations);
  std::vector<std::string> out;
  for (std::size_t i = 0; i < broken && i < violations.size(); ++i)
    out.push_back(schema.describe(violations[i], payload));
  return out;
}
using Told = std::vector<std::string>;

/// A JSON file with this draft-07 document.
inline std::string with_document(const std::string& document) {
  return R"({"name": "t", "version": "1.0", "topic_pattern": "a/{device}", "json_schema": )" +
         document + "}";
}

/// A document whose member `v` has this schema.
inline std::string with_member(const std::string& schema) {
  return with_document(R"({"type": "object", "properties": {"v": )" + schema + "}}");
}

/// The same schema, read from its own canonical document.
inline SchemaPtr again(const telemetry::Schema& schema) {
  const SchemaPtr out = good(schema.document(), "again.json");
  REQUIRE(out->id() == schema.id());
  return out;
}

}  // namespace schema_test
