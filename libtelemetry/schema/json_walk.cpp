// SPDX-License-Identifier: Apache-2.0
//
// Judges the JSON Schema rules of all fields on one payload: walks the payload's tree along the
// fields that have one. A keyword that is broken in several items of an array is told once, with
// the first place. As with custom functions, the verdict is in the journal; whoever reads a frame
// back does not come here.
#include <fmt/format.h>

#include <algorithm>

#include "schema/compiled.hpp"

namespace telemetry {

std::size_t Schema::check_json_schema(std::string_view payload,
                                      std::span<core::Violation> violations) const {
  if (!has_json_schema_) return 0;
  return schemas::compiled(*this).call_json_rules(payload, violations);
}

namespace schemas {
namespace {

constexpr std::size_t found_bytes_max = 64;
constexpr std::size_t allowed_bytes_max = 256;

}  // namespace

void CompiledSchema::compile_json_rules() {
  json_below_.assign(nodes_.size(), false);
  for (std::size_t node = 0; node < nodes_.size(); ++node) {
    const auto& rule = node == 0 ? specification_.json_rule : node_fields_[node]->json_rule;
    if (!rule) continue;
    json_below_[node] = true;
    for (std::size_t part = 0; part < rule->parts().size(); ++part)
      json_parts_.push_back({static_cast<std::uint16_t>(node), rule.get(), part});
  }
  // What is inside a node has higher numbers.
  for (std::size_t node = nodes_.size(); node-- > 0;) {
    const core::Node& one = nodes_[node];
    if (one.type == core::FieldType::array && json_below_[one.first]) json_below_[node] = true;
    if (one.type != core::FieldType::object) continue;
    for (std::size_t i = one.first; i < std::size_t{one.first} + one.count; ++i)
      if (json_below_[keys_[i].node]) json_below_[node] = true;
  }
  has_json_schema_ = !json_parts_.empty();
}

class CompiledSchema::JsonWalk {
 public:
  /// @param only the part to look for, or none: all.
  JsonWalk(const CompiledSchema& schema, std::optional<std::size_t> only)
      : schema_(schema), only_(only), broken_(schema.json_parts_.size(), false) {}

  void walk(std::uint16_t node, const JsonValue& value, const std::string& pointer) {
    if (!schema_.json_below_[node] || (only_ && found_)) return;
    judge(node, value, pointer);
    const core::Node& one = schema_.nodes_[node];
    if (one.type == core::FieldType::array && value.kind == JsonValue::Kind::array &&
        schema_.json_below_[one.first]) {
      std::size_t number = 0;
      for (const JsonMember& item : value.inside)
        walk(one.first, item.value, only_ ? fmt::format("{}/{}", pointer, number++) : pointer);
    }
    if (one.type != core::FieldType::object) return;
    for (std::size_t i = one.first; i < std::size_t{one.first} + one.count; ++i) {
      const core::Key& key = schema_.keys_[i];
      if (!schema_.json_below_[key.node]) continue;
      if (const JsonValue* inner = value.find(key.name))
        walk(key.node, *inner, only_ ? pointer + pointer_step(key.name) : pointer);
    }
  }

  [[nodiscard]] const std::vector<bool>& broken() const noexcept { return broken_; }
  [[nodiscard]] const std::optional<Finding>& found() const noexcept { return found_; }

 private:
  void judge(std::uint16_t node, const JsonValue& value, const std::string& pointer) {
    const auto own = std::ranges::equal_range(schema_.json_parts_, node, {}, &JsonPart::node);
    for (const JsonPart& part : own) {
      const auto i = static_cast<std::size_t>(&part - schema_.json_parts_.data());
      if (broken_[i] || (only_ && *only_ != i)) continue;
      if (part.rule->keeps(part.part, value)) continue;
      broken_[i] = true;
      if (only_) describe(part, value, pointer);
    }
  }

  void describe(const JsonPart& part, const JsonValue& value, const std::string& pointer) {
    const auto inside = part.rule->find(part.part, value).value_or(JsonRule::Finding{});
    const JsonRule::Part& rule = part.rule->parts()[part.part];
    found_ = Finding{.pointer = pointer + inside.pointer,
                     .allowed = rule.keyword + " " + excerpt(rule.text, allowed_bytes_max),
                     .reason = excerpt(inside.reason, allowed_bytes_max)};
    if (inside.pointer.empty()) found_->found = excerpt(json_text(value), found_bytes_max);
  }

  const CompiledSchema& schema_;
  std::optional<std::size_t> only_;
  std::vector<bool> broken_;
  std::optional<Finding> found_;
};

std::size_t CompiledSchema::call_json_rules(std::string_view payload,
                                            std::span<core::Violation> violations) const {
  const JsonPayload tree(payload);
  JsonWalk walk(*this, std::nullopt);
  // A payload that cannot be judged is told by the first keyword.
  std::vector<bool> broken(json_parts_.size(), false);
  if (!tree.refusal().empty()) {
    broken.front() = true;
  } else {
    walk.walk(0, tree.root(), {});
    broken = walk.broken();
  }
  std::size_t count = 0;
  for (std::size_t i = 0; i < broken.size(); ++i) {
    if (!broken[i]) continue;
    if (count < violations.size())
      violations[count] = {core::Rule::json_schema, json_parts_[i].node,
                           static_cast<std::uint16_t>(i), 0, 0};
    ++count;
  }
  return count;
}

std::optional<CompiledSchema::Finding> CompiledSchema::describe_json_rule(
    std::uint16_t number, std::string_view payload) const {
  if (number >= json_parts_.size()) return {};
  const JsonPayload tree(payload);
  if (!tree.refusal().empty()) return Finding{.reason = excerpt(tree.refusal(), allowed_bytes_max)};
  JsonWalk walk(*this, number);
  walk.walk(0, tree.root(), {});
  return walk.found();
}

}  // namespace schemas
}  // namespace telemetry
