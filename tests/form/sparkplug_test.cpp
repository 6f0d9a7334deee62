// SPDX-License-Identifier: Apache-2.0
#include "form/sparkplug_bytes.hpp"

#include <limits>
#include <set>

#include "form/support.hpp"

using namespace telemetry;
using namespace form_test;
using namespace sparkplug_bytes;

namespace {

const Form& sparkplug() {
  static const Form form = made({.form = "sparkplug_b"});
  return form;
}
std::string read(std::string_view payload) { return form_test::read(sparkplug(), payload); }

struct Row {
  std::string payload;
  std::string wanted;
};
void check_rows(const std::vector<Row>& rows) {
  for (const Row& one : rows) {
    INFO(one.wanted);
    CHECK(read(one.payload) == one.wanted);
  }
}

constexpr std::uint64_t minus(std::uint64_t value) { return 0 - value; }
constexpr std::uint64_t minus_32(std::uint64_t value) { return (minus(value) << 32) >> 32; }

/// A payload in which everything is.
std::string everything() {
  const std::string set = number(1, 2) + content(2, "a") + content(2, "b") + number(3, 3) +
                          number(3, 12) +
                          content(4, content(1, number(1, 7)) + content(1, content(6, "x")));
  const std::string parts = content(1, "v1") + content(2, name("m") + datatype(3) + int_value(1)) +
                            content(3, content(1, "p") + number(2, 12) + content(8, "y")) +
                            content(4, "motor") + number(5, 0);
  return payload_time(1'700'000'000'000) +
         metric(name("t") + alias(5) + time(1'700'000'000'001) + datatype(9) + number(5, 1) +
                float_value(1.5F)) +
         metric(alias(6) + datatype(4) + long_value(minus(2))) +
         metric(name("set") + datatype(16) + content(17, set)) +
         metric(name("parts") + datatype(19) + content(18, parts)) + sequence(255) +
         content(4, "a uuid") + content(5, "a body");
}

}  // namespace

