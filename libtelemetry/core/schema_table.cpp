// SPDX-License-Identifier: Apache-2.0
#include "telemetry/core/schema_table.hpp"

#include "telemetry/core/topic.hpp"

namespace telemetry::core {

const SchemaEntry* choose(std::span<const SchemaEntry> schemas, std::string_view topic) noexcept {
  for (const SchemaEntry& schema : schemas) {
    if (topic_matches(schema.filter, topic)) return &schema;
  }
  return nullptr;
}

}  // namespace telemetry::core
