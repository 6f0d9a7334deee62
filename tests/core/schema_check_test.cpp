// SPDX-License-Identifier: Apache-2.0
#include "telemetry/core/schema_check.hpp"

#include <functional>
#include <string>
#include <vector>
#include "catch.hpp"

#include "core/sample_schemas.hpp"

using namespace telemetry::core;

namespace {

/// The tables of a schema, to be damaged.
struct Tables {
  explicit Tables(const SchemaView& view)
      : nodes(view.nodes.begin(), view.nodes.end()),
        keys(view.keys.begin(), view.keys.end()),
        bounds(view.bounds.begin(), view.bounds.end()),
        enums(view.enums.begin(), view.enums.end()),
        defaults(view.defaults.begin(), view.defaults.end()),
        requires_(view.requires_.begin(), view.requires_.end()),
        comparisons(view.comparisons.begin(), view.comparisons.end()),
        rest(view) {}

  [[nodiscard]] SchemaFault fault() const {
    SchemaView view = rest;
    view.nodes = nodes;
    view.keys = keys;
    view.bounds = bounds;
    view.enums = enums;
    view.defaults = defaults;
    view.requires_ = requires_;
    view.comparisons = comparisons;
    const SchemaEntry entry{.name = name, .filter = filter, .view = &view};
    std::vector<SchemaCheck::Place> places(nodes.size());
    return SchemaCheck(entry,
                       {nodes.size(), keys.size(), bounds.size(), enums.size(), defaults.size(),
                        requires_.size(), comparisons.size()},
                       places)
        .run();
  }

  std::string name = "t", filter = "a/+";
  std::vector<Node> nodes;
  std::vector<Key> keys;
  std::vector<Decimal> bounds;
  std::vector<Value> enums;
  std::vector<Default> defaults;
  std::vector<Requires> requires_;
  std::vector<Comparison> comparisons;
  SchemaView rest;
};

/// {a: {low, high: number, word: enum, flag: boolean}, list: [{x}], at: timestamp, n: integer}
Tables sample() {
  constexpr auto object = FieldType::object;
  constexpr auto number = FieldType::number;
  Tables t{SchemaView{.nodes = {},
                      .keys = {},
                      .bounds = {},
                      .enums = {},
                      .defaults = {},
                      .requires_ = {},
                      .slot_count = 7,
                      .time_slot = 5,
                      .sequence_slot = 6}};
  t.nodes = {{.type = object, .first = 0, .count = 5, .fields = 4},
             {.type = object, .first = 5, .count = 4, .fields = 4},
             {.type = FieldType::array, .first = 9, .slot = 4},
             {.type = FieldType::timestamp, .slot = 5},
             {.type = FieldType::integer, .min = 0, .slot = 6},
             {.type = number, .max = 1, .slot = 0},
             {.type = number, .slot = 1},
             {.type = FieldType::string, .first = 0, .count = 2, .slot = 2},
             {.type = FieldType::boolean, .slot = 3},
             {.type = object, .first = 9, .count = 1, .fields = 1},
             {.type = FieldType::any}};
  t.keys = {{"a", 1, 0, true},    {"list", 2, 1, false}, {"l", 2, 1, false},
            {"at", 3, 2, true},   {"n", 4, 3, false},    {"low", 5, 0, false},
            {"high", 6, 1, true}, {"word", 7, 2, false}, {"flag", 8, 3, true},
            {"x", 10, 0, true}};
  t.bounds = {{0, 0}, {5, 0}};
  t.enums = {Value::text("on"), Value::text("öff")};
  t.defaults = {{0, Value::decimal({1, 0})}, {2, Value::text("on")}};
  t.requires_ = {{1, 0, 1}};
  t.comparisons = {{1, 0, 1, Relation::less_than}};
  return t;
}

}  // namespace

TEST_CASE("tables that are right have no fault") {
  CHECK(sample().fault() == SchemaFault::none);
  CHECK(Tables(test::sensor::schema).fault() == SchemaFault::none);
}

