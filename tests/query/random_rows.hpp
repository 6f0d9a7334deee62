// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "adapters/sqlite_queries.hpp"
#include "telemetry/core/journal_format.hpp"

/// Seeded random rows of several schemas and without one.
namespace telemetry::test {

inline constexpr std::int64_t second = 1'000'000'000;
inline constexpr std::int64_t day = 86'400 * second;

inline constexpr const char* air_schema = R"(
name: air
version: "1.0"
topic_pattern: air/{device}/+
validation: {strict: true, allow_extra_fields: true}
fields:
  - {name: temperature, type: float}
  - {name: humidity, type: float}
  - {name: status, type: string}
  - {name: on, type: boolean}
  - {name: count, type: integer}
  - {name: seen, type: timestamp}
  - {name: place, type: object, fields: [{name: lat, type: float}, {name: hall, type: string}]}
  - {name: note, type: any}
  - {name: list, type: array, items: {type: integer}}
)";
inline constexpr const char* meter_schema = R"(
name: meter
version: "2.1"
topic_pattern: meter/{device}
fields:
  - {name: temperature, type: integer}
  - {name: status, type: integer}
  - {name: power, type: float}
  - {name: name, type: string}
)";

/// A row with its texts.
struct Held {
  Row row;
  std::vector<std::string> texts;
};

class Choice {
 public:
  /// @param huge also numbers whose sums, or that themselves, are beyond what doubles tell apart
  explicit Choice(std::uint64_t seed, bool huge = true) : random_(seed), huge_(huge) {}
  [[nodiscard]] bool huge() const noexcept { return huge_; }
  std::int64_t below(std::int64_t end) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(end));
  }
  bool one_in(std::int64_t n) { return below(n) == 0; }
  template <class T>
  const T& of(const std::vector<T>& list) {
    return list[static_cast<std::size_t>(below(static_cast<std::int64_t>(list.size())))];
  }

 private:
  std::mt19937_64 random_;
  bool huge_;
};

inline const std::vector<std::string> words{"on", "off",  "auto", "Hall 1", "hall 2", "h\xc3\xa4ll",
                                            "",   "it's", "50%",  "true",   "20"};
inline const std::vector<std::string> zones{
    "UTC",          "Europe/Berlin",   "America/New_York", "Australia/Lord_Howe",
    "Asia/Kolkata", "America/Santiago"};

inline std::string number(Choice& choice) {
  static const std::vector<std::string> odd{"-0.0", "1e-300", "0.1", "0.30000000000000004"};
  static const std::vector<std::string> huge{"9007199254740993", "9223372036854775807",
                                             "-9223372036854775808", "1e300"};
  if (choice.one_in(80)) return choice.of(odd);
  if (choice.huge() && choice.one_in(80)) return choice.of(huge);
  if (choice.one_in(3)) return fmt::format("{}", choice.below(40) - 5);
  return fmt::format("{}.{}", choice.below(40) - 5, choice.below(100));
}

inline std::string quoted_json(std::string_view text) {
  std::string json;
  append_json_string(text, json);
  return json;
}

inline std::string any_json(Choice& choice, int depth = 0) {
  switch (choice.below(depth > 2 ? 4 : 7)) {
    case 0:
    case 1:
      return number(choice);
    case 2:
      return quoted_json(choice.of(words));
    case 3:
      return choice.one_in(3) ? "null" : choice.one_in(2) ? "true" : "false";
    case 4:
      return "[" + any_json(choice, depth + 1) + "]";
    default:
      return fmt::format(R"({{"mode":{},"temperature":{}}})", any_json(choice, depth + 1),
                         any_json(choice, depth + 1));
  }
}

