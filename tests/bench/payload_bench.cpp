// SPDX-License-Identifier: Apache-2.0
// What it costs to judge payloads in the forms of docs/payloads.md, beside the same reading as
// plain JSON. Rounds are interleaved and the medians compared. Every form must give the same
// values, or nothing is printed and the exit code is 1.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "ingest/judgement.hpp"
#include "telemetry/message.hpp"

namespace {

using namespace telemetry;

constexpr std::string_view sample =
    R"({"temperature":23.51,"humidity":41.2,"sensor_id":"sensor-017",)"
    R"("timestamp":"2025-11-11T12:00:00.123Z","seq":12345})";
const std::string fields = R"(
fields:
  - {name: temperature, type: float, required: true, min: -50, max: 150}
  - {name: humidity, type: float, min: 0, max: 100}
  - {name: sensor_id, type: string, required: true, min_length: 3, max_length: 32}
  - {name: timestamp, type: timestamp}
  - {name: seq, type: integer, min: 0}
)";

std::shared_ptr<const Schema> schema(const std::string& keys, const std::string& with = fields,
                                     const std::string& levels = "{device}/+") {
  std::vector<Diagnostic> diagnostics;
  auto parsed =
      Schema::parse("name: t\nversion: \"1.0\"\ntopic_pattern: s/" + levels + "\n" + keys + with,
                    "bench", diagnostics);
  for (const Diagnostic& one : diagnostics) fmt::print(stderr, "{}\n", to_string(one));
  if (!parsed) std::exit(1);
  return *parsed;
}
/// The sample as CBOR or MessagePack, whose heads of short texts differ.
std::string packed(bool cbor) {
  std::string out;
  const auto text = [&](std::string_view value) {
    if (value.size() < 24)
      out += static_cast<char>((cbor ? 0x60u : 0xA0u) + value.size());
    else
      (out += static_cast<char>(cbor ? 0x78 : 0xD9)) += static_cast<char>(value.size());
    out += value;
  };
  const auto real = [&](double value) {
    out += static_cast<char>(cbor ? 0xFB : 0xCB);
    const auto bits = std::bit_cast<std::uint64_t>(value);
    for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(bits >> shift & 0xFFu);
  };
  out += static_cast<char>(cbor ? 0xA5 : 0x85);
  text("temperature");
  real(23.51);
  text("humidity");
  real(41.2);
  text("sensor_id");
  text("sensor-017");
  text("timestamp");
  text("2025-11-11T12:00:00.123Z");
  text("seq");
  out += static_cast<char>(cbor ? 0x19 : 0xCD);
  out += static_cast<char>(12345 >> 8);
  out += static_cast<char>(12345 & 0xFF);
  return out;
}

struct Case {
  std::string name;
  std::shared_ptr<const Schema> schema;
  std::string payload;
  std::size_t readings = 1;
  bool whole = true;  ///< all five values
  std::vector<double> ns = {};
};

/// Judges as the door does; gives up the memory when a batch would be full.
class Runner {
 public:
  void run(const Case& one, std::size_t readings) {
    const Message message{.topic = "s/d1/temperature", .payload = one.payload};
    KnownTopic topic;
    topic.schema = one.schema.get();
    topic.device_at = 2;
    topic.device_bytes = 2;
    for (std::size_t done = 0; done < readings; done += one.readings) {
      if (batch_.readings.size() >= 1'000) batch_.clear();
      if (!one.schema->unfolds()) {
        (void)judge_.add(topic, message, now, batch_);
        continue;
      }
      Message kept = message;
      const Unfolded unfolded = unfold_into(*one.schema, kept, now, batch_, records_, nullptr);
      for (const Record& record : records_)
        (void)judge_.add(*one.schema, topic.hash, record, unfolded.refusal, kept, now, batch_);
    }
  }
  [[nodiscard]] bool is_right(const Case& one) {
    batch_.clear();
    run(one, one.readings);
    if (batch_.readings.size() != one.readings) return false;
    return std::ranges::all_of(batch_.readings, [&](const Reading& reading) {
      if (reading.verdict != Verdict::valid) return false;
      const core::Decimal t = reading.values[0].as_decimal();
      return t.mantissa == 2351 && t.exponent == -2 &&
             (!one.whole || (reading.values[2].as_text() == "sensor-017" && reading.sequence == 0 &&
                             reading.values[4].as_integer() == 12345));
    });
  }

 private:
  static constexpr std::int64_t now = 1'800'000'000'000'000'000;
  Judge judge_;
  Batch batch_;
  std::vector<Record> records_;
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 21;
  const std::size_t readings = argc > 2 ? static_cast<std::size_t>(std::atoi(argv[2])) : 100'000;
  std::string hundred = "[";
  for (int i = 0; i < 100; ++i) hundred += (i == 0 ? "" : ",") + std::string(sample);
  hundred += "]";
  std::string around = R"({"gateway":"g-1","readings":)" + hundred + "}";
  std::vector<Case> cases = {
      {"plain JSON", schema(""), std::string(sample)},
      {"bare value",
       schema("payload: value\n",
              "fields: [{name: temperature, type: float, min: -50, max: 150}]\n",
              "{device}/{field}"),
       "23.51", 1, false},
      {"100 readings, array", schema("records: .\n"), hundred, 100},
      {"100 readings, in an object", schema("records: readings\n"), around, 100},
      {"every field by a path",
       schema("",
              "fields:\n  - {name: temperature, type: float, required: true, from: a.t, min: -50, "
              "max: 150}\n"
              "  - {name: humidity, type: float, from: a.h, min: 0, max: 100}\n"
              "  - {name: sensor_id, type: string, from: id, required: true}\n"
              "  - {name: timestamp, type: timestamp, from: ts}\n"
              "  - {name: seq, type: integer, from: n}\n"),
       R"({"a":{"t":23.51,"h":41.2},"id":"sensor-017","ts":"2025-11-11T12:00:00.123Z","n":12345})"},
      {"CBOR", schema("payload: cbor\n"), packed(true)},
      {"MessagePack", schema("payload: msgpack\n"), packed(false)},
      {"CSV",
       schema(
           "payload: {form: csv, columns: [temperature, humidity, sensor_id, timestamp, seq]}\n"),
       "23.51,41.2,sensor-017,2025-11-11T12:00:00.123Z,12345"},
  };
  if (argc > 3)  // for a profiler: one form beside plain JSON
    std::erase_if(cases, [&](const Case& one) {
      return &one != &cases.front() && one.name.find(argv[3]) == one.name.npos;
    });
  Runner runner;
  for (const Case& one : cases) {
    if (runner.is_right(one)) continue;
    fmt::print(stderr, "{}: other values than those of the sample\n", one.name);
    return 1;
  }
  for (int round = 0; round < rounds; ++round) {
    for (Case& one : cases) {
      const auto start = std::chrono::steady_clock::now();
      runner.run(one, readings);
      const std::chrono::duration<double, std::nano> took =
          std::chrono::steady_clock::now() - start;
      one.ns.push_back(took.count() / static_cast<double>(readings));
    }
  }
  const double plain = median(cases.front().ns);
  for (const Case& one : cases) {
    const double ns = median(one.ns);
    fmt::print("{:<28} {:7.0f} ns a reading   {:5.2f} of plain JSON\n", one.name, ns, ns / plain);
  }
  return 0;
}
