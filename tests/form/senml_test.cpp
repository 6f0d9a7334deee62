// SPDX-License-Identifier: Apache-2.0
#include <regex>

#include "form/support.hpp"

using namespace telemetry;
using form_test::Case;
using form_test::check_cut;
using form_test::made;
using form_test::mistake;
using form_test::unhex;

namespace {

/// Without the parts of the names, which have a test of their own.
std::string read(const Form& form, std::string_view payload) {
  static const std::regex parts(R"re(,"(base|label)":"([^"\\]|\\.)*")re");
  return std::regex_replace(form_test::read(form, payload), parts, "");
}
void check(const Form& form, const std::vector<Case>& cases) {
  for (const Case& one : cases) {
    INFO(one.payload);
    CHECK(read(form, one.payload) == one.wanted);
  }
}

const Form& senml() {
  static const Form form = made({.form = "senml"});
  return form;
}

/// The one record of a pack of one.
std::string record(std::string_view members) {
  return read(senml(), "[{\"n\":\"a\"," + std::string(members) + "}]");
}

}  // namespace

TEST_CASE("a record also has the parts of its name") {
  CHECK(form_test::read(senml(),
                        R"([{"bn":"dev:","n":"t","v":1},{"v":2},{"bn":"","n":"u","v":3}])") ==
        "{\"name\":\"dev:t\",\"base\":\"dev:\",\"label\":\"t\",\"value\":1}\n"
        "{\"name\":\"dev:\",\"base\":\"dev:\",\"value\":2}\n"
        "{\"name\":\"u\",\"label\":\"u\",\"value\":3}");
}

TEST_CASE("records are resolved against the bases before them") {
  check(senml(),
        {{R"([{"n":"urn:dev:ow:10e2","u":"Cel","v":23.1}])",
          R"({"name":"urn:dev:ow:10e2","value":23.1,"unit":"Cel"})"},
         {R"([{"bn":"dev:","bt":1700000000.5,"bu":"A","bver":5,"n":"voltage","u":"V","v":120.1},
              {"n":"current","t":-5,"v":1.2},{"n":"current","t":-4.25,"v":1.30}])",
          R"({"name":"dev:voltage","value":120.1,"unit":"V","time":1700000000.5})"
          "\n"
          R"({"name":"dev:current","value":1.2,"unit":"A","time":1699999995.5})"
          "\n"
          R"({"name":"dev:current","value":1.30,"unit":"A","time":1699999996.25})"},
         {R"([{"bn":"a/"},{"n":"x","vs":"on"},{"n":"y","vb":false},{"n":"z","vd":"aGkgCg"},
              {"bn":"b/","n":"x","v":1},{"n":"y","v":2,"ut":60}])",
          R"({"name":"a/x","text":"on"})"
          "\n"
          R"({"name":"a/y","flag":false})"
          "\n"
          R"({"name":"a/z","data":"aGkgCg"})"
          "\n"
          R"({"name":"b/x","value":1})"
          "\n"
          R"({"name":"b/y","value":2,"update_time":60})"},
         {R"([{"bn":"only","v":1},{"bu":"Cel","t":-1,"v":2}])",
          R"({"name":"only","value":1})"
          "\n"
          R"({"name":"only","value":2,"unit":"Cel","age":1})"},
         {R"([{"bn":"m\u00fc","n":"ä\"","vs":"\n"}])", R"({"name":"m\u00fcä\"","text":"\n"})"}});
}

TEST_CASE("the older form is an object with its records in e") {
  check(senml(),
        {{R"({"e":[{"n":"voltage","t":0,"u":"V","v":120.1},{"n":"on","bv":true},
                   {"n":"state","sv":"idle","t":-30}],"bn":"dev:","bt":1276020076,"ver":1})",
          R"({"name":"dev:voltage","value":120.1,"unit":"V","time":1276020076})"
          "\n"
          R"({"name":"dev:on","flag":true,"time":1276020076})"
          "\n"
          R"({"name":"dev:state","text":"idle","time":1276020046})"},
         {R"({"bn":"a","e":[{"v":1}]})", R"({"name":"a","value":1})"},
         {R"({"bn":"a"})",
          "error: senml: the pack, byte 9: a pack that is an object must have its records in e"},
         {R"({"e":1})", "error: senml: the pack, byte 5: e must be an array of records"},
         {R"({"e":[],"e":[]})", "error: senml: the pack, byte 12: e is there twice"},
         {R"({"e":[],"ver":11})",
          "error: senml: the pack, byte 16: version 11 is above 10, which is understood"},
         {R"({"e":[{"n":"a","v":1}]} x)",
          "error: senml: the pack, byte 24: something follows the pack"}});
}

