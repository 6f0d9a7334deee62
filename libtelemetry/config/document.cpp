// SPDX-License-Identifier: Apache-2.0
#include "config/document.hpp"

#include "config/text_tree.hpp"

namespace telemetry::config {
namespace {

Written scalar(const std::string& text, Position at) {
  Written out;
  out.kind = Written::Kind::scalar;
  out.text = text;
  out.line = at.line;
  out.column = at.column;
  return out;
}

Written written(const TreeNode& node, Position at) {
  Written out = scalar(node.text, at);
  out.plain = node.plain;
  switch (node.kind) {
    case TreeNode::Kind::null:
      out.kind = Written::Kind::null;
      break;
    case TreeNode::Kind::scalar:
      break;
    case TreeNode::Kind::sequence:
      out.kind = Written::Kind::list;
      for (const TreeNode* item : node.items) out.items.push_back(written(*item, item->at));
      break;
    case TreeNode::Kind::map:
      out.kind = Written::Kind::map;
      for (const TreeNode::Member& member : node.members) {
        // The mark of nothing is that of the token behind it.
        const bool nothing = member.value->kind == TreeNode::Kind::null;
        out.members.push_back({scalar(member.name, member.at),
                               written(*member.value, nothing ? member.at : member.value->at)});
      }
  }
  return out;
}

}  // namespace

std::optional<Written> read_document(const std::string& text, const std::string& file,
                                     std::vector<Diagnostic>& diagnostics) {
  Tree tree;
  if (!tree.read(text, file, diagnostics)) return std::nullopt;
  Written out = written(tree.root(), tree.root().at);
  if (out.kind == Written::Kind::null) out.kind = Written::Kind::map;
  return out;
}

}  // namespace telemetry::config
