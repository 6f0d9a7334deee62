// SPDX-License-Identifier: Apache-2.0
#include "catch.hpp"

#include "telemetry/condition.hpp"

using namespace telemetry;

namespace {

using Kind = Condition::Kind;

Condition parsed(std::string_view text) {
  auto condition = parse_condition(text);
  INFO(text);
  if (!condition) INFO(condition.error().context);
  REQUIRE(condition);
  return *std::move(condition);
}

std::string literal(std::string_view text) { return parsed(text).literals.at(0).text(); }

std::string written(std::string_view text) {
  std::string out;
  append_condition(parsed(text), out);
  return out;
}

}  // namespace

TEST_CASE("a condition is a field, an operator and a value, with or without spaces") {
  const Condition condition = parsed(" location.lat>=-12.5 ");
  CHECK(condition.field == "location.lat");
  CHECK(condition.op == Condition::Op::ge);
  CHECK(condition.literals.at(0).text() == "-12.5");
  CHECK_FALSE(condition.literals.at(0).quoted());
  REQUIRE(condition.literals.at(0).number());
  CHECK(condition.literals.at(0).number()->real() == -12.5);
}

TEST_CASE("each operator is told apart") {
  using enum Condition::Op;
  CHECK(parsed("a = 1").op == eq);
  CHECK(parsed("a != 1").op == ne);
  CHECK(parsed("a <> 1").op == ne);
  CHECK(parsed("a < 1").op == lt);
  CHECK(parsed("a <= 1").op == le);
  CHECK(parsed("a > 1").op == gt);
  CHECK(parsed("a >= 1").op == ge);
}

TEST_CASE("a quoted value keeps spaces and operators; a doubled quote is one") {
  CHECK(literal("a = 'x > y'") == "x > y");
  CHECK(parsed("a = 'x > y'").literals.at(0).quoted());
  CHECK(literal("a = 'it''s'") == "it's");
  CHECK(literal("a = \"it's\"") == "it's");
  CHECK(literal("a = ''").empty());
  CHECK(literal("a = 2026-11-21T08:00:00+01:00") == "2026-11-21T08:00:00+01:00");
}

TEST_CASE("a field is named bare or in double quotes, and a quoted one is a field in any case") {
  CHECK(parsed("\"hall temp\" > 3").field == "hall temp");
  CHECK(parsed("\"a >= \"\"b\"\"\"='x'").field == "a >= \"b\"");
  CHECK(parsed("place.\"odd name\".lat<1").field == "place.odd name.lat");
  CHECK(parsed("\"it's\" = 1").field == "it's");
  CHECK(parsed("\"place.lat\" = 1").field == "place.lat");
  CHECK(parsed("topic = a").is_of_topic());
  CHECK(parsed("device != a").is_of_topic());
  CHECK_FALSE(parsed("\"topic\" = a").is_of_topic());
  CHECK_FALSE(parsed("\"device\" = a").is_of_topic());
  CHECK_FALSE(parsed("devices = a").is_of_topic());
  CHECK(parsed("\"not\" = a").field == "not");
  CHECK(parsed("notes = a").field == "notes");
  CHECK(parsed("device = a or topic like 'b%'").is_all_of_topic());
  CHECK_FALSE(parsed("device = a or b = 1").is_all_of_topic());
}

TEST_CASE("and binds closer than or, not closer than and; the words may have capitals") {
  CHECK(written("a = 1 or b = 2 and not c = 3") ==
        R"(("a" = 1) or (("b" = 2) and (not ("c" = 3))))");
  CHECK(written("(a = 1 OR b = 2) And c = 3") == R"((("a" = 1) or ("b" = 2)) and ("c" = 3))");
  CHECK(written("not(a=1)and b=2") == R"((not ("a" = 1)) and ("b" = 2))");
  const Condition three = parsed("a = 1 and b = 2 and c = 3");
  CHECK(three.kind == Kind::all);
  CHECK(three.operands.size() == 3);
}

TEST_CASE("in, like and is null stand behind a field, also negated") {
  const Condition in = parsed("status in ('on', auto,3)");
  CHECK(in.kind == Kind::in);
  REQUIRE(in.literals.size() == 3);
  CHECK(in.literals[0].quoted());
  CHECK(in.literals[1].text() == "auto");
  CHECK(in.literals[2].number());
  CHECK(written("status not in (1)") == R"(not ("status" in (1)))");
  CHECK(parsed("name like 'hall%'").kind == Kind::like);
  CHECK(written("name not like 'hall%'") == R"(not ("name" like 'hall%'))");
  CHECK(parsed("a.b is null").kind == Kind::is_null);
  CHECK(written("a is not null") == R"(not ("a" is null))");
  CHECK(written("not humidity is null") == R"(not ("humidity" is null))");
}

