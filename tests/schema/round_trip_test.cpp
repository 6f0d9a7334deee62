// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "schema/specification.hpp"
#include "support.hpp"

namespace {

using namespace schema_test;
using telemetry::Schema;
using telemetry::core::Default;
using telemetry::core::Key;
using telemetry::core::Node;
using telemetry::core::SchemaView;
using telemetry::core::Value;
using telemetry::schemas::json_string;
using telemetry::schemas::number_text;

/// Everything that a decoder can see of a view, as text.
std::string dump(const Schema& schema) {
  std::ostringstream out;
  const SchemaView& view = schema.view();
  const auto value = [&](const Value& v) {
    out << static_cast<int>(v.kind()) << ':';
    if (v.kind() == telemetry::core::ValueKind::text)
      out << v.as_text();
    else if (v.kind() == telemetry::core::ValueKind::decimal)
      out << v.as_decimal().mantissa << 'e' << v.as_decimal().exponent;
    else
      out << v.as_integer();
    out << ' ';
  };
  for (const Node& n : view.nodes)
    out << static_cast<int>(n.type) << ' ' << static_cast<int>(n.time_format) << ' '
        << n.extra_allowed << ' ' << n.first << ' ' << n.count << ' ' << n.fields << ' ' << n.min
        << ' ' << n.max << ' ' << n.length_min << ' ' << n.length_max << ' ' << n.pattern << ' '
        << n.slot << ' ' << static_cast<int>(n.nulls) << n.min_exclusive << n.max_exclusive << '\n';
  for (const Key& k : view.keys)
    out << k.name << ' ' << k.node << ' ' << k.field << ' ' << k.required << '\n';
  for (const auto& b : view.bounds) out << b.mantissa << 'e' << b.exponent << '\n';
  for (const Value& v : view.enums) value(v);
  for (const Default& d : view.defaults) {
    out << d.slot << '=';
    value(d.value);
  }
  for (const auto& r : view.requires_) out << r.node << ' ' << r.field << ' ' << r.needs << '\n';
  for (const auto& c : view.comparisons)
    out << c.node << ' ' << c.left << ' ' << static_cast<int>(c.relation) << ' ' << c.right << '\n';
  out << view.zone_offset_s << ' ' << view.slot_count << ' ' << view.time_slot << ' '
      << view.sequence_slot << '\n';
  for (const auto& s : schema.slots())
    out << s.path << ' ' << static_cast<int>(s.type) << ' ' << s.unit << ' ' << s.required << '\n';
  out << schema.filter() << ' ' << schema.sequence_per_device() << ' ' << schema.name() << ' '
      << schema.version().major << '.' << schema.version().minor << ' '
      << (schema.coercion_hook().coerce != nullptr);
  return out.str();
}

void check_round_trip(const Schema& schema) {
  INFO(schema.document());
  const auto again = good(schema.document());
  CHECK(again->document() == schema.document());
  CHECK(again->id() == schema.id());
  CHECK(dump(*again) == dump(schema));
}

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST_CASE("the canonical document of every example gives the same schema again") {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(
           std::filesystem::path(TELEMETRY_SOURCE_DIR) / "examples/schemas")) {
    ++files;
    check_round_trip(*good(read(entry.path()), entry.path().string()));
  }
  CHECK(files >= 5);
}

// Journals hold these documents and ids: if this test fails, old segments lose their schema.
TEST_CASE("the canonical document is what the first version wrote") {
  const auto schema =
      good(read(std::filesystem::path(TELEMETRY_SOURCE_DIR) / "tests/schema/canonical.yaml"));
  CHECK(schema->document() ==
        read(std::filesystem::path(TELEMETRY_SOURCE_DIR) / "tests/schema/canonical.json"));
  CHECK(schema->id() == 0x482284e8a30ccb9f);
}

