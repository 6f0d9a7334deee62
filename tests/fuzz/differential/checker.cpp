// SPDX-License-Identifier: Apache-2.0
#include "fuzz/differential/checker.hpp"

#include <algorithm>
#include <limits>

namespace telemetry::reference {
namespace {

using core::FieldType;
using core::Rule;
using core::ValueKind;
using Kind = JsonTree::Kind;

std::size_t code_points(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) >> 6) != 2; }));
}

class Checker {
 public:
  Checker(const SchemaModel& schema, std::size_t extras_max)
      : schema_(schema), extras_max_(extras_max) {}

  Judgement run(const JsonTree& document) {
    if (document.kind == Kind::object)
      object(schema_.fields, document, "", false);
    else
      report(Rule::type, "");
    fill_defaults(schema_.fields, "");
    return std::move(judgement_);
  }

 private:
  struct Presence {
    bool seen = false;
    bool given = false;
  };

  static std::string inside(const std::string& where, const std::string& name) {
    return where.empty() ? name : where + "." + name;
  }
  void report(Rule rule, const std::string& where) { judgement_.findings.push_back({rule, where}); }
  void put(const std::string& where, bool in_array, PlainValue value) {
    if (!in_array) judgement_.values[where] = std::move(value);
  }

  void object(const std::vector<FieldModel>& fields, const JsonTree& tree, const std::string& where,
              bool in_array);
  void undeclared(const std::string& key, const JsonTree& value, const std::string& where,
                  bool in_array);
  void absences(const std::vector<FieldModel>& fields, const std::vector<Presence>& presence,
                const std::string& where);
  void comparisons(const std::vector<FieldModel>& fields, const std::string& where);
  void value(const FieldModel& field, const JsonTree& tree, const std::string& where,
             bool in_array);
  void array(const FieldModel& field, const JsonTree& tree, const std::string& where,
             bool in_array);
  void text(const FieldModel& field, const std::string& text, const std::string& where,
            bool in_array);
  void number(const FieldModel& field, const ExactNumber& number, const std::string& where,
              bool in_array);
  void timestamp(const FieldModel& field, const JsonTree& tree, const std::string& where,
                 bool in_array);
  void other_type(const FieldModel& field, const JsonTree& tree, const std::string& where,
                  bool in_array);
  void fill_defaults(const std::vector<FieldModel>& fields, const std::string& where);

  const SchemaModel& schema_;
  std::size_t extras_max_;
  Judgement judgement_;
};

void Checker::object(const std::vector<FieldModel>& fields, const JsonTree& tree,
                     const std::string& where, bool in_array) {
  std::vector<Presence> presence(fields.size());
  for (std::size_t i = 0; i < tree.keys.size(); ++i) {
    const std::string& key = tree.keys[i];
    const JsonTree& member = tree.items[i];
    const auto found = std::find_if(fields.begin(), fields.end(), [&](const FieldModel& field) {
      return field.name == key ||
             std::find(field.aliases.begin(), field.aliases.end(), key) != field.aliases.end();
    });
    if (found == fields.end()) {
      undeclared(key, member, where, in_array);
      continue;
    }
    Presence& here = presence[static_cast<std::size_t>(found - fields.begin())];
    const std::string path = inside(where, found->name);
    if (here.seen) {
      report(Rule::duplicate_key, path);
      continue;
    }
    here.seen = true;
    here.given = member.kind != Kind::null;
    if (here.given) value(*found, member, path, in_array);
  }
  absences(fields, presence, where);
  if (!in_array) comparisons(fields, where);
}

void Checker::undeclared(const std::string& key, const JsonTree& value, const std::string& where,
                         bool in_array) {
  if (!schema_.extra_allowed || (!in_array && judgement_.extras.size() == extras_max_))
    report(Rule::unknown_field, where);
  else if (!in_array)
    judgement_.extras.push_back({where, key, value});
}

void Checker::absences(const std::vector<FieldModel>& fields, const std::vector<Presence>& presence,
                       const std::string& where) {
  const auto given = [&](const std::string& name) {
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (fields[i].name == name) return presence[i].given;
    }
    return false;
  };
  for (const FieldModel& field : fields) {
    if (field.required && !given(field.name)) report(Rule::required, inside(where, field.name));
    for (const std::string& needed : field.requires_) {
      if (given(field.name) && !given(needed)) report(Rule::requires_, inside(where, needed));
    }
  }
}

