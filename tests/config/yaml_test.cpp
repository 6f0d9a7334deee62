// SPDX-License-Identifier: Apache-2.0
//
// What YAML lets pass although it is not what the person wrote. Configuration and schemas are read
// by the same eyes: each text is given to both.
#include "config/loading.hpp"
#include "config/text_tree.hpp"
#include "telemetry/schema.hpp"

using namespace telemetry;

namespace {

struct Bad {
  std::string text;
  int line;
  int column;
  std::string message;  // a part of it
  std::string hint;     // a part of it
};

const std::string unclosed = "this quote is not closed in its line";
const std::string goes_on = "this value goes on in the next line";
const std::string bracket = "this bracket is never closed";

void check(const Diagnostic& diagnostic, const Bad& bad) {
  CHECK(diagnostic.line == bad.line);
  CHECK(diagnostic.column == bad.column);
  CHECK_THAT(diagnostic.message, Catch::Contains(bad.message));
  CHECK_THAT(diagnostic.hint, Catch::Contains(bad.hint));
}

void check(const std::vector<Bad>& table) {
  for (const Bad& bad : table) {
    INFO(bad.text);
    config::Tree tree;
    std::vector<Diagnostic> diagnostics;
    static_cast<void>(tree.read(bad.text, "test.yaml", diagnostics));
    REQUIRE(diagnostics.size() == 1);
    check(diagnostics.front(), bad);

    const std::string line = to_string(diagnostics.front());
    CHECK_THAT(loading::Load{bad.text}.refused(), Catch::Contains(line));
    diagnostics.clear();
    CHECK_FALSE(Schema::parse(bad.text, "test.yaml", diagnostics));
    std::string all;
    for (const Diagnostic& one : diagnostics) all += to_string(one) + "\n";
    CHECK_THAT(all, Catch::Contains(line));
  }
}

/// What the tree makes of a text without mistakes, as one line.
std::string shape(const config::TreeNode& node) {
  using Kind = config::TreeNode::Kind;
  std::string out;
  switch (node.kind) {
    case Kind::null:
      return "-";
    case Kind::scalar:
      return node.text;
    case Kind::sequence:
      for (const auto* item : node.items) out += (out.empty() ? "" : ", ") + shape(*item);
      return "[" + out + "]";
    case Kind::map:
      for (const auto& member : node.members) {
        out += (out.empty() ? "" : ", ") + member.name + ": " + shape(*member.value);
      }
  }
  return "{" + out + "}";
}

std::string shape(const std::string& text, std::vector<Diagnostic>* warnings = nullptr) {
  config::Tree tree;
  std::vector<Diagnostic> diagnostics;
  INFO(text);
  REQUIRE(tree.read(text, "t.yaml", diagnostics));
  REQUIRE_FALSE(has_errors(diagnostics));
  if (warnings != nullptr) *warnings = diagnostics;
  return shape(tree.root());
}

}  // namespace

TEST_CASE("a quote that is never closed is named, though YAML reads on to the end of the file") {
  check({
      {"journal:\n  path: \"./j\n  size_max_mb: 4\n", 2, 9, unclosed, "close it"},
      {"journal:\n  path: './j\n  size_max_mb: 4\n", 2, 9, unclosed, "an apostrophe"},
      {"a: \"x", 1, 4, unclosed, ""},
      {"a: \"x   \n   ", 1, 4, unclosed, ""},
      {"a: 1\r\nb: \"x\r\nc: 2\r\n", 2, 4, unclosed, ""},
      {"\"a: 1\nb: 2\n", 1, 1, unclosed, ""},
      {"a: &x \"y\nb: *x\n", 1, 7, unclosed, ""},
      {"a: \"x \\\"\nb: 1\n", 1, 4, unclosed, ""},
      {"a: 'it''s\nb: 1\n", 1, 4, unclosed, ""},
      {"a: 'it's'\nb: 1\n", 1, 4, "text follows right behind the quote", "an apostrophe"},
      {"a: \"x\"y\nb: 1\n", 1, 4, "text follows right behind the quote", "one too much"},
      {"a: x\"\nb: 1\n", 1, 4, "ends with a quote that none opens", "open it"},
      {"a: [x, y']\nb: 1\n", 1, 8, "ends with a quote that none opens", ""},
  });
}

