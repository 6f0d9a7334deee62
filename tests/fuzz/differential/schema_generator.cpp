// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include "fuzz/differential/checker.hpp"
#include "fuzz/differential/generator.hpp"
#include "telemetry/core/limits.hpp"

namespace telemetry::reference {
namespace {

using core::FieldType;

constexpr const char* name_pool[] = {
    "temperature", "humidity", "sensor_id", "timestamp",  "seq",  "a",     "b",      "lat",
    "select",      "ü",        "naïve key", "with\"mark", "a\\b", "tab\t", "😀",     " ",
    "A",           "日本",     "k/l",       "null",       "0",    "#x",    "- y: z", "key:",
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }

std::size_t code_points(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) >> 6) != 2; }));
}

const Pattern patterns[] = {
    {"^[a-z]*$",
     [](const std::string& text) { return std::all_of(text.begin(), text.end(), is_lower); }},
    {"^sensor-\\d{3,}$",
     [](const std::string& text) {
       return text.starts_with("sensor-") && text.size() >= 10 &&
              std::all_of(text.begin() + 7, text.end(), is_digit);
     }},
    {"x", [](const std::string& text) { return text.find('x') != std::string::npos; }},
    {"^.{2,4}$",
     [](const std::string& text) {
       return code_points(text) >= 2 && code_points(text) <= 4 &&
              text.find('\n') == std::string::npos;
     }},
    {"[0-9]+$", [](const std::string& text) { return !text.empty() && is_digit(text.back()); }},
    {"^$|^ü", [](const std::string& text) { return text.empty() || text.starts_with("ü"); }},
};

class SchemaGenerator {
 public:
  explicit SchemaGenerator(Random& random) : random_(random) {}
  SchemaModel run();

 private:
  using Names = std::set<std::string>;
  std::vector<FieldModel> fields(std::size_t depth, bool in_array);
  FieldModel field(std::size_t depth, bool in_array);
  std::string name(Names& taken, bool in_array);
  void rules(FieldModel& field);
  void bounds(FieldModel& field);
  void values(FieldModel& field, bool in_array);
  void relations(std::vector<FieldModel>& fields);

  Random& random_;
  std::size_t slots_ = 0;
};

SchemaModel SchemaGenerator::run() {
  constexpr int zones[] = {0, 0, 3600, -5 * 3600, 5 * 3600 + 1800, -3 * 3600 - 1800, 14 * 3600};
  SchemaModel schema;
  schema.extra_allowed = random_.percent(50);
  schema.lenient = random_.percent(50);
  schema.zone_offset_s = random_.pick(zones);
  schema.fields = fields(1, false);
  return schema;
}

std::vector<FieldModel> SchemaGenerator::fields(std::size_t depth, bool in_array) {
  std::vector<FieldModel> all;
  Names taken;
  const std::size_t count = 1 + random_.below(depth == 1 ? 8 : 4);
  for (std::size_t i = 0; i < count; ++i) {
    FieldModel one = field(depth, in_array);
    one.name = name(taken, in_array);
    if (!in_array && random_.percent(15)) {
      for (std::size_t n = 1 + random_.below(2); n > 0; --n)
        one.aliases.push_back(name(taken, true));
    }
    one.required = !one.default_ && random_.percent(30);
    all.push_back(std::move(one));
  }
  if (!in_array) relations(all);
  return all;
}

/// A name with a dot is for arrays and aliases only.
std::string SchemaGenerator::name(Names& taken, bool dots) {
  for (;;) {
    std::string text = random_.pick(name_pool);
    if (random_.percent(30)) text += std::to_string(random_.below(20));
    if (dots && random_.percent(10)) text += ".x";
    if (random_.percent(2)) text = std::string(core::field_name_bytes_max - 2, 'n') + "é";
    if (taken.insert(text).second) return text;
  }
}

FieldModel SchemaGenerator::field(std::size_t depth, bool in_array) {
  constexpr FieldType leaves[] = {FieldType::string,    FieldType::string,  FieldType::integer,
                                  FieldType::integer,   FieldType::number,  FieldType::number,
                                  FieldType::timestamp, FieldType::boolean, FieldType::any};
  FieldModel field;
  const bool nested = depth < core::schema_depth_max && slots_ < 60 && random_.percent(28);
  field.type = !nested               ? random_.pick(leaves)
               : random_.percent(60) ? FieldType::object
                                     : FieldType::array;
  ++slots_;
  if (field.type == FieldType::object) {
    field.fields = fields(depth + 1, in_array);
  } else if (field.type == FieldType::array) {
    if (random_.percent(85)) field.items.push_back(this->field(depth + 1, true));
    if (!field.items.empty()) field.items.front().default_.reset();
  } else if (field.type == FieldType::timestamp) {
    field.time_format = static_cast<core::TimeFormat>(random_.below(6));
  }
  if (random_.percent(15)) field.unit = random_.percent(50) ? "°C" : "e3";
  rules(field);
  values(field, in_array);
  return field;
}

