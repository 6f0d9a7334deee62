// SPDX-License-Identifier: Apache-2.0
#include "firmware/vectors.hpp"

#include <string>
#include "catch.hpp"

#include "firmware/schemas.hpp"

using namespace telemetry;

namespace {

std::string failures;

void note(const test_vectors::Failure& failure) {
  failures += "vectors.inc:" + std::to_string(failure.line) + ":\n  expected " +
              std::string(failure.expected) + "\n  found    " + std::string(failure.found) + "\n";
}

}  // namespace

TEST_CASE("the host judges the shared test vectors as they say") {
  failures.clear();
  test_vectors::Runner runner(test_vectors::schemas);
  CHECK(runner.run(test_vectors::text, note) > 80);
  CHECK(failures == "");
}

TEST_CASE("a vector that is wrong is noticed") {
  const std::string_view wrong[] = {
      "schema sensor\npayload {}\nverdict ok\n",
      "schema sensor\npayload {}\n",
      "schema sensor\npayload {}\npayload {}\nverdict required 0 [] required 0 []\n",
      "schema nobody\n",
      "schema sensor\npayload {\"sensor_id\":\"abc\",\"temperature\":1}\nverdict ok\nvalues 2e0\n",
      "match a b yes\n",
      "what\n",
  };
  for (const std::string_view text : wrong) {
    failures.clear();
    test_vectors::Runner runner(test_vectors::schemas);
    runner.run(text, note);
    CAPTURE(text);
    CHECK(failures != "");
  }
}
