// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schema/json_value.hpp"

/// What a draft-07 schema says beyond the tables, judged by valijson.
namespace telemetry::schemas {

/// A payload as the second judge reads it.
class JsonPayload {
 public:
  /// The most values (keys counted) that are judged; it bounds time and memory of one message.
  static constexpr std::size_t values_max = 100'000;

  /// @param payload valid JSON, which outlives this.
  explicit JsonPayload(std::string_view payload);
  ~JsonPayload();
  JsonPayload(const JsonPayload&) = delete;
  JsonPayload& operator=(const JsonPayload&) = delete;

  /// Why it cannot be judged ("has more than 100000 values"), or empty.
  [[nodiscard]] const std::string& refusal() const noexcept { return refusal_; }
  [[nodiscard]] const JsonValue& root() const noexcept;

 private:
  struct Tree;
  std::unique_ptr<Tree> tree_;
  std::string refusal_;
};

/// The assertions of one schema object, each a part. Immutable; safe to use from any thread.
class JsonRule {
 public:
  /// Keywords that judge together: "anyOf"; "items" with additionalItems; "properties" with
  /// patternProperties and additionalProperties; "if" with then and else.
  struct Part {
    std::string keyword;
    std::string text;  ///< JSON of the keyword's value, or of the object of them all
  };
  struct Finding {
    std::string pointer;  ///< from the judged value on; empty: the value itself
    std::string reason;   ///< may be empty
  };

  /// @param text canonical JSON of a checked draft-07 object without $ref and annotations.
  /// @returns null, with `error` set, when valijson refuses it.
  [[nodiscard]] static std::shared_ptr<const JsonRule> compile(std::string text,
                                                               std::string& error);
  ~JsonRule();
  JsonRule(const JsonRule&) = delete;
  JsonRule& operator=(const JsonRule&) = delete;

  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  [[nodiscard]] const std::vector<Part>& parts() const noexcept { return parts_; }
  [[nodiscard]] bool keeps(std::size_t part, const JsonValue& value) const;
  /// Where inside a value the part is broken first, and why; nothing when it is kept.
  [[nodiscard]] std::optional<Finding> find(std::size_t part, const JsonValue& value) const;

 private:
  struct Compiled;
  JsonRule();

  std::string text_;
  std::vector<Part> parts_;
  std::unique_ptr<Compiled> compiled_;
};

}  // namespace telemetry::schemas
