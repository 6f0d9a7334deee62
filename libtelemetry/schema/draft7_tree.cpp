// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <map>

#include "schema/draft7.hpp"
#include "schema/specification.hpp"

namespace telemetry::schemas::draft7 {
namespace {

constexpr std::array keyword_table = {
    Keyword{"$comment", Shape::text, false},
    Keyword{"$id", Shape::id, false},
    Keyword{"$ref", Shape::reference, true},
    Keyword{"$schema", Shape::dialect, false},
    Keyword{"additionalItems", Shape::schema, true},
    Keyword{"additionalProperties", Shape::schema, true},
    Keyword{"allOf", Shape::schemas, true},
    Keyword{"anyOf", Shape::schemas, true},
    Keyword{"const", Shape::any_value, true},
    Keyword{"contains", Shape::schema, true},
    Keyword{"contentEncoding", Shape::text, false},
    Keyword{"contentMediaType", Shape::text, false},
    Keyword{"default", Shape::any_value, false},
    Keyword{"definitions", Shape::schema_map, false},
    Keyword{"dependencies", Shape::dependencies, true},
    Keyword{"description", Shape::text, false},
    Keyword{"else", Shape::schema, true},
    Keyword{"enum", Shape::values, true},
    Keyword{"examples", Shape::list, false},
    Keyword{"exclusiveMaximum", Shape::number, true},
    Keyword{"exclusiveMinimum", Shape::number, true},
    Keyword{"format", Shape::format, false},
    Keyword{"if", Shape::schema, true},
    Keyword{"items", Shape::items, true},
    Keyword{"maxItems", Shape::count, true},
    Keyword{"maxLength", Shape::count, true},
    Keyword{"maxProperties", Shape::count, true},
    Keyword{"maximum", Shape::number, true},
    Keyword{"minItems", Shape::count, true},
    Keyword{"minLength", Shape::count, true},
    Keyword{"minProperties", Shape::count, true},
    Keyword{"minimum", Shape::number, true},
    Keyword{"multipleOf", Shape::divisor, true},
    Keyword{"not", Shape::schema, true},
    Keyword{"oneOf", Shape::schemas, true},
    Keyword{"pattern", Shape::pattern, true},
    Keyword{"patternProperties", Shape::pattern_map, true},
    Keyword{"properties", Shape::schema_map, true},
    Keyword{"propertyNames", Shape::schema, true},
    Keyword{"readOnly", Shape::boolean, false},
    Keyword{"required", Shape::names, true},
    Keyword{"then", Shape::schema, true},
    Keyword{"title", Shape::text, false},
    Keyword{"type", Shape::type, true},
    Keyword{"uniqueItems", Shape::boolean, true},
    Keyword{"writeOnly", Shape::boolean, false},
    Keyword{"x-time-format", Shape::text, false},
    Keyword{"x-unit", Shape::text, false},
};

/// Writes JSON; knows where schemas stand, for in those annotations are left out.
class Writer {
 public:
  std::string value(const TreeNode& node) {
    switch (kind_of(node)) {
      case Kind::null:
        return "null";
      case Kind::boolean:
        return is_true(node) ? "true" : "false";
      case Kind::number:
        return number_text(text_number(node.text).value_or(TextNumber{}).value);
      case Kind::string:
        return json_string(node.text);
      case Kind::array:
        return list(node, [this](const TreeNode& item) { return value(item); });
      case Kind::object:
        return map(node, [this](const TreeNode& member) { return value(member); });
    }
    return {};
  }

  std::string schema(const TreeNode& node) {
    if (kind_of(node) != Kind::object) return value(node);
    std::map<std::string_view, std::string> members;
    for (const TreeNode::Member& member : node.members) {
      if (judges(member) && has_effect(node, member))
        members.emplace(member.name, keyword_value(*keyword(member.name), *member.value));
    }
    return joined(members);
  }

