// SPDX-License-Identifier: Apache-2.0
//
// What a schema asks of an Unfolding, found out once.
#include <algorithm>

#include "schema/unfolding.hpp"

namespace telemetry::schemas {
namespace {

constexpr char separator = '\x1f';

}  // namespace

std::string joined(std::string_view chain, std::string_view name) {
  std::string out(chain);
  if (!out.empty()) out += separator;
  out += name;
  return out;
}

void append_key(std::string_view name, std::string& out) {
  const bool plain = std::ranges::all_of(name, [](char c) {
    return static_cast<signed char>(c) >= ' ' && c != '"' && c != '\\' && c != 0x7F;
  });
  if (plain) {
    out += '"';
    out += name;
    out += "\":";
  } else {
    out += json_string(name);
    out += ':';
  }
}

Unfolding::Unfolding(const SchemaSpec& schema) : schema_(schema) {
  plans_ = plan(schema.fields, mapped_);
  if (!schema.device.empty() && schema.device != SchemaSpec::no_device &&
      schema.device.find('{') != schema.device.npos) {
    if (auto parsed = Template::parse(schema.device, schema.names())) device_ = std::move(*parsed);
  }
  if (mapped_) note_paths(plans_);
  if (device_) {
    for (const Path* path : device_->paths()) {
      if (path->from_document()) note_path(*path);
    }
  }
  is_plain_ = !mapped_ && !device_ && schema.drop.empty() && schema.records.key.empty() &&
              (schema.payload.is_bare() ? schema.records.each.text().empty()
                                        : !schema.pattern.names_field());
  to_records_ = schema.records.each.member_names();
  if (schema.when) {
    const auto note = [&](const auto& self, const Condition& condition) -> void {
      for (const Condition& operand : condition.operands) self(self, operand);
      if (condition.is_leaf())
        addressed_.insert(condition.field.substr(0, condition.field.find('.')));
    };
    note(note, *schema.when);
  }
}

std::vector<Unfolding::FieldPlan> Unfolding::plan(const std::vector<FieldSpec>& fields,
                                                  bool& mapped) {
  std::vector<FieldPlan> plans;
  const std::vector<std::string> names = schema_.names();
  for (const FieldSpec& field : fields) {
    FieldPlan& made = plans.emplace_back();
    made.names.push_back(field.name);
    made.names.insert(made.names.end(), field.aliases.begin(), field.aliases.end());
    append_key(field.name, made.key);
    made.is_number =
        field.type == core::FieldType::integer || field.type == core::FieldType::number;
    for (const std::string& text : field.from) {
      if (auto parsed = Template::parse(text, names)) made.from.push_back(std::move(*parsed));
    }
    ConversionSpec conversion = field.conversion;
    if (field.type == core::FieldType::timestamp && conversion.zone.empty())
      conversion.zone = schema_.zone;
    if (!conversion.is_none()) {
      const auto zone = TimeZone::find(conversion.zone.empty() ? "UTC" : conversion.zone);
      made.conversion.emplace(conversion, field.type, zone ? *zone : TimeZone(),
                              schema_.zone_offset_s, field.time_format, schema_.lenient);
    }
    bool inside = false;
    if (field.type == core::FieldType::object) made.fields = plan(field.fields, inside);
    if (!inside) made.fields.clear();
    mapped = mapped || made.is_mapped();
  }
  return plans;
}

void Unfolding::note_paths(const std::vector<FieldPlan>& plans) {
  for (const FieldPlan& one : plans) {
    for (const Template& from : one.from) {
      for (const Path* path : from.paths()) note_path(*path);
    }
    note_paths(one.fields);
  }
}

void Unfolding::note_path(const Path& path) {
  std::string chain;
  const auto names = path.member_names();
  for (std::size_t i = 0; i < names.size(); ++i) {
    chain = joined(chain, names[i]);
    if (path.from_document()) addressed_.insert(chain);
    // Without records the document is the record.
    if (path.from_document() && !schema_.records.each.text().empty()) continue;
    (i + 1 == names.size() && !path.picks_entry() ? taken_ : taken_in_).insert(chain);
  }
}

}  // namespace telemetry::schemas
