// SPDX-License-Identifier: Apache-2.0
#include "config/document.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <map>
#include <sstream>

namespace telemetry::config {
namespace {

// Aliases make a small text stand for a huge or endless document; these bounds stop both.
constexpr int depth_max = 32;
constexpr std::size_t nodes_max = 100'000;

// Finds where documents begin, and looks at nothing else.
class DocumentStart : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override { at = mark; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
  YAML::Mark at;
};

// Where the first document ends and more text follows. Not YAML::LoadAll: at a token that begins no
// value, such as a stray comma, it makes empty documents until memory is gone (yaml-cpp 0.7).
std::optional<YAML::Mark> second_document(const std::string& text) {
  std::istringstream in(text);
  YAML::Parser parser(in);
  DocumentStart start;
  if (!parser.HandleNextDocument(start) || !parser.HandleNextDocument(start)) return std::nullopt;
  return start.at;
}

class Converter {
 public:
  Converter(const std::string& file, std::vector<Diagnostic>& diagnostics)
      : file_(file), diagnostics_(diagnostics) {}

  Written convert(const YAML::Node& node, int depth) {
    Written out;
    out.line = node.Mark().line + 1;
    out.column = node.Mark().column + 1;
    if (depth > depth_max || ++nodes_ > nodes_max) {
      if (!overflow_) complain(out, "the document is nested too deeply or too large", "");
      overflow_ = true;
      return out;
    }
    switch (node.Type()) {
      case YAML::NodeType::Scalar:
        out.kind = Written::Kind::scalar;
        out.text = node.Scalar();
        break;
      case YAML::NodeType::Sequence:
        out.kind = Written::Kind::list;
        for (const auto& item : node) out.items.push_back(convert(item, depth + 1));
        break;
      case YAML::NodeType::Map:
        convert_map(node, depth, out);
        break;
      case YAML::NodeType::Null:
      case YAML::NodeType::Undefined:
        break;
    }
    return out;
  }

 private:
  void convert_map(const YAML::Node& node, int depth, Written& out) {
    out.kind = Written::Kind::map;
    std::map<std::string, int> lines;
    for (const auto& member : node) {
      Written key = convert(member.first, depth + 1);
      if (key.kind != Written::Kind::scalar) {
        complain(key, "a key must be plain text", "");
        continue;
      }
      const auto [first, fresh] = lines.emplace(key.text, key.line);
      if (!fresh) {
        complain(
            key,
            fmt::format("key \"{}\" is given twice, first in line {}", key.text, first->second),
            "keep one of them");
        continue;
      }
      Written value = convert(member.second, depth + 1);
      if (value.kind == Written::Kind::null) {  // its mark is that of the token behind it
        value.line = key.line;
        value.column = key.column;
      }
      out.members.push_back({std::move(key), std::move(value)});
    }
  }

  void complain(const Written& where, std::string message, std::string hint) {
    diagnostics_.push_back({file_, where.line, where.column, std::move(message), std::move(hint)});
  }

  const std::string& file_;
  std::vector<Diagnostic>& diagnostics_;
  std::size_t nodes_ = 0;
  bool overflow_ = false;
};

}  // namespace

std::optional<Written> read_document(const std::string& text, const std::string& file,
                                     std::vector<Diagnostic>& diagnostics) {
  try {
    if (const auto more = second_document(text)) {
      diagnostics.push_back({file, more->line + 1, more->column + 1,
                             "the file goes on after its end: a second document, or text that "
                             "belongs to nothing",
                             "remove a stray comma, bracket or line \"---\" here"});
      return std::nullopt;
    }
    Written out = Converter(file, diagnostics).convert(YAML::Load(text), 0);
    if (out.kind == Written::Kind::null) out.kind = Written::Kind::map;
    return out;
  } catch (const YAML::Exception& e) {
    // yaml-cpp quotes the name of an unknown anchor, which may be an unquoted password.
    std::string message = e.msg.substr(0, e.msg.find(':'));
    std::string hint = message.find("anchor") != std::string::npos
                           ? "put a value that begins with * or & in quotes"
                           : "check indentation, quotes and brackets here and just above";
    diagnostics.push_back({file, e.mark.line + 1, e.mark.column + 1,
                           "not valid YAML: " + std::move(message), std::move(hint)});
  } catch (const std::exception& e) {
    diagnostics.push_back({file, 0, 0, std::string("cannot be read as YAML: ") + e.what(), ""});
  }
  return std::nullopt;
}

}  // namespace telemetry::config
