// SPDX-License-Identifier: Apache-2.0
#include "form/support.hpp"
#include "telemetry/core/limits.hpp"

using namespace telemetry;
using namespace form_test;
using namespace std::string_literals;

TEST_CASE("json is the payload, and need not be read") {
  const Form form = made({.form = "json"});
  CHECK(form.is_document());
  check(form, {{R"({"a":1})", R"({"a":1})"}, {"", ""}, {"not json", "not json"}});
  CHECK_FALSE(made({.form = "json", .unpack = {"gzip"}}).is_document());
  CHECK_FALSE(made({.form = "value"}).is_document());
}

TEST_CASE("a value that JSON knows stays as it is, all else is a text") {
  check(made({.form = "value"}),
        {{"21.5", "21.5"},
         {" -0.0e+10\r\n", "-0.0e+10"},
         {"12345678901234567890123456789", "12345678901234567890123456789"},
         {"true", "true"},
         {"null", "null"},
         {R"("on \u00e4")", R"("on \u00e4")"},
         {"on", R"("on")"},
         {"None", R"("None")"},
         {"nan", R"("nan")"},
         {"True", R"("True")"},
         {"", R"("")"},
         {"  ", R"("")"},
         {"+1.5", R"("+1.5")"},
         {".5", R"(".5")"},
         {"5.", R"("5.")"},
         {"007", R"("007")"},
         {"-", R"("-")"},
         {"0x1F", R"("0x1F")"},
         {"1 2", R"("1 2")"},
         {R"( {"a": 1} )", R"({"a": 1})"},
         {"[1, [2]]", "[1, [2]]"},
         {R"({"a":1)", R"("{\"a\":1")"},
         {"[1] 2", R"("[1] 2")"},
         {R"("half)", R"("\"half")"},
         {R"("\ud800")", R"("\"\\ud800\"")"},
         {"21,5 °C", R"("21,5 °C")"}});
}

TEST_CASE("a value is a number where JSON says so, else a text") {
  const Form form = made({.form = "value"});
  constexpr std::string_view alphabet = "019-+.eE";
  for (std::size_t size = 1; size < 6; ++size) {
    const std::size_t count = std::size_t{1} << (3 * size);
    for (std::size_t number = 0; number < count; ++number) {
      std::string text;
      for (std::size_t i = 0; i < size; ++i) text += alphabet[number >> (3 * i) & 7u];
      core::JsonPull pull(text);
      const bool is_number =
          pull.next() == core::JsonToken::number && pull.next() == core::JsonToken::end;
      if (read(form, text) != (is_number ? text : '"' + text + '"')) FAIL(text);
    }
  }
}

TEST_CASE("a text is all of the payload, controls and quotes escaped") {
  check(made({.form = "text"}), {{" a\tb\n", R"(" a\u0009b\n")"},
                                 {"", R"("")"},
                                 {"21.5", R"("21.5")"},
                                 {R"(a"b\c)", R"("a\"b\\c")"},
                                 {std::string_view("a\0b", 3), R"("a\u0000b")"},
                                 {"\x7F", "\"\x7F\""},
                                 {"€ 😀", R"("€ 😀")"}});
}

TEST_CASE("a byte that is no text as it is, is seen wherever it stands") {
  const Form form = made({.form = "text"});
  for (std::size_t size = 1; size < 20; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      std::string text(size, 'a');
      for (int byte = 0; byte < 256; ++byte) {
        text[at] = static_cast<char>(byte);
        const std::string found = read(form, text);
        const bool as_it_is = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
        REQUIRE((found == '"' + text + '"') == as_it_is);
        REQUIRE(found.starts_with("error: ") == (byte >= 0x80));
      }
    }
  }
}

TEST_CASE("bytes that are not UTF-8 are refused with their place") {
  check(made({.form = "text"}),
        {{"ab\xFF", "error: text: byte 2: 0xff is not UTF-8 here; a text must be"},
         {"\xC3", "error: text: byte 0: 0xc3 is not UTF-8 here; a text must be"},
         {"a\xED\xA0\x80", "error: text: byte 1: 0xed is not UTF-8 here; a text must be"},
         {"\xC0\x80", "error: text: byte 0: 0xc0 is not UTF-8 here; a text must be"}});
  check(made({.form = "value"}),
        {{"  \xE4n", "error: value: byte 2: 0xe4 is not UTF-8 here; a text must be"}});
}

