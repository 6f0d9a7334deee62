// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "telemetry/error.hpp"

namespace telemetry::config {

/// A piece of a YAML or JSON document as it was written, before any option gives it a type.
struct Written {
  struct Member;
  enum class Kind : std::uint8_t { null, scalar, list, map };
  Kind kind = Kind::null;
  bool plain = false;     ///< scalar written without quotes
  bool expanded = false;  ///< references to variables are replaced
  std::string text;       ///< scalar
  int line = 0;
  int column = 0;
  std::vector<Written> items;   ///< list
  std::vector<Member> members;  ///< map; no key twice
};

struct Written::Member {
  Written key;  ///< scalar
  Written value;
};

/// Reads one document. An empty one is an empty map. Mistakes are appended; nothing is returned
/// when the text is not YAML at all.
[[nodiscard]] std::optional<Written> read_document(const std::string& text, const std::string& file,
                                                   std::vector<Diagnostic>& diagnostics);

}  // namespace telemetry::config
