// SPDX-License-Identifier: Apache-2.0
// The decoder and nothing else of the core: what it weighs is a budget of the linker's.
#include "images/pump.hpp"
#include "telemetry/core/decode.hpp"

using namespace telemetry;

namespace {

std::array<core::Value, budget::slot_count> values;
std::array<char, 128> scratch;
std::array<core::Violation, 4> violations;

}  // namespace

int main() {
  const core::DecodeResult result =
      core::decode(budget::schema, budget::payload, {values, scratch, violations, {}});
  return result.ok() && values[budget::seq].as_integer() == 123456 ? 0 : 1;
}