TEST_CASE("bases are added exactly, as decimals") {
  struct Sum {
    std::string_view base, own, wanted;
  };
  for (const auto& [base, own, wanted] :
       std::vector<Sum>{{"0.1", "0.2", "0.3"},
                        {"20", "1.5", "21.5"},
                        {"-1", "1", "0"},
                        {"1.50", "1.50", "3"},
                        {"9223372036854775807", "1", "9223372036854775808"},
                        {"9007199254740993", "0.1", "9007199254740993.1"},
                        {"1e-7", "1e-9", "0.000000101"},
                        {"5e200", "0", "5e200"},
                        {"0", "-5e-200", "-5e-200"},
                        {"1e30", "1", "1000000000000000000000000000001"},
                        {"1e25", "0e3", "1e25"},
                        {"-0.5", "0.25", "-0.25"}}) {
    INFO(base << " + " << own);
    CHECK(record("\"bv\":" + std::string(base) + ",\"v\":" + std::string(own)) ==
          R"({"name":"a","value":)" + std::string(wanted) + "}");
  }
  CHECK(
      record(R"("bv":1e60,"v":1)") ==
      "error: senml: record 1, byte 25: 1e60 and 1 together have more digits than the 38 that are "
      "added exactly");
  CHECK_THAT(record(R"("bv":1,"v":1.0000000000000000000000001)"),
             Catch::Contains("have more digits than"));
  CHECK(record(R"("v":1.0000000000000000000000001)") ==
        R"({"name":"a","value":1.0000000000000000000000001})");
}

TEST_CASE("a sum may stand beside a value or alone, and base values alone count") {
  CHECK(record(R"("v":1,"s":5)") == R"({"name":"a","value":1,"sum":5})");
  CHECK(record(R"("s":5)") == R"({"name":"a","sum":5})");
  CHECK(record(R"("bs":100,"s":0.5)") == R"({"name":"a","sum":100.5})");
  CHECK(record(R"("bs":100,"v":1)") == R"({"name":"a","value":1,"sum":100})");
  CHECK(record(R"("bv":7,"u":"V")") == R"({"name":"a","value":7,"unit":"V"})");
  CHECK(record(R"("bv":7,"vs":"x")") == R"({"name":"a","text":"x"})");
}

TEST_CASE("times below 2^28 are an age, 0 is neither") {
  const std::string head = R"({"name":"a","value":1)";
  CHECK(record(R"("v":1,"t":268435456)") == head + R"(,"time":268435456})");
  CHECK(record(R"("v":1,"t":268435455.999)") == head + R"(,"age":-268435455.999})");
  CHECK(record(R"("v":1,"t":3e8)") == head + R"(,"time":300000000})");
  CHECK(record(R"("v":1,"t":17e8)") == head + R"(,"time":1700000000})");
  CHECK(record(R"("v":1,"t":-0.25)") == head + R"(,"age":0.25})");
  CHECK(record(R"("v":1,"bt":-10,"t":4)") == head + R"(,"age":6})");
  CHECK(record(R"("v":1,"bt":5,"t":-5)") == head + "}");
  CHECK(record(R"("v":1,"t":0)") == head + "}");
  CHECK(record(R"("v":1,"bt":1700000000,"t":0.000000001)") ==
        head + R"(,"time":1700000000.000000001})");
  CHECK(record(R"("v":1,"t":1e300)") == head + R"(,"time":10000000000e290})");
  CHECK(record(R"("v":1,"t":-1e-300)") == head + R"(,"age":1e-300})");
}

TEST_CASE("labels that are not known are passed over, unless they must be understood") {
  CHECK(record(R"("v":1,"x":{"y":[1,{"z":2}]},"bx":3)") == R"({"name":"a","value":1})");
  CHECK(record(R"("v":1,"must_":1)") ==
        "error: senml: record 1, byte 24: the label \"must_\" must be understood, by its _, and is "
        "not");
  CHECK_THAT(record(R"("v":1,"b_":{}})"), Catch::Contains("must be understood"));
  CHECK_THAT(record(R"("v":1,"x\u005f":1)"), Catch::Contains("has an escape"));
  CHECK(read(senml(), R"([{"bver":10,"n":"a","v":1}])") == R"({"name":"a","value":1})");
  CHECK_THAT(read(senml(), R"([{"bver":11,"n":"a","v":1}])"),
             Catch::Contains("version 11 is above"));
  CHECK_THAT(read(senml(), R"([{"bver":0,"n":"a","v":1}])"), Catch::Contains("version 0 is none"));
  CHECK_THAT(read(senml(), R"([{"bver":1.5,"n":"a","v":1}])"),
             Catch::Contains("version 1.5 is none"));
}