TEST_CASE("each damage of a table is the fault that it is") {
  using enum SchemaFault;
  struct Damage {
    const char* what;
    SchemaFault fault;
    std::function<void(Tables&)> make;
  };
  const Damage damages[] = {
      {"no nodes", sizes, [](Tables& t) { t.nodes.clear(); }},
      {"slot_count over the limit", sizes, [](Tables& t) { t.rest.slot_count = 257; }},
      {"no name", name, [](Tables& t) { t.name.clear(); }},
      {"a filter with a NUL", filter, [](Tables& t) { t.filter += '\0'; }},
      {"a shared filter", filter, [](Tables& t) { t.filter = "$share/g/a"; }},
      {"an unknown type", node, [](Tables& t) { t.nodes[3].type = FieldType{8}; }},
      {"an unknown time format", node, [](Tables& t) { t.nodes[3].time_format = TimeFormat{6}; }},
      {"an unknown word for null", node, [](Tables& t) { t.nodes[3].nulls = Nulls{3}; }},
      {"a document that is no object", tree, [](Tables& t) { t.nodes[0].type = FieldType::any; }},
      {"an item before its array", tree, [](Tables& t) { t.nodes[2].first = 1; }},
      {"an item past the end", tree, [](Tables& t) { t.nodes[2].first = 11; }},
      {"a node with two keys", tree, [](Tables& t) { t.keys[5].node = 6; }},
      {"a node without a key", tree, [](Tables& t) { t.nodes.emplace_back(); }},
      {"keys past the end", keys, [](Tables& t) { t.nodes[9].count = 2; }},
      {"an object without keys", keys, [](Tables& t) { t.nodes[9].count = 0; }},
      {"a field past the last one", keys, [](Tables& t) { t.keys[9].field = 1; }},
      {"fields that are left out", keys, [](Tables& t) { t.nodes[9].fields = 2; }},
      {"an alias of another node", keys, [](Tables& t) { t.keys[2].node = 3; }},
      {"an alias that is required", keys, [](Tables& t) { t.keys[2].required = true; }},
      {"an alias before its field", keys, [](Tables& t) { std::swap(t.keys[1], t.keys[3]); }},
      {"a key that nobody has", keys,
       [](Tables& t) {
         t.keys.push_back({"y", 10, 0, true});
       }},
      {"an empty key", key_names, [](Tables& t) { t.keys[9].name = ""; }},
      {"a key of half a character", key_names, [](Tables& t) { t.keys[9].name = "\xC3"; }},
      {"a slot twice", slots, [](Tables& t) { t.nodes[8].slot = 2; }},
      {"a slot too high", slots, [](Tables& t) { t.nodes[8].slot = 7; }},
      {"a slot too many", slots, [](Tables& t) { t.rest.slot_count = 8; }},
      {"a value without a slot", slots, [](Tables& t) { t.nodes[8].slot = no_index; }},
      {"a slot inside an array", slots, [](Tables& t) { t.nodes[10].slot = 3; }},
      {"a slot of an object", slots, [](Tables& t) { t.nodes[1].slot = 3; }},
      {"a bound past the end", bounds, [](Tables& t) { t.nodes[5].max = 2; }},
      {"a bound of a boolean", bounds, [](Tables& t) { t.nodes[8].max = 1; }},
      {"a bound that nobody has", bounds, [](Tables& t) { t.nodes[5].max = 0; }},
      {"lengths that cross", lengths,
       [](Tables& t) {
         t.nodes[7] = {.type = FieldType::string, .length_min = 2, .length_max = 1, .slot = 2};
       }},
      {"values past the end", enums, [](Tables& t) { t.nodes[7].first = 1; }},
      {"a value that nobody has", enums, [](Tables& t) { t.nodes[7].count = 1; }},
      {"a value of another type", enums, [](Tables& t) { t.enums[0] = Value::integer(1); }},
      {"values of a boolean", enums, [](Tables& t) { t.nodes[8].count = 1; }},
      {"a pattern", pattern, [](Tables& t) { t.nodes[7].pattern = 0; }},
      {"defaults out of order", defaults,
       [](Tables& t) { std::swap(t.defaults[0], t.defaults[1]); }},
      {"a default of another type", defaults,
       [](Tables& t) {
         t.defaults[0].slot = 1;
         t.defaults[0].value = Value::integer(1);
       }},
      {"a default without a slot", defaults, [](Tables& t) { t.defaults[1].slot = 7; }},
      {"requires of no object", requires_, [](Tables& t) { t.requires_[0].node = 5; }},
      {"requires of itself", requires_, [](Tables& t) { t.requires_[0].needs = 0; }},
      {"requires past the fields", requires_, [](Tables& t) { t.requires_[0].field = 4; }},
      {"a comparison with itself", comparisons, [](Tables& t) { t.comparisons[0].right = 0; }},
      {"a comparison of two types", comparisons, [](Tables& t) { t.comparisons[0].right = 5; }},
      {"a boolean and a text", comparisons,
       [](Tables& t) {
         t.comparisons[0].left = 3;
         t.comparisons[0].right = 2;
       }},
      {"an unknown relation", comparisons,
       [](Tables& t) { t.comparisons[0].relation = Relation{7}; }},
      {"a time that is none", roles, [](Tables& t) { t.rest.time_slot = 6; }},
      {"a sequence that is none", roles, [](Tables& t) { t.rest.sequence_slot = 5; }},
      {"a zone of a day", roles, [](Tables& t) { t.rest.zone_offset_s = 86'400; }},
  };
  for (const Damage& damage : damages) {
    Tables tables = sample();
    damage.make(tables);
    INFO(damage.what);
    CHECK(tables.fault() == damage.fault);
  }
}

TEST_CASE("objects may nest to the limit of the decoder and no deeper") {
  const auto nested = [](std::size_t depth) {
    Tables t = sample();
    t.nodes.clear();
    t.keys.clear();
    t.bounds.clear();
    t.enums.clear();
    t.defaults.clear();
    t.requires_.clear();
    t.comparisons.clear();
    t.rest.slot_count = 1;
    t.rest.time_slot = t.rest.sequence_slot = no_index;
    for (std::uint16_t i = 0; i < depth; ++i) {
      t.nodes.push_back({.type = FieldType::object, .first = i, .count = 1, .fields = 1});
      t.keys.push_back({"x", static_cast<std::uint16_t>(i + 1), 0, false});
    }
    t.nodes.push_back({.type = FieldType::any, .slot = 0});
    return t.fault();
  };
  CHECK(nested(schema_depth_max) == SchemaFault::none);
  CHECK(nested(schema_depth_max + 1) == SchemaFault::nesting);
}

TEST_CASE("the checks of texts and filters say what those of the gateway say") {
  for (unsigned lead = 0; lead < 256; ++lead) {
    for (const char* rest :
         {"", "a", "\x80", "\x9F", "\xA0", "\xBF", "\x80\x80", "\x90\x80", "\xA0\x80", "\xBF\xBF",
          "\x8F\xBF\xBF", "\x90\x80\x80", "\x80\x80\x80"}) {
      const std::string text = static_cast<char>(lead) + std::string(rest);
      INFO(lead << " " << rest);
      CHECK(is_table_text(text) == is_valid_utf8(text));
    }
  }
  for (const char* filter :
       {"", "a", "/", "a//b", "+", "#", "a/+", "a/+/#", "a+", "a/#/b", "#a", "+a/b", "a/b+",
        "$SYS/#", "\xFF", "a/\xC3\xB6", "##", "+/+", "$share"}) {
    INFO(filter);
    CHECK(is_table_filter(filter) == is_valid_filter(filter));
  }
  CHECK_FALSE(is_table_filter(std::string(topic_bytes_max + 1, 'a')));
  CHECK(is_table_filter(std::string(topic_bytes_max, 'a')));
}
