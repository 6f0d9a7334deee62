// SPDX-License-Identifier: Apache-2.0
#include "config/text_tree.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <sstream>

namespace telemetry::config {
namespace {

constexpr std::size_t duplicates_max = 100;

/// Ends the reading of a document; never leaves this file.
struct Stop {
  Position at;
  std::string message;
  std::string hint;
};

Position position(const YAML::Mark& mark) { return {mark.line + 1, mark.column + 1}; }

std::size_t offset(const YAML::Mark& mark) {
  return static_cast<std::size_t>(std::max(mark.pos, 0));
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

constexpr std::string_view quote_hint =
    "close it in the same line; an apostrophe in single quotes is written twice";

Stop open_bracket(Position at) {
  return {at, "this bracket is never closed",
          "close it; one that belongs to a text stands in quotes"};
}

Stop never_closed(Position open) {
  return {open, "this quote is not closed in its line", std::string(quote_hint)};
}

/// The texts that may go over several lines, as writers of YAML break them: only people read them.
bool is_for_people(std::string_view key) {
  return key == "description" || key == "title" || key == "$comment";
}

/// Blanks and quotes that look like those of YAML and are letters to it.
void check_lookalikes(std::string_view text, Position at) {
  constexpr std::array blanks = {"\u00A0", "\u2007", "\u200B", "\u202F", "\u3000"};
  constexpr std::array quotes = {"\u2018", "\u2019", "\u201A", "\u201C", "\u201D", "\u201E"};
  const auto begins = [&](const char* one) { return text.starts_with(one); };
  const auto ends = [&](const char* one) { return text.ends_with(one); };
  if (std::any_of(blanks.begin(), blanks.end(), begins) ||
      std::any_of(blanks.begin(), blanks.end(), ends)) {
    throw Stop{at, "this begins or ends with an unusual blank, such as a no-break space (U+00A0)",
               "delete the blanks around it and type them again"};
  }
  if (text.size() > 6 && std::any_of(quotes.begin(), quotes.end(), begins) &&
      std::any_of(quotes.begin(), quotes.end(), ends)) {
    throw Stop{at, "curly quotes do not quote: they would be a part of the text",
               "write straight ones: \" or '"};
  }
  const char last = text.empty() ? '\0' : text.back();
  if ((last == '"' || last == '\'') && std::count(text.begin(), text.end(), last) % 2 == 1) {
    throw Stop{at, "this ends with a quote that none opens",
               "open it; a quote that belongs to the text stands in quotes of the other kind"};
  }
}

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
  Builder(Tree& tree, const SourceText& source, const std::string& file,
          std::vector<Diagnostic>& diagnostics)
      : tree_(tree), source_(source), file_(file), diagnostics_(diagnostics) {}

  /// Of a parser's failure, which often comes long after the mistake.
  [[nodiscard]] Stop explain(const YAML::Exception& error) const;
  void finish();

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) {
      throw Stop{position(mark),
                 "the file goes on after its end: a second document, or text that belongs to "
                 "nothing",
                 "remove a stray comma, bracket or line \"---\" here"};
    }
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (documents_ == 1) check_nothing(offset(mark));
    add(make(TreeNode::Kind::null, mark, anchor), offset(mark));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const TreeNode* target = anchors_.at(anchor);
    used_.insert(anchor);
    for (const Level& level : open_) {
      if (level.node == target)
        throw Stop{position(mark), "this alias contains itself", "write the value out"};
    }
    count(target->weight, position(mark));
    add(target, SourceText::npos);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_tag(mark, tag);
    const std::size_t start = source_.value_start(offset(mark));
    TreeNode* node = make(TreeNode::Kind::scalar, mark, anchor);
    node->plain = tag != "!";
    node->block = !node->plain && (source_.at(start) == '|' || source_.at(start) == '>');
    node->text = value;
    add(node, check_lines(*node, start, source_.position(start, offset(mark), node->at)));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    open(TreeNode::Kind::sequence, mark, tag, anchor, style);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    open(TreeNode::Kind::map, mark, tag, anchor, style);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Level {
    TreeNode* node;
    bool flow;  // in brackets
    std::size_t begin;
    const TreeNode* key;  // map: the key whose value comes next, or null
    std::size_t key_end;
    std::map<std::string, Position> names;
  };
  struct Range {
    std::size_t begin;
    std::size_t end;
  };

