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

std::shared_ptr<const telemetry::Schema> compile(std::string text) {
  std::vector<telemetry::Diagnostic> diagnostics;
  auto result = telemetry::Schema::parse(text, "fuzz.yaml", diagnostics);
  TELEMETRY_FUZZ_CHECK(result);
  return *std::move(result);
}

const telemetry::Schema& schema(bool lenient) {
  static const auto strict_one = compile(std::string(document));
  static const auto lenient_one = [] {
    std::string text(document);
    text.insert(text.find("allow_extra_fields"), "strict: false, ");
    return compile(text);
  }();
  return lenient ? *lenient_one : *strict_one;
}

bool inside(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

namespace core = telemetry::core;

/// Judges the payload and checks what the decoder says of it.
core::DecodeResult judge(const telemetry::Schema& schema, std::string_view payload,
                         std::span<core::Value> values) {
  std::vector<char> scratch(payload.size());
  std::array<core::Violation, 4> violations;
  std::array<core::Extra, 4> extras;
  std::array<core::Violation, 4> notes;
  const auto result = core::decode(schema.view(), payload, {values, scratch, violations, extras},
                                   schema.pattern_hook(), schema.coercion_hook(), notes);
  TELEMETRY_FUZZ_CHECK(result.ok() == (result.violations == 0));
  TELEMETRY_FUZZ_CHECK(result.scratch_used <= payload.size());
  TELEMETRY_FUZZ_CHECK(result.extras <= extras.size());
  const auto check_place = [&](const core::Violation& one) {
    TELEMETRY_FUZZ_CHECK(one.offset <= payload.size());
    TELEMETRY_FUZZ_CHECK(one.length <= payload.size() - one.offset);
    TELEMETRY_FUZZ_CHECK(!schema.describe(one, payload).empty());
  };
  for (std::size_t i = 0; i < result.violations && i < violations.size(); ++i)
    check_place(violations[i]);
  for (std::size_t i = 0; i < result.notes() && i < notes.size(); ++i) check_place(notes[i]);
  if (!result.ok()) return result;
  const std::string_view scratch_text(scratch.data(), scratch.size());
  for (const auto& value : values.first(schema.view().slot_count)) {
    const bool is_text =
        value.kind() == core::ValueKind::text || value.kind() == core::ValueKind::json;
    TELEMETRY_FUZZ_CHECK(!is_text || inside(value.as_text(), payload) ||
                         inside(value.as_text(), scratch_text));
  }
  return result;
}

/// Texts may be in scratch memory that is gone, so only their length is compared.
bool same(const core::Value& a, const core::Value& b) {
  if (a.kind() != b.kind()) return false;
  if (a.kind() == core::ValueKind::text || a.kind() == core::ValueKind::json)
    return a.as_text().size() == b.as_text().size();
  return a.as_integer() == b.as_integer() && a.as_decimal().exponent == b.as_decimal().exponent;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A copy of exactly this size, so that a read past the end is seen.
  const std::unique_ptr<char[]> copy(new char[size]);
  std::copy(data, data + size, copy.get());
  const std::string_view payload(copy.get(), size);
  std::array<core::Value, 16> strict_values;
  std::array<core::Value, 16> lenient_values;
  const auto strict = judge(schema(false), payload, strict_values);
  const auto lenient = judge(schema(true), payload, lenient_values);
  TELEMETRY_FUZZ_CHECK(strict.coercions == 0);
  TELEMETRY_FUZZ_CHECK(lenient.coercions != 0 || lenient.ok() == strict.ok());
  if (!strict.ok()) return 0;
  // What strict mode accepts, lenient mode reads no differently.
  TELEMETRY_FUZZ_CHECK(lenient.ok() && lenient.coercions == 0);
  for (std::size_t i = 0; i < schema(false).view().slot_count; ++i)
    TELEMETRY_FUZZ_CHECK(same(strict_values[i], lenient_values[i]));
  return 0;
}