TEST_CASE("a pack that is none is refused with its record") {
  check(
      senml(),
      {{"", "error: senml: byte 0: the payload is empty"},
       {"[]", "error: senml: the pack: there is no record with a value"},
       {R"([{"bn":"a"}])", "error: senml: the pack: there is no record with a value"},
       {"[1]", "error: senml: record 1, byte 1: a record must be an object"},
       {R"([{"n":"a","v":1},{"n":"a"}])", "error: senml: record 2, byte 25: it has no value"},
       {R"([{"v":1}])", "error: senml: record 1, byte 7: it has no name"},
       {R"([{"n":"a","v":1,"vs":"x"}])",
        "error: senml: record 1, byte 24: it has more than one value"},
       {R"([{"n":"a","v":"1"}])", "error: senml: record 1, byte 14: \"v\" must be a number"},
       {R"([{"n":1,"v":1}])", "error: senml: record 1, byte 6: \"n\" must be a text"},
       {R"([{"n":"a","vb":1}])", "error: senml: record 1, byte 15: \"vb\" must be a true or false"},
       {R"([{"n":"a","n":"b"}])", "error: senml: record 1, byte 14: \"n\" is there twice"},
       {R"([{"n":"a","v":1})",
        "error: senml: record 1, byte 16: the payload ends here; it was cut off"},
       {R"([{"n":"a","v":01}])", "error: senml: record 1, byte 15: this is no JSON"},
       {R"([{"n":"a","v":1}]])", "error: senml: the pack, byte 17: something follows the pack"}});
}

TEST_CASE("a pack in CBOR has numbers as labels, and reads as the same in JSON") {
  const auto check_hex = [](std::string_view digits, std::string_view wanted) {
    INFO(digits);
    CHECK(read(senml(), unhex(digits)) == wanted);
  };
  // [{-2: "dev:", -3: 1700000000, 0: "t", 1: "Cel", 2: 23.5}, {0: "h", 2: 4([-1, 405]), 6: -1}]
  check_hex(
      "82 a5 21 646465763a 22 1a6553f100 00 6174 01 6343656c 02 f94de0 "
      "a3 00 6168 02 c482201901 95 06 20",
      R"({"name":"dev:t","value":23.5,"unit":"Cel","time":1700000000})"
      "\n"
      R"({"name":"dev:h","value":405e-1,"time":1699999999})");
  // [{-5: 0.1, 0: "a", 2: 0.2}]
  check_hex("81 a3 24 fb3fb999999999999a 00 6161 02 fb3fc999999999999a",
            R"({"name":"a","value":0.3})");
  // [{0: "a", 8: h'fbff', -1: 10}, {0: "b", 4: true}, {0: "c", 3: "x", 5: 2, 7: 9}]
  check_hex("83 a3 00 6161 08 42fbff 20 0a a2 00 6162 04 f5 a4 00 6163 03 6178 05 02 07 09",
            R"({"name":"a","data":"-_8"})"
            "\n"
            R"({"name":"b","flag":true})"
            "\n"
            R"({"name":"c","text":"x","sum":2,"update_time":9})");
  check_hex("81 a2 61 6e 6161 02 01", "error: senml: record 1: it has no name");
  check_hex("81 a2 00 6161 02 f97e00", "error: senml: record 1: \"2\" must be a number");
  check_hex("81 a3 00 6161 02 01 62 785f 01",
            "error: senml: record 1: the label \"x_\" must be understood, by its _, and is not");
  check_hex("81 a2 00 6161 02 01 00", "error: senml: the pack: something follows it");
  check_hex("01",
            "error: senml: the pack: a pack must be an array of records, or an object with "
            "their array in e");
}

TEST_CASE("each part of a pack is refused where it is cut off") {
  const std::string json = R"([{"bn":"a","bt":1e9,"n":"b","v":1.5,"u":"V"},{"vb":true}])";
  const std::string old = R"({"bn":"a","e":[{"n":"b","v":1}],"bt":5})";
  const std::string cbor = unhex("82a32161610061620201a1 04f5");
  for (const std::string& payload : {json, old, cbor}) {
    CHECK_THAT(read(senml(), payload), Catch::StartsWith("{\"name\":\"ab\""));
    check_cut(senml(), payload, [](std::size_t) { return false; });
  }
}