  // What follows ! may be the begin of an unquoted password: it is not shown.
  void refuse_tag(const YAML::Mark& mark, const std::string& tag) const {
    const bool bare = source_.at(source_.value_start(offset(mark))) == '!';
    if (bare || (!tag.empty() && tag != "?" && tag != "!"))
      throw Stop{position(mark), "tags are not supported",
                 "remove it; a text that begins with ! stands in quotes"};
  }

  void count(std::size_t nodes, Position at) {
    total_ += nodes;
    if (total_ > nodes_max)
      throw Stop{at, fmt::format("more than {} values, aliases expanded", nodes_max),
                 "split the file, or use fewer aliases"};
  }

  TreeNode* make(TreeNode::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    count(1, position(mark));
    TreeNode& node = tree_.nodes_.emplace_back();
    node.kind = kind;
    node.at = position(mark);
    cursor_ = offset(mark);
    if (anchor != YAML::NullAnchor) anchors_[anchor] = &node;
    return &node;
  }

  void open(TreeNode::Kind kind, const YAML::Mark& mark, const std::string& tag,
            YAML::anchor_t anchor, YAML::EmitterStyle::value style) {
    refuse_tag(mark, tag);
    const bool flow = style == YAML::EmitterStyle::Flow;
    if (open_.size() >= depth_max)
      throw Stop{position(mark), fmt::format("nested deeper than {} levels", depth_max), ""};
    if (!open_.empty() && open_.back().node->kind == TreeNode::Kind::map && !open_.back().key) {
      if (flow) blame_quote(SourceText::npos);
      throw Stop{position(mark), "a list or map in the place of a key; or this is never closed",
                 "close the bracket, or write a text as key"};
    }
    open_.push_back({make(kind, mark, anchor), flow, offset(mark), nullptr, 0, {}});
  }

  void close() {
    TreeNode* node = open_.back().node;
    open_.pop_back();
    add(node, cursor_);
  }

  void add(const TreeNode* node, std::size_t end) {
    if (end != SourceText::npos) cursor_ = std::max(cursor_, end);
    if (open_.empty()) {
      tree_.root_ = node;
      return;
    }
    Level& level = open_.back();
    level.node->weight += node->weight;
    if (level.node->kind == TreeNode::Kind::sequence) {
      level.node->items.push_back(node);
    } else if (level.key == nullptr) {
      if (node->kind != TreeNode::Kind::scalar) {
        blame_quote(source_.line_end(cursor_));
        throw Stop{node->at, "a key must be text", "put it in quotes"};
      }
      if (node->plain && node->text == "<<")
        throw Stop{node->at, "merge keys are not supported", "write the keys out"};
      level.key = node;
      level.key_end = end;
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
      diagnostics_.push_back(
          {file_, key.at.line, key.at.column, fmt::format("key '{}' is given twice", key.text),
           fmt::format("the first is in line {}; keep one of them", first->second.line)});
    }
  }

  [[nodiscard]] bool is_value_for_people() const {
    return !open_.empty() && open_.back().key != nullptr && is_for_people(open_.back().key->text);
  }

  /// The end of a text, where it is known. YAML lets any text go on in the next lines, and yaml-cpp
  /// does not even ask that they are indented.
  std::size_t check_lines(const TreeNode& node, std::size_t start, Position at) {
    if (node.block) return start;
    if (node.plain) {
      if (source_.text().compare(start, node.text.size(), node.text) == 0) {
        check_plain(node.text, start, at);
        return start + node.text.size();
      }
      if (is_value_for_people()) return start;
      const std::size_t next = source_.text().find('\n', start) + 1;
      const auto bracket = innermost_bracket();
      if (bracket && source_.outdented(start, next + 1, block_indent()) != SourceText::npos) {
        throw open_bracket(*bracket);
      }
      throw Stop{
          at, "this value goes on in the next line",
          "write it in one line; or is the next line indented too far, or a comma, a dash or "
          "a colon missing there?"};
    }
    const std::size_t end = source_.quote_end(start);
    if (end == SourceText::npos) throw never_closed(at);
    if (source_.line_end(start) >= end) {
      if (!source_.ends_text(end)) throw wrong_quote(start);
      return end;
    }
    const int indent = block_indent();
    if (!is_value_for_people() ||
        (indent >= 0 && source_.outdented(start, end, indent) != SourceText::npos)) {
      throw never_closed(at);
    }
    broken_ = {start, end};
    return end;
  }