TEST_CASE("a quote that only a later one closes is named, not what was swallowed between them") {
  check({
      {"a: \"x\nb: 1  # say \"\nc: 2\n", 1, 4, unclosed, ""},
      {"a: \"x\nb: \"y\"\nc: 2\n", 1, 4, unclosed, ""},
      {"a: {x: \"y, z: 1}\nb: 2\n", 1, 8, unclosed, ""},
      {"a: [\n  \"x,\n  \"y\"\n]\nb: 2\n", 2, 3, unclosed, ""},
      {"{\n  \"a\": \"x,\n  \"b\": \"y\"\n}\n", 2, 8, unclosed, ""},
      {"a: 1\nb: \"x\n---\nc: \"d\"\n", 2, 4, unclosed, ""},
      {"a: \"x\nb: '^\\d+$'\nc: 1\n", 1, 4, unclosed, ""},
      {"a: \"x\n  y\"\n", 1, 4, unclosed, ""},
  });
}

TEST_CASE("each quote that is removed from a real file is missed where it was") {
  const auto missing = [](const std::string& text) {
    config::Tree tree;
    std::vector<Diagnostic> diagnostics;
    static_cast<void>(tree.read(text, "t.yaml", diagnostics));
    REQUIRE(diagnostics.size() == 1);
    return diagnostics.front();
  };
  std::size_t removed = 0;
  for (const char* folder : {"/examples/config", "/examples/schemas", "/tests/ancestors/schemas",
                             "/tests/ancestors/configurations"}) {
    for (const auto& file : std::filesystem::directory_iterator(
             std::filesystem::path(TELEMETRY_SOURCE_DIR).concat(folder))) {
      std::ifstream in(file.path(), std::ios::binary);
      const std::string text{std::istreambuf_iterator<char>(in), {}};
      const config::SourceText source(text);
      bool begins = true;
      for (std::size_t i = 0; i < text.size(); ++i) {
        if (begins && text[i] == '#') i = source.line_end(i);
        const std::size_t end = source.quote_end(i);
        if (begins && (text[i] == '"' || text[i] == '\'') && end != std::string::npos) {
          ++removed;
          INFO(file.path() << ": " << text.substr(i, end - i));
          const config::Position at = source.position(i);
          const Diagnostic closing = missing(text.substr(0, end - 1) + text.substr(end));
          CHECK(closing.line == at.line);
          CHECK(closing.column == at.column);
          CHECK_THAT(closing.message, Catch::Contains("quote"));
          const Diagnostic opening = missing(text.substr(0, i) + text.substr(i + 1));
          CHECK(opening.line == at.line);
          i = end - 1;
        }
        begins = std::string_view(" \t\r\n[{,").find(text[i]) != std::string_view::npos;
      }
    }
  }
  CHECK(removed > 100);
}

TEST_CASE("a text for people may go over several lines as writers of YAML break them") {
  CHECK(shape("description: \"one\n  two: three\"\nb: 1\n") ==
        "{description: one two: three, b: 1}");
  CHECK(shape("f:\n- title: 'one\n\n    two'\n  b: 1\n") == "{f: [{title: one\ntwo, b: 1}]}");
  CHECK(shape("description: one\n  two\nb: 1\n") == "{description: one two, b: 1}");
  CHECK(shape("a: |\n  one\n  two: x\nb: >-\n  three\n  four\n") ==
        "{a: one\ntwo: x\n, b: three four}");
  check({
      {"description: \"one\ntwo\"\nb: 1\n", 1, 14, unclosed, ""},
      {"f:\n  - name: a\n    description: \"x\n    unit: \"C\"\n", 3, 18, unclosed, ""},
      {"f:\n  - name: a\n    description: \"x\n      unit: \"C\"\n", 3, 18, unclosed, ""},
      {"f:\n  - name: a\n    description: \"x\n    unit: C  # \"\n", 3, 18, unclosed, ""},
  });
}

