// SPDX-License-Identifier: Apache-2.0
#include "telemetry/arrow.hpp"

#include <fmt/format.h>

#include <cstring>

#include "adapters/sqlite_queries.hpp"
#include "telemetry/api.hpp"

using namespace telemetry;
using namespace telemetry::test;

namespace {

bool bit(const void* bitmap, std::int64_t row) {
  return bitmap == nullptr ||
         (static_cast<const std::uint8_t*>(bitmap)[row / 8] >> row % 8 & 1) != 0;
}

/// A cell as text, by the layout that Arrow documents.
std::string cell(const ArrowSchema& schema, const ArrowArray& array, std::int64_t row) {
  if (!bit(array.buffers[0], row)) return "null";
  const std::string format = schema.format;
  const void* data = array.buffers[1];
  if (format == "g") return fmt::format("{}", static_cast<const double*>(data)[row]);
  if (format == "l" || format == "tsn:UTC") {
    return fmt::format("{}", static_cast<const std::int64_t*>(data)[row]);
  }
  if (format == "b") return bit(data, row) ? "true" : "false";
  const auto* offsets = static_cast<const std::int32_t*>(data);
  return {static_cast<const char*>(array.buffers[2]) + offsets[row],
          static_cast<std::size_t>(offsets[row + 1] - offsets[row])};
}

/// Reads a stream to its end; each row as its cells with "|".
struct Read {
  Texts names, formats, rows;
  std::int64_t batches = 0;
  explicit Read(ArrowArrayStream stream, bool keep = false) {
    ArrowSchema schema;
    REQUIRE(stream.get_schema(&stream, &schema) == 0);
    REQUIRE(std::string(schema.format) == "+s");
    for (std::int64_t i = 0; i < schema.n_children; ++i) {
      names.emplace_back(schema.children[i]->name);
      formats.emplace_back(schema.children[i]->format);
    }
    std::vector<ArrowArray> kept;
    for (;;) {
      ArrowArray array;
      const int code = stream.get_next(&stream, &array);
      INFO(stream.get_last_error(&stream));
      REQUIRE(code == 0);
      if (array.release == nullptr) break;
      ++batches;
      if (!keep) read(schema, array);
      if (keep) kept.push_back(array);
    }
    stream.release(&stream);
    CHECK(stream.release == nullptr);
    for (ArrowArray& array : kept) read(schema, array);  // arrays outlive their stream
    schema.release(&schema);
  }
  void read(const ArrowSchema& schema, ArrowArray& array) {
    REQUIRE(array.n_children == schema.n_children);
    REQUIRE(array.offset == 0);
    for (std::int64_t i = 0; i < array.n_children; ++i) {
      const ArrowArray& child = *array.children[i];
      REQUIRE(child.length == array.length);
      std::int64_t nulls = 0;
      for (std::int64_t row = 0; row < child.length; ++row)
        nulls += bit(child.buffers[0], row) ? 0 : 1;
      CHECK(nulls == child.null_count);
      CHECK((nulls == 0) == (child.buffers[0] == nullptr));
      CHECK((nulls == 0 || (schema.children[i]->flags & ARROW_FLAG_NULLABLE) != 0));
      for (std::int64_t buffer = 1; buffer < child.n_buffers; ++buffer) {
        CHECK(child.buffers[buffer] != nullptr);
        CHECK(reinterpret_cast<std::uintptr_t>(child.buffers[buffer]) % 64 == 0);
      }
    }
    for (std::int64_t row = 0; row < array.length; ++row) {
      std::string& text = rows.emplace_back();
      for (std::int64_t i = 6; i < array.n_children; ++i) {  // behind those of every row
        text += cell(*schema.children[i], *array.children[i], row) + "|";
      }
    }
    array.release(&array);
    CHECK(array.release == nullptr);
  }
};

ArrowArrayStream stream_of(SqliteFixture& f, Query query = {}) {
  Api api(std::shared_ptr<Store>(f.store.get(), [](Store*) {}), system_environment());
  ArrowArrayStream stream;
  require(api.arrow(Principal::local(), std::move(query), &stream));
  return stream;
}

}  // namespace

