// SPDX-License-Identifier: Apache-2.0
#include <random>

#include "catch.hpp"
#include "telemetry/condition.hpp"

using namespace telemetry;

namespace {

// `text` is a condition; its field is the path, `value` for the document itself.
bool meets(std::string_view json, std::string_view text) {
  const auto condition = parse_condition(text);
  INFO(text);
  REQUIRE(condition);
  const std::string_view path =
      condition->field == "value" ? "" : std::string_view(condition->field);
  return leaf_meets_json(*condition, json, path) == Truth::yes;
}

}  // namespace

TEST_CASE("a number meets numbers, int64 exactly and others as doubles") {
  CHECK(meets("12", "value > 10"));
  CHECK(meets("10.0", "value = 10"));
  CHECK(meets("1e1", "value = 10"));
  CHECK_FALSE(meets("9", "value >= 10"));
  CHECK(meets("9", "value != 10"));
  CHECK(meets("-0.5", "value < -.4"));
  CHECK(meets("9007199254740993", "value > 9007199254740992"));
  CHECK(meets("0.1", "value = 0.10"));
  CHECK_FALSE(meets("0.30000000000000004", "value = 0.3"));
  CHECK(meets("1e300", "value > 12682136550675316736"));
  CHECK(meets("12682136550675316736", "value = 12682136550675316736"));
  CHECK(meets("9007199254740993", "value > 9007199254740992.5"));
  CHECK(meets("9223372036854775807", "value < 9223372036854775808"));
  CHECK(meets("1e-400", "value = 0"));
  CHECK_FALSE(meets("1e400", "value > 0"));  // beyond the largest double: no number
}

TEST_CASE("no operator lets one type meet another") {
  for (const char* json :
       {R"("off")", R"("20")", "true", "[1]", "[20]", R"({"a":20})", "null", ""}) {
    for (const char* text : {"value > 10", "value < 10", "value = 20", "value != 10"}) {
      INFO(json << " " << text);
      CHECK_FALSE(meets(json, text));
    }
  }
  for (const char* json : {"20", "false", "[\"a\"]", "{}", "null"}) {
    for (const char* text : {"value = 'a'", "value != 'a'", "value < 'z'", "value > a"}) {
      INFO(json << " " << text);
      CHECK_FALSE(meets(json, text));
    }
  }
  for (const char* json : {"1", "0", R"("true")", "null", "[true]"}) {
    CHECK_FALSE(meets(json, "value = true"));
    CHECK_FALSE(meets(json, "value != true"));
  }
}

TEST_CASE("true and false meet booleans, quoted they are texts as numbers are") {
  CHECK(meets("true", "value = true"));
  CHECK(meets("false", "value != true"));
  CHECK(meets("true", "value > false"));
  CHECK(meets(R"("true")", "value = 'true'"));
  CHECK_FALSE(meets("true", "value = 'true'"));
  CHECK(meets(R"("20")", "value = '20'"));
  CHECK_FALSE(meets("20", "value = '20'"));
  CHECK(meets(R"("nan")", "value = nan"));
  CHECK(meets(R"("inf")", "value = inf"));
}

TEST_CASE("texts compare by their bytes, escapes decoded") {
  CHECK(meets(R"("on")", "value = on"));
  CHECK(meets(R"("on")", "value < 'p'"));
  CHECK_FALSE(meets(R"("On")", "value = on"));
  CHECK(meets(R"("a\"b\u00e9")", "value = 'a\"b\xc3\xa9'"));
  CHECK(meets(R"("")", "value = ''"));
}

TEST_CASE("a member is found by its path, also where a name has dots") {
  constexpr const char* json =
      R"({"a":{"b":1,"c":{"d":"x"},"list":[{"b":9}]},"a.b":2,"p.q":{"r.s":3},"odd \"name\"":4,"z":null})";
  CHECK(meets(json, "a.b = 1"));
  CHECK(meets(json, "a.c.d = x"));
  CHECK(meets(json, "p.q.r.s = 3"));
  CHECK(meets(json, "\"odd \"\"name\"\"\" = 4"));
  CHECK_FALSE(meets(json, "a.c != 1"));
  CHECK_FALSE(meets(json, "a.list.b = 9"));
  CHECK_FALSE(meets(json, "b = 1"));
  CHECK_FALSE(meets(json, "a.b.c != 1"));
  CHECK_FALSE(meets(json, "z != 1"));
  CHECK(meets(R"({"a":{"x":0},"a.b":2})", "a.b = 2"));
  CHECK(meets(R"({"a":1,"a":2})", "a = 1"));
}

TEST_CASE("what is no JSON meets nothing") {
  for (const char* json : {"{", R"({"a")", R"({"a":)", "nul", "[", "\xff", R"({"b":[1,{"a":1})"}) {
    INFO(json);
    CHECK_FALSE(meets(json, "a = 1"));
    CHECK_FALSE(meets(json, "value = 1"));
  }
}

TEST_CASE("json_member gives a member as it is written") {
  constexpr const char* json =
      R"( {"a": {"b": [1, {"c": 2}], "b.d": "x"}, "e.f" : 1e3 , "n":null} )";
  CHECK(json_member(json, "a.b") == R"([1, {"c": 2}])");
  CHECK(json_member(json, "a") == R"({"b": [1, {"c": 2}], "b.d": "x"})");
  CHECK(json_member(json, "a.b.d") == R"("x")");
  CHECK(json_member(json, "e.f") == "1e3");
  CHECK(json_member(json, "n") == "null");
  CHECK_FALSE(json_member(json, "a.c"));
  CHECK_FALSE(json_member(json, ""));
  CHECK_FALSE(json_member("[1]", "a"));
  CHECK_FALSE(json_member("1", "value"));
  CHECK_FALSE(json_member(R"({"a": tru)", "a"));
}

