// SPDX-License-Identifier: Apache-2.0
#include "telemetry/core/json_pull.hpp"

#include <algorithm>
#include <string>
#include <vector>
#include "catch.hpp"

using namespace telemetry::core;

namespace {

const char* name_of(JsonError error) {
  switch (error) {
    case JsonError::none:
      return "none";
    case JsonError::syntax:
      return "syntax";
    case JsonError::depth:
      return "depth";
    case JsonError::utf8:
      return "utf8";
    case JsonError::surrogate:
      return "surrogate";
    case JsonError::trailing_bytes:
      return "trailing_bytes";
  }
  return "?";
}

std::string written(Decimal d) {
  return std::to_string(d.mantissa) + "e" + std::to_string(d.exponent);
}

/// All tokens in short: `{ k(a) s(b) n(15e-1) t f 0 } [ ]`, then `.` or the error and its offset.
/// The document is copied to a buffer of its exact size, so that a sanitizer sees any overrun.
std::string tokens(std::string_view document) {
  const std::vector<char> exact(document.begin(), document.end());
  JsonPull json({exact.data(), exact.size()});
  std::string out;
  for (;;) {
    switch (json.next()) {
      case JsonToken::object_begin:
        out += "{ ";
        break;
      case JsonToken::object_end:
        out += "} ";
        break;
      case JsonToken::array_begin:
        out += "[ ";
        break;
      case JsonToken::array_end:
        out += "] ";
        break;
      case JsonToken::key:
        out += "k(" + std::string(json.text()) + ") ";
        break;
      case JsonToken::string:
        out += "s(" + std::string(json.text()) + ") ";
        break;
      case JsonToken::number:
        out += "n(" + written(json.number()) + ") ";
        break;
      case JsonToken::true_:
        out += "t ";
        break;
      case JsonToken::false_:
        out += "f ";
        break;
      case JsonToken::null_:
        out += "0 ";
        break;
      case JsonToken::end:
        return out + ".";
      case JsonToken::error:
        return out + name_of(json.error()) + "@" + std::to_string(json.offset());
    }
  }
}

/// The error of a document, "none" when it is good.
std::string error_of(std::string_view document) {
  const std::string all = tokens(document);
  if (all.back() == '.') return "none";
  const std::string last = all.substr(all.rfind(' ') == std::string::npos ? 0 : all.rfind(' ') + 1);
  return last.substr(0, last.find('@'));
}

/// The number's Decimal, and to which side of it the number is.
std::string number(std::string_view document) {
  JsonPull json(document);
  if (json.next() != JsonToken::number) return name_of(json.error());
  const std::string value = written(json.number()) + (json.rest() == Rest::above   ? " and more"
                                                      : json.rest() == Rest::below ? " and less"
                                                                                   : "");
  return json.next() == JsonToken::end ? value : name_of(json.error());
}

std::string unescaped(std::string_view raw) {
  std::vector<char> out(raw.size());
  return {out.data(), json_unescape(raw, out)};
}

}  // namespace

TEST_CASE("a document comes apart into its tokens") {
  CHECK(tokens(R"({"a":1,"b":[true,false,null,"x"],"c":{}})") ==
        "{ k(a) n(1e0) k(b) [ t f 0 s(x) ] k(c) { } } .");
  CHECK(tokens(" \t\r\n{ \"a\" : [ ] , \"b\" : { \"c\" : -2.50 } } \n") ==
        "{ k(a) [ ] k(b) { k(c) n(-250e-2) } } .");
  CHECK(tokens("[]") == "[ ] .");
  CHECK(tokens("{}") == "{ } .");
  CHECK(tokens("\"x\"") == "s(x) .");
  CHECK(tokens("7") == "n(7e0) .");
  CHECK(tokens(" null ") == "0 .");
}

