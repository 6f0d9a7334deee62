// SPDX-License-Identifier: Apache-2.0
//
// Draft-07 documents as keys of our own schema files.
//
// A document becomes the list of fields that says the same, as if somebody had written it, with the
// positions of the document; the reader of native schemas does the rest: columns, limits, defaults,
// canonical text, compatibility. What a field cannot say becomes its rule `json_schema`, keyword by
// keyword, as draft-07 itself has it, for the keywords of draft-07 judge independently of each
// other.
//
// Invariants
// - tables and rules together accept what the document accepts, and nothing else; the list of
//   exceptions is in docs/schema.md.
// - A keyword that cannot apply to the one type that a field has (minLength of a number) judges
//   nothing, and is left out.
// - A member that cannot be a column (its name has a dot, it must not be there) is left to the rule
//   of its object, and comes as an extra field.
#include <algorithm>
#include <array>
#include <bit>
#include <optional>
#include <set>

#include "schema/draft7.hpp"
#include "schema/specification.hpp"
#include "telemetry/core/limits.hpp"

namespace telemetry::schemas::draft7 {
namespace {

using namespace std::string_view_literals;
using Members = std::vector<TreeNode::Member>;

enum Type : unsigned {
  null = 1,
  boolean = 2,
  integer = 4,
  number = 8,
  string = 16,
  array = 32,
  object = 64,
  every = 127,
};

constexpr std::array type_words = {"null"sv,   "boolean"sv, "integer"sv, "number"sv,
                                   "string"sv, "array"sv,   "object"sv};

unsigned type_of(const TreeNode& word) {
  if (word.kind == TreeNode::Kind::null) return null;
  const auto found = std::find(type_words.begin(), type_words.end(), word.text);
  return 1u << (found - type_words.begin());
}

unsigned type_of_value(const TreeNode& value) {
  switch (kind_of(value)) {
    case Kind::null:
      return null;
    case Kind::boolean:
      return boolean;
    case Kind::number: {
      const auto read = text_number(value.text);
      std::int64_t whole = 0;
      return read && core::to_int64(read->value, whole) ? integer : number;
    }
    case Kind::string:
      return string;
    case Kind::array:
      return array;
    case Kind::object:
      return object;
  }
  return every;
}

/// The values that `enum` or `const` allows; null: all.
std::vector<const TreeNode*> allowed_values(const TreeNode& schema) {
  if (const TreeNode* one = find(schema, "const")) return {one};
  if (const TreeNode* many = find(schema, "enum")) return many->items;
  return {};
}

/// The types that a value may have; number includes integer.
unsigned types_of(const TreeNode& schema) {
  unsigned types = 0;
  const auto values = allowed_values(schema);
  if (const TreeNode* type = find(schema, "type")) {
    if (type->kind != TreeNode::Kind::sequence) types = type_of(*type);
    for (const TreeNode* word : type->items) types |= type_of(*word);
    const bool no_null = std::ranges::none_of(
        values, [](const TreeNode* value) { return type_of_value(*value) == null; });
    if (!values.empty() && no_null) types &= ~unsigned{null};
  } else {
    if (values.empty()) return every;
    for (const TreeNode* value : values) types |= type_of_value(*value);
  }
  if ((types & number) != 0) types &= ~unsigned{integer};
  return types;
}

std::optional<core::Decimal> number_in(const TreeNode& schema, std::string_view keyword) {
  const TreeNode* node = find(schema, keyword);
  if (node == nullptr) return {};
  const auto number = text_number(node->text);
  return number ? std::optional(number->value) : std::nullopt;
}

/// The types that a keyword judges; it accepts every value of another.
unsigned applies_to(std::string_view keyword) {
  constexpr std::array words = {std::pair{"minimum"sv, number | integer},
                                std::pair{"maximum"sv, number | integer},
                                std::pair{"exclusiveMinimum"sv, number | integer},
                                std::pair{"exclusiveMaximum"sv, number | integer},
                                std::pair{"multipleOf"sv, number | integer},
                                std::pair{"minLength"sv, unsigned{string}},
                                std::pair{"maxLength"sv, unsigned{string}},
                                std::pair{"pattern"sv, unsigned{string}},
                                std::pair{"format"sv, unsigned{string}},
                                std::pair{"items"sv, unsigned{array}},
                                std::pair{"additionalItems"sv, unsigned{array}},
                                std::pair{"minItems"sv, unsigned{array}},
                                std::pair{"maxItems"sv, unsigned{array}},
                                std::pair{"uniqueItems"sv, unsigned{array}},
                                std::pair{"contains"sv, unsigned{array}},
                                std::pair{"properties"sv, unsigned{object}},
                                std::pair{"patternProperties"sv, unsigned{object}},
                                std::pair{"additionalProperties"sv, unsigned{object}},
                                std::pair{"required"sv, unsigned{object}},
                                std::pair{"minProperties"sv, unsigned{object}},
                                std::pair{"maxProperties"sv, unsigned{object}},
                                std::pair{"propertyNames"sv, unsigned{object}},
                                std::pair{"dependencies"sv, unsigned{object}}};
  for (const auto& [word, types] : words) {
    if (word == keyword) return types;
  }
  return every;
}

class Translator {
 public:
  Translator(Nodes& nodes, const Report& report) : nodes_(nodes), report_(report) {}

