// SPDX-License-Identifier: Apache-2.0
#include "firmware/differential/model_of.hpp"

#include <fmt/format.h>

namespace telemetry::reference {
namespace {

std::string text_of(core::Decimal number) {
  return fmt::format("{}e{}", number.mantissa, number.exponent);
}

FieldModel field_of(const core::SchemaView& view, std::uint16_t index);

std::vector<FieldModel> fields_of(const core::SchemaView& view, const core::Node& node) {
  std::vector<FieldModel> fields;
  for (std::size_t i = node.first; i < std::size_t{node.first} + node.count; ++i) {
    const core::Key& key = view.keys[i];
    if (i != node.first && view.keys[i - 1].field == key.field) {
      fields.back().aliases.emplace_back(key.name);
      continue;
    }
    fields.push_back(field_of(view, key.node));
    fields.back().name = key.name;
    fields.back().required = key.required;
  }
  return fields;
}

FieldModel field_of(const core::SchemaView& view, std::uint16_t index) {
  const core::Node& node = view.nodes[index];
  FieldModel field;
  field.type = node.type;
  field.time_format = node.time_format;
  if (node.min != core::no_index) field.min = text_of(view.bounds[node.min]);
  if (node.max != core::no_index) field.max = text_of(view.bounds[node.max]);
  if (node.length_min != 0) field.length_min = node.length_min;
  if (node.length_max != UINT32_MAX) field.length_max = node.length_max;
  if (node.type == core::FieldType::object) {
    field.fields = fields_of(view, node);
  } else if (node.type == core::FieldType::array) {
    field.items.push_back(field_of(view, node.first));
  } else {
    for (const core::Value& value : view.enums.subspan(node.first, node.count)) {
      field.enum_.push_back(value.kind() == core::ValueKind::text ? std::string(value.as_text())
                                                                  : text_of(value.as_decimal()));
    }
  }
  return field;
}

}  // namespace

SchemaModel model_of(const Schema& schema) {
  SchemaModel model;
  model.extra_allowed = schema.view().nodes[0].extra_allowed;
  model.zone_offset_s = schema.view().zone_offset_s;
  model.fields = fields_of(schema.view(), schema.view().nodes[0]);
  return model;
}

}  // namespace telemetry::reference