TEST_CASE("each datatype of Sparkplug is read") {
  // 0a 01 "t" | 20 09 | 65 ..: by hand
  CHECK(read(unhex("08 80d095ffbc31 12 0a 0a 01 74 20 09 65 00004841 18 07")) ==
        R"({"name":"t","value":12.5,"datatype":"Float","time":1700000000000,"seq":7})");
  struct Value {
    std::uint64_t datatype;
    std::string bytes;
    std::string wanted;
  };
  for (const auto& [type, bytes, wanted] : std::vector<Value>{
           {1, int_value(127), R"("value":127,"datatype":"Int8")"},
           {1, int_value(0x80), R"("value":-128,"datatype":"Int8")"},
           {1, int_value(minus_32(128)), R"("value":-128,"datatype":"Int8")"},
           {1, int_value(minus(5)), R"("value":-5,"datatype":"Int8")"},
           {1, long_value(minus(5)), R"("value":-5,"datatype":"Int8")"},
           {2, int_value(0x7fff), R"("value":32767,"datatype":"Int16")"},
           {2, int_value(0xffff), R"("value":-1,"datatype":"Int16")"},
           {2, int_value(minus_32(32768)), R"("value":-32768,"datatype":"Int16")"},
           {3, int_value(0x7fffffff), R"("value":2147483647,"datatype":"Int32")"},
           {3, int_value(0x80000000), R"("value":-2147483648,"datatype":"Int32")"},
           {3, long_value(0xffffffff), R"("value":-1,"datatype":"Int32")"},
           {4, long_value(minus(1)), R"("value":-1,"datatype":"Int64")"},
           {4, long_value(std::uint64_t{1} << 63),
            R"("value":-9223372036854775808,"datatype":"Int64")"},
           {4, int_value(0xffffffff), R"("value":4294967295,"datatype":"Int64")"},
           {5, int_value(255), R"("value":255,"datatype":"UInt8")"},
           {6, int_value(65535), R"("value":65535,"datatype":"UInt16")"},
           {7, int_value(0xffffffff), R"("value":4294967295,"datatype":"UInt32")"},
           {8, long_value(minus(1)), R"("value":18446744073709551615,"datatype":"UInt64")"},
           {9, float_value(21.3F), R"("value":21.299999237060547,"datatype":"Float")"},
           {9, float_value(-0.0F), R"("value":-0,"datatype":"Float")"},
           {10, double_value(0.1), R"("value":0.1,"datatype":"Double")"},
           {10, double_value(std::numeric_limits<double>::infinity()),
            R"("value":"Infinity","datatype":"Double")"},
           {9, float_value(std::numeric_limits<float>::quiet_NaN()),
            R"("value":"NaN","datatype":"Float")"},
           {11, boolean_value(true), R"("flag":true,"datatype":"Boolean")"},
           {11, boolean_value(false), R"("flag":false,"datatype":"Boolean")"},
           {12, string_value("ü\"\n"), R"("text":"ü\"\n","datatype":"String")"},
           {13, long_value(1'700'000'000'123), R"("value":1700000000123,"datatype":"DateTime")"},
           {14, string_value(""), R"("text":"","datatype":"Text")"},
           {15, string_value("4c8a"), R"("text":"4c8a","datatype":"UUID")"},
           {17, bytes_value("\xfb\xff"), R"("data":"-_8","datatype":"Bytes")"},
           {18, bytes_value(""), R"("data":"","datatype":"File")"},
           {22, bytes_value("\xef\x7b"), R"("values":[-17,123],"datatype":"Int8Array")"},
           {23, bytes_value(unhex("30 8a bb 74")),
            R"("values":[-30160,29883],"datatype":"Int16Array")"},
           {24, bytes_value(unhex("ffffffff 15cd5b07")),
            R"("values":[-1,123456789],"datatype":"Int32Array")"},
           {25, bytes_value(unhex("ffffffffffffffff")), R"("values":[-1],"datatype":"Int64Array")"},
           {26, bytes_value("\xef"), R"("values":[239],"datatype":"UInt8Array")"},
           {27, bytes_value(unhex("ffff")), R"("values":[65535],"datatype":"UInt16Array")"},
           {28, bytes_value(unhex("ffffffff")),
            R"("values":[4294967295],"datatype":"UInt32Array")"},
           {29, bytes_value(unhex("ffffffffffffffff")),
            R"("values":[18446744073709551615],"datatype":"UInt64Array")"},
           {30, bytes_value(unhex("0000c03f")), R"("values":[1.5],"datatype":"FloatArray")"},
           {31, bytes_value(unhex("000000000000f83f")),
            R"("values":[1.5],"datatype":"DoubleArray")"},
           {32, bytes_value(unhex("0c000000 34d0")),
            R"("values":[false,false,true,true,false,true,false,false,true,true,false,true],)"
            R"("datatype":"BooleanArray")"},
           {32, bytes_value(unhex("00000000")), R"("values":[],"datatype":"BooleanArray")"},
           {33, bytes_value(unhex("414243 00 68656c6c6f 00")),
            R"("values":["ABC","hello"],"datatype":"StringArray")"},
           {33, bytes_value(""), R"("values":[],"datatype":"StringArray")"},
           {34, bytes_value(unhex("c7d09075 24010000")),
            R"("values":[1256102875335],"datatype":"DateTimeArray")"},
           {3, null(), R"("null":true,"datatype":"Int32")"},
           {3, null() + int_value(7), R"("null":true,"datatype":"Int32")"},
           {3, "", R"("datatype":"Int32")"}}) {
    INFO(wanted);
    CHECK(read(metric(datatype(type) + bytes)) == "{" + wanted + "}");
  }
}

TEST_CASE("a value without a datatype has the member of its field, a whole number `raw`") {
  check_rows({{metric(int_value(0xffffffff)), R"({"raw":4294967295})"},
              {metric(datatype(0) + long_value(minus(1))), R"({"raw":18446744073709551615})"},
              {metric(float_value(1)), R"({"value":1})"},
              {metric(double_value(0.5)), R"({"value":0.5})"},
              {metric(boolean_value(true)), R"({"flag":true})"},
              {metric(string_value("a")), R"({"text":"a"})"},
              {metric(bytes_value("a")), R"({"data":"YQ"})"},
              {metric(""), "{}"}});
}

