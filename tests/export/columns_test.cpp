// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include "catch.hpp"

#include "export/rows.hpp"
#include "export/terminal_text.hpp"

using namespace telemetry;
using namespace rows;

namespace {
constexpr const char* times =
    "2026-11-21T12:00:00Z,2026-11-21T12:00:00.001Z,,";  // no device, not retained
}

TEST_CASE("csv has the union of fields, each behind the one it follows in its schema") {
  const std::string out =
      written(RowFormat::csv,
              {row("a", {{"x", Value::integer(1)}, {"z", Value::decimal({15, -1})}}),
               row("b", {{"x", Value::integer(2)}, {"y", Value::text("q")}}), row("c", {})});
  CHECK(out == std::string("topic,timestamp,received_at,device,retained,x,y,z\r\n") + "a," + times +
                   ",1,,1.5\r\n" + "b," + times + ",2,q,\r\n" + "c," + times + ",,,\r\n");
}

TEST_CASE("csv quotes as RFC 4180 says, and tells an empty text from an absent one") {
  const std::string out =
      written(RowFormat::csv,
              {row("a", {{"x", Value::text("1,2")}}), row("a", {{"x", Value::text("a\"b")}}),
               row("a", {{"x", Value::text("l\nm")}}), row("a", {{"x", Value::text("")}})});
  CHECK_THAT(out, Catch::Contains("Z,,,\"1,2\"\r\n") && Catch::Contains("Z,,,\"a\"\"b\"\r\n") &&
                      Catch::Contains("Z,,,\"l\nm\"\r\n") && Catch::Contains("Z,,,\"\"\r\n"));
}

TEST_CASE("csv has exactly the columns that were asked for") {
  CHECK(written(RowFormat::csv, {row("a", {{"x", Value::integer(1)}, {"y", Value::integer(2)}})},
                {"y", "none"}) ==
        std::string("topic,timestamp,received_at,device,retained,y,none\r\na,") + times +
            ",2,\r\n");
  CHECK(written(RowFormat::csv, {}) == "topic,timestamp,received_at,device,retained\r\n");
}

TEST_CASE("csv has columns for undeclared members and payloads without schema, if there are any") {
  Row extra = row("a", {{"x", Value::integer(1)}, {"timestamp", Value::time(noon)}});
  extra.extra = R"({"n":1})";
  CHECK(written(RowFormat::csv, {extra, raw_row("on", Row::RawKind::text),
                                 raw_row("\xff", Row::RawKind::binary)}) ==
        std::string("topic,timestamp,received_at,device,retained,x,timestamp_,extra,payload\r\n") +
            "a," + times + ",1,2026-11-21T12:00:00Z,\"{\"\"n\"\":1}\",\r\n" + "raw," + times +
            ",,,,on\r\n" + "raw," + times + ",,,,\"{\"\"base64\"\":\"\"/w==\"\"}\"\r\n");
}

TEST_CASE(
    "a field with the name of a column of ours gets a _, whether that column is there or not") {
  Row all = row("t", {{"topic", Value::text("a")},
                      {"payload", Value::text("b")},
                      {"extra", Value::text("c")},
                      {"device", Value::text("d")},
                      {"received_at", Value::text("e")},
                      {"topic_", Value::text("f")},
                      {"retained", Value::text("g")}});
  all.device = "dev";
  const std::string line = "t,2026-11-21T12:00:00Z,2026-11-21T12:00:00.001Z,dev,,a,b,c,d,e,f,g";
  const std::string names =
      "topic,timestamp,received_at,device,retained,topic_,payload_,extra_,device_,"
      "received_at_,topic__,retained_";
  CHECK(written(RowFormat::csv, {all}) == names + "\r\n" + line + "\r\n");
  all.extra = R"({"n":1})";
  CHECK(written(RowFormat::csv, {all, raw_row("on", Row::RawKind::text)}) ==
        names + ",extra,payload\r\n" + line + ",\"{\"\"n\"\":1}\",\r\n" + "raw," + times +
            ",,,,,,,,,on\r\n");
}

