// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/core/value.hpp"
#include "telemetry/error.hpp"

/// What a row must meet: the grammar, and what it means for one value. Stores translate a condition
/// into their own language; what they answer is what evaluate() and the leaves below say.
namespace telemetry {

/// Three values, as in SQL: a comparison with what is not there is unknown, and only what is true
/// is found.
enum class Truth : std::uint8_t { no, unknown, yes };
[[nodiscard]] constexpr Truth truth(bool value) noexcept { return value ? Truth::yes : Truth::no; }

/// A number as every store compares it: an int64 where it is whole and fits, else the nearest
/// double. The two compare exactly with each other.
class Number {
 public:
  constexpr explicit Number(std::int64_t whole) noexcept : whole_(whole), is_whole_(true) {}
  constexpr explicit Number(double real) noexcept : real_(real), is_whole_(false) {}
  /// The text of a JSON number, where `-.5` and `5.` are understood too. Nothing for other texts,
  /// and beyond the largest double.
  [[nodiscard]] static std::optional<Number> read(std::string_view text) noexcept;
  /// Of a boolean, integer, decimal or time. Decimals become doubles: so stores keep them.
  [[nodiscard]] static Number of(const core::Value& value) noexcept;
  /// An integer, or the shortest decimal that reads back as the same double.
  [[nodiscard]] core::Value value() const noexcept;

  [[nodiscard]] constexpr bool is_whole() const noexcept { return is_whole_; }
  [[nodiscard]] constexpr std::int64_t whole() const noexcept { return whole_; }  ///< is_whole()
  [[nodiscard]] constexpr double real() const noexcept {
    return is_whole_ ? static_cast<double>(whole_) : real_;
  }
  /// Unordered only with NaN, which no JSON has.
  [[nodiscard]] std::partial_ordering operator<=>(const Number& other) const noexcept;
  [[nodiscard]] bool operator==(const Number& other) const noexcept {
    return (*this <=> other) == 0;
  }

 private:
  union {
    std::int64_t whole_;
    double real_;
  };
  bool is_whole_;
};

/// A value in a condition.
class Literal {
 public:
  Literal() = default;
  Literal(std::string text, bool quoted);

  [[nodiscard]] const std::string& text() const noexcept { return text_; }  ///< quotes removed
  [[nodiscard]] bool quoted() const noexcept { return quoted_; }
  /// Of a bare or quoted text that is a number.
  [[nodiscard]] const std::optional<Number>& number() const noexcept { return number_; }

 private:
  std::string text_;
  std::optional<Number> number_;
  bool quoted_ = false;
};

/// A tree: comparisons at its leaves, `and`, `or` and `not` above them.
struct Condition {
  enum class Kind : std::uint8_t {
    compare,  ///< field op literal
    in,       ///< field in (literals): `=` with one of them
    like,     ///< field like literal: % any text, _ one character, \ takes the next as it is
    is_null,  ///< the row does not have the field, or it is null
    all,      ///< and
    any,      ///< or
    negation  ///< not
  };
  enum class Op : std::uint8_t { eq, ne, lt, le, gt, ge };
  static constexpr std::size_t text_bytes_max = 64 * 1024;
  static constexpr std::size_t depth_max = 24;
  static constexpr std::size_t nodes_max = 2'000;  ///< leaves, literals of `in`, and what is above

  Kind kind = Kind::compare;
  /// Path of a field, of an undeclared member, or of a member of a payload without schema, where
  /// `value` is a bare value; or `topic`, `device`.
  std::string field;
  bool field_quoted = false;  ///< a field also if it is called `topic` or `device`
  Op op = Op::eq;
  std::vector<Literal> literals;    ///< compare, like: one; in: one or more
  std::vector<Condition> operands;  ///< all, any: two or more; negation: one

