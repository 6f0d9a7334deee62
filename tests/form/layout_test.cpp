// SPDX-License-Identifier: Apache-2.0
#include "form/support.hpp"

using namespace telemetry;
using namespace form_test;

namespace {

Specification layout(std::vector<LayoutField> fields) {
  return {.form = "layout", .layout = std::move(fields)};
}

std::string read_hex(std::vector<LayoutField> fields, std::string_view digits) {
  return read(layout(std::move(fields)), unhex(digits));
}

}  // namespace

TEST_CASE("whole numbers of every size, sign and order are read exactly") {
  struct Number {
    std::string type;
    std::string_view digits, wanted;
  };
  for (const auto& [type, digits, wanted] :
       std::vector<Number>{{"u8", "ff", "255"},
                           {"i8", "ff", "-1"},
                           {"i8", "80", "-128"},
                           {"u16be", "0102", "258"},
                           {"u16le", "0102", "513"},
                           {"i16be", "fffe", "-2"},
                           {"i16le", "feff", "-2"},
                           {"u24be", "010203", "66051"},
                           {"i24le", "ffff7f", "8388607"},
                           {"i24be", "800000", "-8388608"},
                           {"u32le", "ffffffff", "4294967295"},
                           {"i32be", "80000000", "-2147483648"},
                           {"i40be", "ffffffffff", "-1"},
                           {"u48le", "0100000000ff", "280375465082881"},
                           {"u56be", "ffffffffffffff", "72057594037927935"},
                           {"u64be", "ffffffffffffffff", "18446744073709551615"},
                           {"u64le", "0100000000000080", "9223372036854775809"},
                           {"i64be", "8000000000000000", "-9223372036854775808"},
                           {"f32be", "41aa6666", "21.299999237060547"},
                           {"f32le", "0000ac41", "21.5"},
                           {"f64be", "3ff199999999999a", "1.1"},
                           {"f64le", "000000000000f03f", "1"},
                           {"f16be", "3e00", "1.5"},
                           {"f16le", "ff7b", "65504"},
                           {"f16be", "8001", "-5.960464477539063e-08"},
                           {"f16be", "fc00", "\"-Infinity\""},
                           {"f16be", "7e00", "\"NaN\""},
                           {"f32be", "7f800000", "\"Infinity\""},
                           {"f64be", "8000000000000000", "-0"}}) {
    INFO(type << " of " << digits);
    CHECK(read_hex({{"v", type}}, digits) == "{\"v\":" + std::string(wanted) + "}");
  }
}

TEST_CASE("fields stand in a row, and a count makes an array") {
  CHECK(read_hex({{"t", "i16be"}, {"", "skip", 2}, {"h", "u8", 3}}, "00d7 aaaa 010203") ==
        R"({"t":215,"h":[1,2,3]})");
  CHECK(read_hex({{"", "skip", 1}}, "00") == "{}");
}

TEST_CASE("bits are read from the most significant on, across bytes") {
  const std::vector<LayoutField> fields = {{"version", "bits", 3}, {"low", "flag"},
                                           {"t", "ibits", 12},     {"ready", "flag", 2},
                                           {"", "bits", 5},        {"last", "bits", 1}};
  CHECK(read_hex(fields, "b f ff 83") ==
        R"({"version":5,"low":true,"t":-1,"ready":[true,false],"last":1})");
  CHECK(read_hex({{"all", "bits", 64}}, "ffffffffffffffff") == R"({"all":18446744073709551615})");
  CHECK(read_hex({{"", "bits", 4}, {"across", "ibits", 64}, {"", "bits", 4}},
                 "f8000000000000000f") == R"({"across":-9223372036854775808})");
}

TEST_CASE("texts, bytes and decimal digits have a length") {
  CHECK(read_hex({{"id", "text", 4}, {"key", "hex", 2}, {"count", "bcd", 3}},
                 "41420000 0aff 001234") == R"({"id":"AB","key":"0aff","count":1234})");
  CHECK(read_hex({{"count", "bcdle", 3}}, "341200") == R"({"count":1234})");
  CHECK(read_hex({{"count", "bcd", 2}}, "0000") == R"({"count":0})");
  CHECK(read_hex({{"id", "text", 3}}, "000000") == R"({"id":""})");
  CHECK(read_hex({{"id", "text", 3}}, "004100") == R"({"id":"\u0000A"})");
}

TEST_CASE("a payload that does not fit is refused with both sizes or the place") {
  CHECK(read_hex({{"t", "i16be"}}, "00") ==
        "error: layout: byte 1: the payload has 1 bytes, the layout 2");
  CHECK(read_hex({{"t", "i16be"}}, "000102") ==
        "error: layout: byte 2: the payload has 3 bytes, the layout 2");
  CHECK(read_hex({{"n", "u8"}, {"c", "bcd", 2}}, "00 12 1a") ==
        "error: layout: byte 2: 0x1a is not two decimal digits");
  CHECK(read_hex({{"n", "u8"}, {"s", "text", 2}}, "00 41 ff") ==
        "error: layout: byte 2: 0xff is not UTF-8 here; a text must be");
}

TEST_CASE("a layout that cannot be read is refused with its field") {
  for (const std::string type : {"", "u", "u12be", "u16", "u8be", "u72be", "f24be", "f32", "x8",
                                 "u016be", "i16 be", "u0", "flags"})
    CHECK_THAT(mistake(layout({{"t", type}})), Catch::StartsWith("layout[0].type: "));
  CHECK_THAT(mistake(layout({{"a", "u8"}, {"a", "u8"}})),
             Catch::StartsWith("layout[1].name: \"a\" is there twice"));
  CHECK_THAT(mistake(layout({{"", "u8"}})), Catch::StartsWith("layout[0].name: "));
  CHECK_THAT(mistake(layout({{"a", "skip"}})), Catch::StartsWith("layout[0].name: skip has no"));
  CHECK_THAT(mistake(layout({{"a", "u8", 0}})), Catch::StartsWith("layout[0].count: 0"));
  CHECK_THAT(mistake(layout({{"a", "bits", 65}})), Catch::StartsWith("layout[0].count: 65 bits"));
  CHECK_THAT(mistake(layout({{"a", "bcd", 33}})), Catch::StartsWith("layout[0].count: 33 bytes"));
  CHECK(
      mistake(layout({{"a", "bits", 3}, {"b", "u8"}})) ==
      "layout[1]: it begins at bit 3 of a byte ({type: bits, count: 5} before it fills the byte)");
  CHECK_THAT(mistake(layout({{"a", "bits", 3}})),
             Catch::StartsWith("layout: it ends at bit 3 of a byte"));
  CHECK_THAT(mistake(layout({{"a", "u64be", 65'536}})), Catch::StartsWith("layout: 524288 bytes"));
  CHECK_THAT(mistake(layout({})), Catch::StartsWith("layout: there are no fields"));
}