TEST_CASE("lines of cells become an object each") {
  const Form form = made({.form = "csv", .columns = {"t", "s"}});
  check(form, {{"21.5,on", R"({"t":21.5,"s":"on"})"},
               {"21.5,on\r\n22,off\r\n", "{\"t\":21.5,\"s\":\"on\"}\n{\"t\":22,\"s\":\"off\"}"},
               {"\n\n1,2\n\n3,4\n", "{\"t\":1,\"s\":2}\n{\"t\":3,\"s\":4}"},
               {" 1 , a b ", R"({"t":1,"s":"a b"})"},
               {",", R"({"t":"","s":""})"},
               {"\"1\",\"a,b\"", R"({"t":1,"s":"a,b"})"},
               {"\"5\"\" pipe\",\"two\r\nlines\"", R"({"t":"5\" pipe","s":"two\u000d\nlines"})"},
               {"\"\"\"\",\"\"", R"({"t":"\"","s":""})"},
               {"\"\"\"a\"\"\",1", R"({"t":"a","s":1})"},
               {"\xEF\xBB\xBF"
                "1,2",
                R"({"t":1,"s":2})"},
               {"a\rb,2", R"({"t":"a\u000db","s":2})"}});
  check(made({.form = "csv", .columns = {"a", "b"}, .separator = ";"}),
        {{"21,5;1", R"({"a":"21,5","b":1})"}});
  check(made({.form = "csv", .columns = {"a", "b"}, .separator = "\t"}),
        {{"1\t2", R"({"a":1,"b":2})"}});
}

TEST_CASE("a csv that is none is refused with its line") {
  check(
      made({.form = "csv", .columns = {"t", "s"}}),
      {{"1,2\n3", "error: csv: line 2: 1 cells for 2 columns"},
       {"1,2\n3,4,5\n", "error: csv: line 2: 3 cells for 2 columns"},
       {"\"two\nlines\",2\n1", "error: csv: line 3: 1 cells for 2 columns"},
       {"\"a\n\n\",2,3\n1", "error: csv: line 1: 3 cells for 2 columns"},
       {"", "error: csv: line 1: there is no line with values"},
       {"\n\n", "error: csv: line 3: there is no line with values"},
       {"1,\"a", "error: csv: line 1, byte 2: the quote that opens here is not closed"},
       {"\"a\"b,1", "error: csv: line 1, byte 3: something follows the closing quote of a cell"},
       {"1,5\" pipe",
        "error: csv: line 1, byte 3: a quote stands within a cell; such a cell is quoted, and its "
        "quotes are doubled"},
       {"1,a\xFF", "error: csv: line 1: cell 2: 0xff at its byte 1 is not UTF-8"}});
}