TEST_CASE("metrics have the payload's sequence number, and its time where they have none") {
  check_rows(
      {{everything(),
        R"({"name":"t","alias":5,"value":1.5,"datatype":"Float","historical":true,"time":1700000000001,"seq":255})"
        "\n"
        R"({"alias":6,"value":-2,"datatype":"Int64","time":1700000000000,"seq":255})"
        "\n"
        R"({"name":"set","data_set":{"columns":["a","b"],"rows":[[7,"x"]]},"datatype":"DataSet","time":1700000000000,"seq":255})"
        "\n"
        R"({"name":"parts","template":{"reference":"motor","version":"v1","metrics":[{"name":"m","value":1,"datatype":"Int32"}],"parameters":[{"name":"p","text":"y","datatype":"String"}]},"datatype":"Template","time":1700000000000,"seq":255})"},
       // Fields in another order, and twice: the last one counts.
       {sequence(1) + metric(boolean_value(true) + string_value("x") + name("a") + name("b")) +
            payload_time(5) + sequence(2),
        R"({"name":"b","text":"x","time":5,"seq":2})"},
       {metric(number(6, 1) + number(5, 0) + alias(minus(1))),
        R"({"alias":18446744073709551615,"transient":true})"},
       // Without metrics what is there.
       {payload_time(5) + sequence(2), R"({"time":5,"seq":2})"},
       {sequence(0), R"({"seq":0})"}});
  std::string out;
  Form::Scratch scratch;
  CHECK(sparkplug().read("", out, scratch).value() == 0);
  CHECK(sparkplug().read(content(5, "a body"), out, scratch).value() == 0);
  CHECK(out.empty());
}

TEST_CASE("a data set and a template are nested, to 32 levels") {
  const std::string packed = content(3, varint(1) + varint(11)) + content(2, "a") +
                             content(4, content(1, number(1, 0xff)) + content(1, number(5, 1))) +
                             content(4, content(1, "") + content(1, number(5, 0)));
  std::string nested = content(1, "v");
  std::string wanted = R"({"version":"v","metrics":[],"parameters":[]})";
  for (int i = 0; i < 9; ++i) {
    nested = content(2, content(18, nested)) + number(5, 1);
    wanted = R"({"definition":true,"metrics":[{"template":)" + wanted + R"(}],"parameters":[]})";
  }
  check_rows(
      {{metric(datatype(16) + content(17, packed)),
        R"({"data_set":{"columns":["a"],"rows":[[-1,true],[null,false]]},"datatype":"DataSet"})"},
       {metric(content(17, "")), R"({"data_set":{"columns":[],"rows":[]}})"},
       {metric(content(18, nested)), R"({"template":)" + wanted + "}"}});
  CHECK_THAT(read(metric(content(18, content(2, content(18, nested))))),
             Catch::Contains("more than 32 levels"));
  std::string columns;
  for (int i = 0; i < 1'001; ++i) columns += number(3, 3);
  CHECK_THAT(read(metric(content(17, columns))), Catch::Contains("more than 1000 columns"));
}

TEST_CASE("fields that are not known are skipped") {
  const std::string unknown = number(90, 1) + content(91, "x") + real(92, 1.0F) + real(93, 1.0);
  CHECK(read(unknown + metric(unknown + content(8, "\xff") + content(9, "\xff") + alias(1)) +
             unknown) == R"({"alias":1})");
}

TEST_CASE("a Sparkplug payload that is cut off is refused, or ends between two fields") {
  const std::string payload = everything();
  std::set<std::size_t> ends = {0};
  // Where the parts of everything() end: a sum of their sizes.
  std::size_t at = 0;
  while (at < payload.size()) {
    const auto first = static_cast<std::uint8_t>(payload[at++]);
    std::uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      const auto byte = static_cast<std::uint8_t>(payload[at++]);
      value |= std::uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) break;
    }
    if ((first & 7u) == 2) at += value;
    ends.insert(at);
  }
  CHECK(ends.size() == 9);
  check_cut(sparkplug(), payload, [&](std::size_t bytes) { return ends.contains(bytes); });
  // In a metric whose length is right, each cut is refused where the field began, or is a field
  // less.
  const std::string fields = name("t") + alias(300) + float_value(1) + string_value("abc");
  std::size_t good = 0;
  for (std::size_t bytes = 0; bytes < fields.size(); ++bytes) {
    const std::string text = read(metric(fields.substr(0, bytes)));
    if (!text.starts_with("error: ")) {
      ++good;
    } else {
      CHECK_THAT(text, Catch::Contains("sparkplug_b: byte ") &&
                           Catch::Contains("the field that begins here is longer than what"));
    }
  }
  CHECK(good == 4);
}