void SchemaGenerator::rules(FieldModel& field) {
  if (field.type == FieldType::integer || field.type == FieldType::number) {
    bounds(field);
  } else if (field.type == FieldType::string || field.type == FieldType::array) {
    if (random_.percent(30)) field.length_min = static_cast<std::uint32_t>(random_.below(4));
    if (random_.percent(30)) {
      field.length_max =
          field.length_min.value_or(0) + static_cast<std::uint32_t>(random_.below(6));
    }
    if (field.type == FieldType::string && random_.percent(25))
      field.pattern = &random_.pick(patterns);
  }
}

void SchemaGenerator::bounds(FieldModel& field) {
  const auto bound = [&] {
    for (;;) {
      std::string text = make_number(random_);
      if (fits_decimal(exact(text))) return text;
    }
  };
  if (random_.percent(40)) field.min = bound();
  if (random_.percent(40)) field.max = bound();
  if (field.min && field.max && order(exact(*field.min), exact(*field.max)) > 0)
    std::swap(field.min, field.max);
}

/// Enum and default, both of which must keep the other rules.
void SchemaGenerator::values(FieldModel& field, bool in_array) {
  const auto candidate = [&]() -> std::optional<std::string> {
    if (field.type == FieldType::string) {
      std::string text = make_text(random_);
      // Control characters and NUL are a matter of the file format, which has tests of its own.
      const bool plain = std::none_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
      });
      if (plain && broken_by_text(field, text).empty()) return text;
      return {};
    }
    std::string text = make_number(random_);
    const ExactNumber number = exact(text);
    if (!fits_decimal(number) || !broken_by_number(field, number).empty()) return {};
    if (field.type == FieldType::integer && (!is_whole(number) || !floor_scaled(number, 0)))
      return {};
    return text;
  };
  const bool listable = field.type == FieldType::string || field.type == FieldType::integer ||
                        field.type == FieldType::number;
  if (listable && random_.percent(20)) {
    std::vector<std::string> listed;
    for (std::size_t n = 1 + random_.below(5); n > 0; --n) {
      const auto value = candidate();
      if (!value) continue;
      const bool twice = std::any_of(listed.begin(), listed.end(), [&](const std::string& other) {
        return field.type == FieldType::string ? other == *value : exact(other) == exact(*value);
      });
      if (!twice) listed.push_back(*value);
    }
    field.enum_ = std::move(listed);
  }
  if (in_array || !random_.percent(20)) return;
  if (field.type == FieldType::boolean) {
    field.default_ = random_.percent(50) ? "true" : "false";
  } else if (field.type == FieldType::timestamp) {
    const bool as_text = field.time_format == core::TimeFormat::automatic ||
                         field.time_format == core::TimeFormat::rfc3339;
    field.default_ = as_text ? "2026-11-21T09:00:00.25+01:00" : "1762862400";
  } else if (listable && !field.enum_.empty()) {
    field.default_ = random_.pick(field.enum_);
  } else if (listable) {
    field.default_ = candidate();
  }
}

void SchemaGenerator::relations(std::vector<FieldModel>& fields) {
  const auto family = [](FieldType type) {
    return type == FieldType::integer ? FieldType::number : type;
  };
  for (std::size_t i = 1; i < fields.size(); ++i) {
    const std::size_t other = random_.below(i);
    if (random_.percent(10)) fields[i].requires_.push_back(fields[other].name);
    const FieldType type = family(fields[i].type);
    if (type != family(fields[other].type) || type == FieldType::any || type == FieldType::object ||
        type == FieldType::array || !random_.percent(60)) {
      continue;
    }
    const bool ordered = type == FieldType::number || type == FieldType::timestamp;
    const auto relation = ordered               ? static_cast<core::Relation>(1 + random_.below(6))
                          : random_.percent(50) ? core::Relation::equal
                                                : core::Relation::not_equal;
    fields[i].comparisons.emplace_back(relation, fields[other].name);
  }
}

}  // namespace

SchemaModel make_schema(Random& random) { return SchemaGenerator(random).run(); }

}  // namespace telemetry::reference
