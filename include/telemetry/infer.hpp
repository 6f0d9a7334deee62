// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/error.hpp"

namespace telemetry {

/// A draft of a schema that fits what was seen.
struct InferredSchema {
  std::string name;
  std::string topic_pattern;
  std::string document;  ///< YAML with comments; Schema::parse() has accepted it
  std::uint64_t messages = 0;
  std::size_t topics = 0;
};

/// Makes schemas of messages. What more than one message in a thousand does is taken for normal;
/// what is rarer may be refused by the draft, and a comment says so.
///
/// Memory: about 1 KB for each member of each topic, 3 KB at most, twice that during finish(); see
/// the limits below. Thread: one at a time.
class SchemaInference {
 public:
  static constexpr std::size_t topics_max = 1'000;
  static constexpr std::size_t topic_bytes_max = 4'096;
  static constexpr std::size_t topic_levels_max = 64;
  static constexpr std::size_t fields_max = 30'000;  ///< members of all topics; more: undeclared
  static constexpr std::size_t values_max = 10'000;  ///< of one payload

  SchemaInference();
  ~SchemaInference();
  SchemaInference(const SchemaInference&) = delete;
  SchemaInference& operator=(const SchemaInference&) = delete;

  /// Looks at one message. One that cannot be used changes nothing.
  /// @param received_at ns; 0 = not known.
  /// A topic is of JSON objects or of single values (`payload: value`), as its first message is.
  /// Errors: invalid_argument    the topic is none, or the payload is nothing that its schema
  ///                             could accept; the context says why, without topic and place.
  ///         resource_exhausted  a topic beyond topics_max.
  [[nodiscard]] Result<void> add(std::string_view topic, std::string_view payload,
                                 std::int64_t received_at = 0);
  [[nodiscard]] std::uint64_t messages() const noexcept;

  /// Topics that differ in one level and have much the same members share a schema; the one with
  /// the most messages comes first. Names and topic patterns are distinct, and each topic's schema
  /// is the one that a SchemaSet of all of them would choose. Topics of which no object had a
  /// member that a schema can declare get none. Errors: unavailable  there is nothing to infer
  /// from.
  [[nodiscard]] Result<std::vector<InferredSchema>> finish() const;

 private:
  class Topics;
  std::unique_ptr<Topics> topics_;
};

}  // namespace telemetry