  Translation run(const TreeNode& document) {
    Translation out;
    const unsigned types = types_of(document);
    if ((types & object) == 0) {
      report_(document.at, "json_schema: a payload is an object, which this does not accept",
              "type: object at the top");
      return out;
    }
    Members rule;
    const Place top{.depth = 1, .in_array = false};
    const Object members = split(document, top, rule);
    if (!members.fields->items.empty()) out.fields = members.fields;
    keep_rest(document, object,
              {"type", "properties", "patternProperties", "additionalProperties", "required",
               "dependencies"},
              rule);
    if (!rule.empty()) out.rule = &map(document.at, rule);
    out.allow_extra_fields = members.allow_extra;
    return out;
  }

 private:
  struct Place {
    std::size_t depth = 1;
    bool in_array = false;
  };
  struct Object {
    TreeNode* fields;
    bool allow_extra = true;
  };

  // Making nodes.
  TreeNode& node(TreeNode::Kind kind, Position at) {
    TreeNode& made = nodes_.emplace_back();
    made.kind = kind;
    made.at = at;
    return made;
  }
  const TreeNode* word(std::string_view text, Position at, bool plain = true) {
    TreeNode& made = node(TreeNode::Kind::scalar, at);
    made.plain = plain;
    made.text = text;
    return &made;
  }
  TreeNode& map(Position at, Members members) {
    TreeNode& made = node(TreeNode::Kind::map, at);
    made.members = std::move(members);
    return made;
  }
  static void add(Members& to, std::string name, const TreeNode* value) {
    to.push_back({std::move(name), value->at, value});
  }

  const TreeNode* field(const TreeNode& schema, Members head, bool required, const Place& place);
  void write_type(const TreeNode& schema, unsigned type, const Place& place, Members& out,
                  Members& rule);
  void write_numbers(const TreeNode& schema, Members& out);
  void write_bound(const TreeNode& schema, bool lower, Members& out);
  void write_enum(const TreeNode& schema, Members& out);
  void write_array(const TreeNode& schema, const Place& place, Members& out, Members& rule);
  bool write_time(const TreeNode& schema, unsigned type, bool nullable, Members& out,
                  Members& rule);
  static bool fits(const TreeNode& schema, unsigned type, const Place& place);
  static bool can_be_field(const TreeNode::Member& member, const Place& place);

  Object split(const TreeNode& schema, const Place& place, Members& rule);
  void split_dependencies(const TreeNode& schema, const Place& place,
                          const std::vector<std::string_view>& declared,
                          std::vector<Members>& heads, Members& rule);
  void keep_rest(const TreeNode& schema, unsigned type, std::vector<std::string_view> done,
                 Members& rule);