TEST_CASE("offsets bracket each token as written") {
  const std::string document = R"( {"key" : "value", "n":[12.5 ,true]})";
  JsonPull json(document);
  std::vector<std::string> seen;
  for (JsonToken token = json.next(); token != JsonToken::end; token = json.next()) {
    REQUIRE(token != JsonToken::error);
    seen.push_back(document.substr(json.offset(), json.end_offset() - json.offset()));
  }
  CHECK(seen == std::vector<std::string>{"{", "\"key\" :", "\"value\"", "\"n\":", "[", "12.5",
                                         "true", "]", "}"});
}

TEST_CASE("end and error are returned for ever") {
  JsonPull good("1 ");
  good.next();
  CHECK(good.next() == JsonToken::end);
  CHECK(good.next() == JsonToken::end);
  JsonPull bad("[}");
  bad.next();
  CHECK(bad.next() == JsonToken::error);
  CHECK(bad.next() == JsonToken::error);
  CHECK(bad.error() == JsonError::syntax);
  CHECK(bad.offset() == 1);
}

TEST_CASE("what RFC 8259 does not allow is a syntax error") {
  for (const char* document : {"",
                               " ",
                               "{",
                               "[",
                               "}",
                               "]",
                               ",",
                               ":",
                               "{]",
                               "[}",
                               "[1",
                               "[1,",
                               "[1,]",
                               "[,1]",
                               "[1 2]",
                               "[1:2]",
                               "{\"a\"",
                               "{\"a\":",
                               "{\"a\":1",
                               "{\"a\":1,",
                               "{\"a\":1,}",
                               "{,}",
                               "{\"a\" 1}",
                               "{\"a\",1}",
                               "{\"a\"::1}",
                               "{a:1}",
                               "{1:1}",
                               "{'a':1}",
                               "{null:1}",
                               "[1}",
                               "{\"a\":1]",
                               "tru",
                               "True",
                               "nul",
                               "falsy",
                               "NaN",
                               "Infinity",
                               "-Infinity",
                               "undefined",
                               "\"",
                               "\"abc",
                               "\"\\",
                               "\"\\\"",
                               "\"\\x\"",
                               "\"\\u\"",
                               "\"\\u12\"",
                               "\"\\u12g4\"",
                               "\"\\u 123\"",
                               "\"\\U0041\"",
                               "'a'",
                               "\xEF\xBB\xBF{}",
                               "\xC2\xA0{}",
                               "[1/*c*/]",
                               "//c\n1",
                               "+1",
                               ".5",
                               "-",
                               "-a",
                               "--1",
                               "01",
                               "-01",
                               "00",
                               "1.",
                               "1.e5",
                               "1e",
                               "1e+",
                               "1e-",
                               "1E.5",
                               "0.",
                               "-.5"}) {
    CAPTURE(document);
    CHECK(error_of(document) == "syntax");
  }
}

TEST_CASE("control characters and NUL bytes are errors wherever they stand") {
  for (int c = 0; c < 0x20; ++c) {
    const std::string byte(1, static_cast<char>(c));
    CAPTURE(c);
    CHECK(error_of("\"a" + byte + "b\"") == "syntax");
    CHECK(error_of("{\"a" + byte + "b\":1}") == "syntax");
    const bool space = c == '\t' || c == '\n' || c == '\r';
    CHECK(error_of("[" + byte + "1]") == (space ? "none" : "syntax"));
  }
  CHECK(error_of("\"\x7F\"") == "none");
  using std::operator""sv;
  CHECK(error_of("{\"a\":1}\0"sv) == "trailing_bytes");
  CHECK(error_of("\0{\"a\":1}"sv) == "syntax");
  CHECK(error_of("{\"a\":1\0}"sv) == "syntax");
  CHECK(error_of("{\"a\":1}\0}}}"sv) == "trailing_bytes");
}

TEST_CASE("bytes behind the document are an error") {
  CHECK(tokens("{} x") == "{ } trailing_bytes@3");
  CHECK(tokens("1 2") == "n(1e0) trailing_bytes@2");
  CHECK(tokens("[] ]") == "[ ] trailing_bytes@3");
  CHECK(tokens("{}{}") == "{ } trailing_bytes@2");
  CHECK(tokens("1x") == "n(1e0) trailing_bytes@1");
  CHECK(tokens("truex") == "t trailing_bytes@4");
}