bool holds(core::Relation relation, const PlainValue& left, const PlainValue& right) {
  int order = 0;
  if (left.kind == ValueKind::text) {
    order = left.text == right.text ? 0 : 1;
  } else if (left.kind == ValueKind::boolean || left.kind == ValueKind::time) {
    order = left.integer < right.integer ? -1 : left.integer == right.integer ? 0 : 1;
  } else {
    const auto exactly = [](const PlainValue& value) {
      return value.kind == ValueKind::integer ? exact(value.integer, 0) : value.number;
    };
    order = reference::order(exactly(left), exactly(right));
  }
  switch (relation) {
    case core::Relation::less_than:
      return order < 0;
    case core::Relation::equal:
      return order == 0;
    case core::Relation::less_or_equal:
      return order <= 0;
    case core::Relation::greater_than:
      return order > 0;
    case core::Relation::not_equal:
      return order != 0;
    case core::Relation::greater_or_equal:
      return order >= 0;
  }
  return false;
}

void Checker::comparisons(const std::vector<FieldModel>& fields, const std::string& where) {
  for (const FieldModel& field : fields) {
    for (const auto& [relation, other] : field.comparisons) {
      const auto left = judgement_.values.find(inside(where, field.name));
      const auto right = judgement_.values.find(inside(where, other));
      if (left == judgement_.values.end() || right == judgement_.values.end()) continue;
      if (!holds(relation, left->second, right->second)) {
        report(Rule::comparison, left->first + " " + word_of(relation) + " " + right->first);
      }
    }
  }
}

void Checker::value(const FieldModel& field, const JsonTree& tree, const std::string& where,
                    bool in_array) {
  switch (field.type) {
    case FieldType::string:
      if (tree.kind == Kind::string) return text(field, tree.text, where, in_array);
      break;
    case FieldType::integer:
    case FieldType::number:
      if (tree.kind == Kind::number) return number(field, exact(tree.text), where, in_array);
      break;
    case FieldType::boolean:
      if (tree.kind != Kind::boolean) break;
      return put(where, in_array, {.kind = ValueKind::boolean, .integer = tree.truth ? 1 : 0});
    case FieldType::timestamp:
      return timestamp(field, tree, where, in_array);
    case FieldType::object:
      if (tree.kind == Kind::object) return object(field.fields, tree, where, in_array);
      break;
    case FieldType::array:
      if (tree.kind == Kind::array) return array(field, tree, where, in_array);
      break;
    case FieldType::any:
      return put(where, in_array, {.kind = ValueKind::json, .json = tree});
  }
  other_type(field, tree, where, in_array);
}

void Checker::array(const FieldModel& field, const JsonTree& tree, const std::string& where,
                    bool in_array) {
  for (const JsonTree& item : tree.items) {
    if (!field.items.empty()) value(field.items.front(), item, where + "[]", true);
  }
  if (tree.items.size() < field.length_min.value_or(0)) report(Rule::min_items, where);
  if (field.length_max && tree.items.size() > *field.length_max) report(Rule::max_items, where);
  put(where, in_array, {.kind = ValueKind::json, .json = tree});
}

void Checker::text(const FieldModel& field, const std::string& text, const std::string& where,
                   bool in_array) {
  for (const Rule rule : broken_by_text(field, text)) report(rule, where);
  put(where, in_array, {.kind = ValueKind::text, .text = text});
}

void Checker::number(const FieldModel& field, const ExactNumber& number, const std::string& where,
                     bool in_array) {
  if (field.type == FieldType::number) {
    const HeldNumber one = held(number);
    if (one.beyond) return report(Rule::number_range, where);
    if (one.rounded && !in_array) ++judgement_.roundings;
    put(where, in_array, {.kind = ValueKind::decimal, .number = one.value});
  } else if (!is_whole(number) && floor_scaled(whole_part(number), 0)) {
    return report(Rule::type, where);
  } else if (const auto whole = is_whole(number) ? floor_scaled(number, 0) : std::nullopt) {
    put(where, in_array, {.kind = ValueKind::integer, .integer = *whole});
  } else {
    return report(Rule::number_range, where);
  }
  for (const Rule rule : broken_by_number(field, number)) report(rule, where);
}

