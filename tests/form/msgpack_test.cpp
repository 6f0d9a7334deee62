// SPDX-License-Identifier: Apache-2.0
#include "form/support.hpp"

using namespace telemetry;
using namespace form_test;

namespace {

const Form& msgpack_form() {
  static const Form form = made({.form = "msgpack"});
  return form;
}

void check_packed(const std::vector<Case>& cases) {
  for (const Case& one : cases) {
    INFO(one.payload);
    CHECK(read(msgpack_form(), unhex(one.payload)) == one.wanted);
  }
}

/// Each format of the specification at its ends, its example first.
const std::vector<Case> formats = {
    {"82a7636f6d70616374c3a6736368656d6100", R"({"compact":true,"schema":0})"},
    {"c0", "null"},
    {"c2", "false"},
    {"c3", "true"},
    {"00", "0"},
    {"7f", "127"},
    {"ff", "-1"},
    {"e0", "-32"},
    {"cc80", "128"},
    {"ccff", "255"},
    {"cd0100", "256"},
    {"cdffff", "65535"},
    {"ce00010000", "65536"},
    {"ceffffffff", "4294967295"},
    {"cf0000000100000000", "4294967296"},
    {"cfffffffffffffffff", "18446744073709551615"},
    {"d0df", "-33"},
    {"d080", "-128"},
    {"d07f", "127"},
    {"d1ff7f", "-129"},
    {"d18000", "-32768"},
    {"d2ffff7fff", "-32769"},
    {"d280000000", "-2147483648"},
    {"d3ffffffff7fffffff", "-2147483649"},
    {"d38000000000000000", "-9223372036854775808"},
    {"d37fffffffffffffff", "9223372036854775807"},
    {"ca41aa6666", "21.299999237060547"},
    {"ca7f800000", R"("Infinity")"},
    {"cb3ff199999999999a", "1.1"},
    {"cb8000000000000000", "-0"},
    {"cb7ff8000000000000", R"("NaN")"},
    {"cbfff0000000000000", R"("-Infinity")"},
    {"a0", R"("")"},
    {"a3c3bc22", R"("ü\"")"},
    {"d90161", R"("a")"},
    {"da000161", R"("a")"},
    {"db0000000161", R"("a")"},
    {"c400", R"("")"},
    {"c402fbff", R"("-_8")"},
    {"c50001ff", R"("_w")"},
    {"c600000001ff", R"("_w")"},
    {"90", "[]"},
    {"93010203", "[1,2,3]"},
    {"dc0002a16191c0", R"(["a",[null]])"},
    {"dd0000000101", "[1]"},
    {"80", "{}"},
    {"82a16101a16292c2c3", R"({"a":1,"b":[false,true]})"},
    {"de0001a16180", R"({"a":{}})"},
    {"df00000001a16190", R"({"a":[]})"},
    {"8301a1612ac0ffcb3ff8000000000000", R"({"1":"a","42":null,"-1":1.5})"},
    {"d6ff00000000", "0"},
    {"d6ffffffffff", "4294967295"},
    {"d7ff1d6f34546553f100", "1700000000.123456789"},
    {"d7ff773594006553f100", "1700000000.5"},
    {"d7ff0000000000000001", "1"},
    {"c70cff1dcd65000000000000000001", "1.5"},
    {"c70cff1dcd6500ffffffffffffffff", "-0.5"},
    {"c70cff00000000ffffffffffffffff", "-1"},
    {"c70cff00000001fffffffffffffffe", "-1.999999999"},
    {"c70cff000000008000000000000000", "-9223372036854775808"},
    {"c70cff000000018000000000000000", "-9223372036854775807.999999999"},
    {"c7 04ff 00000002", "2"},
};

}  // namespace

TEST_CASE("each format of MessagePack is read") { check_packed(formats); }

TEST_CASE("each format of MessagePack is refused where it is cut off, with form and place") {
  for (const Case& one : formats) {
    const std::string payload = unhex(one.payload);
    INFO(one.payload);
    check_cut(msgpack_form(), payload, [](std::size_t) { return false; });
    for (std::size_t bytes = 0; bytes < payload.size(); ++bytes)
      CHECK(read(msgpack_form(), payload.substr(0, bytes)) ==
            "error: msgpack: byte " + std::to_string(bytes) +
                ": the payload ends here, in the object that begins at byte 0; it was cut off");
  }
}

TEST_CASE("objects in a row are a document each") {
  check_packed({{"81a17401 81a17402 c0", "{\"t\":1}\n{\"t\":2}\nnull"},
                {"01 cc",
                 "error: msgpack: byte 2: the payload ends here, in the object that begins at byte "
                 "1; it was cut off"}});
}

TEST_CASE("what is no MessagePack, or has no place in JSON, is refused with its place") {
  check_packed(
      {{"c1", "error: msgpack: byte 0: 0xc1 begins no object"},
       {"92 01 c1", "error: msgpack: byte 2: 0xc1 begins no object"},
       {"a2 61ff", "error: msgpack: byte 2: 0xff is not UTF-8 here; a text must be"},
       {"81 a1ff 01", "error: msgpack: byte 2: 0xff is not UTF-8 here; a text must be"},
       {"d4 05 00",
        "error: msgpack: byte 2: extension type 5 is not read; send a number, a text or bytes"},
       {"c7 00 80",
        "error: msgpack: byte 2: extension type -128 is not read; send a number, a text or bytes"},
       {"d4 ff 00", "error: msgpack: byte 2: a timestamp of 1 bytes; it has 4, 8 or 12"},
       {"d7 ff ee6b280000000000",
        "error: msgpack: byte 9: a timestamp with 1000000000 nanoseconds"},
       {"83 a16101 a16202 a16103", "error: msgpack: byte 9: \"a\" is there twice in one map"},
       {"82 01c0 a131c0", "error: msgpack: byte 5: \"1\" is there twice in one map"},
       {"81 c0 01",
        "error: msgpack: byte 1: the name of a member must be a text or a whole number"},
       {"81 c3 01",
        "error: msgpack: byte 1: the name of a member must be a text or a whole number"},
       {"81 ca00000000 01",
        "error: msgpack: byte 5: the name of a member must be a text or a whole number"},
       {"81 c40161 01",
        "error: msgpack: byte 3: the name of a member must be a text or a whole number"},
       {"81 d6ff00000000 01",
        "error: msgpack: byte 6: the name of a member must be a text or a whole number"},
       {"81 90 01",
        "error: msgpack: byte 1: the name of a member must be a text or a whole number"},
       {"81 80 01",
        "error: msgpack: byte 1: the name of a member must be a text or a whole number"}});
}

TEST_CASE("levels, sizes and counts of MessagePack are limited by what is there") {
  const std::string deepest = std::string(32, '\x91') + '\x01';
  CHECK(read(msgpack_form(), deepest) == std::string(32, '[') + "1" + std::string(32, ']'));
  CHECK(read(msgpack_form(), '\x91' + deepest) == "error: msgpack: byte 32: more than 32 levels");
  CHECK(read(msgpack_form(), std::string(100'000, '\x91')) ==
        "error: msgpack: byte 32: more than 32 levels");
  for (const std::string_view head :
       {"ddffffffff", "dfffffffff", "dbffffffff", "c6ffffffff", "c9ffffffff", "c9ffffffffff"})
    CHECK_THAT(read(msgpack_form(), unhex(head)), Catch::Contains("the payload ends here"));
}