TEST_CASE("an object that was asked for is a column for each of its members, in schema order") {
  const std::vector<Row> all = {
      row("a", {{"x", Value::integer(1)}, {"place.lon", Value::integer(2)}}),
      row("b", {{"x", Value::integer(3)},
                {"place.lat", Value::integer(4)},
                {"place.lon", Value::integer(5)},
                {"place.hall.name", Value::text("h")},
                {"placed", Value::boolean(true)},
                {"z", Value::integer(6)}})};
  const std::string header = "topic,timestamp,received_at,device,retained,";
  CHECK(written(RowFormat::csv, all, {"z", "place", "x"}) ==
        header + "z,place.lat,place.lon,place.hall.name,x\r\na," + times + ",,,2,,1\r\nb," + times +
            ",6,4,5,h,3\r\n");
  CHECK_THAT(written(RowFormat::csv, all, {"place.lon", "place"}),
             Catch::StartsWith(header + "place.lon,place.lat,place.hall.name\r\n"));
  CHECK_THAT(written(RowFormat::table, all, {"place"}),
             Catch::Contains("place.lat  place.lon  place.hall.name\n"));
}

TEST_CASE(
    "members of an object that first come after 1,000 rows are counted, if it was asked for") {
  const auto writer =
      RowWriter::make(RowFormat::csv, {"place"}, [](std::string_view) { return true; });
  for (int i = 0; i < 1000; ++i)
    REQUIRE(writer->write(row("a", {{"place.lat", Value::integer(i)}})));
  REQUIRE(writer->write(row("a", {{"place.lon", Value::integer(1)}, {"x", Value::integer(1)}})));
  CHECK(writer->left_out() == 1);
}

TEST_CASE("columns of ours that are asked for by name come once, and where they always stand") {
  Row extra = row("a", {{"x", Value::integer(1)}});
  extra.extra = R"({"n":1})";
  const std::vector<Row> all = {extra, raw_row("on", Row::RawKind::text)};
  CHECK(written(RowFormat::csv, all, {"payload", "topic", "x", "extra", "device", "retained"}) ==
        std::string("topic,timestamp,received_at,device,retained,x,extra,payload\r\na,") + times +
            ",1,\"{\"\"n\"\":1}\",\r\nraw," + times + ",,,on\r\n");
  CHECK(written(RowFormat::csv, {}, {"extra"}) ==
        "topic,timestamp,received_at,device,retained,extra\r\n");
}

TEST_CASE("rows after the first 1,000 keep the columns, and what has none is counted") {
  std::string out;
  const auto writer = RowWriter::make(RowFormat::csv, {}, [&](std::string_view text) {
    out += text;
    return true;
  });
  for (int i = 0; i < 999; ++i) REQUIRE(writer->write(row("a", {{"x", Value::integer(i)}})));
  CHECK(out.empty());
  REQUIRE(writer->write(row("a", {{"x", Value::integer(999)}})));
  CHECK_FALSE(out.empty());
  REQUIRE(writer->write(row("a", {{"w", Value::integer(5)}, {"x", Value::integer(1000)}})));
  REQUIRE(writer->finish());
  CHECK(writer->left_out() == 1);
  CHECK(std::count(out.begin(), out.end(), '\n') == 1002);
  CHECK_THAT(out, Catch::EndsWith(std::string("a,") + times + ",1000\r\n"));
}

TEST_CASE("a table aligns numbers right and texts left, under a header") {
  CHECK(written(RowFormat::table, {row("sensors/1", {{"temperature", Value::decimal({2351, -2})},
                                                     {"sensor_id", Value::text("s-1")}}),
                                   row("s", {{"temperature", Value::decimal({-5, -1})},
                                             {"sensor_id", Value::text("s")}})}) ==
        "topic      timestamp             received_at               temperature  sensor_id\n"
        "---------  --------------------  ------------------------  -----------  ---------\n"
        "sensors/1  2026-11-21T12:00:00Z  2026-11-21T12:00:00.001Z        23.51  s-1\n"
        "s          2026-11-21T12:00:00Z  2026-11-21T12:00:00.001Z         -0.5  s\n");
}

TEST_CASE("a table leaves out a device timestamp that is the record's own") {
  CHECK(written(RowFormat::table, {row("a", {{"timestamp", Value::time(noon)}})}) ==
        "topic  timestamp             received_at\n"
        "-----  --------------------  ------------------------\n"
        "a      2026-11-21T12:00:00Z  2026-11-21T12:00:00.001Z\n");
  CHECK(written(RowFormat::table, {}).empty());
}

TEST_CASE("a table shows the device where any row has one") {
  std::vector<Row> all = {row("a", {}), row("b", {})};
  all[1].device = "d-1";
  CHECK(written(RowFormat::table, all) ==
        "topic  timestamp             received_at               device\n"
        "-----  --------------------  ------------------------  ------\n"
        "a      2026-11-21T12:00:00Z  2026-11-21T12:00:00.001Z  \n"
        "b      2026-11-21T12:00:00Z  2026-11-21T12:00:00.001Z  d-1\n");
  CHECK_THAT(written(RowFormat::table, all, {}, 30), Catch::EndsWith(": received_at, device\n"));
}

