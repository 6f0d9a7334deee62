// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "schema/draft7.hpp"
#include "schema/reader.hpp"

namespace telemetry::schemas {

using namespace std::string_view_literals;

/// `json_schema` in the place of `fields`.
/// @returns false when there are no fields to look at.
bool Reader::read_json_schema(const TreeNode& document, const TreeNode& root) {
  if (root.find("fields") != nullptr)
    mistake(document.at, "`fields` and `json_schema` say the same thing twice",
            "keep one of the two");
  const TreeNode* validation = root.find("validation");
  for (const std::string_view key : {"allow_extra_fields"sv, "nulls"sv, "json_schema"sv}) {
    const TreeNode* value = validation == nullptr ? nullptr : validation->find(key);
    if (value != nullptr)
      mistake(value->at, fmt::format("validation: {} beside json_schema", key),
              key == "allow_extra_fields" ? "the document says it with additionalProperties"
                                          : "the document says it; remove this");
  }
  if (document.kind != TreeNode::Kind::map) {
    mistake(document.at, "json_schema must be a map",
            "json_schema: {type: object, properties: ...}");
    return false;
  }
  const draft7::Report report = [this](Position at, std::string message, std::string hint) {
    mistake(at, std::move(message), std::move(hint));
  };
  draft7::Nodes nodes;
  const std::size_t before = mistakes_;
  const TreeNode* checked = draft7::checked(document, nodes, report);
  if (checked == nullptr) return false;
  const draft7::Translation translation = draft7::translate(*checked, nodes, report);
  if (translation.fields == nullptr) {
    if (mistakes_ == before)
      mistake(document.at, "json_schema: no member can be a column",
              "declare at least one under properties");
    return false;
  }
  // null is a value here; a field that takes it says so.
  schema_.nulls = core::Nulls::refused;
  schema_.allow_extra_fields = translation.allow_extra_fields;
  schema_.fields = read_fields(*translation.fields, {});
  if (translation.rule != nullptr)
    read_json_rule(*translation.rule, "json_schema", schema_.json_rule, schema_.json_rule_at);
  check_slots(document);
  return mistakes_ == before;
}

/// `validation: {json_schema: {...}}` of a field or of the schema.
/// @param places receives where each part of the rule stands.
void Reader::read_json_rule(const TreeNode& node, const std::string& what,
                            std::shared_ptr<const JsonRule>& rule, std::vector<Position>& places) {
  if (node.kind != TreeNode::Kind::map) {
    mistake(node.at, what + " must be a map", "json_schema: {multipleOf: 5}");
    return;
  }
  draft7::Nodes nodes;
  const std::size_t before = mistakes_;
  const TreeNode* checked =
      draft7::checked(node, nodes, [this](Position at, std::string message, std::string hint) {
        mistake(at, std::move(message), std::move(hint));
      });
  if (checked == nullptr || mistakes_ != before) return;
  std::string text = draft7::canonical(*checked);
  if (text == "{}") return;
  std::string error;
  rule = JsonRule::compile(std::move(text), error);
  json_rules_.push_back(node.at);
  if (!rule) {
    mistake(node.at, fmt::format("{}: {}", what, error), "write it in a simpler way");
    return;
  }
  for (const JsonRule::Part& part : rule->parts()) {
    const auto member = std::ranges::find(node.members, part.keyword, &TreeNode::Member::name);
    places.push_back(member == node.members.end() ? node.at : member->at);
  }
}

core::Nulls Reader::nulls(const TreeNode& node, std::string_view what) {
  constexpr std::array names = {"absent"sv, "refused"sv, "accepted"sv};
  const auto value = text(node, what);
  if (!value) return core::Nulls::absent;
  const auto found = std::find(names.begin(), names.end(), *value);
  if (found != names.end()) return static_cast<core::Nulls>(found - names.begin());
  mistake(node.at, fmt::format("{}: unknown word '{}'", what, excerpt(*value)),
          "write absent, refused or accepted");
  return core::Nulls::absent;
}

/// What `patternProperties` and the like say of a member, they say of its default.
void Reader::check_member_defaults(const std::vector<FieldSpec>& fields, const JsonRule* rule) {
  const std::size_t parts = rule == nullptr ? 0 : rule->parts().size();
  for (std::size_t part = 0; part < parts; ++part) {
    if (rule->parts()[part].keyword != "properties") continue;
    for (const FieldSpec& field : fields) {
      if (!field.default_value) continue;
      const std::string value = literal_text(*field.default_value);
      const std::string object = fmt::format("{{{}:{}}}", json_string(field.name), value);
      if (!rule->keeps(part, JsonPayload(object).root()))
        mistake(field.at,
                fmt::format("field '{}': default {} breaks what its object says of it",
                            excerpt(field.name), excerpt(value)),
                "a default keeps the rules of its field");
    }
  }
}

/// The rules judge what the payload says, not what lenient mode has read.
void Reader::check_strict() {
  if (!schema_.lenient) return;
  for (const Position at : json_rules_)
    mistake(at, "json_schema needs strict mode", "remove `strict: false`");
}

}  // namespace telemetry::schemas
