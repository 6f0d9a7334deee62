// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <re2/re2.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schema/conversion.hpp"
#include "schema/json_rule.hpp"
#include "schema/path.hpp"
#include "schema/text_tree.hpp"
#include "schema/topic_pattern.hpp"
#include "telemetry/condition.hpp"
#include "telemetry/core/schema_view.hpp"
#include "telemetry/form.hpp"
#include "telemetry/schema.hpp"

/// What a schema file says, checked, before it becomes tables.
namespace telemetry::schemas {

/// A value written in a schema: a default or one of an enum.
struct Literal {
  core::ValueKind kind = core::ValueKind::null;
  std::int64_t integer = 0;  ///< boolean, integer, time
  core::Decimal number;      ///< integer, decimal
  std::string text;          ///< text
};

/// `less_than: other`, and so on.
struct ComparisonSpec {
  core::Relation relation = core::Relation::equal;
  std::string other;  ///< a field of the same object
  Position at;
};

struct FieldSpec {
  std::string name;  ///< empty for the item of an array
  core::FieldType type = core::FieldType::any;
  bool required = false;
  std::string unit;
  std::optional<Literal> default_value;
  std::vector<std::string> aliases;
  std::vector<std::string> requires_;
  std::vector<ComparisonSpec> comparisons;  ///< by relation, as relation_words orders them
  core::TimeFormat time_format = core::TimeFormat::automatic;
  std::optional<core::Decimal> min;
  std::optional<core::Decimal> max;
  bool min_exclusive = false;
  bool max_exclusive = false;
  std::optional<std::uint32_t> length_min;  ///< string: code points; array: items
  std::optional<std::uint32_t> length_max;
  std::string pattern;
  Position pattern_at;
  std::shared_ptr<const RE2> expression;  ///< of `pattern`
  std::vector<Literal> enum_;
  core::Nulls nulls = core::Nulls::absent;
  bool allow_extra_fields = false;            ///< object
  std::shared_ptr<const JsonRule> json_rule;  ///< or null
  std::vector<Position> json_rule_at;         ///< of each of its parts
  std::string custom;                         ///< name of a validation function, or empty
  ValidationFunction custom_function;         ///< empty: it is not called here
  Position custom_at;
  std::vector<std::string> from;  ///< paths and templates; empty: the member of its name
  ConversionSpec conversion;
  Position mapped_at{0, 0};       ///< of the first of those keys; line 0: there is none
  std::vector<FieldSpec> fields;  ///< object
  std::vector<FieldSpec> items;   ///< array: exactly one
  Position at;
};

/// `payload:`
struct PayloadSpec {
  Form::Specification form;
  std::optional<Form> reader;  ///< of `form`; json without more needs none
  /// What it means depends on the births before it.
  [[nodiscard]] bool needs_births() const noexcept { return form.form == "sparkplug_b"; }
  /// The document is one bare value: the member `value`, or that of the topic's `{field}`.
  [[nodiscard]] bool is_bare() const noexcept {
    return form.form == "value" || form.form == "text";
  }
};

/// `records:`
struct RecordsSpec {
  Path each;        ///< without text: the document is the record
  std::string key;  ///< name of the key where they are members of an object; or empty
};

struct SchemaSpec {
  static constexpr std::string_view no_device = "none";

