// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "telemetry/core/schema_view.hpp"

/// A schema as the reference understands it; the product gets the document that it writes.
namespace telemetry::reference {

/// A pattern of the product and, in plain code, what it means.
struct Pattern {
  const char* expression;
  bool (*matches)(const std::string& text);
};

struct FieldModel {
  std::string name;  ///< empty: the item of an array
  std::vector<std::string> aliases;
  core::FieldType type = core::FieldType::any;
  core::TimeFormat time_format = core::TimeFormat::automatic;
  bool required = false;
  std::string unit;
  std::optional<std::string> min, max;                  ///< JSON numbers
  std::optional<std::uint32_t> length_min, length_max;  ///< code points or items
  const Pattern* pattern = nullptr;
  std::vector<std::string> enum_;       ///< texts or JSON numbers
  std::optional<std::string> default_;  ///< a text, or a JSON number or literal
  std::vector<std::string> requires_;
  std::vector<std::pair<core::Relation, std::string>> comparisons;
  std::vector<FieldModel> fields;  ///< object
  std::vector<FieldModel> items;   ///< array: none or one
};

struct SchemaModel {
  bool extra_allowed = false;
  bool lenient = false;
  std::int32_t zone_offset_s = 0;  ///< whole minutes
  std::vector<FieldModel> fields;
};

/// The schema as the JSON document that Schema::parse() reads.
std::string document_of(const SchemaModel& schema);
const char* word_of(core::Relation relation);
/// Between double quotes, as JSON.
std::string quoted(const std::string& text);

}  // namespace telemetry::reference