  [[nodiscard]] bool is_leaf() const noexcept { return kind < Kind::all; }
  /// A leaf that asks for the row's own topic or device, not for a field.
  [[nodiscard]] bool is_of_topic() const noexcept {
    return is_leaf() && !field_quoted && (field == "topic" || field == "device");
  }
  /// True when all leaves ask for topic or device.
  [[nodiscard]] bool is_all_of_topic() const;
};

/// One condition, for example `temperature > 20 and (status in (on, 'auto') or not note is null)`.
///
///   condition  = all { "or" all }
///   all        = one { "and" one }
///   one        = "not" one | "(" condition ")" | FIELD test
///   test       = ( "=" | "!=" | "<>" | "<" | "<=" | ">" | ">=" ) VALUE | "is" [ "not" ] "null"
///              | [ "not" ] "in" "(" VALUE { "," VALUE } ")" | [ "not" ] "like" VALUE
///
/// FIELD is bare, or in double quotes where it has spaces, quotes or operators or is one of the
/// words above; a quote in it is doubled: location."odd ""name""". VALUE is a number, true, false,
/// a text without spaces, commas and parentheses, or a text in single or double quotes. The words
/// may have capitals. Errors: invalid_argument  not of this form, or too large; says where.
[[nodiscard]] Result<Condition> parse_condition(std::string_view text);

/// Appends the condition in the grammar of parse_condition(); equal conditions give equal texts.
void append_condition(const Condition& condition, std::string& out);

/// "a,b.c" as its paths; names with commas or quotes are quoted as in a condition.
/// Errors: invalid_argument  an empty name, or a quote that does not end.
[[nodiscard]] Result<std::vector<std::string>> parse_fields(std::string_view text);

/// The truth of a tree whose leaves are asked by `leaf`, a Truth(const Condition&).
template <class Leaf>
[[nodiscard]] Truth evaluate(const Condition& condition, const Leaf& leaf) {
  if (condition.is_leaf()) return leaf(condition);
  if (condition.kind == Condition::Kind::negation) {
    const Truth inner = evaluate(condition.operands.front(), leaf);
    return static_cast<Truth>(2 - static_cast<int>(inner));
  }
  const bool all = condition.kind == Condition::Kind::all;
  Truth result = truth(all);
  for (const Condition& operand : condition.operands) {
    const Truth one = evaluate(operand, leaf);
    if (all ? one < result : one > result) result = one;
    if (result == truth(!all)) break;
  }
  return result;
}

/// A leaf, asked of a text: of a topic, a device, or a field that its schema declares as a text.
/// Every literal is a text here.
[[nodiscard]] Truth leaf_meets_text(const Condition& leaf, std::string_view value);
/// Of a payload that is a text and no JSON. Bare literals that are numbers, true or false do not
/// compare with it.
[[nodiscard]] Truth leaf_meets_bare_text(const Condition& leaf, std::string_view value);
/// Of a number that its schema declares as one. Unknown where a literal is no number.
[[nodiscard]] Truth leaf_meets_number(const Condition& leaf, const Number& value);
/// Of a boolean that its schema declares as one; literals are true, false, 1 and 0.
[[nodiscard]] Truth leaf_meets_boolean(const Condition& leaf, bool value);
/// Of a value whose type only the JSON says. A bare literal that is a number meets numbers, true
/// and false meet booleans, all else texts. What is of another type is unknown, except to is_null.
/// @param json the value, or an object that has it at `path`
/// @param path names joined by dots; a name may have dots too. Empty: `json` is the value.
[[nodiscard]] Truth leaf_meets_json(const Condition& leaf, std::string_view json,
                                    std::string_view path);

/// What a literal for a boolean says.
[[nodiscard]] std::optional<bool> boolean_of(const Literal& literal) noexcept;

/// LIKE: bytes compare as they are, capitals count; `_` is one character of UTF-8. One pass over
/// the text, where like_window() is at most 64.
[[nodiscard]] bool is_like(std::string_view text, std::string_view pattern) noexcept;
/// The most that stands between two % with a `_` or `\` in it: bytes and characters.
[[nodiscard]] std::size_t like_window(std::string_view pattern) noexcept;

/// The value of a member, as it is written in `json`; nothing where there is none.
/// @param path names joined by dots; a name may have dots too.
[[nodiscard]] std::optional<std::string_view> json_member(std::string_view json,
                                                          std::string_view path);
/// The same in a payload without schema: a payload that is no object is called `value`.
[[nodiscard]] std::optional<std::string_view> payload_member(std::string_view json,
                                                             std::string_view path);

}  // namespace telemetry