 private:
  static bool has_effect(const TreeNode& schema, const TreeNode::Member& member) {
    if (member.name == "then" || member.name == "else") return find(schema, "if") != nullptr;
    if (member.name == "uniqueItems") return is_true(*member.value);
    if (member.name != "additionalItems") return true;
    const TreeNode* items = find(schema, "items");
    return items != nullptr && kind_of(*items) == Kind::array;
  }

  std::string keyword_value(const Keyword& keyword, const TreeNode& node) {
    const auto inner = [this](const TreeNode& one) { return schema(one); };
    switch (keyword.shape) {
      case Shape::schema:
        return schema(node);
      case Shape::schemas:
        return list(node, inner);
      case Shape::items:
        return kind_of(node) == Kind::array ? list(node, inner) : schema(node);
      case Shape::schema_map:
      case Shape::pattern_map:
        return map(node, inner);
      case Shape::dependencies:
        return map(node, [this](const TreeNode& one) {
          return kind_of(one) == Kind::array ? value(one) : schema(one);
        });
      case Shape::type:
        return type(node);
      case Shape::pattern:
        return json_string(node.text);  // in YAML a bare word may look like a number
      default:
        return value(node);
    }
  }

  /// YAML writes the word null as no value.
  static std::string type(const TreeNode& node) {
    const auto word = [](const TreeNode& one) {
      return json_string(one.kind == TreeNode::Kind::null ? "null" : one.text);
    };
    return kind_of(node) == Kind::array ? list(node, word) : word(node);
  }

  template <class Write>
  static std::string list(const TreeNode& node, Write write) {
    std::string out = "[";
    for (const TreeNode* item : node.items) {
      if (out.size() > 1) out += ',';
      out += write(*item);
    }
    return out + ']';
  }

  template <class Write>
  static std::string map(const TreeNode& node, Write write) {
    std::map<std::string_view, std::string> members;
    for (const TreeNode::Member& member : node.members)
      members.emplace(member.name, write(*member.value));
    return joined(members);
  }

  static std::string joined(const std::map<std::string_view, std::string>& members) {
    std::string out = "{";
    for (const auto& [name, text] : members) {
      if (out.size() > 1) out += ',';
      out += json_string(name) + ":" + text;
    }
    return out + '}';
  }
};

bool is_boolean(std::string_view text) {
  return text == "true" || text == "false" || text == "True" || text == "False" || text == "TRUE" ||
         text == "FALSE";
}

}  // namespace

Kind kind_of(const TreeNode& value) {
  switch (value.kind) {
    case TreeNode::Kind::null:
      return Kind::null;
    case TreeNode::Kind::sequence:
      return Kind::array;
    case TreeNode::Kind::map:
      return Kind::object;
    case TreeNode::Kind::scalar:
      break;
  }
  if (!value.plain) return Kind::string;
  if (is_boolean(value.text)) return Kind::boolean;
  return text_number(value.text) ? Kind::number : Kind::string;
}

bool is_true(const TreeNode& value) {
  return kind_of(value) == Kind::boolean && (value.text[0] == 't' || value.text[0] == 'T');
}

bool is_false(const TreeNode& value) { return kind_of(value) == Kind::boolean && !is_true(value); }

const TreeNode* find(const TreeNode& map, std::string_view name) {
  for (const TreeNode::Member& member : map.members) {
    if (member.name == name) return member.value;
  }
  return nullptr;
}

std::span<const Keyword> keywords() noexcept { return keyword_table; }

bool judges(const TreeNode::Member& member) {
  const Keyword* known = keyword(member.name);
  if (known == nullptr) return false;
  return known->asserts || (known->shape == Shape::format && member.value->text == "date-time");
}

const Keyword* keyword(std::string_view name) {
  const auto found = std::find_if(keyword_table.begin(), keyword_table.end(),
                                  [&](const Keyword& one) { return one.name == name; });
  return found == keyword_table.end() ? nullptr : &*found;
}

std::string canonical(const TreeNode& schema) { return Writer().schema(schema); }

}  // namespace telemetry::schemas::draft7