  void check_plain(std::string_view text, std::size_t start, Position at) const {
    if (is_value_for_people()) return;
    check_lookalikes(text, at);
    const bool dash =
        text.size() > 1 && text[0] == '-' && !contains("-.0123456789", text.substr(1, 1));
    if (dash && source_.starts_line(start)) {
      throw Stop{at, "a blank is missing behind the dash",
                 "write \"- \" before each item; a text that begins with a dash stands in quotes"};
    }
  }

  /// Nothing where a value should be, though something may have been meant.
  void check_nothing(std::size_t at) {
    if (source_.at(at) == '&') {
      throw Stop{source_.position(at), "an anchor without a value",
                 "a text that begins with & stands in quotes"};
    }
    if (open_.empty()) return;
    const Level& level = open_.back();
    if (level.node->kind == TreeNode::Kind::sequence) return check_item(level, at);
    if (level.key == nullptr || level.key_end == SourceText::npos) return;
    const std::size_t colon = source_.skip_blanks(level.key_end);
    if (source_.at(colon) != ':') {
      const auto bracket = innermost_bracket();
      if (bracket && source_.text().find_first_not_of(" \t\r\n", colon) == SourceText::npos) {
        throw open_bracket(*bracket);
      }
      const bool glued = contains(level.key->text, ":");
      throw Stop{level.key->at,
                 glued ? "a blank is missing behind the colon" : "a key without a colon",
                 "write KEY: VALUE"};
    }
    const std::size_t remark = source_.skip_blanks(colon + 1);
    if (source_.at(remark) == '#' && !contains(" \t\r\n#", {&source_.text()[remark + 1], 1})) {
      const Position place = source_.position(remark);
      diagnostics_.push_back({file_, place.line, place.column,
                              fmt::format("{} has no value: # begins a remark", level.key->text),
                              "put a value that begins with # in quotes; a blank behind the # of a "
                              "remark silences this",
                              Diagnostic::Severity::warning});
    }
  }

  /// The mark of an empty item is that of the token behind it.
  [[nodiscard]] std::size_t dash_above(const Level& level, std::size_t at) const {
    for (std::size_t line = source_.line_start(at);; line = source_.line_start(line - 1)) {
      const std::size_t dash = line + static_cast<std::size_t>(level.node->at.column) - 1;
      if (dash < at && dash < source_.line_end(line) && source_.at(dash) == '-') return dash;
      if (line <= level.begin) return SourceText::npos;
    }
  }

  void check_item(const Level& level, std::size_t at) const {
    constexpr std::array nulls = {"~", "null", "Null", "NULL"};
    if (std::any_of(nulls.begin(), nulls.end(), [&](std::string_view word) {
          return source_.text().compare(at, word.size(), word) == 0;
        })) {
      return;
    }
    const std::size_t dash = level.flow ? SourceText::npos : dash_above(level, at);
    const Position place = source_.position(dash == SourceText::npos ? at : dash);
    const bool remark =
        dash != SourceText::npos && source_.at(source_.skip_blanks(dash + 1)) == '#';
    throw Stop{place, "an item of this list is empty",
               remark       ? "a text that begins with # stands in quotes"
               : level.flow ? "remove a comma"
                            : "give it a value, or remove the dash"};
  }

  /// Columns before the innermost section or list that is not in brackets; -1: there is none.
  [[nodiscard]] int block_indent() const {
    for (auto level = open_.rbegin(); level != open_.rend(); ++level) {
      if (level->flow) continue;
      return (level->key != nullptr ? level->key->at : level->node->at).column - 1;
    }
    return -1;
  }