/// The rows, in a store and in memory.
class RandomRows {
 public:
  explicit RandomRows(std::uint64_t seed, bool huge = true) : choice(seed, huge) {
    f.options.partition_rows = 1000;
    f.open();
    const auto air = parse_schema(air_schema);
    const auto meter = parse_schema(meter_schema);
    std::uint64_t id = 0;
    std::int64_t newest = 0;
    for (int batch = 0; batch < 12; ++batch) {
      BatchBuilder builder(id);
      for (int i = 0; i < 900; ++i) {
        if (choice.one_in(50)) {
          builder.skip(1);
          ++id;
        }
        ++id;
        Reading& reading = add(builder, air, meter);
        // Eleven days around the end of daylight saving in Europe, and of it in Lord Howe.
        const std::int64_t at = 1'792'800'000 * second + (batch - 3) * day;
        reading.time = choice.one_in(30) ? at - choice.below(5 * day) : at + choice.below(day);
        if (choice.one_in(3)) reading.time -= reading.time % (3'600 * second);
        // Right behind all others: where one window ends the next one begins.
        if (choice.one_in(20) && newest > 0) reading.time = newest + 1;
        newest = std::max(newest, reading.time);
        reading.flags |= core::frame_flag::time_from_device;
      }
      f.clock.advance(600 * second);  // a closed table gets its index
      f.write(builder.done());
    }
    require(f.store->query({}, [&](const Row& row) {
      hold(row);
      return true;
    }));
    REQUIRE(rows.size() == 12 * 900);
    for (const char* edge : {"time_max", "time_min+1"}) {
      for (const std::string& time : f.sql(fmt::format("SELECT {} FROM partitions", edge))) {
        edges.push_back(std::stoll(time));
      }
    }
    // As if some tables were large: aggregates read those in slices, here in three.
    f.run_sql("UPDATE partitions SET row_count=row_count+1000000 WHERE open=0 AND id%2=0");
  }

  Reading& add(BatchBuilder& builder, const SchemaPtr& air, const SchemaPtr& meter) {
    std::string json = "{";
    const auto put = [&](const char* name, const std::string& value) {
      if (choice.one_in(5)) return;
      json += fmt::format("{}\"{}\":{}", json.size() > 1 ? "," : "", name, value);
    };
    switch (choice.below(3)) {
      case 0:
        put("temperature", number(choice));
        put("humidity", number(choice));
        put("status", quoted_json(choice.of(words)));
        put("on", choice.one_in(2) ? "true" : "false");
        put("count", fmt::format("{}", choice.below(30)));
        put("seen", fmt::format("{}", 1'792'800'000 + choice.below(10) * 3'600));
        put("place", choice.one_in(2) ? R"({"lat":)" + number(choice) + "}"
                                      : R"({"hall":)" + quoted_json(choice.of(words)) + "}");
        put("note", any_json(choice));
        put("list", "[1,2]");
        if (choice.one_in(2)) put("rssi", choice.one_in(4) ? "\"low\"" : number(choice));
        if (choice.one_in(4)) put("firmware", R"({"version":"1.2"})");
        return builder.add(fmt::format("air/d{}/{}", choice.below(6), choice.one_in(3) ? "x" : "y"),
                           air, json + "}");
      case 1:
        put("temperature", fmt::format("{}", choice.below(40) - 5));
        put("status", fmt::format("{}", choice.below(4)));
        put("power", number(choice));
        put("name", quoted_json(choice.of(words)));
        return builder.add(fmt::format("meter/d{}", choice.below(choice.one_in(2) ? 40 : 2'000)),
                           meter, json + "}");
      default: {
        static const std::vector<std::string> bare{"on", "off", "20 C", "\x80\x81", "", "{broken"};
        // `air/#` has the topic `air`, too.
        const std::string topic =
            choice.one_in(20)   ? "air"
            : choice.one_in(10) ? fmt::format("meter/d{}", choice.below(4))  // not of its schema
                                : fmt::format("raw/{}", choice.below(5));
        if (choice.one_in(8)) return builder.add_raw(topic, builder.keep(choice.of(bare)));
        if (choice.one_in(4)) return builder.add_raw(topic, builder.keep(any_json(choice)));
        put("temperature", choice.one_in(6) ? any_json(choice) : number(choice));
        put("status", quoted_json(choice.of(words)));
        put("on", choice.one_in(2) ? "true" : "false");
        put("value", number(choice));
        put("note", any_json(choice));
        return builder.add_raw(topic, builder.keep(json + "}"));
      }
    }
  }

  void hold(const Row& row) {
    const auto held = std::make_shared<Held>();
    held->row = row;
    held->texts.reserve(6 + 2 * row.fields.size());
    const auto own = [&](std::string_view& text) { text = held->texts.emplace_back(text); };
    own(held->row.topic);
    own(held->row.device);
    own(held->row.schema);
    own(held->row.extra);
    own(held->row.raw);
    for (Field& field : held->row.fields) {
      own(field.path);
      std::string_view text = field.value.as_text();
      if (field.value.kind() == core::ValueKind::text) {
        own(text);
        field.value = core::Value::text(text);
      } else if (field.value.kind() == core::ValueKind::json) {
        own(text);
        field.value = core::Value::json(text);
      }
    }
    rows.push_back(held);
  }

  SqliteFixture f;
  Choice choice;
  std::vector<std::shared_ptr<Held>> rows;  // by time and id
  std::vector<std::int64_t> edges;          // since and until that a table's last or first row has
};

}  // namespace telemetry::test