TEST_CASE("rows come as columns of their types, gaps as nulls") {
  SqliteFixture f;
  f.open();
  const auto schema = parse_schema(mixed_schema);
  BatchBuilder builder;
  builder.add("mixed/d1/x", schema,
              R"({"real":9.25,"whole":9007199254740993,"word":"a,b","on":true})");
  builder.add("mixed/d2/x", schema,
              R"({"at":"2026-11-21T08:00:00.5Z","place":{"lat":1},"list":[1,2],"rssi":-70})");
  builder.add_raw("raw", R"({"real":11})");
  builder.add_raw("raw", "on");
  f.write(builder.done());
  const Read all(stream_of(f));
  CHECK(all.names == Texts{"id", "topic", "device", "time", "received_at", "retained", "real",
                           "whole", "word", "on", "at", "place.lat", "place.lon", "list", "extra",
                           "payload"});
  CHECK(all.formats == Texts{"l", "u", "u", "tsn:UTC", "tsn:UTC", "b", "g", "l", "u", "b",
                             "tsn:UTC", "g", "g", "u", "u", "u"});
  CHECK(all.rows ==
        Texts{"9.25|9007199254740993|a,b|true|null|null|null|null|null|null|",
              "null|null|null|null|1795248000500000000|1|null|[1,2]|{\"rssi\":-70}|null|",
              "null|null|null|null|null|null|null|null|null|{\"real\":11}|",
              "null|null|null|null|null|null|null|null|null|on|"});
}

TEST_CASE("chosen fields are the columns, in their order, also of payloads without schema") {
  SqliteFixture f;
  f.open();
  BatchBuilder builder;
  builder.add("mixed/d1/x", parse_schema(mixed_schema), R"({"real":9,"word":"x"})");
  builder.add_raw("raw", R"({"door":{"open":true},"real":7})");
  f.write(builder.done());
  Query query;
  query.fields = {"door.open", "word", "place"};
  const Read some(stream_of(f, query));
  CHECK(Texts(some.names.begin() + 6, some.names.end()) ==
        Texts{"door.open", "word", "place.lat", "place.lon"});
  CHECK(some.rows == Texts{"null|x|null|null|", "true|null|null|null|"});
}

TEST_CASE("a field that schemas type differently is text, and names stay apart") {
  SqliteFixture f;
  f.open();
  const auto one = [](const std::string& name, const std::string& fields) {
    return parse_schema("{name: " + name + ", version: '1.0', topic_pattern: " + name +
                        ", fields: [" + fields + "]}");
  };
  BatchBuilder builder;
  builder.add("a", one("a", "{name: state, type: string}, {name: Topic, type: integer}"),
              R"({"state":"5","Topic":1})");
  builder.add("b", one("b", "{name: state, type: integer}"), R"({"state":5})");
  f.write(builder.done());
  const Read all(stream_of(f));
  CHECK(Texts(all.names.begin() + 6, all.names.end()) == Texts{"state", "Topic_"});
  CHECK(all.rows == Texts{"\"5\"|1|", "5|null|"});
}

TEST_CASE("batches outlive their stream; nothing is no batch") {
  SqliteFixture f;
  f.options.partition_rows = 1000;
  f.open();
  CHECK(Read(stream_of(f)).batches == 0);
  BatchBuilder builder;
  for (int i = 0; i < 50'000; ++i) builder.add_raw(fmt::format("t/{}", i % 3), "1");
  f.write(builder.done());
  const Read kept(stream_of(f), true);
  CHECK(kept.batches > 1);
  CHECK(kept.rows.size() == 50'000);
  Query query;
  query.topics = {"t/1"};
  query.order = Order::time_descending;
  query.limit = 5;
  CHECK(Read(stream_of(f, query)).rows.size() == 5);
  ArrowArrayStream unread = stream_of(f);
  unread.release(&unread);
}

TEST_CASE("a mistake comes with the first batch, as an error with its text") {
  SqliteFixture f;
  f.open();
  BatchBuilder builder;
  builder.add("mixed/d1/x", parse_schema(mixed_schema), R"({"real":9})");
  f.write(builder.done());
  Query query;
  query.fields = {"reel"};
  ArrowArrayStream stream = stream_of(f, query);
  ArrowArray array;
  CHECK(stream.get_next(&stream, &array) == EINVAL);
  CHECK_THAT(stream.get_last_error(&stream), Catch::Contains("did you mean 'real'"));
  stream.release(&stream);
}
