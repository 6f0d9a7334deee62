// SPDX-License-Identifier: Apache-2.0
// Compares canonical documents, so that whatever decides how a payload is judged shows, and nothing
// else does.
#include <algorithm>

#include "schema/specification.hpp"
#include "telemetry/schema.hpp"

namespace telemetry {
namespace {

using schemas::json_string;
using schemas::TreeNode;
using Kind = SchemaChange::Kind;

/// `skip_name`: without the member "name", which the reader knows.
std::string json_of(const TreeNode& node, bool skip_name = false) {
  std::string out;
  switch (node.kind) {
    case TreeNode::Kind::null:
      return "null";
    case TreeNode::Kind::scalar:
      return node.plain ? node.text : json_string(node.text);
    case TreeNode::Kind::sequence:
      for (const TreeNode* item : node.items) out += (out.empty() ? "" : ",") + json_of(*item);
      return "[" + out + "]";
    case TreeNode::Kind::map:
      for (const auto& member : node.members) {
        if (skip_name && member.name == "name") continue;
        out += (out.empty() ? "" : ",") + json_string(member.name) + ":" + json_of(*member.value);
      }
      return "{" + out + "}";
  }
  return out;
}

class Differ {
 public:
  std::vector<SchemaChange> run(const TreeNode& previous, const TreeNode& next) {
    compare_map(previous, next, "");
    return std::move(changes_);
  }

 private:
  void say(const std::string& field, const std::string& key, std::string before,
           std::string after) {
    const Kind kind = before.empty() ? Kind::added : after.empty() ? Kind::removed : Kind::changed;
    changes_.push_back({kind, field, key, std::move(before), std::move(after)});
  }

  /// The schema, a field or an item; `field` is empty for the schema.
  void compare_map(const TreeNode& previous, const TreeNode& next, const std::string& field) {
    const auto keys_of = [&](const TreeNode& from, bool only_new) {
      for (const auto& member : from.members) {
        const bool by_itself =
            member.name == "fields" || member.name == "items" ||
            (field.empty() && (member.name == "name" || member.name == "version"));
        if (by_itself || (only_new && previous.find(member.name) != nullptr)) continue;
        if (member.name == "validation") {
          // Named as if they stood directly in the field, where they may stand too.
          static const TreeNode none;
          const TreeNode* a = previous.find("validation");
          const TreeNode* b = next.find("validation");
          compare_map(a == nullptr ? none : *a, b == nullptr ? none : *b, field);
        } else {
          compare_member(previous.find(member.name), next.find(member.name), field, member.name);
        }
      }
    };
    keys_of(previous, false);
    keys_of(next, true);
    compare_fields(previous.find("fields"), next.find("fields"), field);
    compare_items(previous.find("items"), next.find("items"), field);
  }

  void compare_member(const TreeNode* a, const TreeNode* b, const std::string& field,
                      const std::string& key) {
    std::string before = a == nullptr ? "" : json_of(*a);
    std::string after = b == nullptr ? "" : json_of(*b);
    if (before != after) say(field, key, std::move(before), std::move(after));
  }

  static const TreeNode* named(const TreeNode* fields, const std::string& name) {
    if (fields == nullptr) return nullptr;
    for (const TreeNode* field : fields->items) {
      const TreeNode* own = field->find("name");
      if (own != nullptr && own->text == name) return field;
    }
    return nullptr;
  }

  static std::vector<std::string> names_of(const TreeNode* fields, const TreeNode* common_with) {
    std::vector<std::string> names;
    if (fields == nullptr) return names;
    for (const TreeNode* field : fields->items) {
      const TreeNode* name = field->find("name");
      if (name != nullptr && named(common_with, name->text)) names.push_back(name->text);
    }
    return names;
  }

  void compare_fields(const TreeNode* previous, const TreeNode* next, const std::string& parent) {
    const std::string prefix = parent.empty() ? "" : parent + ".";
    const auto join = [](const std::vector<std::string>& names) {
      std::string out;
      for (const std::string& name : names) out += (out.empty() ? "" : ",") + json_string(name);
      return "[" + out + "]";
    };
    const auto before = names_of(previous, next);
    const auto after = names_of(next, previous);
    if (before != after) say(parent, "order of fields", join(before), join(after));
    if (previous != nullptr) {
      for (const TreeNode* field : previous->items) {
        const std::string& name = field->find("name")->text;
        const TreeNode* successor = named(next, name);
        if (successor == nullptr)
          say(prefix + name, "", json_of(*field, true), "");
        else
          compare_map(*field, *successor, prefix + name);
      }
    }
    if (next == nullptr) return;
    for (const TreeNode* field : next->items) {
      const std::string& name = field->find("name")->text;
      if (named(previous, name) == nullptr) say(prefix + name, "", "", json_of(*field, true));
    }
  }

  void compare_items(const TreeNode* a, const TreeNode* b, const std::string& field) {
    if (a != nullptr && b != nullptr)
      compare_map(*a, *b, field + "[]");
    else if (a != nullptr || b != nullptr)
      compare_member(a, b, field, "items");
  }

  std::vector<SchemaChange> changes_;
};

}  // namespace

std::vector<SchemaChange> differences(const Schema& previous, const Schema& next) {
  // Canonical documents were written by us: reading them back cannot fail.
  std::vector<Diagnostic> none;
  schemas::Tree a, b;
  if (!a.read(previous.document(), {}, none) || !b.read(next.document(), {}, none)) return {};
  return Differ().run(a.root(), b.root());
}

}  // namespace telemetry