TEST_CASE("a value that swallows the next line is refused") {
  check({
      {"a: x\n  b:y\nc: 1\n", 1, 4, goes_on, "indented too far"},
      {"a:\n  b: 1\n    c: 2\n", 2, 6, goes_on, "indented too far"},
      {"a: [\n  x\n  y\n]\n", 2, 3, goes_on, "a comma"},
      {"a: x\r\n  y\r\n", 1, 4, goes_on, ""},
      {"{\n  \"a\": 1\n  \"b\": 2\n}\n", 2, 8, goes_on, "a comma"},
  });
}

TEST_CASE("a bracket that is never closed is named where it is opened") {
  check({
      {"a: [1, 2\nb: 3\n", 1, 4, bracket, "close it"},
      {"a: {x: 1\nb: {y: 2}\n", 1, 4, bracket, ""},
      {"a: {x: 1", 1, 4, bracket, ""},
      {"m:\n  p: [1\n", 2, 6, bracket, ""},
      {"t: [#]\n", 1, 4, bracket, ""},
      {"t: [\"a\",\n  \"b\"\nc: 1\n", 1, 4, bracket, ""},
      {"{\n  \"a\": 1,\n  \"b\": {\"c\": 2}\n", 1, 1, "or this is never closed", "close"},
      {"a: [1]]\n", 1, 7, "this bracket closes none", ""},
      {"a: ^[x]$\nb: {p: ^[x]$}\n", 2, 9, "a comma, or the end of the bracket", "line 2, column 4"},
  });
}

TEST_CASE("a blank that is missing behind a colon or a dash is named") {
  check({
      {"a:1\nb: 2\n", 1, 2, "a blank is missing behind the colon", "KEY: VALUE"},
      {"b: 2\na:1\n", 2, 1, "a blank is missing behind the colon", ""},
      {"m:\n  b: 2\n  a:1\nn: 3\n", 3, 4, "a blank is missing behind the colon", ""},
      {"{a:1, b: 2}\n", 1, 2, "a blank is missing behind the colon", ""},
      {"m: {enabled, b: 2}\n", 1, 5, "a key without a colon", "KEY: VALUE"},
      {"b: 2\nhello\n", 2, 1, "a key without a colon", ""},
      {"f:\n  -name: x\n", 2, 3, "a blank is missing behind the dash", "\"- \""},
      {"t:\n  -a/#\n", 2, 3, "a blank is missing behind the dash", ""},
  });
  CHECK(shape("{\"a\":1,\"b\":[\"x\"]}") == "{a: 1, b: [x]}");
  CHECK(shape("a: -x\nb:\n  -5\nc : 1\n? d\n: 2\n") == "{a: -x, b: -5, c: 1, d: 2}");
}

TEST_CASE("nothing in the place of an item or behind an anchor is refused") {
  check({
      {"t:\n  - a/b\n  - #\n", 3, 3, "an item of this list is empty", "begins with #"},
      {"t:\n  - a\n  -\n  - b\n", 3, 3, "an item of this list is empty", "the dash"},
      {"[a,, b]\n", 1, 4, "an item of this list is empty", "a comma"},
      {"a: &hunter2\n", 1, 4, "an anchor without a value", "begins with &"},
      {"a: &hunter2 x\n", 1, 4, "no alias uses this anchor", "begins with &"},
      {"x: &x {a: 1}\ny:\n  <<: *x\n", 3, 3, "merge keys are not supported", "write the keys out"},
  });
  CHECK(shape("t: [null, ~]\nu:\n- null\n") == "{t: [-, -], u: [-]}");
  CHECK(shape("a: &x 1\nb: *x\n") == "{a: 1, b: 1}");
}

TEST_CASE("a tag is refused and not repeated, for it may be a password without quotes") {
  for (const char* text : {"a: !hunter2\n", "a: !hunter2 x\n", "a: !<hunter2> x\n",
                           "a: ! hunter2\n", "a: !!str hunter2\n", "a: !hunter2 [x]\n"}) {
    check({{text, 1, 4, "tags are not supported", "begins with ! stands in quotes"}});
    loading::Load load{text};
    CHECK(load.refused().find("hunter2") == std::string::npos);
  }
}

