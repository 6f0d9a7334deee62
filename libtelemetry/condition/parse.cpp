// SPDX-License-Identifier: Apache-2.0
//
// Conditions as people write them, into trees and back. By recursive descent; depth, nodes and
// length are bounded, as the texts come from anyone.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "telemetry/condition.hpp"

namespace telemetry {
namespace {

constexpr std::string_view blanks = " \t\r\n";
constexpr std::string_view operator_signs = "=!<>";
constexpr std::string_view field_ends = " \t\r\n'\"=!<>(),";
constexpr std::string_view value_ends = " \t\r\n(),";
constexpr std::array<std::string_view, 7> words{"and", "or", "not", "is", "in", "like", "null"};

std::string_view without_blanks(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of(blanks), text.size()));
}

bool is_word(std::string_view text, std::string_view word) {
  return text.size() == word.size() &&
         std::equal(text.begin(), text.end(), word.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + ('a' - 'A')) : a) == b;
         });
}

bool is_any_word(std::string_view text) {
  return std::ranges::any_of(words, [&](std::string_view word) { return is_word(text, word); });
}

/// Takes a quoted text from the front of `text`. False when its quote does not end.
bool take_quoted(std::string_view& text, std::string& value) {
  const char quote = text.front();
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] != quote) {
      value += text[i];
    } else if (i + 1 < text.size() && text[i + 1] == quote) {
      value += quote;
      ++i;
    } else {
      text.remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

/// Takes a path from the front of `text`: names joined by dots, bare up to one of `ends` or in
/// double quotes. False when a name is empty, or a quote does not end.
bool take_path(std::string_view& text, std::string_view ends, std::string& path, bool& quoted) {
  for (;;) {
    const std::size_t before = path.size();
    if (text.starts_with('"')) {
      quoted = true;
      if (!take_quoted(text, path)) return false;
    } else {
      std::size_t end = 0;
      while (end < text.size() && text[end] != '.' && ends.find(text[end]) == ends.npos) ++end;
      path += text.substr(0, end);
      text.remove_prefix(end);
    }
    if (path.size() == before) return false;
    if (!text.starts_with('.')) return true;
    path += '.';
    text.remove_prefix(1);
  }
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text), rest_(text) {}

  Result<Condition> parse() {
    if (text_.size() > Condition::text_bytes_max) {
      return Error{Errc::invalid_argument,
                   fmt::format("a condition of {} bytes; at most {} are read", text_.size(),
                               Condition::text_bytes_max)};
    }
    Condition condition;
    const bool parsed = parse_any(condition, 0) && at_end();
    if (!parsed) return wrong();
    return condition;
  }

 private:
  bool fail(std::string why) {
    if (why_.empty()) {
      why_ = std::move(why);
      at_ = text_.size() - rest_.size();
    }
    return false;
  }
  [[nodiscard]] Error wrong() const {
    constexpr std::size_t shown_max = 200;
    const bool cut = text_.size() > shown_max;
    const std::string place = at_ == 0 ? "" : fmt::format(" at byte {}", at_ + 1);
    return {Errc::invalid_argument,
            fmt::format("condition \"{}{}\"{}: {}; write FIELD OP VALUE with OP one of = != < <= > "
                        ">= in like, or FIELD is null, joined by and, or, not, for example: "
                        "temperature > 30, or location.name = 'hall 2' and humidity is null",
                        text_.substr(0, shown_max), cut ? "..." : "", place, why_)};
  }

  void skip_blanks() { rest_ = without_blanks(rest_); }
  bool at_end() {
    skip_blanks();
    if (rest_.empty()) return true;
    if (rest_.front() == ')') return fail("a ) without its (");
    return fail(after_value_ ? "a value with spaces, commas or parentheses needs quotes"
                             : "and or or is missing");
  }
  /// The bare word that comes next, not taken.
  [[nodiscard]] std::string_view next_word() const {
    return rest_.substr(0, std::min(rest_.find_first_of(field_ends), rest_.size()));
  }
  bool take_word(std::string_view word) {
    skip_blanks();
    if (!is_word(next_word(), word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  bool take_sign(char sign) {
    skip_blanks();
    if (!rest_.starts_with(sign)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool count_node() {
    return ++nodes_ <= Condition::nodes_max ||
           fail(fmt::format("more than {} parts", Condition::nodes_max));
  }

  bool parse_any(Condition& condition, std::size_t depth) {
    return parse_list(condition, depth, "or", Condition::Kind::any, [&](Condition& operand) {
      return parse_list(operand, depth, "and", Condition::Kind::all,
                        [&](Condition& one) { return parse_one(one, depth + 1); });
    });
  }
  template <class Parse>
  bool parse_list(Condition& condition, std::size_t depth, std::string_view word,
                  Condition::Kind kind, const Parse& parse) {
    if (depth > Condition::depth_max) {
      return fail(fmt::format("more than {} levels", Condition::depth_max));
    }
    Condition first;
    if (!parse(first)) return false;
    if (!take_word(word)) {
      condition = std::move(first);
      return true;
    }
    condition.kind = kind;
    condition.operands.push_back(std::move(first));
    if (!count_node()) return false;
    do {
      if (!parse(condition.operands.emplace_back())) return false;
    } while (take_word(word));
    return true;
  }
  bool parse_one(Condition& condition, std::size_t depth) {
    after_value_ = false;
    if (take_word("not")) {
      condition.kind = Condition::Kind::negation;
      if (depth > Condition::depth_max) {
        return fail(fmt::format("more than {} levels", Condition::depth_max));
      }
      return count_node() && parse_one(condition.operands.emplace_back(), depth + 1);
    }
    if (take_sign('(')) {
      if (!parse_any(condition, depth)) return false;
      after_value_ = false;
      return take_sign(')') || fail("a ) is missing");
    }
    return count_node() && parse_field(condition) && parse_test(condition);
  }
  bool parse_field(Condition& condition) {
    skip_blanks();
    if (rest_.empty()) return fail("it names no field");
    if (operator_signs.find(rest_.front()) != std::string_view::npos) {
      return fail("it names no field");
    }
    if (const std::string_view word = next_word(); is_any_word(word)) {
      return fail(
          fmt::format("{0} stands where a field is expected (a field of this name is "
                      "written in double quotes: \"{0}\")",
                      word));
    }
    return take_path(rest_, field_ends, condition.field, condition.field_quoted) ||
           fail("a field has an empty name, or a quote that does not end");
  }
  bool parse_test(Condition& condition) {
    skip_blanks();
    if (const std::size_t end = std::min(rest_.find_first_not_of(operator_signs), rest_.size());
        end > 0) {
      return parse_operator(condition, rest_.substr(0, end)) &&
             parse_value(condition.literals.emplace_back());
    }
    if (take_word("is")) {
      condition.kind = Condition::Kind::is_null;
      const bool negated = take_word("not");
      if (!take_word("null")) return fail("null is missing");
      return !negated || negate(condition);
    }
    const bool negated = take_word("not");
    if (take_word("like")) {
      condition.kind = Condition::Kind::like;
      if (!parse_value(condition.literals.emplace_back())) return false;
    } else if (take_word("in")) {
      condition.kind = Condition::Kind::in;
      if (!take_sign('(')) return fail("( is missing");
      do {
        if (!count_node() || !parse_value(condition.literals.emplace_back())) return false;
      } while (take_sign(','));
      after_value_ = false;
      if (!take_sign(')')) return fail("a , or ) is missing");
    } else {
      return fail(
          fmt::format("no operator follows \"{}\" (a name with spaces or quotes is written "
                      "in double quotes)",
                      condition.field));
    }
    return !negated || negate(condition);
  }
  bool negate(Condition& condition) {
    Condition leaf = std::move(condition);
    condition = {};
    condition.kind = Condition::Kind::negation;
    condition.operands.push_back(std::move(leaf));
    return count_node();
  }
  bool parse_operator(Condition& condition, std::string_view op) {
    using enum Condition::Op;
    constexpr std::pair<std::string_view, Condition::Op> known[] = {
        {"=", eq}, {"!=", ne}, {"<>", ne}, {"<", lt}, {"<=", le}, {">", gt}, {">=", ge}};
    for (const auto& [text, value] : known) {
      if (op != text) continue;
      condition.op = value;
      rest_.remove_prefix(op.size());
      return true;
    }
    return fail(fmt::format("\"{}\" is no operator", op));
  }
  bool parse_value(Literal& literal) {
    skip_blanks();
    if (rest_.empty()) return fail("it has no value");
    std::string text;
    if (rest_.front() == '\'' || rest_.front() == '"') {
      if (!take_quoted(rest_, text)) return fail("a quoted value does not end");
      literal = Literal(std::move(text), true);
      const bool ends = rest_.empty() || value_ends.find(rest_.front()) != std::string_view::npos;
      return ends || fail("something follows a quoted value");
    }
    const std::string_view bare =
        rest_.substr(0, std::min(rest_.find_first_of(value_ends), rest_.size()));
    if (bare.empty()) return fail("it has no value");
    if (is_any_word(bare)) {
      return fail(
          fmt::format("{0} stands where a value is expected (as a text it is written in "
                      "quotes: '{0}'; null is asked for with is null)",
                      bare));
    }
    rest_.remove_prefix(bare.size());
    literal = Literal(std::string(bare), false);
    after_value_ = true;
    return true;
  }

  std::string_view text_, rest_;
  std::string why_;
  std::size_t at_ = 0;
  std::size_t nodes_ = 0;
  bool after_value_ = false;
};

void append_quoted(std::string_view text, char quote, std::string& out) {
  out += quote;
  for (const char c : text) out.append(c == quote ? 2 : 1, c);
  out += quote;
}

void append_literal(const Literal& literal, std::string& out) {
  if (literal.quoted())
    append_quoted(literal.text(), '\'', out);
  else
    out += literal.text();
}

void append_leaf(const Condition& leaf, std::string& out) {
  constexpr std::array<std::string_view, 6> signs{" = ", " != ", " < ", " <= ", " > ", " >= "};
  if (leaf.is_of_topic())
    out += leaf.field;
  else
    append_quoted(leaf.field, '"', out);
  switch (leaf.kind) {
    case Condition::Kind::is_null:
      out += " is null";
      return;
    case Condition::Kind::in:
      out += " in (";
      for (const Literal& literal : leaf.literals) {
        append_literal(literal, out);
        out += ", ";
      }
      out.replace(out.size() - 2, 2, ")");
      return;
    case Condition::Kind::like:
      out += " like ";
      break;
    default:
      out += signs[static_cast<std::size_t>(leaf.op)];
  }
  append_literal(leaf.literals.front(), out);
}

}  // namespace

Result<Condition> parse_condition(std::string_view text) {
  const std::string_view begin = without_blanks(text);
  return Parser(begin.substr(0, begin.find_last_not_of(blanks) + 1)).parse();
}

void append_condition(const Condition& condition, std::string& out) {
  if (condition.is_leaf()) return append_leaf(condition, out);
  if (condition.kind == Condition::Kind::negation) {
    out += "not (";
    append_condition(condition.operands.front(), out);
    out += ')';
    return;
  }
  const std::string_view word = condition.kind == Condition::Kind::all ? ") and (" : ") or (";
  out += '(';
  for (const Condition& operand : condition.operands) {
    append_condition(operand, out);
    out += word;
  }
  out.resize(out.size() - word.size() + 1);
}

bool Condition::is_all_of_topic() const {
  if (is_leaf()) return is_of_topic();
  return std::ranges::all_of(operands, [](const Condition& one) { return one.is_all_of_topic(); });
}

Result<std::vector<std::string>> parse_fields(std::string_view text) {
  std::vector<std::string> fields;
  for (std::string_view rest = text;;) {
    rest = without_blanks(rest);
    bool quoted = false;
    std::string& field = fields.emplace_back();
    const bool taken = take_path(rest, ",\"", field, quoted);
    rest = without_blanks(rest);
    if (!taken || (!rest.empty() && rest.front() != ',')) {
      return Error{Errc::invalid_argument,
                   fmt::format("fields \"{}\": write names with commas between them, such as "
                               "temperature,location.lat; a name with a comma or a quote in it "
                               "is written in double quotes",
                               text)};
    }
    while (!quoted && field.find_last_of(blanks) == field.size() - 1) field.pop_back();
    if (rest.empty()) return fields;
    rest.remove_prefix(1);
  }
}

}  // namespace telemetry
