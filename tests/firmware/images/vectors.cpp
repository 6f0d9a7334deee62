// SPDX-License-Identifier: Apache-2.0
// Judges the shared test vectors and prints which are wrong.
#include "firmware/vectors.hpp"

#include "drivers/semihosting.hpp"
#include "firmware/schemas.hpp"

namespace {

constinit telemetry::test_vectors::Runner runner(telemetry::test_vectors::schemas);
bool good = true;

void note(const telemetry::test_vectors::Failure& failure) {
  good = false;
  semihosting::print("vectors.inc:");
  semihosting::print(failure.line);
  semihosting::print("\n  expected ");
  semihosting::print(failure.expected);
  semihosting::print("\n  found    ");
  semihosting::print(failure.found);
  semihosting::print("\n");
}

}  // namespace

int main() {
  const std::uint32_t vectors = runner.run(telemetry::test_vectors::text, note);
  semihosting::print(vectors);
  semihosting::print(" vectors\n");
  return good && vectors > 80 ? 0 : 1;
}