// The same for what came later.
TEST_CASE("the canonical document names lenient mode and comparisons only where they are used") {
  const auto schema = good(
      "name: t\nversion: 1\ntopic_pattern: a\nvalidation: {allow_extra_fields: true, strict: "
      "false}\n"
      "fields:\n  - {name: x, type: float, equal: y, greater_than: [z], min: 1}\n"
      "  - {name: y, type: float}\n  - {name: z, type: float}\n");
  CHECK(schema->document() == R"({"name":"t","version":"1.0","topic_pattern":"a",)"
                              R"("validation":{"strict":false,"allow_extra_fields":true},)"
                              R"("fields":[{"name":"x","type":"float",)"
                              R"("validation":{"min":1,"greater_than":["z"],"equal":["y"]}},)"
                              R"({"name":"y","type":"float"},{"name":"z","type":"float"}]})");
  check_round_trip(*schema);
}

TEST_CASE("layout, remarks, descriptions and defaults written out do not change the id") {
  const auto schema = good(with_fields("  - {name: x, type: float, min: 1, max: 20}\n"));
  const auto same = good(
      "# A remark\ndescription: words\nversion: \"1.0.0\"\ntopic_pattern: \"a/{device}/b\"\n"
      "time_format: auto\ntime_zone: UTC\nsequence_scope:\nname: 't'\n"
      "validation: {strict: true, allow_extra_fields: false}\nfields:\n- name: \"x\"\n"
      "  type: number\n  required: false\n  unit:\n  description: more words\n"
      "  validation:\n    max: 2e1\n    min: 1.00\n");
  CHECK(same->id() == schema->id());
  CHECK(good(with_fields("  - {name: x, type: float, min: 1, max: 21}\n"))->id() != schema->id());
  CHECK(good(with_fields("  - {name: x, type: float, unit: V, min: 1, max: 20}\n"))->id() !=
        schema->id());
}

TEST_CASE("a number has one text, whatever its spelling") {
  CHECK(number_text({0, 5}) == "0");
  CHECK(number_text({-1500, -3}) == "-1.5");
  CHECK(number_text({15, 2}) == "1500");
  CHECK(number_text({5, -3}) == "0.005");
  CHECK(number_text({1, 30}) == "1e30");
  CHECK(number_text({-12, -40}) == "-12e-40");
  CHECK(number_text({INT64_MIN, 0}) == "-9223372036854775808");
}

/// Random schemas as JSON text, legal by construction.
class Generator {
 public:
  explicit Generator(std::uint32_t seed) : random_(seed) {}

  std::string schema() {
    leaves_ = 0;
    std::string out = "{\"name\": \"s" + std::to_string(pick(1000)) + "\", \"version\": \"" +
                      std::to_string(pick(9)) + "." + std::to_string(pick(40)) +
                      "\", \"topic_pattern\": \"" + filter() + "\"";
    static const char* const formats[] = {"auto", "rfc3339", "s", "ms", "us", "ns"};
    if (chance(3)) out += std::string(", \"time_format\": \"") + formats[pick(6)] + "\"";
    if (chance(3))
      out += ", \"time_zone\": \"" + std::string(chance(2) ? "+02:00" : "-11:30") + "\"";
    static const char* const validations[] = {"{\"allow_extra_fields\": true}",
                                              "{\"strict\": false}",
                                              "{\"strict\": false, \"allow_extra_fields\": true}"};
    if (chance(2)) out += std::string(", \"validation\": ") + validations[pick(3)];
    return out + ", \"fields\": " + fields(1, false) + "}";
  }

 private:
  std::uint32_t pick(std::uint32_t below) { return static_cast<std::uint32_t>(random_()) % below; }
  bool chance(std::uint32_t in) { return pick(in) == 0; }

  std::string filter() {
    static const char* const levels[] = {"a", "b", "+", "", "$x", "höhe", "with space"};
    std::string out = chance(2) ? "{device}" : levels[pick(7)];
    for (std::uint32_t i = pick(4); i > 0; --i) out += std::string("/") + levels[pick(7)];
    return chance(4) || out.empty() ? out + "/#" : out;
  }

