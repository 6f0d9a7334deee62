// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "infer/profile.hpp"

namespace telemetry::infer {

/// What one schema is drawn from.
struct Evidence {
  std::string name, topic_pattern;
  std::string pattern_note;              ///< why the pattern is so; may be empty
  bool bare = false;                     ///< payloads are single values, under the name `value`
  std::vector<std::string_view> topics;  ///< all of them
  const Object& root;
};

/// YAML with comments; empty when there is no member that a schema can declare.
[[nodiscard]] std::string draft(const Evidence& evidence);

}  // namespace telemetry::infer