void Checker::timestamp(const FieldModel& field, const JsonTree& tree, const std::string& where,
                        bool in_array) {
  const bool as_text = field.time_format == core::TimeFormat::rfc3339;
  const bool either = field.time_format == core::TimeFormat::automatic;
  PlainValue value{.kind = ValueKind::time};
  bool good = false, moved = false;
  if (tree.kind == Kind::string && (as_text || either))
    good = read_time_text(tree.text, schema_.zone_offset_s, value.integer, moved);
  else if (tree.kind == Kind::number && !as_text)
    good = read_time_number(exact(tree.text), field.time_format, value.integer);
  else
    return other_type(field, tree, where, in_array);
  if (!good) return report(Rule::time_format, where);
  if (moved && !in_array) ++judgement_.roundings;
  put(where, in_array, value);
}

void Checker::other_type(const FieldModel& field, const JsonTree& tree, const std::string& where,
                         bool in_array) {
  const bool asked = schema_.lenient && !in_array;
  PlainValue found = asked ? coerced(field, tree) : PlainValue();
  if (found.kind == ValueKind::null) return report(Rule::type, where);
  ++judgement_.coercions;
  if (found.kind == ValueKind::text) return text(field, found.text, where, in_array);
  if (found.kind == ValueKind::decimal) return number(field, found.number, where, in_array);
  put(where, in_array, std::move(found));
}

void Checker::fill_defaults(const std::vector<FieldModel>& fields, const std::string& where) {
  for (const FieldModel& field : fields) {
    const std::string path = inside(where, field.name);
    if (field.type == FieldType::object) fill_defaults(field.fields, path);
    if (!field.default_ || judgement_.values.contains(path)) continue;
    PlainValue& value = judgement_.values[path];
    if (field.type == FieldType::string) {
      value = {.kind = ValueKind::text, .text = *field.default_};
    } else if (field.type == FieldType::number) {
      value = {.kind = ValueKind::decimal, .number = exact(*field.default_)};
    } else if (field.type == FieldType::integer) {
      value = {.kind = ValueKind::integer, .integer = *floor_scaled(exact(*field.default_), 0)};
    } else if (field.type == FieldType::boolean) {
      value = {.kind = ValueKind::boolean, .integer = *field.default_ == "true" ? 1 : 0};
    } else {
      value.kind = ValueKind::time;
      bool moved = false;
      if (number_prefix(*field.default_) == field.default_->size())
        read_time_number(exact(*field.default_), field.time_format, value.integer);
      else
        read_time_text(*field.default_, schema_.zone_offset_s, value.integer, moved);
    }
  }
}

}  // namespace

std::vector<Rule> broken_by_text(const FieldModel& field, const std::string& text) {
  std::vector<Rule> broken;
  if (code_points(text) < field.length_min.value_or(0)) broken.push_back(Rule::min_length);
  if (field.length_max && code_points(text) > *field.length_max) broken.push_back(Rule::max_length);
  if (!field.enum_.empty() &&
      std::find(field.enum_.begin(), field.enum_.end(), text) == field.enum_.end()) {
    broken.push_back(Rule::enum_);
  }
  if (field.pattern != nullptr && !field.pattern->matches(text)) broken.push_back(Rule::pattern);
  return broken;
}

std::vector<Rule> broken_by_number(const FieldModel& field, const ExactNumber& number) {
  std::vector<Rule> broken;
  if (field.min && order(number, exact(*field.min)) < 0) broken.push_back(Rule::min);
  if (field.max && order(number, exact(*field.max)) > 0) broken.push_back(Rule::max);
  const auto equals = [&](const std::string& listed) { return order(number, exact(listed)) == 0; };
  if (!field.enum_.empty() && std::none_of(field.enum_.begin(), field.enum_.end(), equals))
    broken.push_back(Rule::enum_);
  return broken;
}

Judgement judge(const SchemaModel& schema, const JsonTree& document, std::size_t extras_max) {
  return Checker(schema, extras_max).run(document);
}

}  // namespace telemetry::reference