TEST_CASE("what a condition is written as reads as the same condition") {
  for (const char* text :
       {"a = 1", "\"o\"\"dd\" != 'it''s'", "topic = a", "\"topic\" = a",
        "temperature > 20 and (status in ('on','auto') or not humidity is null) and name like 'h%'",
        "not not a is not null", "a.\"b c\".d <= -1e5 or device in (x)"}) {
    const std::string once = written(text);
    CHECK(written(once) == once);
  }
}

TEST_CASE("what is no condition is refused, with the place and an example of one") {
  for (const char* wrong : {"",
                            "a",
                            "a 1",
                            "= 1",
                            "a =",
                            "a == 1",
                            "a => 1",
                            "a = 'x",
                            "a = 'x' y",
                            "a b = 1",
                            "'a' = 1",
                            "\"a = 1",
                            "\"\" = 1",
                            "a. = 1",
                            ".a = 1",
                            "a\"b\" = 1",
                            "\"a\" \"b\" = 1",
                            "a = 1 and",
                            "and a = 1",
                            "a = 1 b = 2",
                            "(a = 1",
                            "a = 1)",
                            "()",
                            "not",
                            "a in 1",
                            "a in ()",
                            "a in (1",
                            "a in (1,)",
                            "a is 1",
                            "a is not",
                            "a like",
                            "a = and",
                            "a = null",
                            "null = 1",
                            "a not = 1",
                            "a = (1)",
                            "a = x y"}) {
    INFO(wrong);
    const auto condition = parse_condition(wrong);
    REQUIRE_FALSE(condition);
    CHECK(condition.error().code == Errc::invalid_argument);
    CHECK_THAT(condition.error().context, Catch::Contains("temperature > 30"));
  }
  CHECK_THAT(parse_condition("a = 1 and b == 2").error().context, Catch::Contains("at byte 13"));
  CHECK_THAT(parse_condition("a = hall 2").error().context, Catch::Contains("needs quotes"));
}

TEST_CASE("depth, parts and length are bounded") {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '(') + "a = 1" + std::string(depth, ')');
  };
  CHECK(parse_condition(nested(Condition::depth_max)));
  CHECK_FALSE(parse_condition(nested(Condition::depth_max + 1)));
  std::string negated = "a = 1";
  for (int i = 0; i < 100; ++i) negated.insert(0, "not ");
  CHECK_FALSE(parse_condition(negated));
  const auto listed = [](std::size_t count) {
    std::string text = "a in (1";
    for (std::size_t i = 1; i < count; ++i) text += ",1";
    return text + ")";
  };
  CHECK(parse_condition(listed(Condition::nodes_max - 1)));
  CHECK_FALSE(parse_condition(listed(Condition::nodes_max)));
  CHECK_FALSE(parse_condition("a = '" + std::string(Condition::text_bytes_max, 'x') + "'"));
}

TEST_CASE("a tree has three truths, as in SQL") {
  const auto truth_of = [](std::string_view text) {
    return evaluate(parsed(text), [](const Condition& leaf) {
      return leaf.field == "yes" ? Truth::yes : leaf.field == "no" ? Truth::no : Truth::unknown;
    });
  };
  CHECK(truth_of("yes = 1 and u = 1") == Truth::unknown);
  CHECK(truth_of("no = 1 and u = 1") == Truth::no);
  CHECK(truth_of("yes = 1 or u = 1") == Truth::yes);
  CHECK(truth_of("no = 1 or u = 1") == Truth::unknown);
  CHECK(truth_of("not u = 1") == Truth::unknown);
  CHECK(truth_of("not no = 1") == Truth::yes);
  CHECK(truth_of("u = 1 or no = 1 and yes = 1") == Truth::unknown);
}

TEST_CASE("field names of a list stand between commas; those with commas or quotes are quoted") {
  using Names = std::vector<std::string>;
  const auto names = [](std::string_view text) {
    const auto fields = parse_fields(text);
    INFO(text);
    REQUIRE(fields);
    return *fields;
  };
  CHECK(names("a,b.c") == Names{"a", "b.c"});
  CHECK(names(" a , hall temp ,c") == Names{"a", "hall temp", "c"});
  CHECK(names("\"a,b\",c.\"d \"\"e\"\" \"") == Names{"a,b", "c.d \"e\" "});
  for (const char* wrong :
       {"", ",", "a,", ",a", "a,,b", "a..b", "\"a", "\"a\"b", "\"\"", "a\"b\""}) {
    INFO(wrong);
    const auto fields = parse_fields(wrong);
    REQUIRE_FALSE(fields);
    CHECK_THAT(fields.error().context, Catch::Contains("temperature,location.lat"));
  }
}
