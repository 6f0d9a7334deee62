// SPDX-License-Identifier: Apache-2.0
//
// What a user did, and the whole answer: a mistake of the file with line, column and remedy, or
// what became of a payload. docs/payloads.md says why.
#include "schema/support.hpp"
#include "telemetry/ingest.hpp"

using namespace telemetry;
using schema_test::all_of;
using schema_test::good;

namespace {

/// Keys of a schema, from line 3 on.
struct BadKeys {
  const char* keys;
  const char* answer;
};

const BadKeys mistakes[] = {
    {"time_zone: Europe/Berlinn\nfields: [{name: x, type: float}]\n",
     "s.yaml:3:12: error: time_zone: unknown time zone 'Europe/Berlinn': did you mean "
     "'Europe/Berlin'? (write UTC, an offset such as \"+02:00\", or Europe/Berlin)"},
    {"fields: [{name: x, type: timestamp, time_zone: CEST}]\n",
     "s.yaml:3:48: error: field 'x': time_zone: unknown time zone 'CEST': did you mean 'CET'? "
     "(write a zone such as Europe/Berlin)"},
    {"payload: csv\npayload: json\nfields: [{name: x, type: float}]\n",
     "s.yaml:3:10: error: payload: columns: the columns have no names (columns: [time, "
     "temperature], or header: true where the first line names them)\ns.yaml:4:1: error: key "
     "'payload' is given twice (the first is in line 3; keep one of them)"},
    {"fields: [{name: x, type: float, scale: 2, scale: 3}]\n",
     "s.yaml:3:43: error: key 'scale' is given twice (the first is in line 3; keep one of them)"},
    {"recods: .\nfields: [{name: x, type: float}]\n",
     "s.yaml:3:1: error: schema: unknown key 'recods' (did you mean `records`?)"},
    {"fields: [{name: x, type: float, form: y}]\n",
     "s.yaml:3:33: error: field 'x': unknown key 'form' (did you mean `from`?)"},
    {"payload: {form: csv, colums: [a]}\nfields: [{name: x, type: float}]\n",
     "s.yaml:3:10: error: payload: columns: the columns have no names (columns: [time, "
     "temperature], or header: true where the first line names them)\ns.yaml:3:22: error: payload: "
     "unknown key 'colums' (did you mean `columns`?)"},
    {"payload: xml\nfields: [{name: x, type: float}]\n",
     "s.yaml:3:10: error: payload: form: \"xml\" is not known (one of json, value, text, csv, "
     "pairs, regex, cbor, msgpack, senml, layout, sparkplug_b)"},
    {"payload: {form: csv, layout: [{name: a, type: u8}]}\nfields: [{name: x, type: float}]\n",
     "s.yaml:3:10: error: payload: layout: the form csv does not use it (for: "
     "layout)\ns.yaml:3:10: error: payload: columns: the columns have no names (columns: [time, "
     "temperature], or header: true where the first line names them)"},
    {"fields:\n  - name: x\n    type: array\n    items: {type: object, fields: [{name: y, type: "
     "float, "
     "from: z}]}\n",
     "s.yaml:6:65: error: field 'x[].y': from is not possible inside an array (take the item by "
     "its position: from: \"values[0]\")"},
    {"fields: [{name: x, type: string, scale: 0.1}]\n",
     "s.yaml:3:41: error: field 'x': scale applies to numbers only (remove it)"},
    {"fields: [{name: x, type: array, words: {a: 1}}]\n",
     "s.yaml:3:40: error: field 'x': words does not apply to type array (its values are kept as "
     "they come)"},
    {"fields: [{name: x, type: float, from: \"a..b\"}]\n",
     "s.yaml:3:39: error: field 'x': from: 'a..b' is not a path: column 3 wants a name, or one in "
     "quotes as [\"PM2.5\"] (a path is a.b[0], from the document on /a.b; a name of the topic is "
     "{channel})"},
    {"fields: [{name: x, type: float, from: \"a[first]\"}]\n",
     "s.yaml:3:39: error: field 'x': from: 'a[first]' is not a path: column 8 wants a position "
     "from 0, as [0], or from the end, as [-1] (a path is a.b[0], from the document on /a.b; a "
     "name of the topic is {channel})"},
    {"fields: [{name: x, type: float, from: \"a|upper\"}]\n",
     "s.yaml:3:39: error: field 'x': from: 'a|upper' is not a path: column 2 wants one of . [ "
     "|json |split(,) |trim(:) (a path is a.b[0], from the document on /a.b; a name of the topic "
     "is {channel})"},
    {"fields: [{name: x, type: float, from: a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q}]\n",
     "s.yaml:3:39: error: field 'x': from: 'a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q' has more than 16 "
     "steps (a path is a.b[0], from the document on /a.b; a name of the topic is {channel})"},
    {"device: \"{id\"\nfields: [{name: x, type: float}]\n",
     "s.yaml:3:9: error: device: '{id' has no } (a path is a.b[0], from the document on /a.b; a "
     "name of the topic is {channel})"},
    {"records: \"a[0]\"\nfields: [{name: x, type: float}]\n",
     "s.yaml:3:10: error: records: each: 'a[0]' has more than names (name members only, from the "
     "document on: a.b)"},
    {"records: {key: id}\nfields: [{name: x, type: float}]\n",
     "s.yaml:3:10: error: records does not say where they are (records: {each: readings}, or "
     "{each: .} for the whole document)"},
    {"when: \"a =\"\nfields: [{name: x, type: float}]\n",
     "s.yaml:3:7: error: when: condition \"a =\" at byte 4: it has no value; write FIELD OP VALUE "
     "with OP one of = != < <= > >= in like, or FIELD is null, joined by and, or, not, for "
     "example: temperature > 30, or location.name = 'hall 2' and humidity is null (write it as "
     "\"kind = 'location' and not speed is null\")"},
    {"time_format: \"%d.%m.%Y\"\nfields: [{name: x, type: timestamp}]\n",
     "s.yaml:3:14: error: time_format: unknown format '%d.%m.%Y' (a pattern, and local_s, stand in "
     "the field)"},
    {"fields: [{name: x, type: timestamp, time_format: \"%H:%M\"}]\n",
     "s.yaml:3:50: error: time_format: '%H:%M': it has no whole date: that is %Y or %y with %m or "
     "%b and %d, or with %j (write it as \"%d.%m.%Y %H:%M:%S\", in quotes)"},
    {"fields: [{name: x, type: timestamp, time_format: \"%Y %d\"}]\n",
     "s.yaml:3:50: error: time_format: '%Y %d': it has no whole date: that is %Y or %y with %m or "
     "%b and %d, or with %j (write it as \"%d.%m.%Y %H:%M:%S\", in quotes)"},
    {"fields: [{name: x, type: timestamp, time_format: \"%d.%q\"}]\n",
     "s.yaml:3:50: error: time_format: '%d.%q': %q is not known; known are %Y %y %m %d %b %j %H %I "
     "%M %S %f %p %z %% (write it as \"%d.%m.%Y %H:%M:%S\", in quotes)"},
    {"fields: [{name: x, type: timestamp, time_format: [s, local_s]}]\n",
     "s.yaml:3:54: error: time_format: two words (of those that are no patterns only one can be)"},
};

/// A payload on the topic a/d1.
struct Sent {
  const char* keys;
  std::string payload;
  const char* answer;  ///< of each reading "valid" or what is wrong; "dropped"
};

std::string readings(std::size_t count) {
  std::string out = "[{}";
  for (std::size_t i = 1; i < count; ++i) out += ",{}";
  return out + "]";
}

const Sent messages[] = {
    // A path that leads nowhere is no mistake, unless the value must be there.
    {"fields: [{name: x, type: float, from: nothing.there}]\n", "{}", "valid"},
    {"fields: [{name: x, type: float, from: nothing.there, required: true}]\n", "{}",
     "t 1.0: /x: is required, but missing or null"},
    {"fields: [{name: x, type: float, from: a}]\n", R"({"a":"12.5"})",
     "t 1.0: /x: \"12.5\" is not of type float"},
    {"payload: value\nfields: [{name: x, type: boolean, from: value, words: {up: true}}]\n", "down",
     "t 1.0: /x: \"down\" is not of type boolean"},
    {"fields: [{name: x, type: float, scale: 0.1, max: 5}]\n", R"({"x":60})",
     "t 1.0: /x: 6 is above max 5"},
    // Forms that end too early, or go on.
    {"fields: [{name: x, type: float, from: a}]\n", R"({"a":1)",
     "t 1.0: (document): the payload is not JSON at byte 7"},
    {"fields: [{name: x, type: float, from: a}]\n", R"({"a":1} {"a":2})",
     "t 1.0: (document): the payload goes on behind its first document, at byte 8; records: . "
     "reads them all"},
    {"payload: cbor\nfields: [{name: x, type: float}]\n", "\xa1\x61x\xf9\x4d",
     "t 1.0: (document): cbor: byte 5: the payload ends here, in the item that begins at byte 3; "
     "it was cut off"},
    {"payload: {form: csv, columns: [x, y]}\nfields: [{name: x, type: float}]\n", "1",
     "t 1.0: (document): csv: line 1: 1 cells for 2 columns"},
    {"payload: {form: layout, layout: [{name: x, type: u16be}]}\nfields: [{name: x, type: "
     "float}]\n",
     "a", "t 1.0: (document): layout: byte 1: the payload has 1 bytes, the layout 2"},
    {"payload: {form: layout, unpack: hex, layout: [{name: x, type: u8}]}\nfields: [{name: x, "
     "type: float}]\n",
     "0", "t 1.0: (document): hex: byte 1: the payload ends here, in the middle; it was cut off"},
    {"payload: {form: regex, pattern: \"T(?P<x>[0-9]+)\"}\nfields: [{name: x, type: float}]\n",
     "T=1",
     "t 1.0: (document): regex: byte 0: the pattern does not match \"T=1\", which it must from its "
     "first to its last byte"},
    // Records that are not there, or too many.
    {"records: r\nfields: [{name: x, type: float}]\n", R"({"s":[]})",
     "t 1.0: (document): the payload has nothing at 'r'"},
    {"records: r\nfields: [{name: x, type: float}]\n", R"({"r":7})",
     "t 1.0: (document): the payload has 7 at 'r', where an array is wanted"},
    {"records: r\nfields: [{name: x, type: float}]\n", R"({"r":[]})", "nothing"},
    {"records: .\nfields: [{name: x, type: float}]\n", R"([{"x":1},{"x":"b"},{"x":3}])",
     "valid\nt 1.0: /x: \"b\" is not of type float\nvalid"},
    {"records: .\nfields: [{name: x, type: float}]\n", readings(10'001),
     "t 1.0: (document): the payload has 10001 readings; the limit of one message is 10000"},
};

std::string answers_to(const Schema& schema, const Sent& message) {
  Batch batch;
  const Unfolded unfolded =
      judge(&schema, {.topic = "a/d1", .payload = message.payload, .received_at = 1}, batch);
  std::string out;
  for (std::size_t i = 0; i < unfolded.dropped; ++i) out += "dropped\n";
  for (const Reading& reading : batch.readings) {
    if (reading.verdict == Verdict::valid) out += "valid\n";
    for (const core::Violation& violation : violations_of(reading))
      out += schema.describe(violation, reading.document) + "\n";
  }
  if (out.empty()) return "nothing";
  out.pop_back();
  return out;
}

}  // namespace

TEST_CASE("each mistake in the keys of payloads is answered with its place and a remedy") {
  for (const BadKeys& mistake : mistakes) {
    INFO(mistake.keys);
    std::vector<Diagnostic> diagnostics;
    CHECK_FALSE(Schema::parse(std::string("name: t\ntopic_pattern: a/{device}\n") + mistake.keys,
                              "s.yaml", diagnostics));
    CHECK(all_of(diagnostics) == std::string(mistake.answer) + "\n");
  }
}

TEST_CASE("two schemas that ask for the same are named, both of them") {
  const auto set_of = [](const std::string& first, const std::string& second) {
    const std::string fields = "fields: [{name: x, type: float}]\n";
    std::vector<Diagnostic> diagnostics;
    CHECK_FALSE(SchemaSet::make({good("name: one\n" + first + fields, "one.yaml"),
                                 good("name: two\n" + second + fields, "two.yaml")},
                                diagnostics));
    return all_of(diagnostics);
  };
  CHECK(set_of("topic_pattern: a/{device}\nwhen: kind = x\n",
               "topic_pattern: a/+\nwhen: \"kind = x\"\n") ==
        "two.yaml:2:16: error: schemas two 1.0 and one 1.0 (one.yaml) have the same filter and "
        "condition: a/+ when \"kind\" = x (make one of the conditions another)"
        "\n");
  CHECK(set_of("topic_pattern: a/{device...}\n", "topic_pattern: a/{name...}\n") ==
        "two.yaml:2:16: error: schemas two 1.0 and one 1.0 (one.yaml) have the same filter a/+... "
        "(make one of them more specific)"
        "\n");
}

TEST_CASE("each payload is answered with what became of it") {
  for (const Sent& message : messages) {
    const auto schema = good(std::string("name: t\ntopic_pattern: a/{device}\n") + message.keys);
    INFO(message.keys << message.payload.substr(0, 100));
    CHECK(answers_to(*schema, message) == message.answer);
  }
}

TEST_CASE("firmware refuses what it cannot read, each with its place") {
  const std::vector<std::pair<std::string, std::string>> refused = {
      {"topic_pattern: a/{device}\npayload: value\nfields: [{name: x, type: float}]\n",
       "s.yaml:3:10: error: payload: firmware reads JSON as the fields declare it"},
      {"topic_pattern: a/{device}\nwhen: x > 1\nfields: [{name: x, type: float}]\n",
       "s.yaml:3:7: error: when: firmware reads JSON as the fields declare it"},
      {"topic_pattern: a/{device}\ntime_zone: Europe/Berlin\nfields: [{name: x, type: float}]\n",
       "s.yaml:3:12: error: time_zone: firmware reads JSON as the fields declare it"},
      {"topic_pattern: a/{device}\nfields: [{name: x, type: float, scale: 2}]\n",
       "s.yaml:3:40: error: field 'x': firmware reads values as they are"},
      {"topic_pattern: a/{device}/{device}\nfields: [{name: x, type: float}]\n",
       "s.yaml:2:16: error: topic_pattern: firmware knows names of single levels only"},
      {"topic_pattern: a/{field}\nfields: [{name: x, type: float}]\n",
       "s.yaml:2:16: error: topic_pattern: firmware knows names of single levels only"},
      {"topic_pattern: a/{rest...}/b\nfields: [{name: x, type: float}]\n",
       "s.yaml:2:16: error: topic_pattern: firmware knows names of single levels only"},
  };
  for (const auto& [keys, answer] : refused) {
    INFO(keys);
    std::vector<Diagnostic> diagnostics;
    CHECK_FALSE(compile_to_cpp(std::vector{good("name: t\n" + keys, "s.yaml")}, "s", diagnostics));
    CHECK_THAT(all_of(diagnostics), Catch::StartsWith(answer));
  }
  std::vector<Diagnostic> diagnostics;
  const auto plain =
      good("name: t\ntopic_pattern: a/{device}/{channel}\nfields: [{name: x, type: float}]\n");
  CHECK(compile_to_cpp(std::vector{plain}, "s", diagnostics));
}