  std::string word() {
    static const char* const pieces[] = {
        "a",      "x",      "true", "1", "_", ":",    " ", "#", "\"", "\\",         "\x01", "\n",
        "\u00e9", "\u2028", "\t",   "{", ",", "null", "~", "-", "%",  "\U0001F600", "&",    "'"};
    std::string out;
    for (std::uint32_t i = 1 + pick(5); i > 0; --i) out += pieces[pick(24)];
    return out;
  }

  std::string decimal(int sign) {
    const std::string whole = std::to_string(pick(1'000'000));
    std::string out = sign < 0 ? "-" + whole : whole;
    if (chance(2)) out += "." + std::to_string(pick(1'000'000));
    if (chance(4)) out += "e" + std::to_string(pick(20));
    return out;
  }

  // A number before every name keeps names and paths apart.
  std::string name() { return json_string(std::to_string(++names_) + word()); }

  std::string fields(int depth, bool in_array) {
    std::string out = "[";
    for (std::uint32_t i = 1 + pick(5); i > 0 && (leaves_ < 200 || out == "["); --i)
      out += (out == "[" ? "" : ", ") + field(depth, in_array);
    if (!in_array && chance(3)) {
      static const char* const relations[] = {"less_than",        "less_or_equal", "greater_than",
                                              "greater_or_equal", "equal",         "not_equal"};
      const std::string low = name();
      out += ", {\"name\": " + low + ", \"type\": \"integer\"}, {\"name\": " + name() +
             ", \"type\": \"float\", \"validation\": {\"" + relations[pick(6)] + "\": " + low +
             "}}";
    }
    return out + "]";
  }

  std::string field(int depth, bool in_array) {
    std::string out = "{\"name\": " + name();
    const bool required = chance(3);
    if (required) out += ", \"required\": true";
    if (!in_array && chance(4)) out += ", \"aliases\": [" + name() + "," + name() + "]";
    if (chance(4)) out += ", \"unit\": " + json_string(word());
    return out + typed(depth, in_array, !required && !in_array) + "}";
  }

  std::string typed(int depth, bool in_array, bool may_default) {
    ++leaves_;
    const auto with_default = [&](const std::string& value) {
      return may_default && chance(2) ? ", \"default\": " + value : std::string();
    };
    switch (pick(depth < 7 ? 9 : 6)) {
      case 0: {
        if (chance(2)) return R"(, "type": "string", "pattern": "^a|[\\d\"]+$", "min_length": 1)";
        const std::string one = json_string(word() + "1");
        return ", \"type\": \"string\", \"enum\": [" + one + ", " + json_string(word() + "2") +
               "]" + with_default(one);
      }
      case 1:
        return ", \"type\": \"integer\", \"min\": " + decimal(-1) + ", \"max\": " + decimal(1) +
               with_default("0");
      case 2:
        return ", \"type\": \"float\", \"validation\": {\"enum\": [1.5, " + decimal(-1) + "]}" +
               with_default("15e-1");
      case 3:
        return ", \"type\": \"boolean\"" + with_default(chance(2) ? "true" : "false");
      case 4:
        return std::string(", \"type\": \"timestamp\"") +
               (chance(2) ? ", \"time_format\": \"us\"" : "") +
               with_default("\"2026-01-02 03:04:05." + std::to_string(pick(1000)) + "\"");
      case 5:
        return ", \"type\": \"any\"";
      case 6:
      case 7:
        return ", \"type\": \"object\", \"fields\": " + fields(depth + 1, in_array);
      default:
        return ", \"type\": \"array\", \"max_items\": " + std::to_string(pick(99)) +
               ", \"items\": {" + typed(depth + 1, true, false).substr(2) + "}";
    }
  }

  std::mt19937 random_;
  int leaves_ = 0;
  int names_ = 0;
};

TEST_CASE("the canonical document of a random schema gives the same schema again") {
  for (std::uint32_t seed = 0; seed < 500; ++seed) {
    INFO("seed " << seed);
    Generator generator(seed);
    check_round_trip(*good(generator.schema()));
  }
}

}  // namespace