TEST_CASE("the first line names the columns where header says so") {
  check(
      made({.form = "csv", .header = true}),
      {{"time, \"t \"\"C\"\"\"\r\n1,2\r\n3,4",
        "error: csv: line 1, byte 6: a quote stands within a cell; such a cell is quoted, and its "
        "quotes are doubled"},
       {"time,\"t \"\"C\"\"\"\r\n1,2\r\n3,4",
        "{\"time\":1,\"t \\\"C\\\"\":2}\n{\"time\":3,\"t \\\"C\\\"\":4}"},
       {" a ,b\n1,2", R"({"a":1,"b":2})"},
       {"a,b", "error: csv: line 1: there is no line with values"},
       {"a,,c\n1,2,3", "error: csv: line 1: column 2 has no name, but \"\""},
       {"a,b,a\n1,2,3", "error: csv: line 1: two columns have the name \"a\""}});
  std::string many = "a0";
  for (int i = 1; i < 1'001; ++i) many += ",a" + std::to_string(i);
  CHECK(read({.form = "csv", .header = true}, many) ==
        "error: csv: line 1: 1001 columns; the limit is 1000");
}

TEST_CASE("pairs become members") {
  check(made({.form = "pairs"}), {{"a=1;b=on", R"({"a":1,"b":"on"})"},
                                  {";;a = 1 ;; b=2;\r\n", R"({"a":1,"b":2})"},
                                  {"a=1;  ;b=", R"({"a":1,"b":""})"},
                                  {"a=x=y", R"({"a":"x=y"})"},
                                  {R"(a="x;y";b=1)", R"({"a":"x;y","b":1})"},
                                  {R"(a= "q\"s;" ;b=1)", R"({"a":"q\"s;","b":1})"},
                                  {R"(len=5")", R"({"len":"5\""})"},
                                  {"a=21,5", R"({"a":"21,5"})"}});
  check(made({.form = "pairs", .separator = " &", .assign = "=:"}),
        {{"t:21.5 & h=40", R"({"t":21.5,"h":40})"}});
}

TEST_CASE("pairs that are none are refused with their place") {
  check(made({.form = "pairs"}),
        {{"", "error: pairs: byte 0: there is no pair"},
         {" ; ", "error: pairs: byte 0: there is no pair"},
         {"a=1;b", "error: pairs: byte 4: \"b\" has no \"=\""},
         {"a;b=1", "error: pairs: byte 0: \"a\" has no \"=\""},
         {"a=1; =2", "error: pairs: byte 4: \" =2\" has no name"},
         {"a=1;b=2;a=3", "error: pairs: byte 8: \"a\" is there twice"},
         {"a=\"x;b=1", "error: pairs: byte 2: the quote that opens here is not closed"},
         {"a=\"x\"y;b=1", "error: pairs: byte 5: something follows the closing quote of a value"},
         {"a=1;b\xFF=1", "error: pairs: byte 5: 0xff is not UTF-8 here; a text must be"},
         {"a=1;b=x\xFF", "error: pairs: byte 7: 0xff is not UTF-8 here; a text must be"}});
}

TEST_CASE("what a form would become is limited, and so is a payload") {
  const std::string large(core::payload_bytes_max, '\x01');  // six bytes of JSON each
  CHECK_THAT(read({.form = "text"}, large), Catch::Contains("bytes of JSON; the limit is 8388608"));
  CHECK(read({.form = "json"}, large + "x") ==
        "error: the payload has 8388609 bytes; the limit is 8388608");
  std::string lines;
  while (lines.size() < core::payload_bytes_max / 2) lines += "1,2\n";
  CHECK_THAT(read({.form = "csv", .columns = {"first_column", "second_column"}}, lines),
             Catch::Contains("is over the limit of 8388608 bytes"));
}

TEST_CASE("a specification is refused with the key, the value and a remedy") {
  CHECK(mistake({.form = "xml"}) ==
        "form: \"xml\" is not known (one of json, value, text, csv, pairs, regex, cbor, msgpack, "
        "senml, layout, sparkplug_b)");
  CHECK(mistake({.form = "json", .unpack = {"gzip", "lz4"}}) ==
        "unpack[1]: \"lz4\" is not known (one of gzip, zlib, zstd, base64, hex, json_text)");
  CHECK(mistake({.form = "json", .unpack = {"hex", "hex", "hex", "hex", "hex"}}) ==
        "unpack: 5 steps (the limit is 4)");
  CHECK(mistake({.form = "json", .columns = {"a"}}) ==
        "columns: the form json does not use it (for: csv)");
  CHECK(mistake({.form = "csv", .columns = {"a"}, .pattern = "a"}) ==
        "pattern: the form csv does not use it (for: regex)");
  CHECK_THAT(mistake({.form = "csv"}), Catch::StartsWith("columns: the columns have no names"));
  CHECK_THAT(mistake({.form = "csv", .columns = {"a"}, .header = true}),
             Catch::StartsWith("columns: the header names them already"));
  CHECK(mistake({.form = "csv", .columns = {"a", "b", "a"}}) ==
        "columns[2]: \"a\" is there twice (give each column a name of its own)");
  CHECK(mistake({.form = "csv", .columns = {"a", ""}}) ==
        "columns[1]: \"\" is no name of a member (1 to 128 bytes of UTF-8)");
  for (const std::string separator : {",,", "\"", "\n", "ä"})
    CHECK_THAT(mistake({.form = "csv", .columns = {"a"}, .separator = separator}),
               Catch::StartsWith("separator: "));
  CHECK_THAT(mistake({.form = "pairs", .separator = "=;"}), Catch::StartsWith("assign: \"=\""));
  CHECK_THAT(mistake({.form = "pairs", .separator = "\""}),
             Catch::StartsWith("separator, assign: "));
  const auto several = Form::make({.form = "csv", .unpack = {"x"}, .pattern = "y"});
  REQUIRE_FALSE(several);
  CHECK(several.error().diagnostics.size() == 3);
}