  [[nodiscard]] Stop wrong_quote(std::size_t open) const {
    const Position at = source_.position(open);
    const std::size_t end = source_.quote_end(open);
    if (end > source_.line_end(open)) return never_closed(at);
    return {at, "text follows right behind the quote that closes this one",
            "is a quote missing, or one too much? In single quotes '' is an apostrophe, in double "
            "quotes \\\" is a quote"};
  }
  /// What makes no sense may be the text behind a quote that was closed too early or too late.
  void blame_quote(std::size_t end) const {
    const std::size_t quote = source_.wrong_quote(cursor_, end);
    if (quote != SourceText::npos) throw wrong_quote(quote);
  }

  [[nodiscard]] std::optional<Position> innermost_bracket() const {
    for (auto level = open_.rbegin(); level != open_.rend(); ++level) {
      if (level->flow && source_.at(source_.value_start(level->begin)) != '\0' &&
          contains("[{", source_.text().substr(source_.value_start(level->begin), 1))) {
        return level->node->at;
      }
    }
    return {};
  }

  [[nodiscard]] std::optional<Stop> explain_brackets(const YAML::Exception& error) const;
  [[nodiscard]] std::optional<Stop> explain_colon(Position at) const;

  Tree& tree_;
  const SourceText& source_;
  const std::string& file_;
  std::vector<Diagnostic>& diagnostics_;
  std::map<YAML::anchor_t, const TreeNode*> anchors_;
  std::set<YAML::anchor_t> used_;
  std::vector<Level> open_;
  std::size_t cursor_ = 0;  // the parser is at least here
  Range broken_ = {0, 0};   // the last text in quotes that goes over several lines
  int documents_ = 0;
  std::size_t total_ = 0;
  std::size_t duplicates_ = 0;
};

void Tree::Builder::finish() {
  for (const auto& [anchor, node] : anchors_) {
    if (used_.contains(anchor)) continue;
    diagnostics_.push_back({file_, node->at.line, node->at.column, "no alias uses this anchor",
                            "remove it; a text that begins with & stands in quotes"});
  }
}

std::optional<Stop> Tree::Builder::explain_brackets(const YAML::Exception& error) const {
  const auto bracket = innermost_bracket();
  if (!bracket) return {};
  const Position open = *bracket;
  const std::string there = fmt::format("the innermost open bracket begins in line {}, column {}",
                                        open.line, open.column);
  if (contains(error.msg, "flow end")) {
    return Stop{position(error.mark), "not valid YAML: this closes another bracket than it should",
                there};
  }
  if (!contains(error.msg, "flow not found")) return {};
  const Position at = position(error.mark);
  const bool at_end = offset(error.mark) + 1 >= source_.text().size() || at.line < open.line ||
                      (at.line == open.line && at.column <= open.column);
  if (at_end || (at.line > open.line && static_cast<int>(source_.line(at.line).find_first_not_of(
                                            ' ')) <= block_indent())) {
    return open_bracket(open);
  }
  return Stop{at, "not valid YAML: a comma, or the end of the bracket, is missing before this",
              there + "; one that belongs to a text stands in quotes"};
}

/// "key:value" is a text, and what follows it makes no sense.
std::optional<Stop> Tree::Builder::explain_colon(Position at) const {
  for (int number = at.line; number > 0 && number >= at.line - 1; --number) {
    const std::string_view line = source_.line(number);
    std::size_t first = std::min(line.find_first_not_of(" -"), line.size());
    const std::size_t colon = line.find_first_of(": ", first);
    if (contains(line, "\u00A0")) {
      return Stop{{number, static_cast<int>(line.find("\u00A0")) + 1},
                  "not valid YAML: a no-break space (U+00A0)",
                  "delete the blanks here and type them again"};
    }
    if (colon != std::string_view::npos && colon + 1 < line.size() && line[colon] == ':' &&
        !contains(" \t/", line.substr(colon + 1, 1))) {
      return Stop{{number, static_cast<int>(colon) + 1},
                  "not valid YAML: a blank is missing behind the colon",
                  "write KEY: VALUE"};
    }
  }
  return {};
}

Stop Tree::Builder::explain(const YAML::Exception& error) const {
  if (error.mark.is_null()) return {{}, "not valid YAML: " + error.msg, ""};
  const Position at = position(error.mark);
  const std::size_t quote = source_.wrong_quote(cursor_, offset(error.mark));
  // One that is open in this line is what the parser complains about.
  if (quote != SourceText::npos &&
      (source_.position(quote).line < at.line || source_.quote_end(quote) <= offset(error.mark))) {
    return wrong_quote(quote);
  }
  if (broken_.end > 0 && source_.position(broken_.end).line == at.line) {
    return never_closed(source_.position(broken_.begin));
  }
  if (auto brackets = explain_brackets(error)) return std::move(*brackets);
  const std::string_view line = source_.line(at.line);
  const bool tab = contains(line.substr(0, line.find_first_not_of(" \t")), "\t");
  // yaml-cpp 0.8 quotes the name of an unknown anchor, which may be an unquoted password.
  std::string message = "not valid YAML: " + error.msg.substr(0, error.msg.find(':'));
  const auto is = [&](std::string_view part) { return contains(error.msg, part); };
  if (tab && !is("flow") && !is("unknown token")) {
    return {at, message, "indent with spaces, not tabs"};
  }
  if (is("unicode")) return {at, message, "write the character itself, in UTF-8"};
  if (is("escape")) {
    return {at, message, "write a backslash twice in double quotes, or use single quotes"};
  }
  if (is("anchor") || is("alias") || is("unknown token") || is("block scalar")) {
    return {at, message, "a text that begins with * & | > % @ ` or ? stands in quotes"};
  }
  if (is("flow end")) {
    return {at, "not valid YAML: this bracket closes none that is open",
            "another one of its kind is missing above, or this is too much"};
  }
  if (is("map") || is("sequence") || is("block")) {
    if (auto colon = explain_colon(at)) return std::move(*colon);
    message = "not valid YAML: this does not fit what stands before it";
  }
  return {at, message, "check indentation, quotes and brackets here and just above"};
}

bool Tree::read(std::string_view text, const std::string& file,
                std::vector<Diagnostic>& diagnostics) {
  const auto refuse = [&](Position at, std::string message, std::string hint) {
    diagnostics.push_back({file, at.line, at.column, std::move(message), std::move(hint)});
    return false;
  };
  if (text.size() > bytes_max) {
    return refuse({}, fmt::format("{} bytes; the limit is {}", text.size(), bytes_max),
                  "split the file, or name another one");
  }
  const SourceText source(text);
  if (auto flaw = source.bad_byte()) {
    return refuse(flaw->at, std::move(flaw->message), std::move(flaw->hint));
  }
  Builder builder(*this, source, file, diagnostics);
  try {
    std::istringstream stream{source.text()};
    YAML::Parser parser(stream);
    // Not YAML::LoadAll: at a token that begins no value, such as a stray comma, it makes empty
    // documents until memory is gone (yaml-cpp 0.7).
    if (parser.HandleNextDocument(builder)) static_cast<void>(parser.HandleNextDocument(builder));
    builder.finish();
    if (root_ == nullptr) root_ = &nodes_.emplace_back();
    return true;
  } catch (const Stop& stop) {
    return refuse(stop.at, stop.message, stop.hint);
  } catch (const YAML::Exception& error) {
    const Stop stop = builder.explain(error);
    return refuse(stop.at, stop.message, stop.hint);
  }
}

bool parse_boolean(std::string_view text, bool& value) noexcept {
  value = text == "true" || text == "True" || text == "TRUE";
  return value || text == "false" || text == "False" || text == "FALSE";
}

bool is_number(std::string_view text) noexcept {
  const auto digits = [&text] {
    const std::size_t count = std::min(text.find_first_not_of("0123456789"), text.size());
    text.remove_prefix(count);
    return count > 0;
  };
  if (text.starts_with('-')) text.remove_prefix(1);
  if (text.size() > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9') return false;
  if (!digits()) return false;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (!digits()) return false;
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
    if (!digits()) return false;
  }
  return text.empty();
}

std::string number_hint(std::string_view text) {
  std::string_view digits = text;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  const std::size_t first = digits.find_first_not_of('0');
  digits.remove_prefix(std::min(first, digits.empty() ? 0 : digits.size() - 1));
  const std::string plain = (digits.starts_with('.') ? "0" : "") + std::string(digits);
  if (plain != text && is_number(plain)) return fmt::format("write {}", plain);
  return "numbers are written as in JSON: -12, 0.5, 1e6";
}

}  // namespace telemetry::config
