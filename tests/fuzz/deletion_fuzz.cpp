// SPDX-License-Identifier: Apache-2.0
// A deletion as a journal, or whoever connects to the control socket, may hold it. What is taken
// reads back as itself from its own text.
#include "fuzz.hpp"
#include "telemetry/ingest.hpp"

using namespace telemetry;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto deletion = parse_deletion(as_text(data, size));
  if (!deletion) {
    TELEMETRY_FUZZ_CHECK(deletion.error().code == Errc::invalid_argument);
    return 0;
  }
  TELEMETRY_FUZZ_CHECK(!deletion->topics.empty());
  const auto again = parse_deletion(to_json(*deletion));
  TELEMETRY_FUZZ_CHECK(again && again->topics == deletion->topics &&
                       again->devices == deletion->devices && again->schemas == deletion->schemas &&
                       again->since == deletion->since && again->until == deletion->until);
  (void)deletion->covers(deletion->topics.front(), "", "", 0);
  return 0;
}
