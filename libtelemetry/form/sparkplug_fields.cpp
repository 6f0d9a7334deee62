// SPDX-License-Identifier: Apache-2.0
#include "form/sparkplug_fields.hpp"

#include <fmt/format.h>

#include "form/json_text.hpp"

namespace telemetry::forms {
namespace {

using protozero::pbf_wire_type;

// The fields of a oneof stand in the order of OneOf::Kind; its extension is the last.
constexpr std::uint32_t metric_value = 10;
constexpr std::uint32_t metric_extension = 19;
constexpr std::uint32_t parameter_value = 3;
constexpr std::uint32_t parameter_extension = 9;
constexpr std::uint32_t element_value = 1;
constexpr std::uint32_t element_extension = 7;

}  // namespace

void SparkplugFields::fail(std::string_view what) const {
  throw SparkplugRefusal{refusal_at(sparkplug_form, at_, what)};
}

void SparkplugFields::wants(const Field& field, pbf_wire_type type) const {
  if (field.wire_type() == type) return;
  fail(fmt::format("field {} of {} has wire type {}, not {}", field.tag(), message_,
                   static_cast<unsigned>(field.wire_type()), static_cast<unsigned>(type)));
}

std::uint64_t SparkplugFields::varint(Field& field) const {
  wants(field, pbf_wire_type::varint);
  return field.get_uint64();
}

std::string_view SparkplugFields::content(Field& field) const {
  wants(field, pbf_wire_type::length_delimited);
  const protozero::data_view view = field.get_view();
  return {view.data(), view.size()};
}

/// @param first, extension numbers of the oneof's fields
/// @returns false when the field is none of them.
bool SparkplugFields::read_value(Field& field, std::uint32_t first, std::uint32_t extension,
                                 OneOf& value) const {
  if (field.tag() < first || field.tag() > extension) return false;
  if (field.tag() == extension) fail("an extension_value is not read");
  value.kind = static_cast<OneOf::Kind>(field.tag() - first);
  switch (value.kind) {
    case OneOf::Kind::int_value:
      value.number = static_cast<std::uint32_t>(varint(field));  // of 64 bits the lower ones
      break;
    case OneOf::Kind::long_value:
    case OneOf::Kind::boolean_value:
      value.number = varint(field);
      break;
    case OneOf::Kind::float_value:
      wants(field, pbf_wire_type::fixed32);
      value.real = double{field.get_float()};
      break;
    case OneOf::Kind::double_value:
      wants(field, pbf_wire_type::fixed64);
      value.real = field.get_double();
      break;
    default:
      value.content = content(field);
      break;
  }
  return true;
}

Datatype SparkplugFields::datatype(std::uint64_t number) const {
  if (number >= sparkplug_datatypes.size()) fail(fmt::format("datatype {} is not known", number));
  return static_cast<Datatype>(number);
}

SparkplugMetric SparkplugFields::metric(std::string_view fields) {
  SparkplugMetric found;
  each_field(fields, "a metric", [&](Field& field) {
    if (field.tag() == 1) {
      found.name = content(field);
    } else if (field.tag() == 2) {
      found.alias = varint(field);
    } else if (field.tag() == 3) {
      found.time = varint(field);
    } else if (field.tag() == 4) {
      found.datatype = datatype(varint(field));
    } else if (field.tag() == 5) {
      found.historical = varint(field) != 0;
    } else if (field.tag() == 6) {
      found.transient = varint(field) != 0;
    } else if (field.tag() == 7) {
      found.null = varint(field) != 0;
    } else if (!read_value(field, metric_value, metric_extension, found.value)) {
      field.skip();
    }
  });
  return found;
}

SparkplugMetric SparkplugFields::parameter(std::string_view fields) {
  SparkplugMetric found;
  each_field(fields, "a parameter", [&](Field& field) {
    if (field.tag() == 1) {
      found.name = content(field);
    } else if (field.tag() == 2) {
      found.datatype = datatype(varint(field));
    } else if (!read_value(field, parameter_value, parameter_extension, found.value)) {
      field.skip();
    }
  });
  return found;
}

OneOf SparkplugFields::element(std::string_view fields) {
  OneOf found;
  each_field(fields, "an element", [&](Field& field) {
    if (!read_value(field, element_value, element_extension, found)) field.skip();
  });
  return found;
}

}  // namespace telemetry::forms
