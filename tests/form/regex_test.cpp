// SPDX-License-Identifier: Apache-2.0
#include "form/support.hpp"

using namespace telemetry;
using namespace form_test;

TEST_CASE("groups with names become members, by the rule of a value") {
  check(made({.form = "regex",
              .pattern = R"(T=(?P<t>[-0-9.]+)C? (?P<state>\w+)(?: +(?P<n>\d+))?\s*)"}),
        {{"T=21.5C on 7\n", R"({"t":21.5,"state":"on","n":7})"},
         {"T=-.5 off", R"({"t":"-.5","state":"off"})"},
         {"T=007 true 08", R"({"t":"007","state":true,"n":"08"})"}});
  check(made({.form = "regex", .pattern = R"((\w+):(?P<place>.*))"}),
        {{"x:Zürich", R"({"place":"Zürich"})"}, {"x:", R"({"place":""})"}});
}

TEST_CASE("groups that took no part are absent") {
  check(made({.form = "regex", .pattern = "(?:t(?P<t>.+)|h(?P<h>.+)|none)"}),
        {{"t1", R"({"t":1})"}, {"h2", R"({"h":2})"}, {"none", "{}"}});
}

TEST_CASE("a text that does not match as a whole is refused with its beginning") {
  check(
      made({.form = "regex", .pattern = R"(T=(?P<t>\d+))"}),
      {{"T=x\n",
        R"(error: regex: byte 0: the pattern does not match "T=x\x0a", which it must from its first to its last byte)"},
       {"T=1 ",
        R"(error: regex: byte 0: the pattern does not match "T=1 ", which it must from its first to its last byte)"},
       {"T=\xFF", "error: regex: byte 2: 0xff is not UTF-8 here; a text must be"}});
  CHECK_THAT(read({.form = "regex", .pattern = "(?P<a>b)"}, std::string(1'000, 'x')),
             Catch::Contains(std::string(60, 'x') + "\" and so on"));
}

TEST_CASE("a pattern that cannot be used is refused with a remedy") {
  CHECK_THAT(mistake({.form = "regex", .pattern = "(?P<a>"}), Catch::StartsWith("pattern: "));
  CHECK_THAT(mistake({.form = "regex", .pattern = "(?=a)"}), Catch::StartsWith("pattern: "));
  CHECK_THAT(mistake({.form = "regex"}), Catch::Contains("has no group with a name"));
  CHECK_THAT(mistake({.form = "regex", .pattern = "(a)"}),
             Catch::Contains("has no group with a name"));
  CHECK_THAT(mistake({.form = "regex", .pattern = "(?P<a>b)(?P<a>c)"}),
             Catch::StartsWith("pattern: "));
  std::string groups = "(?P<a>b)";
  for (int i = 0; i < 64; ++i) groups += "(c)";
  CHECK_THAT(mistake({.form = "regex", .pattern = groups}), Catch::Contains("65 groups"));
}

TEST_CASE("a pattern that takes others exponential time takes this one linear time") {
  const std::string text(100'000, 'a');
  CHECK_THAT(read({.form = "regex", .pattern = "(?P<x>(a*)*b)"}, text),
             Catch::Contains("does not match"));
}
