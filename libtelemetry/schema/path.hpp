// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schema/json_value.hpp"
#include "telemetry/error.hpp"

/// Where in a payload a value stands, and texts made of several of them. Grammar: docs/payloads.md.
namespace telemetry::schemas {

/// A value found for a topic's level or the key of a record.
struct NamedText {
  std::string_view name;
  std::string_view text;
};

/// What paths and templates are asked in.
struct Place {
  const JsonValue& record;
  const JsonValue& document;
  std::span<const NamedText> names;
  JsonTree& memory;  ///< of texts that are read as JSON, or split
};

/// `a.b[0]`: from the record on; `/a.b`: from the document on.
class Path {
 public:
  static constexpr std::size_t steps_max = 16;

  Path() = default;
  /// Errors: invalid_argument  not a path; says where.
  [[nodiscard]] static Result<Path> parse(std::string_view text);

  /// @returns false when there is no such value.
  [[nodiscard]] bool find(const Place& place, JsonValue& out) const;

  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  [[nodiscard]] bool from_document() const noexcept { return from_document_; }
  /// Names of the members that it goes through, up to the first step of another kind.
  [[nodiscard]] std::vector<std::string_view> member_names() const;
  /// That it is nothing but member_names().
  [[nodiscard]] bool is_of_names() const noexcept;
  /// That it picks an entry of a list, beside which others stand.
  [[nodiscard]] bool picks_entry() const noexcept;

 private:
  enum class Kind : std::uint8_t { member, position, entry, json, split, trim };
  struct Step {
    Kind kind = Kind::member;
    std::int32_t position = 0;  ///< from the end when negative
    std::string name;           ///< of the member; entry: of the member that is compared
    std::string value;          ///< entry: what it equals; split: where; trim: what goes
  };
  [[nodiscard]] static bool follow(const Step& step, JsonTree& memory, JsonValue& value);

  std::string text_;
  std::vector<Step> steps_;
  bool from_document_ = false;
};

/// `{gateway}-{meter.id}`: a text with names and paths in it; a path alone is its value.
class Template {
 public:
  Template() = default;
  /// Errors: invalid_argument  not a template; says where.
  /// @param names of topic levels and of the record's key
  [[nodiscard]] static Result<Template> parse(std::string_view text,
                                              std::span<const std::string> names);

  /// A path alone: its value as it is. Else a string; what is absent is left out together with the
  /// text before it. @returns false when nothing of it is there.
  [[nodiscard]] bool find(const Place& place, JsonValue& out) const;

  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  [[nodiscard]] std::vector<const Path*> paths() const;
  [[nodiscard]] bool is_path() const noexcept { return is_path_; }

 private:
  struct Part {
    std::string before;  ///< text in front
    std::string name;    ///< of `names`; else `path`
    Path path;
  };
  std::string text_;
  std::vector<Part> parts_;
  std::string behind_;
  bool is_path_ = false;
};

/// Of a string its text, of a number or a boolean what is written; nothing of the others.
[[nodiscard]] bool scalar_text(const JsonValue& value, std::string_view& out) noexcept;
/// The value of a string with this text, which must outlive it.
[[nodiscard]] JsonValue string_value(std::string_view text, JsonTree& memory);

}  // namespace telemetry::schemas