TEST_CASE("what was retained says so, in every format") {
  std::vector<Row> all = {row("a", {{"x", Value::integer(1)}}), row("b", {})};
  all[1].retained = true;
  CHECK(written(RowFormat::table, all) ==
        "topic  timestamp             received_at               retained  x\n"
        "-----  --------------------  ------------------------  --------  -\n"
        "a      2026-11-21T12:00:00Z  2026-11-21T12:00:00.001Z            1\n"
        "b      2026-11-21T12:00:00Z  2026-11-21T12:00:00.001Z  true       \n");
  CHECK(written(RowFormat::csv, all) ==
        "topic,timestamp,received_at,device,retained,x\r\n"
        "a,2026-11-21T12:00:00Z,2026-11-21T12:00:00.001Z,,,1\r\n"
        "b,2026-11-21T12:00:00Z,2026-11-21T12:00:00.001Z,,true,\r\n");
  CHECK_THAT(written(RowFormat::jsonl, all),
             Catch::Contains("12:00:00.001Z\"}\n") &&
                 Catch::EndsWith("12:00:00.001Z\",\"retained\":true}\n"));
}

TEST_CASE("a table per schema has the columns of that schema, the rows without one come last") {
  Row off = raw_row("off", Row::RawKind::text);
  off.topic = "a";
  Row warm = row("b", {{"temperature", Value::integer(21)}});
  warm.schema = "sensor";
  Row power = row("c", {{"watts", Value::integer(5)}});
  power.schema = "meter";
  Row cold = row("d", {{"temperature", Value::integer(9)}});
  cold.schema = "sensor";
  const std::string times_header = "topic  timestamp             received_at               ";
  const std::string rule = "-----  --------------------  ------------------------  ";
  const std::string at = "      2026-11-21T12:00:00Z  2026-11-21T12:00:00.001Z  ";
  CHECK(written(RowFormat::table_per_schema, {off, warm, power, cold}) ==
        "meter:\n" + times_header + "watts\n" + rule + "-----\nc" + at + "    5\n\nsensor:\n" +
            times_header + "temperature\n" + rule + "-----------\nb" + at + "         21\nd" + at +
            "          9\n\nwithout schema:\n" + times_header + "payload\n" + rule + "-------\na" +
            at + "off\n");
  CHECK(written(RowFormat::table_per_schema, {warm, cold}) ==
        written(RowFormat::table, {warm, cold}));
  CHECK(written(RowFormat::table_per_schema, {}).empty());
}

