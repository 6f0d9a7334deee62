// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "schema/compiled.hpp"

namespace telemetry {
namespace {

using schemas::FieldSpec;
using schemas::number_text;
using schemas::SchemaSpec;
using schemas::type_name;

std::string_view next_level(std::string_view& rest) {
  const std::size_t slash = rest.find('/');
  const std::string_view level = rest.substr(0, slash);
  rest = slash == rest.npos ? std::string_view() : rest.substr(slash + 1);
  return level;
}

/// True when every topic that matches `inner` matches `outer`.
bool covers(std::string_view outer, std::string_view inner) {
  while (outer.data() != nullptr) {
    const std::string_view mine = next_level(outer);
    if (mine == "#") return true;
    if (inner.data() == nullptr) return false;
    const std::string_view theirs = next_level(inner);
    if (theirs == "#" || (mine != "+" && mine != theirs)) return false;
  }
  return inner.data() == nullptr;
}

class Comparison {
 public:
  std::vector<std::string> compare(const Schema& previous, const Schema& next) {
    const SchemaSpec& a = schemas::compiled(previous).specification();
    const SchemaSpec& b = schemas::compiled(next).specification();
    if (!covers(next.filter(), previous.filter()))
      say("topic_pattern {} does not cover {}", b.topic_pattern, a.topic_pattern);
    const int device_level = schemas::compiled(previous).device_level();
    if (device_level >= 0 && device_level != schemas::compiled(next).device_level())
      say("another topic level names the device");
    if (!a.time_field.empty() && a.time_field != b.time_field)
      say("time_field was {}", a.time_field);
    if (a.zone_offset_s != b.zone_offset_s || a.zone != b.zone) say("time_zone has changed");
    if (!a.device.empty() && a.device != b.device) say("device was {}", a.device);
    if (schemas::payload_document(a) != schemas::payload_document(b)) say("payload has changed");
    if (a.records.each.text() != b.records.each.text() || a.records.key != b.records.key)
      say("records have changed");
    if (!a.sequence_field.empty() && a.sequence_field != b.sequence_field)
      say("sequence_field was {}", a.sequence_field);
    if (!a.sequence_field.empty() && a.sequence_per_device != b.sequence_per_device)
      say("sequence_scope has changed");
    if (!a.identity.empty() && a.identity != b.identity) say("identity has changed");
    if (a.lenient && !b.lenient) say("strict was false");
    if (!b.custom.empty() && a.custom != b.custom) say("custom {} is new", b.custom);
    if (a.allow_extra_fields && !b.allow_extra_fields) say("allow_extra_fields was true");
    compare_json_rule(a.json_rule, b.json_rule, "");
    compare_fields(a.fields, b.fields, "");
    return std::move(reasons_);
  }

 private:
  template <class... Arguments>
  void say(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    reasons_.push_back(fmt::format(format, std::forward<Arguments>(arguments)...));
  }

  void compare_fields(const std::vector<FieldSpec>& previous, const std::vector<FieldSpec>& next,
                      const std::string& prefix) {
    const auto named = [](const std::vector<FieldSpec>& fields, const std::string& name) {
      const auto found = std::find_if(fields.begin(), fields.end(),
                                      [&](const FieldSpec& field) { return field.name == name; });
      return found == fields.end() ? nullptr : &*found;
    };
    for (const FieldSpec& field : previous) {
      const FieldSpec* successor = named(next, field.name);
      if (successor == nullptr)
        say("field {}{} is gone", prefix, field.name);
      else
        compare_field(field, *successor, prefix + field.name);
    }
    for (const FieldSpec& field : next) {
      for (const schemas::ComparisonSpec& comparison : field.comparisons) {
        const FieldSpec* left = named(previous, field.name);
        const FieldSpec* right = named(previous, comparison.other);
        if (left == nullptr || right == nullptr) continue;
        const unsigned before = schemas::orders_allowed(*left, *right);
        if ((before & ~static_cast<unsigned>(comparison.relation)) != 0)
          say("field {}{}: newly {} {}", prefix, field.name,
              schemas::relation_name(comparison.relation), comparison.other);
      }
      if (field.required && named(previous, field.name) == nullptr)
        say("new field {}{} is required", prefix, field.name);
    }
  }