TEST_CASE("like, in and is null look at texts, lists and presence") {
  CHECK(meets(R"("hall 7")", "value like 'hall%'"));
  CHECK_FALSE(meets("7", "value like '7'"));
  CHECK(meets("7", "value in (3, 7)"));
  CHECK(meets(R"("x")", "value in (7, x)"));
  CHECK_FALSE(meets("8", "value in (7, x)"));
  CHECK(meets("null", "value is null"));
  CHECK_FALSE(meets("0", "value is null"));
  CHECK(meets(R"({"a":{"b":null}})", "a.b is null"));
  CHECK(meets(R"({"a":{"b":null}})", "a.c is null"));
  CHECK_FALSE(meets(R"({"a":{"b":null}})", "a is null"));
}

TEST_CASE("a payload that is no object is called value") {
  CHECK(payload_member("12.5", "value") == "12.5");
  CHECK(payload_member("[1]", "value") == "[1]");
  CHECK(payload_member(R"({"value":3})", "value") == "3");
  CHECK_FALSE(payload_member(R"({"a":3})", "value"));
  CHECK_FALSE(payload_member("12.5", "a"));
}

TEST_CASE("like takes % for any text, _ for one character, and \\ for what follows") {
  CHECK(is_like("", ""));
  CHECK(is_like("abcabd", "%abd"));
  CHECK(is_like("abcabd", "%ab%bd"));
  CHECK_FALSE(is_like("abcabd", "%ab%abd%d"));
  CHECK(is_like("aab", "%ab%"));
  CHECK_FALSE(is_like("aab", "%ab%b"));
  CHECK(is_like("xa_b", R"(%a\_b)"));
  // Linear: a million times a thousand comparisons would take minutes.
  CHECK_FALSE(is_like(std::string(1'000'000, 'a'), "%" + std::string(30'000, 'a') + "b%"));
  CHECK_FALSE(is_like({}, "%a%"));  // an empty BLOB has no address
  CHECK(is_like("", "%"));
  CHECK_FALSE(is_like("", "_"));
  CHECK(is_like("hall", "hall"));
  CHECK_FALSE(is_like("Hall", "hall"));
  CHECK(is_like("hall", "h%l"));
  CHECK(is_like("hall", "%%a_l"));
  CHECK_FALSE(is_like("hall", "h_l"));
  CHECK(is_like("gr\xc3\xbcn", "gr_n"));
  CHECK_FALSE(is_like("gr\xc3\xbcn", "gr__n"));
  CHECK(is_like("50%", "50\\%"));
  CHECK_FALSE(is_like("500", "50\\%"));
  CHECK(is_like("a_b\\", "a\\_b\\\\"));
  CHECK(is_like("abcabd", "%abd"));
  CHECK_FALSE(is_like("abcab", "%abd"));
  const std::string text(10'000, 'a');
  CHECK_FALSE(is_like(text, "%a%a%a%a%a%a%a%a%b"));
}

namespace {

/// The plain way, in time that no bound holds for. Texts and patterns of whole characters.
bool is_like_plainly(std::string_view text, std::string_view pattern) {
  if (pattern.empty()) return text.empty();
  const auto character = [](std::string_view from) {
    std::size_t bytes = 1;
    while (bytes < from.size() && (static_cast<unsigned char>(from[bytes]) & 0xC0) == 0x80) ++bytes;
    return bytes;
  };
  if (pattern[0] == '%') {
    return is_like_plainly(text, pattern.substr(1)) ||
           (!text.empty() && is_like_plainly(text.substr(character(text)), pattern));
  }
  if (text.empty()) return false;
  if (pattern[0] == '_') return is_like_plainly(text.substr(character(text)), pattern.substr(1));
  if (pattern[0] == '\\' && pattern.size() > 1) pattern.remove_prefix(1);
  return text[0] == pattern[0] && is_like_plainly(text.substr(1), pattern.substr(1));
}

}  // namespace

TEST_CASE("like says what the plain way says, whatever the pattern") {
  std::mt19937 random(7);
  constexpr std::string_view letters[] = {"a", "b", "\xc3\xbc", "\xc3\xa4", "%", "_", "\\"};
  int found = 0, wrong = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string text, pattern;
    for (auto n = random() % 12; n > 0; --n) text += letters[random() % (i % 2 ? 7 : 4)];
    for (auto n = random() % 9; n > 0; --n) pattern += letters[random() % 7];
    const bool plainly = is_like_plainly(text, pattern);
    found += plainly;
    if (is_like(text, pattern) == plainly) continue;
    if (++wrong < 10) UNSCOPED_INFO(text << " like " << pattern);
  }
  CHECK(wrong == 0);
  CHECK(found > 10'000);
  // Longer than what is looked for in one pass.
  const std::string many(100, 'a');
  CHECK(is_like("xa" + many + "bc", "%_" + many + "b%"));
  CHECK_FALSE(is_like("xa" + many + "cc", "%_" + many + "b%"));
}

TEST_CASE("what like looks for in one go is bounded by its longest part between two %") {
  CHECK(like_window("") == 0);
  CHECK(like_window(std::string(100, '_')) == 0);
  CHECK(like_window(std::string(100, '_') + "%plain text%" + std::string(100, '_')) == 0);
  CHECK(like_window("%_ab%c%\\%\\_%__") == 3);
  CHECK(like_window("%c%\\%\\_%__") == 2);
}