TEST_CASE("tables of each schema hold back a bounded text, and begin again") {
  const std::string topic(60'000, 't');
  std::size_t largest = 0;
  std::size_t all = 0;
  const auto writer = RowWriter::make(RowFormat::table_per_schema, {}, [&](std::string_view text) {
    largest = std::max(largest, text.size());
    all += text.size();
    return true;
  });
  for (int i = 0; i < 1'000; ++i) CHECK(writer->write(row(topic, {})));
  CHECK(all > 30'000'000);
  CHECK(writer->finish());
  CHECK(all > 60'000'000);
  CHECK(largest < 25'000'000);
}

TEST_CASE("a table fits the terminal: without received_at, with cut texts, with fewer columns") {
  const std::string long_text(90, 'y');
  const std::vector<Row> wide = {row("a/very/long/topic/that/goes/on/and/on",
                                     {{"x", Value::integer(1)}, {"y", Value::text(long_text)}})};
  for (const std::size_t width : {200u, 120u, 100u, 80u, 60u}) {
    INFO(width);
    const std::string out = written(RowFormat::table, wide, {}, width);
    INFO(out);
    std::size_t longest = 0;
    std::size_t lines = 0;
    for (std::size_t at = 0; at < out.size();) {
      const std::size_t end = out.find('\n', at);
      longest = std::max(longest, text::width_of(out.substr(at, end - at)));
      at = end + 1;
      ++lines;
    }
    CHECK(longest <= width);
    CHECK(lines == (width == 200 ? 3u : 4u));
    CHECK((out.find("\xE2\x80\xA6") != std::string::npos) == (width < 200));
  }
  CHECK_THAT(written(RowFormat::table, wide, {}, 80),
             Catch::EndsWith("not shown, no room: received_at\n"));
  CHECK_THAT(written(RowFormat::table, wide, {}, 38), Catch::EndsWith(": y, received_at\n"));
  CHECK_THAT(written(RowFormat::table, wide, {}, 30), Catch::EndsWith(": x, y, received_at\n"));
}

TEST_CASE("numbers and times are never cut") {
  std::string out;
  const auto writer = RowWriter::make(
      RowFormat::table, {},
      [&](std::string_view text) {
        out += text;
        return true;
      },
      60);
  for (int i = 0; i < 1000; ++i) (void)writer->write(row("a", {{"x", Value::integer(1)}}));
  (void)writer->write(row("a", {{"x", Value::integer(1234567890123456789)}}));
  (void)writer->finish();
  CHECK_THAT(out, Catch::Contains("1234567890123456789"));
}

TEST_CASE("a payload cannot command the terminal through a table") {
  const std::string out =
      written(RowFormat::table, {row("t", {{"x", Value::text("\x1b]0;gotcha\x07\x1b[2J\nnew\rline"
                                                             "\t\x7f\xc2\x9b"
                                                             "31m\xe2\x80\xae")}})});
  for (const char c : out) CHECK((static_cast<unsigned char>(c) >= 0x20 || c == '\n'));
  CHECK(std::count(out.begin(), out.end(), '\n') == 3);
  CHECK_THAT(out, Catch::Contains(R"(\x1b]0;gotcha\x07\x1b[2J\nnew\rline\t\x7f\x9b31m\u202e)"));
}

TEST_CASE("wide and combining characters are counted in cells") {
  CHECK(text::width_of("abc") == 3);
  CHECK(text::width_of("温度") == 4);
  CHECK(text::width_of("e\xcc\x81") == 1);
  CHECK(text::width_of("😀") == 2);
  CHECK(text::shortened("温度計", 5) == "温度…");
  CHECK(text::shortened("温度計", 4) == "温…");
  CHECK(text::shortened("abc", 3) == "abc");
  CHECK(text::shortened("abcd", 3) == "ab…");
}

TEST_CASE("nothing more is written once the reader is gone") {
  for (const RowFormat format : {RowFormat::table, RowFormat::csv, RowFormat::json,
                                 RowFormat::jsonl, RowFormat::table_per_schema}) {
    int calls = 0;
    const auto writer = RowWriter::make(format, {}, [&](std::string_view) {
      ++calls;
      return false;
    });
    for (int i = 0; i < 2000 && writer->write(row("a", {})); ++i) {
    }
    CHECK_FALSE(writer->finish());
    CHECK(calls == 1);
  }
}

TEST_CASE("a record of CSV has the same four cells for every row, quoted where it must be") {
  std::string out(record_csv_header);
  append_record_csv(row("a", {{"x", Value::integer(1)}, {"y", Value::text("say \"hi\"")}}), out);
  append_record_csv(raw_row("17", Row::RawKind::json), out);
  append_record_csv(raw_row("", Row::RawKind::text), out);
  Row odd = row("a,\"b\"\r\nc", {});
  append_record_csv(odd, out);
  const std::string times = "2026-11-21T12:00:00Z,2026-11-21T12:00:00.001Z";
  CHECK(out == std::string("topic,timestamp,received_at,payload\r\n") + "a," + times +
                   R"(,"{""x"":1,""y"":""say \""hi\""""}")" + "\r\n" + "raw," + times + ",17\r\n" +
                   "raw," + times + R"(,"""""")" + "\r\n" + "\"a,\"\"b\"\"\r\nc\"," + times +
                   ",{}\r\n");
}

TEST_CASE("named fields are found in payloads without schema, a bare value is called value") {
  constexpr auto json = Row::RawKind::json;
  const std::vector<Row> all = {
      row("a", {{"temperature", Value::decimal({215, -1})}}),
      raw_row(R"({"temperature": 19.50, "door": {"open": true}, "name": "h\u0061ll", "n": null})",
              json),
      raw_row(" 12 ", json),
      raw_row("[1, 2]", json),
      raw_row(R"({"value": {"x": 1}})", json),
      raw_row("on", Row::RawKind::text)};
  const std::string out =
      written(RowFormat::csv, all, {"temperature", "door.open", "name", "n", "value"});
  const std::string raw = std::string("raw,") + times;
  CHECK(out ==
        std::string("topic,timestamp,received_at,device,retained,temperature,door.open,name,n,"
                    "value\r\na,") +
            times + ",21.5,,,,\r\n" + raw + ",19.50,true,hall,,\r\n" + raw + ",,,,,12\r\n" + raw +
            ",,,,,\"[1, 2]\"\r\n" + raw + ",,,,,\"{\"\"x\"\": 1}\"\r\n" + raw + ",,,,,\r\n");
}