TEST_CASE("characters that look like others, or like nothing, are named") {
  check({
      {"m:\n\u00A0\u00A0a: 1\n", 2, 1, "no-break space", "type them again"},
      {"a:\u00A01\nb: 2\n", 1, 3, "no-break space", "type them again"},
      {"a: x\u00A0\n", 1, 4, "no-break space", "type them again"},
      {"a: \u201Cx\u201D\n", 1, 4, "curly quotes", "straight ones"},
      {"a: 1\n\uFEFFb: 2\n", 2, 1, "byte order mark", "remove it"},
      {"a: 1\nb: x\xC3(\n", 2, 5, "not valid UTF-8", "UTF-8"},
      {std::string("\xFF\xFE"
                   "a\0:\0",
                   6),
       1, 1, "UTF-16", "save the file as UTF-8"},
      {std::string("a: x\0y\n", 7), 1, 5, "control character 0x00", "an escape"},
      {"a: x\ry\n", 1, 5, "a carriage return that ends no line", "line feed"},
      {"m:\n\ta: 1\n", 2, 3, "not valid YAML", "spaces, not tabs"},
      {"a: \"^\\d+$\"\n", 1, 8, "unknown escape", "single quotes"},
      {"a: @x\n", 1, 4, "unknown token", "stands in quotes"},
  });
  CHECK(shape("description: \u201Cx\u201D\n") == "{description: \u201Cx\u201D}");
  CHECK(shape("\uFEFFa: 1\r\nb:\r\n  - \"x\"\r\n") == "{a: 1, b: [x]}");
  CHECK(shape("{\n\t\"a\": 1,\n\t\"b\":\t[1,\n\t\t2]\n}\n") == "{a: 1, b: [1, 2]}");
}

TEST_CASE("a value that a remark has swallowed is a warning") {
  std::vector<Diagnostic> warnings;
  CHECK(shape("a: #hunter2\nb: # none\nc: #\nd: 'x' #y\n", &warnings) ==
        "{a: -, b: -, c: -, d: x}");
  REQUIRE(warnings.size() == 1);
  CHECK(to_string(warnings[0]) ==
        "t.yaml:1:4: warning: a has no value: # begins a remark (put a value that begins with # in "
        "quotes; a blank behind the # of a remark silences this)");
}

TEST_CASE("True and 020 get the same answer in configuration and schema") {
  const auto schema = [](const std::string& rules) {
    std::vector<Diagnostic> diagnostics;
    auto parsed = Schema::parse(
        "name: t\ntopic_pattern: a\nfields: [{name: x, type: float, " + rules + "}]\n", "s.yaml",
        diagnostics);
    return parsed ? "" : diagnostics.front().hint;
  };
  for (const char* word : {"true", "True", "TRUE"}) {
    CHECK(schema(std::string("required: ") + word).empty());
    loading::Load load{std::string("logging: {console: ") + word + "}"};
    CHECK(load.good().boolean("logging.console"));
    CHECK(load.good().dump().find("console: true") != std::string::npos);
  }
  for (const char* word : {"yes", "on", "1", "tRUE"}) {
    CHECK_THAT(schema(std::string("required: ") + word), Catch::Contains("true or false"));
    CHECK_THAT(loading::Load{std::string("logging: {console: ") + word + "}"}.refused(),
               Catch::Contains("must be true or false"));
  }
  const std::pair<const char*, const char*> numbers[] = {
      {"020", "write 20"},    {"+20", "write 20"},     {".5", "write 0.5"},
      {"0x14", "as in JSON"}, {"1_000", "as in JSON"}, {"20.", "as in JSON"}};
  for (const auto& [number, remedy] : numbers) {
    INFO(number);
    CHECK_THAT(schema(std::string("min: ") + number), Catch::Contains(remedy));
    CHECK_THAT(loading::Load{std::string("buffer: {flush_interval_sec: ") + number + "}"}.refused(),
               Catch::Contains(remedy));
    CHECK_THAT((loading::Load{"", {{"TELEMETRY_MQTT__PORT", number}}}.refused()),
               Catch::Contains(remedy));
  }
  CHECK(loading::Load{"buffer: {size: 2e4, batch_size: 5.0}"}.good().integer("buffer.size") ==
        20'000);
}
