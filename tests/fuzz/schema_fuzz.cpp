// SPDX-License-Identifier: Apache-2.0
// Any bytes as a schema file: refused with a reason, or compiled to something that round-trips.
#include "fuzz.hpp"
#include "telemetry/schema.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<telemetry::Diagnostic> diagnostics;
  const auto schema = telemetry::Schema::parse(as_text(data, size), "fuzz.yaml", diagnostics,
                                               telemetry::ValidationFunctions::not_called());
  TELEMETRY_FUZZ_CHECK(static_cast<bool>(schema) != telemetry::has_errors(diagnostics));
  if (!schema) return 0;
  const auto again = telemetry::Schema::parse((*schema)->document(), "again.json", diagnostics,
                                              telemetry::ValidationFunctions::not_called());
  TELEMETRY_FUZZ_CHECK(again);
  TELEMETRY_FUZZ_CHECK((*again)->id() == (*schema)->id());
  return 0;
}