TEST_CASE("32 levels are read and 33 are not") {
  const auto nested = [](std::size_t levels, const std::string& open, const std::string& close) {
    std::string document;
    for (std::size_t i = 0; i < levels; ++i) document += open;
    document += "1";
    for (std::size_t i = 0; i < levels; ++i) document += close;
    return document;
  };
  CHECK(error_of(nested(json_depth_max, "[", "]")) == "none");
  CHECK(error_of(nested(json_depth_max + 1, "[", "]")) == "depth");
  CHECK(error_of(nested(json_depth_max, "{\"a\":", "}")) == "none");
  CHECK(error_of(nested(json_depth_max + 1, "{\"a\":", "}")) == "depth");
  CHECK(error_of(nested(json_depth_max / 2, "[{\"a\":", "}]")) == "none");
  CHECK(error_of(std::string(100'000, '[')) == "depth");
  // Objects and arrays stay apart at every level.
  CHECK(tokens("[{\"a\":[{\"b\":[]}]},[{}]]") == "[ { k(a) [ { k(b) [ ] } ] } [ { } ] ] .");
  CHECK(error_of("[{\"a\":[1}]]") == "syntax");
}

TEST_CASE("strings are valid UTF-8 or refused") {
  for (const char* text :
       {"ü", "€", "😀", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
        "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    CAPTURE(text);
    CHECK(error_of("\"" + std::string(text) + "\"") == "none");
    CHECK(error_of("{\"a long key before it " + std::string(text) + " and behind\":0}") == "none");
    CHECK(is_valid_utf8(text));
    CHECK(is_valid_utf8("0123456789abcdef" + std::string(text) + "0123456789"));
    CHECK(count_code_points(text) == 1);
  }
  for (const char* text : {"\x80",
                           "\xBF",
                           "\xC0\x80",
                           "\xC1\xBF",
                           "\xC2",
                           "\xC2x",
                           "\xE0\x80\x80",
                           "\xE0\x9F\xBF",
                           "\xE2\x82",
                           "\xE2\x82x",
                           "\xED\xA0\x80",
                           "\xED\xBF\xBF",
                           "\xF0\x80\x80\x80",
                           "\xF0\x8F\xBF\xBF",
                           "\xF0\x9F\x98",
                           "\xF4\x90\x80\x80",
                           "\xF5\x80\x80\x80",
                           "\xF8\x88",
                           "\xFE",
                           "\xFF",
                           "\xE2x\x82",
                           "\xF0\x9F\x98x"}) {
    CAPTURE(text);
    CHECK(error_of("\"" + std::string(text) + "\"") == "utf8");
    CHECK(error_of("\"" + std::string(text)) == "utf8");
    CHECK(error_of("{\"k" + std::string(text) + "\":0}") == "utf8");
    CHECK_FALSE(is_valid_utf8(text));
    CHECK_FALSE(is_valid_utf8("0123456789abcdef" + std::string(text)));
  }
  CHECK(is_valid_utf8(""));
  CHECK(count_code_points("aü€😀") == 4);
  CHECK(tokens("\"ab\xFF\"") == "utf8@3");
}

TEST_CASE("an escape that names half of a surrogate pair is refused") {
  CHECK(error_of(R"("\ud83d\ude00")") == "none");
  CHECK(error_of(R"("\uD83D\uDE00")") == "none");
  for (const char* text :
       {R"("\ud83d")", R"("\ud83dx")", R"("\ud83d\n")", R"("\ud83d\u0041")", R"("\ud83d\ud83d")",
        R"("\ude00")", R"("\ude00\ud83d")", R"("x\udfff")", R"("\ud800)", R"("\ud83d\u00)"}) {
    CAPTURE(text);
    CHECK(error_of(text) == "surrogate");
  }
}

TEST_CASE("specials are found at every place of a string") {
  for (std::size_t size = 0; size < 70; ++size) {
    const std::string plain(size, 'x');
    CAPTURE(size);
    CHECK(tokens("\"" + plain + "\"") == "s(" + plain + ") .");
    CHECK(tokens("\"" + plain + "\\n" + plain + "\"") == "s(" + plain + "\\n" + plain + ") .");
    CHECK(tokens("\"" + plain + "ü" + plain + "\"") == "s(" + plain + "ü" + plain + ") .");
    CHECK(tokens("\"" + plain + "\x1F\"") == "syntax@" + std::to_string(size + 1));
    CHECK(tokens("\"" + plain + "\xFF\"") == "utf8@" + std::to_string(size + 1));
    CHECK(tokens("\"" + plain) == "syntax@" + std::to_string(size + 1));
  }
}

TEST_CASE("escaped() tells which texts need unescaping") {
  JsonPull json(R"(["plain","a\tb"])");
  json.next();
  json.next();
  CHECK_FALSE(json.escaped());
  json.next();
  CHECK(json.escaped());
}

TEST_CASE("escapes are decoded") {
  CHECK(unescaped(R"(\"\\\/\b\f\n\r\t)") == "\"\\/\b\f\n\r\t");
  CHECK(unescaped(R"(a\u0041z)") == "aAz");
  CHECK(unescaped(R"(\u00fc\u20AC)") == "ü€");
  CHECK(unescaped(R"(\uD83D\uDE00)") == "😀");
  CHECK(unescaped(R"(\uDBFF\uDFFF)") == "\xF4\x8F\xBF\xBF");
  CHECK(unescaped(R"(\u0000)") == std::string(1, '\0'));
  CHECK(unescaped(R"(\u007f\u0080\u07ff\u0800\uffff)") ==
        "\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF");
  CHECK(unescaped("") == "");
  CHECK(unescaped("plain ü") == "plain ü");
}

TEST_CASE("numbers are exact") {
  CHECK(number("0") == "0e0");
  CHECK(number("-0") == "0e0");
  CHECK(number("-0.000") == "0e0");
  CHECK(number("0e99999999999999999999") == "0e0");
  CHECK(number("0.0e-99999") == "0e0");
  CHECK(number("10") == "10e0");
  CHECK(number("23.51") == "2351e-2");
  CHECK(number("-50") == "-50e0");
  CHECK(number("1e3") == "1e3");
  CHECK(number("1E+3") == "1e3");
  CHECK(number("1.5e-3") == "15e-4");
  CHECK(number("0.001") == "1e-3");
  CHECK(number("1e0005") == "1e5");
  CHECK(number("999999999999999999") == "999999999999999999e0");
  CHECK(number("9223372036854775807") == "9223372036854775807e0");
  CHECK(number("-9223372036854775808") == "-9223372036854775808e0");
  CHECK(number("0.9223372036854775807") == "9223372036854775807e-19");
}

TEST_CASE("a longer number is rounded to 19 digits or 18, and says to which side") {
  CHECK(number("0.12345678901234567891") == "1234567890123456789e-19 and more");
  CHECK(number("0.12345678901234567895") == "1234567890123456790e-19 and less");
  CHECK(number("-0.12345678901234567891") == "-1234567890123456789e-19 and less");
  CHECK(number("-0.12345678901234567895") == "-1234567890123456790e-19 and more");
  CHECK(number("1.00000000000000000000000000000000001") == "1000000000000000000e-18 and more");
  CHECK(number("0.33333333333333333333") == "3333333333333333333e-19 and more");
  CHECK(number("9.999999999999999999") == "1000000000000000000e-17 and less");
  CHECK(number("12682136550675316736") == "1268213655067531674e1 and less");
  // Where 64 bits hold no 19 digits.
  CHECK(number("9223372036854775808") == "922337203685477581e1 and less");
  CHECK(number("-9223372036854775809") == "-922337203685477581e1 and more");
  CHECK(number("9223372036854775807.6") == "9223372036854775807e0 and more");
  CHECK(number("9500000000000000004.6") == "950000000000000000e1 and more");
  CHECK(number("9500000000000000005") == "950000000000000001e1 and less");
}

TEST_CASE("zeros never make a number too long") {
  const std::string zeros(400, '0');
  CHECK(number("1." + zeros) == "1000000000000000000e-18");
  CHECK(number("9223372036854775807." + zeros) == "9223372036854775807e0");
  CHECK(number("23.51" + zeros) == "2351000000000000000e-17");
  CHECK(number("0." + std::string(200, '0') + "1") == "1e-201");
  CHECK(number("1" + std::string(200, '0')) == "1000000000000000000e182");
  CHECK(number("10000000000000000000000") == "1000000000000000000e4");
  CHECK(number("-12" + zeros + "e-400") == "-1200000000000000000e-17");
}

TEST_CASE("exponents reach as far as those of doubles") {
  CHECK(number("1.7976931348623157e308") == "1797693134862315700e290");
  CHECK(number("1e300") == "10000000000e290");
  CHECK(number("5e-324") == "5e-324");
  CHECK(number("50e-325") == "5e-324");
  CHECK(number("-1.25e-323") == "-13e-324 and more");
  CHECK(number("5e-325") == "1e-324 and less");
  CHECK(number("4e-325") == "0e0 and more");
  CHECK(number("-4e-325") == "0e0 and less");
  CHECK(number("1e400").ends_with("e291 and more"));
  CHECK(number("-1.8e308").ends_with("e291 and less"));
  // Sums of these overflow 16, 32 and 64 bits.
  for (const char* exponent : {"32768", "65536", "65537", "2147483648", "4294967296", "4294967297",
                               "9223372036854775807", "9223372036854775808", "18446744073709551616",
                               "18446744073709551617", "99999999999999999999999999"}) {
    CAPTURE(exponent);
    CHECK(number("1e" + std::string(exponent)).ends_with("e291 and more"));
    CHECK(number("-1.5e" + std::string(exponent)).ends_with("e291 and less"));
    CHECK(number("1e-" + std::string(exponent)) == "0e0 and more");
    CHECK(number("-0.5e-" + std::string(exponent)) == "0e0 and less");
  }
  CHECK(number("0." + std::string(70'000, '0') + "1e70000") == "1e-1");
}

TEST_CASE("a number in any length compares exactly with every decimal") {
  // Around each of them by less than a Decimal can say.
  for (const char* decimal :
       {"100", "0", "-0.5", "9223372036854775807", "-9223372036854775808", "1e-324", "-1e300",
        "1234567890123456789e-19", "922337203685477581e1", "999999999999999999"}) {
    CAPTURE(decimal);
    JsonPull bound(decimal);
    REQUIRE(bound.next() == JsonToken::number);
    REQUIRE(bound.rest() == Rest::none);
    const auto order = [&](const std::string& text) {
      JsonPull read(text);
      REQUIRE(read.next() == JsonToken::number);
      return 2 * compare(read.number(), bound.number()) + static_cast<int>(read.rest());
    };
    const std::string text = decimal;
    const std::size_t power = std::min(text.find('e'), text.size());
    const bool has_point = text.find('.') != std::string::npos;
    const std::string farther = text.substr(0, power) + (has_point ? "" : ".") +
                                std::string(40, '0') + "1" + text.substr(power);
    CHECK(order(text) == 0);
    CHECK((order(farther) > 0) == (text.front() != '-'));
    CHECK(order(farther) != 0);
  }
}

TEST_CASE("a container is skipped as a whole and still checked") {
  JsonPull json(R"({"a":{"b":[1,{"c":"}"}]},"d":2})");
  json.next();
  json.next();
  CHECK(json.next() == JsonToken::object_begin);
  CHECK(json.skip_container());
  CHECK(json.depth() == 1);
  CHECK(json.next() == JsonToken::key);
  CHECK(json.text() == "d");

  JsonPull bad(R"([[1,"\ud800"]])");
  bad.next();
  bad.next();
  CHECK_FALSE(bad.skip_container());
  CHECK(bad.error() == JsonError::surrogate);
}
