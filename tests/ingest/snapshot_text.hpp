// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "telemetry/journal.hpp"

namespace telemetry {

inline std::string text_of(const Snapshot& snapshot) {
  std::string text;
  snapshot.write([&](std::string_view piece) { text += piece; });
  // The frame's header says the size before the first piece is made.
  return text.size() == snapshot.bytes ? text : "wrong size announced";
}

}  // namespace telemetry
