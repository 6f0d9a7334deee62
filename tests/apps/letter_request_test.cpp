// SPDX-License-Identifier: Apache-2.0
#include "process/letter_request.hpp"

#include "catch.hpp"

using namespace telemetry;

TEST_CASE("a selection of letters comes through the control socket as it was") {
  LetterSelection selection;
  selection.topic_filter = "a/+/\"b\"";
  selection.since = -5;
  selection.ids = {{1, 1}, {7, UINT64_MAX}};
  CHECK(to_json(selection).find("schema") == std::string::npos);  // older programs know it not
  selection.reason = "refused by a store";
  selection.schema = "a \"b\" 1.0";
  const auto came = selection_from(to_json(selection));
  REQUIRE(came);
  CHECK(came->topic_filter == selection.topic_filter);
  CHECK(came->since == -5);
  CHECK(came->until == INT64_MAX);
  CHECK(came->ids == selection.ids);
  CHECK(came->reason == selection.reason);
  CHECK(came->schema == selection.schema);
  const auto all = selection_from("{}");
  REQUIRE(all);
  CHECK(all->topic_filter.empty());
  CHECK(all->since == INT64_MIN);
  CHECK(all->ids.empty());
}

TEST_CASE("a wrong selection of letters is refused, never taken for all of them") {
  for (const char* wrong :
       {R"({"topic":"a/#/b"})", R"({"topic":5})", R"({"since":"yesterday"})", R"({"until":1.5})",
        R"({"ids":["x"]})", R"({"ids":["7-3"]})", R"({"ids":["1-"]})", R"({"ids":["-1"]})",
        R"({"ids":["99999999999999999999"]})", R"({"ids":[5]})", R"({"ids":5})",
        R"({"topics":"a"})", R"({"reason":"patern"})", R"({"reason":""})", R"({"schema":""})",
        R"({"schema":1})", "[]", ""}) {
    CAPTURE(wrong);
    const auto selection = selection_from(wrong);
    REQUIRE(!selection);
    CHECK(selection.error().code == Errc::invalid_argument);
  }
}
