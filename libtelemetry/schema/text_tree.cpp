// SPDX-License-Identifier: Apache-2.0
#include "schema/text_tree.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "telemetry/core/json_pull.hpp"

namespace telemetry::schemas {
namespace {

constexpr std::size_t duplicates_max = 100;

/// Ends the reading of a document; never leaves this file.
struct Stop {
  Position at;
  std::string message;
  std::string hint;
};

Position position(const YAML::Mark& mark) { return {mark.line + 1, mark.column + 1}; }

}  // namespace

const TreeNode* TreeNode::find(std::string_view name) const noexcept {
  for (const Member& member : members) {
    if (member.name == name) return member.value->kind == Kind::null ? nullptr : member.value;
  }
  return nullptr;
}

// yaml-cpp's own tree keeps duplicate keys and expands aliases without bound; its events do
// neither.
class Tree::Builder final : public YAML::EventHandler {
 public:
  Builder(Tree& tree, const std::string& file, std::vector<Diagnostic>& diagnostics)
      : tree_(tree), file_(file), diagnostics_(diagnostics) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(make(TreeNode::Kind::null, mark, anchor));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const TreeNode* target = anchors_.at(anchor);
    for (const Level& level : open_) {
      if (level.node == target)
        throw Stop{position(mark), "this alias contains itself", "write the value out"};
    }
    count(target->weight, position(mark));
    add(target);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_tag(mark, tag);
    TreeNode* node = make(TreeNode::Kind::scalar, mark, anchor);
    node->plain = tag != "!";
    node->text = value;
    add(node);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(TreeNode::Kind::sequence, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(TreeNode::Kind::map, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Level {
    TreeNode* node;
    const TreeNode* key;  // map: the key whose value comes next, or null
    std::map<std::string, Position> names;
  };

  static void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!")
      throw Stop{position(mark), "tags are not supported", "remove it: " + tag};
  }

  void count(std::size_t nodes, Position at) {
    total_ += nodes;
    if (total_ > nodes_max)
      throw Stop{at, fmt::format("more than {} values, aliases expanded", nodes_max),
                 "split the schema, or use fewer aliases"};
  }

  TreeNode* make(TreeNode::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    count(1, position(mark));
    TreeNode& node = tree_.nodes_.emplace_back();
    node.kind = kind;
    node.at = position(mark);
    if (anchor != YAML::NullAnchor) anchors_[anchor] = &node;
    return &node;
  }

  void open(TreeNode::Kind kind, const YAML::Mark& mark, const std::string& tag,
            YAML::anchor_t anchor) {
    refuse_tag(mark, tag);
    if (open_.size() >= depth_max)
      throw Stop{position(mark), fmt::format("nested deeper than {} levels", depth_max), ""};
    if (!open_.empty() && open_.back().node->kind == TreeNode::Kind::map && !open_.back().key)
      throw Stop{position(mark), "a key must be text, not a list or map",
                 "is a bracket or brace left open?"};
    open_.push_back({make(kind, mark, anchor), nullptr, {}});
  }

  void close() {
    TreeNode* node = open_.back().node;
    open_.pop_back();
    add(node);
  }

  void add(const TreeNode* node) {
    if (open_.empty()) {
      tree_.root_ = node;
      return;
    }
    Level& level = open_.back();
    level.node->weight += node->weight;
    if (level.node->kind == TreeNode::Kind::sequence) {
      level.node->items.push_back(node);
    } else if (level.key == nullptr) {
      if (node->kind != TreeNode::Kind::scalar)
        throw Stop{node->at, "a key must be text", "put it in quotes"};
      level.key = node;
    } else {
      add_member(level, *level.key, node);
      level.key = nullptr;
    }
  }

  void add_member(Level& level, const TreeNode& key, const TreeNode* value) {
    const auto [first, is_new] = level.names.emplace(key.text, key.at);
    if (is_new) {
      level.node->members.push_back({key.text, key.at, value});
    } else if (++duplicates_ > duplicates_max) {
      throw Stop{key.at, "too many keys are given twice", "mend these first"};
    } else {
      diagnostics_.push_back({file_, key.at.line, key.at.column,
                              fmt::format("key '{}' is given twice", key.text),
                              fmt::format("the first is in line {}", first->second.line)});
    }
  }

  Tree& tree_;
  const std::string& file_;
  std::vector<Diagnostic>& diagnostics_;
  std::map<YAML::anchor_t, const TreeNode*> anchors_;
  std::vector<Level> open_;
  std::size_t total_ = 0;
  std::size_t duplicates_ = 0;
};

namespace {

/// yaml-cpp reads past bad UTF-8 and takes some control characters for the end of the file.
bool check_bytes(std::string_view text, const std::string& file,
                 std::vector<Diagnostic>& diagnostics) {
  int line = 1;
  for (std::size_t start = 0; start <= text.size(); ++line) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    const std::string_view content = text.substr(start, end - start);
    const auto bad = std::find_if(content.begin(), content.end(), [](char c) {
      return (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\r') || c == 0x7F;
    });
    if (bad != content.end()) {
      diagnostics.push_back({file, line, static_cast<int>(bad - content.begin()) + 1,
                             fmt::format("control character 0x{:02X}", static_cast<int>(*bad)),
                             "write it as an escape in double quotes, such as \"\\x01\""});
      return false;
    }
    if (!core::is_valid_utf8(content)) {
      diagnostics.push_back({file, line, 0, "not valid UTF-8", "save the file as UTF-8"});
      return false;
    }
    start = end + 1;
  }
  return true;
}

std::string_view line_of(std::string_view text, int line) {
  for (int i = 1; i < line; ++i) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

}  // namespace

bool Tree::read(std::string_view text, const std::string& file,
                std::vector<Diagnostic>& diagnostics) {
  if (text.size() > bytes_max) {
    diagnostics.push_back({file, 0, 0,
                           fmt::format("{} bytes; the limit is {}", text.size(), bytes_max),
                           "split the schema"});
    return false;
  }
  if (!check_bytes(text, file, diagnostics)) return false;
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    Builder builder(*this, file, diagnostics);
    if (!parser.HandleNextDocument(builder) || root_ == nullptr) {
      diagnostics.push_back({file, 0, 0, "the file is empty", "begin with `name:`"});
      return false;
    }
    const TreeNode* first = root_;
    if (parser.HandleNextDocument(builder))
      throw Stop{root_->at, "a second document", "one schema per file"};
    root_ = first;
    return true;
  } catch (const Stop& stop) {
    diagnostics.push_back({file, stop.at.line, stop.at.column, stop.message, stop.hint});
  } catch (const YAML::Exception& error) {
    const Position at = error.mark.is_null() ? Position{} : position(error.mark);
    const std::string_view line = line_of(text, at.line);
    const bool tab = line.substr(0, line.find_first_not_of(" \t")).find('\t') != line.npos;
    const bool surrogate = error.msg.find("unicode") != error.msg.npos;
    diagnostics.push_back({file, at.line, at.column, "not YAML or JSON: " + error.msg,
                           tab         ? "indent with spaces, not tabs"
                           : surrogate ? "write the character itself, in UTF-8"
                                       : ""});
  }
  return false;
}

}  // namespace telemetry::schemas
