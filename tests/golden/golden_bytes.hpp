// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>
#include "catch.hpp"

namespace telemetry::test {

/// The bytes of tests/golden/NAME: hexadecimal, `#` begins a comment.
inline std::vector<std::uint8_t> golden_bytes(const std::string& name) {
  std::ifstream file(TELEMETRY_SOURCE_DIR "/tests/golden/" + name);
  REQUIRE(file.good());
  std::vector<std::uint8_t> bytes;
  for (std::string line; std::getline(file, line);) {
    std::istringstream digits(line.substr(0, line.find('#')));
    for (std::string byte; digits >> byte;) {
      bytes.push_back(static_cast<std::uint8_t>(std::stoul(byte, nullptr, 16)));
    }
  }
  return bytes;
}

}  // namespace telemetry::test
