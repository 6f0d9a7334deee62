// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <bit>
#include <charconv>
#include <cmath>

#include "form/support.hpp"

using namespace telemetry;
using namespace form_test;

namespace {

const Form& cbor() {
  static const Form form = made({.form = "cbor"});
  return form;
}

void check_hex(const std::vector<Case>& cases) {
  for (const Case& one : cases) {
    INFO(one.payload);
    CHECK(read(cbor(), unhex(one.payload)) == one.wanted);
  }
}

/// The examples of RFC 8949, appendix A, and what they are in JSON.
const std::vector<Case> examples = {
    {"00", "0"},
    {"01", "1"},
    {"0a", "10"},
    {"17", "23"},
    {"1818", "24"},
    {"1819", "25"},
    {"1864", "100"},
    {"1903e8", "1000"},
    {"1a000f4240", "1000000"},
    {"1b000000e8d4a51000", "1000000000000"},
    {"1bffffffffffffffff", "18446744073709551615"},
    {"c249010000000000000000", "18446744073709551616"},
    {"3bffffffffffffffff", "-18446744073709551616"},
    {"c349010000000000000000", "-18446744073709551617"},
    {"20", "-1"},
    {"29", "-10"},
    {"3863", "-100"},
    {"3903e7", "-1000"},
    {"f90000", "0"},
    {"f98000", "-0"},
    {"f93c00", "1"},
    {"fb3ff199999999999a", "1.1"},
    {"f93e00", "1.5"},
    {"f97bff", "65504"},
    {"fa47c35000", "1e+05"},
    {"fa7f7fffff", "3.4028234663852886e+38"},
    {"fb7e37e43c8800759c", "1e+300"},
    {"f90001", "5.960464477539063e-08"},
    {"f90400", "6.103515625e-05"},
    {"f9c400", "-4"},
    {"fbc010666666666666", "-4.1"},
    {"f97c00", R"("Infinity")"},
    {"f97e00", R"("NaN")"},
    {"f9fc00", R"("-Infinity")"},
    {"fa7f800000", R"("Infinity")"},
    {"fa7fc00000", R"("NaN")"},
    {"faff800000", R"("-Infinity")"},
    {"fb7ff0000000000000", R"("Infinity")"},
    {"fb7ff8000000000000", R"("NaN")"},
    {"fbfff0000000000000", R"("-Infinity")"},
    {"f4", "false"},
    {"f5", "true"},
    {"f6", "null"},
    {"f7", "null"},
    {"f0", "error: cbor: byte 0: simple value 16 has no meaning in JSON"},
    {"f8ff", "error: cbor: byte 0: simple value 255 has no meaning in JSON"},
    {"c074323031332d30332d32315432303a30343a30305a", R"("2013-03-21T20:04:00Z")"},
    {"c11a514b67b0", "1363896240"},
    {"c1fb41d452d9ec200000", "1363896240.5"},
    {"d74401020304", R"("01020304")"},
    {"d818456449455446", R"("ZElFVEY")"},
    {"d82076687474703a2f2f7777772e6578616d706c652e636f6d", R"("http://www.example.com")"},
    {"40", R"("")"},
    {"4401020304", R"("AQIDBA")"},
    {"60", R"("")"},
    {"6161", R"("a")"},
    {"6449455446", R"("IETF")"},
    {"62225c", R"("\"\\")"},
    {"62c3bc", R"("ü")"},
    {"63e6b0b4", R"("水")"},
    {"64f0908591", R"("𐅑")"},
    {"80", "[]"},
    {"83010203", "[1,2,3]"},
    {"8301820203820405", "[1,[2,3],[4,5]]"},
    {"98190102030405060708090a0b0c0d0e0f101112131415161718181819",
     "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25]"},
    {"a0", "{}"},
    {"a201020304", R"({"1":2,"3":4})"},
    {"a26161016162820203", R"({"a":1,"b":[2,3]})"},
    {"826161a161626163", R"(["a",{"b":"c"}])"},
    {"a56161614161626142616361436164614461656145", R"({"a":"A","b":"B","c":"C","d":"D","e":"E"})"},
    {"5f42010243030405ff", R"("AQIDBAU")"},
    {"7f657374726561646d696e67ff", R"("streaming")"},
    {"9fff", "[]"},
    {"9f018202039f0405ffff", "[1,[2,3],[4,5]]"},
    {"9f01820203820405ff", "[1,[2,3],[4,5]]"},
    {"83018202039f0405ff", "[1,[2,3],[4,5]]"},
    {"83019f0203ff820405", "[1,[2,3],[4,5]]"},
    {"9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff",
     "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25]"},
    {"bf61610161629f0203ffff", R"({"a":1,"b":[2,3]})"},
    {"826161bf61626163ff", R"(["a",{"b":"c"}])"},
    {"bf6346756ef563416d7421ff", R"({"Fun":true,"Amt":-2})"},
};

}  // namespace

TEST_CASE("each example of RFC 8949 is read as it says") { check_hex(examples); }

TEST_CASE("each example of RFC 8949 is refused where it is cut off, with form and place") {
  for (const Case& one : examples) {
    const std::string payload = unhex(one.payload);
    INFO(one.payload);
    check_cut(cbor(), payload, [](std::size_t) { return false; });
    for (std::size_t bytes = 0; bytes < payload.size(); ++bytes)
      CHECK_THAT(read(cbor(), payload.substr(0, bytes)),
                 Catch::StartsWith("error: cbor: byte " + std::to_string(bytes) +
                                   ": the payload ends here"));
  }
}

TEST_CASE("items in a row are a document each") {
  check_hex(
      {{"a1617401 a1617402 f6", "{\"t\":1}\n{\"t\":2}\nnull"},
       {"01 18",
        "error: cbor: byte 2: the payload ends here, in the item that begins at byte 1; it was "
        "cut off"},
       {"",
        "error: cbor: byte 0: the payload ends here, in the item that begins at byte 0; "
        "it was cut off"}});
}

TEST_CASE("whole numbers and decimal fractions keep every digit") {
  check_hex({{"3b7fffffffffffffff", "-9223372036854775808"},
             {"3b8000000000000000", "-9223372036854775809"},
             {"3bfffffffffffffffe", "-18446744073709551615"},
             {"c240", "0"},
             {"c340", "-1"},
             {"c2420000", "0"},
             {"c24a00010000000000000000", "18446744073709551616"},
             {"c25f41014100ff", "256"},
             {"c34cffffffffffffffffffffffff", "-79228162514264337593543950336"},
             {"c48221196ab3", "27315e-2"},
             {"c4820005", "5"},
             {"c482020a", "10e2"},
             {"c482213a00010f2b", "-69420e-2"},
             {"c49f2101ff", "1e-2"},
             {"c48221c249010000000000000000", "18446744073709551616e-2"}});
  CHECK(read(cbor(), unhex("c25840" + std::string(128, 'f'))) ==
        "134078079299425970995740249982058461274793658205923933777235614437217640300735469768018742"
        "98166903427690031858186486050853753882811946569946433649006084095");
  CHECK(read(cbor(), unhex("c25841" + std::string(130, 'f'))) ==
        "error: cbor: byte 0: a number of 65 bytes; the limit is 64");
}

TEST_CASE("a real is the shortest text that means it") {
  Form::Scratch scratch;
  std::string out;
  std::size_t wrong = 0;
  const auto check = [&](double value) {
    std::string item = "\xFB";
    for (int shift = 56; shift >= 0; shift -= 8)
      item += static_cast<char>(std::bit_cast<std::uint64_t>(value) >> shift & 0xFFu);
    std::array<char, 32> wanted;
    const auto end = std::to_chars(wanted.begin(), wanted.end(), value).ptr;
    out.clear();
    const bool good = static_cast<bool>(cbor().read(item, out, scratch));
    if (!good || out != std::string_view(wanted.begin(), end)) ++wrong;
  };
  std::uint64_t random = 1;
  for (int i = 0; i < 20'000; ++i) {
    random = random * 6'364'136'223'846'793'005u + 1'442'695'040'888'963'407u;
    for (const std::uint64_t digits : {random >> 11, random >> 14, random >> 30, random >> 45}) {
      const double value = static_cast<double>(digits);
      for (const double power : {1e0, 1e1, 1e2, 1e3, 1e4, 1e5}) check(value / power);
      check(-value / 100);
      check(std::nextafter(value / 100, 0.0));
      check(double{static_cast<float>(value / 100)});
      check(value * 100'000);
    }
  }
  for (int i = 0; i < 20'000; ++i) {
    for (const double power : {1e0, 1e1, 1e2, 1e3, 1e4, 1e5}) check(i / power);
  }
  for (const double edge : {0.0, -0.0, 1e15, 1e16, 999'999'999'999'999.0, 99'999'999'999.9999})
    check(edge);
  CHECK(wrong == 0);
}

TEST_CASE("a tag that says how bytes become text says it for all that is inside") {
  check_hex({{"82d681a1616143fbfbfb43fbfbfb", R"([[{"a":"+/v7"}],"-_v7"])"},
             {"d641ff", R"("/w==")"},
             {"d742abcd", R"("ABCD")"},
             {"d641fb", R"("+w==")"},
             {"d7d541ff", R"("_w")"},
             {"d9d9f7a1617401", R"({"t":1})"}});
}

TEST_CASE("names of members are texts or whole numbers, each once") {
  check_hex(
      {{"a22001636b65797f6161ff", R"({"-1":1,"key":"a"})"},
       {"a17f61616162ff01", R"({"ab":1})"},
       {"a2c2488000000000000000f6c34100f6", R"({"9223372036854775808":null,"-1":null})"},
       {"a220f6c340f6", "error: cbor: byte 3: \"-1\" is there twice in one map"},
       {"a1c0616101", "error: cbor: byte 1: the name of a member must be a text or a whole number"},
       {"a1f401", "error: cbor: byte 1: the name of a member must be a text or a whole number"},
       {"a1416101", "error: cbor: byte 1: the name of a member must be a text or a whole number"},
       {"a1fb3ff000000000000001",
        "error: cbor: byte 1: the name of a member must be a text or a whole number"},
       {"a1800101", "error: cbor: byte 1: the name of a member must be a text or a whole number"},
       {"a3616101616202616103", "error: cbor: byte 7: \"a\" is there twice in one map"},
       {"a2010161316131", "error: cbor: byte 3: \"1\" is there twice in one map"},
       {"a26161a161610161b202", "error: cbor: byte 8: 0xb2 is not UTF-8 here; a text must be"},
       {"a26161a16161016162a1616101", R"({"a":{"a":1},"b":{"a":1}})"},
       {"82a1616101a1616101", R"([{"a":1},{"a":1}])"},
       {"a16161a2616201616202", "error: cbor: byte 7: \"b\" is there twice in one map"}});
}

TEST_CASE("what is no CBOR, or has no place in JSON, is refused with its place") {
  check_hex(
      {{"1c", "error: cbor: byte 0: 0x1c begins no item"},
       {"811f", "error: cbor: byte 1: 0x1f begins no item"},
       {"ff", "error: cbor: byte 0: an end stands where a value must"},
       {"81ff", "error: cbor: byte 1: an end stands where a value must"},
       {"a1ff", "error: cbor: byte 1: an end stands where a name must"},
       {"a16161ff", "error: cbor: byte 3: an end stands where a value must"},
       {"bf6161ff", "error: cbor: byte 3: an end stands where a value must"},
       {"c1ff", "error: cbor: byte 1: an end stands where a value must"},
       {"e0", "error: cbor: byte 0: simple value 0 has no meaning in JSON"},
       {"81f3", "error: cbor: byte 1: simple value 19 has no meaning in JSON"},
       {"61ff", "error: cbor: byte 1: 0xff is not UTF-8 here; a text must be"},
       {"7f61c361bcff", "error: cbor: byte 2: 0xc3 is not UTF-8 here; a text must be"},
       {"7f4161ff", "error: cbor: byte 1: a chunk must be text"},
       {"7f7f6161ffff", "error: cbor: byte 1: a chunk must be text"},
       {"5f6161ff", "error: cbor: byte 1: a chunk must have bytes"},
       {"c26161", "error: cbor: byte 0: a large number (tag 2, 3) must have bytes"},
       {"c401", "error: cbor: byte 0: a decimal fraction (tag 4) must be two whole numbers"},
       {"c48101", "error: cbor: byte 0: a decimal fraction (tag 4) must be two whole numbers"},
       {"c482f401", "error: cbor: byte 0: a decimal fraction (tag 4) must be two whole numbers"},
       {"c48201f4", "error: cbor: byte 0: a decimal fraction (tag 4) must be two whole numbers"},
       {"c49f010203ff",
        "error: cbor: byte 0: a decimal fraction (tag 4) must be two whole numbers"},
       {"c4821903e901", "error: cbor: byte 0: a decimal fraction with an exponent beyond 1000"},
       {"c5822003",
        "error: cbor: byte 0: tag 5, a fraction to the base 2, is not read; send a decimal "
        "fraction "
        "(tag 4) or a float"},
       {"d81900",
        "error: cbor: byte 0: tag 25 refers to another place, which is not read; send the value "
        "itself"}});
}

TEST_CASE("every tag without a meaning of its own passes its content") {
  for (unsigned tag = 6; tag < 24; ++tag) {
    const std::string payload{static_cast<char>(0xC0 + tag), '\x07'};
    CHECK(read(cbor(), payload) == "7");
  }
}

TEST_CASE("levels, sizes and counts are limited by what is there") {
  const std::string deepest = std::string(32, '\x81') + '\x01';
  CHECK(read(cbor(), deepest) == std::string(32, '[') + "1" + std::string(32, ']'));
  CHECK(read(cbor(), '\x81' + deepest) == "error: cbor: byte 32: more than 32 levels");
  CHECK(read(cbor(), std::string(100'000, '\x81')) == "error: cbor: byte 32: more than 32 levels");
  CHECK(read(cbor(), std::string(100'000, '\xC6') + '\x01') == "1");
  for (const std::string_view head :
       {"9bffffffffffffffff", "bbfffffffffffffffe", "5b7fffffffffffffff", "7bffffffffffffffff"})
    CHECK_THAT(read(cbor(), unhex(head)), Catch::Contains("the payload ends here"));
}
