// SPDX-License-Identifier: Apache-2.0
// firmware_schemas.inc is what firmware gets for the schemas named here; it is compiled into this
// test. When the schema compiler is meant to write something else, it is written anew by
//   telemetry schema compile --to cpp --namespace golden::schemas -o firmware_schemas.inc FILE...
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>
#include "catch.hpp"

#include "golden/firmware_schemas.inc"
#include "telemetry/core/decode.hpp"
#include "telemetry/schema.hpp"

using namespace telemetry;

namespace {

using SchemaPtr = std::shared_ptr<const Schema>;

const std::string root = TELEMETRY_SOURCE_DIR;

SchemaPtr load(const std::string& file) {
  std::vector<Diagnostic> diagnostics;
  const auto set = SchemaSet::load(root + "/" + file, diagnostics);
  INFO(file << (diagnostics.empty() ? "" : ": " + to_string(diagnostics.front())));
  REQUIRE(set);
  return (*set)->all().front();
}

std::vector<SchemaPtr> golden_schemas() {
  std::vector<SchemaPtr> all;
  for (const char* file :
       {"tests/golden/firmware/every_rule_1.0.yaml", "tests/golden/firmware/every_rule_1.1.yaml",
        "examples/schemas/heartbeat.yaml", "examples/schemas/power_meter_ac.yaml",
        "examples/schemas/power_meter_dc.yaml"}) {
    all.push_back(load(file));
  }
  return all;
}

std::string text_of(const core::Value& value) {
  const auto kind = std::to_string(static_cast<int>(value.kind())) + " ";
  switch (value.kind()) {
    case core::ValueKind::text:
    case core::ValueKind::json:
      return kind + std::string(value.as_text());
    default:
      return kind + std::to_string(value.as_integer()) + "e" +
             std::to_string(value.as_decimal().exponent);
  }
}

/// Every row of every table as text.
std::vector<std::string> rows_of(const core::SchemaView& view) {
  std::vector<std::string> rows;
  const auto add = [&](const char* table, auto... members) {
    std::string row = table;
    ((row += " " + std::to_string(members)), ...);
    rows.push_back(row);
  };
  for (const core::Node& n : view.nodes) {
    add("node", int(n.type), int(n.time_format), n.extra_allowed, int(n.nulls), n.first, n.count,
        n.fields, n.min, n.max, n.min_exclusive, n.max_exclusive, n.length_min, n.length_max,
        n.pattern, n.slot);
  }
  for (const core::Key& k : view.keys) {
    add("key", k.node, k.field, k.required);
    rows.back() += " " + std::string(k.name);
  }
  for (const core::Decimal& b : view.bounds) add("bound", b.mantissa, b.exponent);
  for (const core::Value& v : view.enums) rows.push_back("enum " + text_of(v));
  for (const core::Default& d : view.defaults) {
    add("default", d.slot);
    rows.back() += " " + text_of(d.value);
  }
  for (const core::Requires& r : view.requires_) add("requires", r.node, r.field, r.needs);
  for (const core::Comparison& c : view.comparisons) {
    add("comparison", c.node, c.left, c.right, int(c.relation));
  }
  add("view", view.zone_offset_s, view.slot_count, view.time_slot, view.sequence_slot);
  return rows;
}

const core::SchemaEntry* find(const Schema& schema) {
  for (const core::SchemaEntry& entry : golden::schemas::all) {
    if (entry.id == schema.id()) return &entry;
  }
  return nullptr;
}

}  // namespace

TEST_CASE("the schema compiler writes the golden header, whatever the order of the schemas") {
  std::ifstream file(root + "/tests/golden/firmware_schemas.inc", std::ios::binary);
  const std::string golden{std::istreambuf_iterator<char>(file), {}};
  std::vector<SchemaPtr> schemas = golden_schemas();
  std::vector<Diagnostic> diagnostics;
  const auto header = compile_to_cpp(schemas, "golden::schemas", diagnostics);
  REQUIRE(header);
  CHECK(diagnostics.empty());
  CHECK(*header == golden);
  const std::vector<SchemaPtr> backwards(schemas.rbegin(), schemas.rend());
  CHECK(*compile_to_cpp(backwards, "golden::schemas", diagnostics) == golden);
}