  Nodes& nodes_;
  const Report& report_;
};

/// Adds the keywords that judge and are not done.
void Translator::keep_rest(const TreeNode& schema, unsigned type,
                           std::vector<std::string_view> done, Members& rule) {
  for (const TreeNode::Member& member : schema.members) {
    if (!judges(member) || (applies_to(member.name) & type) == 0) continue;
    const auto is_it = [&](std::string_view name) { return name == member.name; };
    const bool there = std::ranges::any_of(
        rule, [&](const TreeNode::Member& one) { return one.name == member.name; });
    if (!there && std::ranges::none_of(done, is_it)) rule.push_back(member);
  }
}

bool Translator::can_be_field(const TreeNode::Member& member, const Place& place) {
  const std::string& name = member.name;
  return !is_false(*member.value) && !name.empty() && name.size() <= core::field_name_bytes_max &&
         (place.in_array || name.find('.') == name.npos);
}

/// True when a field of one type can say at least the type.
bool Translator::fits(const TreeNode& schema, unsigned type, const Place& place) {
  if (type == array) return place.depth < core::schema_depth_max;
  if (type != object) return type == boolean || type == integer || type == number || type == string;
  const TreeNode* properties = find(schema, "properties");
  const Place inside{.depth = place.depth + 1, .in_array = place.in_array};
  return place.depth < core::schema_depth_max && properties != nullptr &&
         std::ranges::any_of(properties->members, [&](const TreeNode::Member& member) {
           return can_be_field(member, inside);
         });
}

/// @param head what comes first: the name, and what the object says of it.
const TreeNode* Translator::field(const TreeNode& schema, Members head, bool required,
                                  const Place& place) {
  Members out = std::move(head);
  Members rule;
  if (required) add(out, "required", word("true", schema.at));
  const unsigned types = types_of(schema);
  const unsigned type = types & ~unsigned{null};
  if (fits(schema, type, place)) {
    const bool nullable = (types & null) != 0;
    if (!write_time(schema, type, nullable, out, rule)) write_type(schema, type, place, out, rule);
    if (nullable) add(out, "nulls", word("accepted", schema.at));
    const TreeNode* value = find(schema, "default");
    const bool filled = type != array && type != object && !required && !place.in_array;
    if (value != nullptr && value->kind == TreeNode::Kind::scalar && filled)
      add(out, "default", value);
  } else {
    add(out, "type", word("any", schema.at));
    add(out, "nulls", word("accepted", schema.at));
    keep_rest(schema, every, {}, rule);
  }
  if (const TreeNode* unit = find(schema, "x-unit")) add(out, "unit", unit);
  if (!rule.empty()) add(out, "json_schema", &map(schema.at, rule));
  return &map(schema.at, std::move(out));
}

/// Strings with `format: date-time`, and numbers with `x-time-format`.
bool Translator::write_time(const TreeNode& schema, unsigned type, bool nullable, Members& out,
                            Members& rule) {
  const TreeNode* format = find(schema, "format");
  const TreeNode* unit = find(schema, "x-time-format");
  const bool text = type == string && format != nullptr && format->text == "date-time";
  const bool count = (type == integer || type == number) && unit != nullptr;
  if (unit != nullptr && (!count || (unit->text != "s" && unit->text != "ms" &&
                                     unit->text != "us" && unit->text != "ns")))
    report_(unit->at, "x-time-format is the unit of a number: s, ms, us or ns",
            "for text write format: date-time");
  if (!text && !count) return false;
  const TreeNode* typed = find(schema, "type");
  const Position at = typed == nullptr ? schema.at : typed->at;
  add(out, "type", word("timestamp", at));
  add(out, "time_format", text ? word("rfc3339", at) : unit);
  if (type == integer) {
    TreeNode& whole = node(TreeNode::Kind::sequence, at);
    whole.items.push_back(word("integer", at));
    if (nullable) whole.items.push_back(word("null", at));
    add(rule, "type", nullable ? &whole : whole.items.front());
  }
  keep_rest(schema, type, {"type", text ? "format" : "type"}, rule);
  return true;
}

void Translator::write_type(const TreeNode& schema, unsigned type, const Place& place, Members& out,
                            Members& rule) {
  const TreeNode* typed = find(schema, "type");
  const Position at = typed == nullptr ? schema.at : typed->at;
  const auto index = std::countr_zero(type);
  add(out, "type", word(type_words[static_cast<std::size_t>(index)], at));
  std::vector<std::string_view> done = {"type"};
  const auto copy = [&](std::string_view keyword, const char* name) {
    done.push_back(keyword);
    if (const TreeNode* value = find(schema, keyword)) add(out, name, value);
  };
  if (type == boolean) {
    const auto values = allowed_values(schema);
    const auto has = [&](bool truth) {
      return std::ranges::any_of(values, [&](const TreeNode* value) {
        return truth ? is_true(*value) : is_false(*value);
      });
    };
    if (has(true) && has(false)) done.push_back("enum");
  } else if (type == string) {
    copy("minLength", "min_length");
    copy("maxLength", "max_length");
    copy("pattern", "pattern");
    // Our reader takes an empty pattern for a mistake; it matches everything.
    if (!out.empty() && out.back().name == "pattern" && out.back().value->text.empty())
      out.pop_back();
  } else if (type == integer || type == number) {
    write_bound(schema, true, out);
    write_bound(schema, false, out);
    done.insert(done.end(), {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"});
  } else if (type == array) {
    copy("minItems", "min_items");
    write_array(schema, place, out, rule);
    done.insert(done.end(), {"maxItems", "items", "additionalItems"});
  } else {
    const Place inside{.depth = place.depth + 1, .in_array = place.in_array};
    const Object members = split(schema, inside, rule);
    add(out, "fields", members.fields);
    add(out, "allow_extra_fields", word(members.allow_extra ? "true" : "false", schema.at));
    done.insert(done.end(), {"properties", "patternProperties", "additionalProperties", "required",
                             "dependencies"});
  }
  if (type == string || type == integer || type == number) {
    write_enum(schema, out);
    done.push_back(find(schema, "const") != nullptr ? "const" : "enum");
  }
  keep_rest(schema, type, std::move(done), rule);
}

/// The narrower one of the two bounds of draft-07.
void Translator::write_bound(const TreeNode& schema, bool lower, Members& out) {
  const char* const inclusive = lower ? "minimum" : "maximum";
  const char* const exclusive = lower ? "exclusiveMinimum" : "exclusiveMaximum";
  const auto a = number_in(schema, inclusive);
  const auto b = number_in(schema, exclusive);
  const int order = a && b ? core::compare(*a, *b) * (lower ? 1 : -1) : 0;
  if (b && (!a || order <= 0))
    add(out, lower ? "exclusive_min" : "exclusive_max", find(schema, exclusive));
  else if (a)
    add(out, lower ? "min" : "max", find(schema, inclusive));
}

/// A value that stands twice is good draft-07.
void Translator::write_enum(const TreeNode& schema, Members& out) {
  const auto values = allowed_values(schema);
  if (values.empty()) return;
  const TreeNode* single = find(schema, "const");
  TreeNode& list =
      node(TreeNode::Kind::sequence, single != nullptr ? single->at : find(schema, "enum")->at);
  const bool typed_null = (types_of(schema) & null) != 0;
  std::set<std::string> seen;
  for (const TreeNode* value : values) {
    if (value->kind == TreeNode::Kind::null) {
      if (!typed_null)
        report_(value->at, "enum: null is not of the type; it could never pass",
                "remove it, or write type: [..., 'null']");
      continue;
    }
    if (seen.insert(canonical(*value)).second) list.items.push_back(value);
  }
  add(out, "enum", &list);
}

void Translator::write_array(const TreeNode& schema, const Place& place, Members& out,
                             Members& rule) {
  const TreeNode* items = find(schema, "items");
  const TreeNode* most = find(schema, "maxItems");
  const bool each = items != nullptr && items->kind != TreeNode::Kind::sequence;
  if (each && is_false(*items)) most = word("0", items->at);
  if (most != nullptr) add(out, "max_items", most);
  const Place inside{.depth = place.depth + 1, .in_array = true};
  if (each && items->kind == TreeNode::Kind::map) {
    add(out, "items", field(*items, {}, false, inside));
    return;
  }
  // An item of any kind, null too.
  Members any;
  const Position at = items == nullptr ? schema.at : items->at;
  add(any, "type", word("any", at));
  add(any, "nulls", word("accepted", at));
  add(out, "items", &map(at, std::move(any)));
  if (items == nullptr || each) return;
  add(rule, "items", items);
  if (const TreeNode* rest = find(schema, "additionalItems")) add(rule, "additionalItems", rest);
}

/// The members of an object: fields, and what only the rule of the object can say of them.
Translator::Object Translator::split(const TreeNode& schema, const Place& place, Members& rule) {
  Object out{.fields = &node(TreeNode::Kind::sequence, schema.at)};
  static const TreeNode none;
  const TreeNode* properties = find(schema, "properties");
  if (properties == nullptr) properties = &none;
  const TreeNode* patterns = find(schema, "patternProperties");
  const TreeNode* additional = find(schema, "additionalProperties");
  const bool closed = additional != nullptr && is_false(*additional);
  const bool judged = additional != nullptr && !additional->members.empty();
  std::vector<std::string_view> declared;
  for (const TreeNode::Member& member : properties->members) {
    if (can_be_field(member, place)) declared.push_back(member.name);
  }
  const bool undeclared = declared.size() != properties->members.size();
  const bool whole = patterns != nullptr || judged || (undeclared && closed);
  out.allow_extra = whole || !closed;

  std::vector<Members> heads(declared.size());
  std::vector<bool> required(declared.size(), false);
  TreeNode& missing = node(TreeNode::Kind::sequence, schema.at);
  if (const TreeNode* names = find(schema, "required")) {
    missing.at = names->at;
    for (const TreeNode* name : names->items) {
      const auto at = std::ranges::find(declared, name->text);
      if (at == declared.end())
        missing.items.push_back(name);
      else
        required[static_cast<std::size_t>(at - declared.begin())] = true;
    }
  }
  split_dependencies(schema, place, declared, heads, rule);

  Members named;  // for the rule
  std::size_t number = 0;
  for (const TreeNode::Member& member : properties->members) {
    if (!can_be_field(member, place)) {
      named.push_back(member);
      continue;
    }
    if (whole) named.push_back({member.name, member.at, word("true", member.at)});
    Members head = {{"name", member.at, word(member.name, member.at, false)}};
    head.insert(head.end(), heads[number].begin(), heads[number].end());
    out.fields->items.push_back(field(*member.value, std::move(head), required[number], place));
    ++number;
  }
  if (!named.empty()) add(rule, "properties", &map(properties->at, std::move(named)));
  if (whole && patterns != nullptr) add(rule, "patternProperties", patterns);
  if (whole && additional != nullptr) add(rule, "additionalProperties", additional);
  if (!missing.items.empty()) add(rule, "required", &missing);
  return out;
}

/// `dependencies` between fields are what our `requires` says.
void Translator::split_dependencies(const TreeNode& schema, const Place& place,
                                    const std::vector<std::string_view>& declared,
                                    std::vector<Members>& heads, Members& rule) {
  const TreeNode* dependencies = find(schema, "dependencies");
  if (dependencies == nullptr) return;
  Members rest;
  for (const TreeNode::Member& member : dependencies->members) {
    const auto is_field = [&](std::string_view name) {
      return std::ranges::find(declared, name) != declared.end();
    };
    const bool names = member.value->kind == TreeNode::Kind::sequence;
    if (!names || place.in_array || !is_field(member.name) ||
        !std::ranges::all_of(member.value->items,
                             [&](const TreeNode* one) { return is_field(one->text); })) {
      rest.push_back(member);
      continue;
    }
    TreeNode& needed = node(TreeNode::Kind::sequence, member.value->at);
    for (const TreeNode* one : member.value->items) {
      if (one->text != member.name) needed.items.push_back(one);
    }
    const auto at = std::ranges::find(declared, member.name) - declared.begin();
    if (!needed.items.empty()) add(heads[static_cast<std::size_t>(at)], "requires", &needed);
  }
  if (!rest.empty()) add(rule, "dependencies", &map(dependencies->at, std::move(rest)));
}

}  // namespace

Translation translate(const TreeNode& document, Nodes& nodes, const Report& report) {
  return Translator(nodes, report).run(document);
}

}  // namespace telemetry::schemas::draft7