  std::string name;
  SchemaVersion version;
  TopicPattern pattern;
  std::string topic_pattern;  ///< as written
  PayloadSpec payload;
  RecordsSpec records;
  std::string device;                     ///< a template, a name, `none`; empty: the topic says
  std::shared_ptr<const Condition> when;  ///< or null
  bool drop_all = false;
  bool drop_empty = false;
  std::vector<std::shared_ptr<const Condition>> drop;
  std::vector<std::string> more_time_fields;  ///< asked in order when time_field has no time
  std::string zone;                           ///< IANA name, or empty
  std::string time_field;                     ///< slot path or empty
  core::TimeFormat time_format = core::TimeFormat::automatic;
  std::int32_t zone_offset_s = 0;
  std::string sequence_field;  ///< slot path or empty
  bool sequence_per_device = false;
  std::vector<std::string> identity;          ///< slot paths
  bool lenient = false;                       ///< `strict: false`
  bool allow_extra_fields = false;            ///< also of objects that do not say otherwise
  core::Nulls nulls = core::Nulls::absent;    ///< of fields that do not say otherwise
  std::shared_ptr<const JsonRule> json_rule;  ///< as in FieldSpec, for the document
  std::vector<Position> json_rule_at;         ///< the same
  std::string custom;                         ///< the same
  ValidationFunction custom_function;
  std::vector<FieldSpec> fields;
  struct Mapped {
    std::string_view key;
    Position at;
  };
  std::vector<Mapped> mapped;  ///< keys beside `fields` that say how a payload becomes documents
  /// That templates know: of topic levels, of the device that they name, of the record's key.
  [[nodiscard]] std::vector<std::string> names() const;
  Position name_at;
  Position topic_at;
  Position version_at;
  Position strict_at;
  Position custom_at;
};

/// That a payload is not what the tables read, or that its content chooses.
[[nodiscard]] bool is_unfolded(const SchemaSpec& specification);

/// Reads and checks a document. Mistakes are appended; the result is only good when none is an
/// error.
[[nodiscard]] SchemaSpec read_specification(const TreeNode& root, const std::string& file,
                                            std::vector<Diagnostic>& diagnostics,
                                            const ValidationFunctions& functions);

/// JSON with fixed key order and defaults left out.
[[nodiscard]] std::string canonical_document(const SchemaSpec& specification);

/// Of its `payload`; empty: JSON.
[[nodiscard]] std::string payload_document(const SchemaSpec& specification);

/// The rule that a literal breaks ("is above max 150"), or empty.
[[nodiscard]] std::string broken_rule(const FieldSpec& field, const Literal& literal);

/// A JSON number that is a text as a whole.
struct TextNumber {
  core::Decimal value;
  core::Rest rest = core::Rest::none;  ///< none: `value` is the number
};
[[nodiscard]] std::optional<TextNumber> text_number(std::string_view text) noexcept;
/// What numbers in a schema must keep.
inline constexpr std::string_view exact_number_hint =
    "at most 18 digits, from 1e-324 to 1.7976931348623157e308";

/// Without blanks, line breaks and no-break spaces at its ends.
[[nodiscard]] std::string_view without_blanks(std::string_view text) noexcept;
/// Lenient mode: the JSON number in a text that has nothing else but white space and the unit;
/// empty: there is none. Numbers are never converted: another unit is no number.
[[nodiscard]] std::string_view number_in_text(std::string_view text,
                                              std::string_view unit) noexcept;
/// Lenient mode: the value in the field's type, or null. See core::CoercionHook.
[[nodiscard]] core::Value coerced(const FieldSpec& field, core::Value found,
                                  std::string_view written) noexcept;

/// "float" and so on, as schemas write it.
[[nodiscard]] std::string_view type_name(core::FieldType type) noexcept;
[[nodiscard]] std::string_view nulls_name(core::Nulls nulls) noexcept;
[[nodiscard]] std::string_view time_format_name(core::TimeFormat format) noexcept;
/// A time format: Unix seconds of a clock that shows local time.
inline constexpr std::string_view local_epoch_name = "local_s";

struct RelationWord {
  std::string_view word;
  core::Relation relation;
};
/// As schemas write them, in the order of the canonical document.
inline constexpr RelationWord relation_words[] = {
    {"less_than", core::Relation::less_than},
    {"less_or_equal", core::Relation::less_or_equal},
    {"greater_than", core::Relation::greater_than},
    {"greater_or_equal", core::Relation::greater_or_equal},
    {"equal", core::Relation::equal},
    {"not_equal", core::Relation::not_equal}};
[[nodiscard]] std::string_view relation_name(core::Relation relation) noexcept;
/// The orders that the comparisons of both fields allow for (left, right): bits of a Relation.
[[nodiscard]] unsigned orders_allowed(const FieldSpec& left, const FieldSpec& right) noexcept;

/// Without trailing zeros of the mantissa, so that equal numbers are equal member by member.
[[nodiscard]] core::Decimal normalized(core::Decimal number) noexcept;
/// The JSON number, the same for equal numbers.
[[nodiscard]] std::string number_text(core::Decimal number);
/// The same for people: with an exponent, one digit stands before the point.
[[nodiscard]] std::string shown_number(core::Decimal number);
/// JSON of a literal.
[[nodiscard]] std::string literal_text(const Literal& literal);
/// A JSON string with its quotes.
[[nodiscard]] std::string json_string(std::string_view text);
/// One step of a JSON pointer, with its slash. Source: RFC 6901.
[[nodiscard]] std::string pointer_step(std::string_view name);
/// The JSON pointer of a slot's path.
[[nodiscard]] std::string slot_pointer(std::string_view path);
/// The text with control characters as \u00XX, cut near `bytes_max` at a code point.
[[nodiscard]] std::string excerpt(std::string_view text, std::size_t bytes_max = 64);

}  // namespace telemetry::schemas