TEST_CASE("what is no Sparkplug payload is refused with the form, the byte and a reason") {
  const std::string cut =
      ": the field that begins here is longer than what it stands in; was it cut off?";
  const std::string none = ": no field of Protocol Buffers begins here";
  const std::string error = "error: sparkplug_b: byte ";
  check_rows(
      {{R"({"t":21.5})", error + "0" + none},
       {"ON", error + "0" + none},
       {unhex("12 ff"), error + "0" + cut},
       {unhex("12 05 0a 01 74"), error + "0" + cut},
       {unhex("08 05 12 03 0a 02 74"), error + "4" + cut},
       // Lengths of 32, 63 and 64 bits, and one whose lower 32 bits are right.
       {unhex("12 ffffffff0f"), error + "0" + cut},
       {unhex("12 8080808008 00"), error + "0" + cut},
       {unhex("12 ffffffffffffffff7f"), error + "0" + cut},
       {unhex("12 ffffffffffffffffff01"), error + "0" + cut},
       {unhex("12 8280808010 10 01"), error + "0" + cut},
       {unhex("2a 8280808010 10 01"), error + "0" + cut},
       {unhex("08 80808080808080808080 01"), error + "0" + none},
       {unhex("08"), error + "0" + cut},
       {unhex("08 80"), error + "0" + cut},
       {unhex("00 00"), error + "0" + none},
       {unhex("0b"), error + "0" + none},
       {unhex("0e 01"), error + "0" + none},
       {unhex("09 0000000000000000"), error + "0: field 1 of the payload has wire type 1, not 0"},
       {unhex("10 01"), error + "0: field 2 of the payload has wire type 0, not 2"},
       {unhex("12 02 08 01"), error + "2: field 1 of a metric has wire type 0, not 2"},
       {unhex("12 02 60 01"), error + "2: field 12 of a metric has wire type 0, not 5"},
       {unhex("12 02 72 00"), error + "2: field 14 of a metric has wire type 2, not 0"},
       {metric(datatype(35)), error + "2: datatype 35 is not known"},
       {metric(datatype(std::uint64_t{1} << 32)), error + "2: datatype 4294967296 is not known"},
       {metric(datatype(1) + int_value(300)), error + "0: 300 is no Int8"},
       {metric(datatype(2) + int_value(0x10000)), error + "0: 65536 is no Int16"},
       {metric(datatype(3) + long_value(std::uint64_t{1} << 32)),
        error + "0: 4294967296 is no Int32"},
       {metric(datatype(9) + int_value(1)),
        error + "0: a value of datatype Float is sent as int_value"},
       {metric(datatype(3) + float_value(1)),
        error + "0: a value of datatype Int32 is sent as float_value"},
       {metric(datatype(12) + boolean_value(true)),
        error + "0: a value of datatype String is sent as boolean_value"},
       {metric(datatype(11) + string_value("on")),
        error + "0: a value of datatype Boolean is sent as string_value"},
       {metric(datatype(12) + bytes_value("on")),
        error + "0: a value of datatype String is sent as bytes_value"},
       {metric(datatype(19) + content(17, "")),
        error + "0: a value of datatype Template is sent as dataset_value"},
       {metric(datatype(16) + content(18, "")),
        error + "0: a value of datatype DataSet is sent as template_value"},
       {metric(datatype(20) + long_value(1)),
        error + "0: a value of datatype PropertySet is sent as long_value"},
       {metric(content(19, "")), error + "2: an extension_value is not read"},
       {metric(datatype(23) + bytes_value("abc")), error + "0: Int16Array of 3 bytes, of 2 each"},
       {metric(datatype(32) + bytes_value("abc")), error + "0: BooleanArray of 3 bytes with "
                                                           "6513249 values"},
       {metric(datatype(32) + bytes_value(unhex("ffffffff 00"))),
        error + "0: BooleanArray of 5 bytes with 4294967295 values"},
       {metric(datatype(33) + bytes_value("abc")),
        error + "0: StringArray: its last text has no NUL at its end"},
       {metric(name("a\xff")), error + "5: 0xff is not UTF-8 here; a text must be"},
       {metric(string_value("\xc3")), error + "4: 0xc3 is not UTF-8 here; a text must be"}});
}

TEST_CASE("the documents of a Sparkplug payload are limited to 8 MiB") {
  std::string payload = payload_time(1'700'000'000'000);
  const std::string one = metric(name("n"));
  while (payload.size() < 1'600'000) payload += one;
  CHECK_THAT(read(payload), Catch::Contains("the JSON of what stands before it is over the limit"));
  const std::string array = metric(datatype(22) + bytes_value(std::string(3'000'000, '\x80')));
  CHECK_THAT(read(array), Catch::Contains("the JSON of what stands before it is over the limit"));
}