TEST_CASE("firmware has the tables that the gateway judges with, row by row") {
  const std::vector<SchemaPtr> schemas = golden_schemas();
  CHECK(std::size(golden::schemas::all) == schemas.size());
  for (const SchemaPtr& schema : schemas) {
    INFO(schema->file());
    const core::SchemaEntry* entry = find(*schema);
    REQUIRE(entry != nullptr);
    CHECK(entry->name == schema->name());
    CHECK(entry->major == schema->version().major);
    CHECK(entry->minor == schema->version().minor);
    CHECK(entry->filter == schema->filter());
    CHECK(rows_of(*entry->view) == rows_of(schema->view()));
  }
}

TEST_CASE("every schema of examples/schemas is in the golden header, or is refused with a place") {
  std::size_t compiled = 0;
  for (const auto& file : std::filesystem::directory_iterator(root + "/examples/schemas")) {
    const SchemaPtr schema = load("examples/schemas/" + file.path().filename().string());
    std::vector<Diagnostic> diagnostics;
    const bool good = bool(compile_to_cpp(std::array{schema}, "schemas", diagnostics));
    INFO(schema->file());
    CHECK(good == (find(*schema) != nullptr));
    CHECK(good == diagnostics.empty());
    for (const Diagnostic& one : diagnostics) CHECK(one.line > 0);
    compiled += good ? 1 : 0;
  }
  CHECK(compiled == 3);
}

TEST_CASE("firmware chooses the schema that the gateway chooses") {
  std::vector<Diagnostic> diagnostics;
  const auto set = SchemaSet::make(golden_schemas(), diagnostics);
  REQUIRE(set);
  for (const char* topic : {"iot/a/status", "iot/ac/m1/telemetry", "iot/dc/m1/telemetry", "plant/x",
                            "plant/x/hall", "plant/x/hall/1", "plant/x/hall/1/2", "plant/", "plant",
                            "iot//status", "$iot/a/status", "/iot/a/status", "iot/a/status/"}) {
    INFO(topic);
    const Schema* const there = (*set)->choose(topic);
    const core::SchemaEntry* const here = golden::schemas::choose(topic);
    REQUIRE((here == nullptr) == (there == nullptr));
    if (here != nullptr) CHECK(here->id == there->id());
  }
}

TEST_CASE("names of a golden schema lead to its values") {
  namespace slots = golden::schemas::power_meter_dc_v1_slots;
  constexpr const core::SchemaView& view = golden::schemas::power_meter_dc_v1;
  static_assert(golden::schemas::power_meter_dc_v1_entry.view == &view);
  const std::string_view payload =
      R"({"device_id":"dc-1","timestamp":"2026-11-21T08:00:00Z","seq":17,"voltage":48.1,)"
      R"("current":-2.5,"power":-120.25,"energy":10432.5,"relay":true})";
  std::array<core::Value, view.slot_count> values;
  std::array<char, 256> scratch;
  std::array<core::Violation, 4> violations;
  const auto result = core::decode(view, payload, {values, scratch, violations, {}});
  REQUIRE(result.ok());
  CHECK(values[slots::device_id].as_text() == "dc-1");
  CHECK(values[slots::voltage].as_decimal().mantissa == 481);
  CHECK(values[slots::temperature].is_null());
  CHECK(values[slots::relay].as_integer() == 1);
  // A word of C++, and two paths that are one word.
  namespace every = golden::schemas::every_rule_v1_slots;
  CHECK(every::class_ > every::times_at_);
  CHECK(every::times_at_ > every::times_at);
}