  void compare_field(const FieldSpec& a, const FieldSpec& b, const std::string& path) {
    if (a.type != b.type) {
      say("field {} was of type {}", path, type_name(a.type));
      return;
    }
    if (!a.required && b.required) say("field {} was not required", path);
    if (!a.unit.empty() && a.unit != b.unit) say("field {} was in {}", path, a.unit);
    if (b.min &&
        (!a.min || core::compare(*b.min, *a.min) > (b.min_exclusive && !a.min_exclusive ? -1 : 0)))
      say("field {}: {} {} is narrower", path, b.min_exclusive ? "exclusive_min" : "min",
          number_text(*b.min));
    if (b.max &&
        (!a.max || core::compare(*b.max, *a.max) < (b.max_exclusive && !a.max_exclusive ? 1 : 0)))
      say("field {}: {} {} is narrower", path, b.max_exclusive ? "exclusive_max" : "max",
          number_text(*b.max));
    if (a.nulls != b.nulls && a.nulls != core::Nulls::refused)
      say("field {}: nulls were {}", path, schemas::nulls_name(a.nulls));
    if (a.allow_extra_fields && !b.allow_extra_fields && a.type == core::FieldType::object)
      say("field {}: allow_extra_fields was true", path);
    compare_json_rule(a.json_rule, b.json_rule, fmt::format("field {}: ", path));
    const std::string_view unit = a.type == core::FieldType::array ? "items" : "length";
    if (b.length_min.value_or(0) > a.length_min.value_or(0))
      say("field {}: min_{} {} is narrower", path, unit, *b.length_min);
    if (b.length_max && *b.length_max < a.length_max.value_or(UINT32_MAX))
      say("field {}: max_{} {} is narrower", path, unit, *b.length_max);
    if (!b.pattern.empty() && a.pattern != b.pattern)
      say("field {}: the pattern has changed", path);
    if (a.time_format != b.time_format && b.time_format != core::TimeFormat::automatic)
      say("field {}: time_format was {}", path, schemas::time_format_name(a.time_format));
    if (!b.custom.empty() && a.custom != b.custom)
      say("field {}: custom {} is new", path, b.custom);
    if (a.from != b.from) say("field {}: from has changed", path);
    const schemas::ConversionSpec& x = a.conversion;
    const schemas::ConversionSpec& y = b.conversion;
    const auto text = [](const std::optional<core::Decimal>& number) {
      return number ? number_text(*number) : std::string();
    };
    if (text(x.scale) != text(y.scale) || text(x.offset) != text(y.offset) ||
        x.decimals != y.decimals || x.decimal_comma != y.decimal_comma || x.zone != y.zone ||
        x.local_epoch != y.local_epoch || x.hex != y.hex)
      say("field {}: scale, offset, decimals or zone have changed", path);
    for (const auto& word : x.words) {
      if (std::ranges::find(y.words, word) == y.words.end())
        say("field {}: the word '{}' is gone or means something else", path, word.first);
    }
    compare_enum(a, b, path);
    for (const std::string& alias : a.aliases) {
      if (std::find(b.aliases.begin(), b.aliases.end(), alias) == b.aliases.end())
        say("field {}: alias {} is gone", path, alias);
    }
    for (const std::string& needed : b.requires_) {
      if (std::find(a.requires_.begin(), a.requires_.end(), needed) == a.requires_.end())
        say("field {}: newly requires {}", path, needed);
    }
    compare_fields(a.fields, b.fields, path + ".");
    if (!a.items.empty()) compare_field(a.items.front(), b.items.front(), path + "[]");
  }

  void compare_json_rule(const std::shared_ptr<const schemas::JsonRule>& a,
                         const std::shared_ptr<const schemas::JsonRule>& b,
                         const std::string& where) {
    if (!b) return;
    for (const auto& part : b->parts()) {
      const bool known = a && std::ranges::any_of(a->parts(), [&](const auto& other) {
                           return other.keyword == part.keyword && other.text == part.text;
                         });
      if (!known) say("{}JSON Schema {} is new or other", where, part.keyword);
    }
  }

  void compare_enum(const FieldSpec& a, const FieldSpec& b, const std::string& path) {
    if (b.enum_.empty()) return;
    if (a.enum_.empty()) say("field {}: enum is new", path);
    for (const schemas::Literal& value : a.enum_) {
      const std::string text = schemas::literal_text(value);
      const bool kept = std::any_of(b.enum_.begin(), b.enum_.end(), [&](const auto& other) {
        return schemas::literal_text(other) == text;
      });
      if (!kept) say("field {}: enum value {} is gone", path, text);
    }
  }

  std::vector<std::string> reasons_;
};

}  // namespace

std::vector<std::string> incompatibilities(const Schema& previous, const Schema& next) {
  return Comparison().compare(previous, next);
}

}  // namespace telemetry
