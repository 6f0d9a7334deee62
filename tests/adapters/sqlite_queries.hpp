// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "adapters/sqlite_store.hpp"
#include "telemetry/export.hpp"

/// Asking a store.
namespace telemetry::test {

using Texts = std::vector<std::string>;
using Ids = std::vector<std::uint64_t>;

inline Ids ids(Store& store, const Query& query) {
  Ids result;
  require(store.query(query, [&](const Row& row) {
    result.push_back(row.id);
    return true;
  }));
  return result;
}

inline Texts payloads(Store& store, const Query& query) {
  Texts result;
  require(store.query(query, [&](const Row& row) {
    std::string json;
    append_payload_json(row, json);
    result.push_back(json);
    return true;
  }));
  return result;
}

inline Error query_fails(Store& store, const Query& query) {
  auto done = store.query(query, [](const Row&) { return true; });
  REQUIRE_FALSE(done);
  return done.error();
}

inline Condition condition(const std::string& text) {
  auto parsed = parse_condition(text);
  require(parsed);
  return *parsed;
}

inline constexpr const char* mixed_schema = R"(
name: mixed
version: "1.0"
topic_pattern: mixed/{device}/x
validation: {strict: true, allow_extra_fields: true}
fields:
  - {name: real, type: float}
  - {name: whole, type: integer}
  - {name: word, type: string}
  - {name: on, type: boolean}
  - {name: at, type: timestamp}
  - {name: place, type: object, fields: [{name: lat, type: float}, {name: lon, type: float}]}
  - {name: list, type: array, items: {type: integer}}
)";

}  // namespace telemetry::test
