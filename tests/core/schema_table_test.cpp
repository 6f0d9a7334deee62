// SPDX-License-Identifier: Apache-2.0
#include "telemetry/core/schema_table.hpp"

#include <algorithm>
#include <string>
#include <vector>
#include "catch.hpp"

#include "telemetry/core/schema_check.hpp"

using namespace telemetry::core;

TEST_CASE("the more specific filter comes first, level by level") {
  // In order; levels as plain bytes where both are literals.
  const std::vector<std::string> ordered = {
      "",    "/",     "/a",    "a",   "a/", "a//b", "a/b",      "a/b/c", "a/b/+", "a/b/#", "a/bc",
      "a/+", "a/+/c", "a/+/#", "a/#", "a!", "ab",   "\xC3\xB6", "+",     "+/b",   "+/+",   "#"};
  for (std::size_t i = 0; i < ordered.size(); ++i) {
    for (std::size_t j = 0; j < ordered.size(); ++j) {
      INFO(ordered[i] << " and " << ordered[j]);
      const int order = compare_filters(ordered[i], ordered[j]);
      CHECK((order < 0) == (i < j));
      CHECK((order == 0) == (i == j));
    }
  }
}

TEST_CASE("a table is searched from the most specific filter on") {
  const SchemaEntry table[] = {{.name = "x", .filter = "a/b", .id = 1},
                               {.name = "y", .filter = "a/+", .id = 2, .major = 2},
                               {.name = "y", .filter = "a/+", .id = 3, .major = 1, .minor = 7},
                               {.name = "z", .filter = "#", .id = 4}};
  const auto id = [&](std::string_view topic) {
    const SchemaEntry* found = choose(table, topic);
    return found == nullptr ? 0 : found->id;
  };
  CHECK(is_in_order_of_choice(table));
  CHECK(id("a/b") == 1);
  CHECK(id("a/c") == 2);
  CHECK(id("a/b/c") == 4);
  CHECK(id("$SYS/x") == 0);
  CHECK(choose({}, "a/b") == nullptr);
}

TEST_CASE("a table out of order is seen") {
  const auto in_order = [](SchemaEntry a, SchemaEntry b) {
    const SchemaEntry table[] = {a, b};
    return is_in_order_of_choice(table);
  };
  CHECK_FALSE(in_order({.name = "x", .filter = "#"}, {.name = "y", .filter = "a"}));
  CHECK_FALSE(in_order({.name = "x", .filter = "a"}, {.name = "y", .filter = "a"}));
  CHECK_FALSE(in_order({.name = "x", .filter = "a"}, {.name = "x", .filter = "a"}));
  CHECK_FALSE(
      in_order({.name = "x", .filter = "a", .minor = 1}, {.name = "x", .filter = "a", .minor = 2}));
  CHECK(
      in_order({.name = "x", .filter = "a", .minor = 2}, {.name = "x", .filter = "a", .minor = 1}));
  CHECK(is_in_order_of_choice({}));
}
