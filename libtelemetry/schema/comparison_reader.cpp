// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "schema/reader.hpp"

namespace telemetry::schemas {
namespace {

using core::FieldType;

bool comparable(FieldType a, FieldType b) {
  const auto is_number = [](FieldType type) {
    return type == FieldType::integer || type == FieldType::number;
  };
  return (is_number(a) && is_number(b)) || a == b;
}

std::size_t rank(core::Relation relation) {
  const auto found =
      std::find_if(std::begin(relation_words), std::end(relation_words),
                   [&](const RelationWord& one) { return one.relation == relation; });
  return static_cast<std::size_t>(found - std::begin(relation_words));
}

bool stands_before(Position a, Position b) {
  return std::tie(a.line, a.column) < std::tie(b.line, b.column);
}

/// Whether the fields compare with each other again, further down in the file.
bool is_followed(const ComparisonSpec& comparison, const FieldSpec& field, const FieldSpec& other) {
  const auto later = [&](const FieldSpec& one, const FieldSpec& partner) {
    return std::any_of(one.comparisons.begin(), one.comparisons.end(), [&](const auto& each) {
      return each.other == partner.name && stands_before(comparison.at, each.at);
    });
  };
  return later(field, other) || later(other, field);
}

}  // namespace

void Reader::read_comparison(core::Relation relation, const TreeNode& value,
                             const std::string& what, FieldSpec& field) {
  std::vector<Position> at;
  const std::vector<std::string> others = texts(value, what, &at);
  for (std::size_t i = 0; i < others.size(); ++i) {
    field.comparisons.push_back({relation, others[i], at[i]});
  }
  std::stable_sort(
      field.comparisons.begin(), field.comparisons.end(),
      [](const auto& a, const auto& b) { return rank(a.relation) < rank(b.relation); });
}

void Reader::check_comparisons(const Place& place, const std::string& where,
                               const std::vector<FieldSpec>& siblings, FieldSpec& field) {
  for (const ComparisonSpec& comparison : field.comparisons) {
    if (place.in_array) {
      mistake(comparison.at,
              fmt::format("{}: {} is not possible inside an array", where,
                          relation_name(comparison.relation)),
              "items are stored as they come; remove it");
    } else {
      check_comparison(where, siblings, field, comparison);
    }
  }
}

void Reader::check_comparison(const std::string& where, const std::vector<FieldSpec>& siblings,
                              const FieldSpec& field, const ComparisonSpec& comparison) {
  const std::string what = fmt::format("{}: {}", where, relation_name(comparison.relation));
  const std::string& name = comparison.other;
  if (name == field.name) {
    mistake(comparison.at, what + " names the field itself", "name another field, or remove it");
    return;
  }
  std::vector<std::string_view> names;
  const FieldSpec* other = nullptr;
  for (const FieldSpec& sibling : siblings) {
    if (sibling.name == name) other = &sibling;
    if (std::find(sibling.aliases.begin(), sibling.aliases.end(), name) != sibling.aliases.end()) {
      mistake(comparison.at, fmt::format("{} '{}', which is an alias", what, excerpt(name)),
              fmt::format("name the field itself: {}", sibling.name));
      return;
    }
    if (sibling.name != field.name && comparable(field.type, sibling.type))
      names.push_back(sibling.name);
  }
  if (other == nullptr) {
    const std::string_view near = nearest(name, names);
    mistake(comparison.at, fmt::format("{} '{}', which is no field beside it", what, excerpt(name)),
            near.empty() ? "name a field of the same object, by its own name"
                         : fmt::format("did you mean `{}`?", near));
  } else if (!comparable(field.type, other->type)) {
    mistake(comparison.at,
            fmt::format("{} '{}': type {} cannot be compared with type {}", what, excerpt(name),
                        type_name(field.type), type_name(other->type)),
            "compare numbers with numbers, and else fields of one type");
  } else if (orders_allowed(field, *other) == 0 && !is_followed(comparison, field, *other)) {
    mistake(comparison.at,
            fmt::format("{} '{}' contradicts another comparison of the two", what, excerpt(name)),
            "no two values could pass; remove one of them");
  }
}

}  // namespace telemetry::schemas
