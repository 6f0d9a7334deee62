// SPDX-License-Identifier: Apache-2.0
// Any payload against a schema that uses every rule: the decoder neither crashes nor lies about
// what it wrote.
#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "fuzz.hpp"
#include "telemetry/core/decode.hpp"
#include "telemetry/schema.hpp"

namespace {

constexpr std::string_view document = R"(
name: fuzz
version: "1.0"
topic_pattern: fuzz/{device}
validation: {allow_extra_fields: true}
fields:
  - {name: t, type: float, required: true, validation: {min: -50, max: 150}, aliases: [temp]}
  - {name: n, type: integer, validation: {min: 0}, requires: [t]}
  - {name: s, type: string, validation: {min_length: 1, max_length: 8, pattern: "^[a-z]*$"}}
  - {name: e, type: string, validation: {enum: [on, "off"]}}
  - {name: b, type: boolean, default: true}
  - {name: at, type: timestamp}
  - name: o
    type: object
    fields:
      - {name: x, type: float, required: true, validation: {less_than: z, not_equal: n}}
      - {name: y, type: string, validation: {equal: w}}
      - {name: z, type: integer, aliases: [zz]}
      - {name: n, type: float}
      - {name: w, type: string}
  - {name: a, type: array, items: {type: float, validation: {max: 9}}, min_items: 1, max_items: 4}
)";

const telemetry::Schema& schema() {
  static const auto compiled = [] {
    std::vector<telemetry::Diagnostic> diagnostics;
    auto result = telemetry::Schema::parse(document, "fuzz.yaml", diagnostics);
    TELEMETRY_FUZZ_CHECK(result);
    return *std::move(result);
  }();
  return *compiled;
}

bool inside(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace core = telemetry::core;
  // A copy of exactly this size, so that a read past the end is seen.
  const std::unique_ptr<char[]> copy(new char[size]);
  std::copy(data, data + size, copy.get());
  const std::string_view payload(copy.get(), size);
  std::array<core::Value, 16> values;
  std::vector<char> scratch(size);
  std::array<core::Violation, 4> violations;
  std::array<core::Extra, 4> extras;
  const auto result = core::decode(schema().view(), payload, {values, scratch, violations, extras},
                                   schema().pattern_hook());
  TELEMETRY_FUZZ_CHECK(result.ok() == (result.violations == 0));
  TELEMETRY_FUZZ_CHECK(result.scratch_used <= size);
  TELEMETRY_FUZZ_CHECK(result.extras <= extras.size());
  for (std::size_t i = 0; i < result.violations && i < violations.size(); ++i) {
    TELEMETRY_FUZZ_CHECK(violations[i].offset <= size);
    TELEMETRY_FUZZ_CHECK(violations[i].length <= size - violations[i].offset);
    TELEMETRY_FUZZ_CHECK(!schema().describe(violations[i], payload).empty());
  }
  if (!result.ok()) return 0;
  const std::string_view scratch_text(scratch.data(), scratch.size());
  for (const auto& value : std::span(values).first(schema().view().slot_count)) {
    const bool is_text =
        value.kind() == core::ValueKind::text || value.kind() == core::ValueKind::json;
    TELEMETRY_FUZZ_CHECK(!is_text || inside(value.as_text(), payload) ||
                         inside(value.as_text(), scratch_text));
  }
  return 0;
}
