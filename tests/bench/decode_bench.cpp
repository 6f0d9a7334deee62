// SPDX-License-Identifier: Apache-2.0
// Judges one payload with our decoder, with RapidJSON's SAX reader doing the same work (UTF-8
// checked, every field found by name, typed and bounded, time parsed, duplicates, unknown and
// missing fields refused), and with RapidJSON's DOM and valijson, which do not see duplicates.
// Rounds are interleaved and the medians compared, so that what else the machine does hits all.
// They must give the same values, or nothing is printed and the exit code is 1.
#include <rapidjson/document.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>
#include <valijson/adapters/rapidjson_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string_view>
#include <vector>

#include "core/sample_schemas.hpp"
#include "telemetry/core/decode.hpp"
#include "telemetry/core/json_pull.hpp"

namespace {

namespace core = telemetry::core;
namespace sensor = telemetry::core::test::sensor;

constexpr std::string_view payload =
    R"({"temperature":23.51,"humidity":41.2,"sensor_id":"sensor-017",)"
    R"("timestamp":"2025-11-11T12:00:00.123Z","seq":12345})";

struct Judged {
  bool valid = false;
  double temperature = 0;
  double humidity = 0;
  std::string_view sensor_id;
  std::int64_t timestamp = 0;
  std::int64_t seq = 0;
  bool operator==(const Judged&) const = default;
};

/// The same schema by hand, as one writes it for RapidJSON: names are compared in a row.
struct Handler : rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Handler> {
  explicit Handler(std::span<char> memory) : text_memory(memory) {}

  bool StartObject() { return ++depth == 1; }
  bool EndObject(rapidjson::SizeType) {
    out.valid = (seen & 0b101u) == 0b101u;
    return out.valid;
  }
  bool StartArray() { return false; }
  bool Null() { return true; }
  bool Bool(bool) { return false; }
  bool Key(const char* text, rapidjson::SizeType size, bool) {
    static constexpr std::array<std::string_view, 5> names = {"temperature", "humidity",
                                                              "sensor_id", "timestamp", "seq"};
    const std::string_view name(text, size);
    for (field = 0; field < names.size() && names[field] != name; ++field) {
    }
    if (field == names.size() || (seen & (1u << field)) != 0) return false;
    seen |= 1u << field;
    return true;
  }
  bool Double(double value) {
    if (field == 0) return out.temperature = value, value >= -50 && value <= 150;
    if (field == 1) return out.humidity = value, value >= 0 && value <= 100;
    return false;
  }
  bool Int64(std::int64_t value) {
    if (field == 4) return out.seq = value, value >= 0;
    return Double(static_cast<double>(value));
  }
  bool Int(int value) { return Int64(value); }
  bool Uint(unsigned value) { return Int64(value); }
  bool Uint64(std::uint64_t) { return false; }
  bool String(const char* text, rapidjson::SizeType size, bool) {
    const std::string_view value(text, size);
    if (field == 3) return core::parse_time(value, 0, out.timestamp);
    if (field != 2) return false;
    const std::size_t length = core::count_code_points(value);
    if (length < 3 || length > 32) return false;
    // The reader's text dies with the parse: it must be kept.
    std::copy(value.begin(), value.end(), text_memory.begin());
    out.sensor_id = {text_memory.data(), size};
    return true;
  }

  std::span<char> text_memory;
  Judged out;
  std::size_t field = 0;
  unsigned seen = 0;
  int depth = 0;
};

double as_double(core::Decimal d) {
  double divisor = 1;
  for (int e = d.exponent; e < 0; ++e) divisor *= 10;
  return static_cast<double>(d.mantissa) / divisor;  // one rounding: both are exact
}

class Ours {
 public:
  bool run(std::string_view text) {
    const core::DecodeResult result =
        core::decode(sensor::schema, text, {values_, scratch_, violations_, {}});
    return result.ok();
  }
  Judged judged() const {
    return {true,
            as_double(values_[sensor::temperature].as_decimal()),
            as_double(values_[sensor::humidity].as_decimal()),
            values_[sensor::sensor_id].as_text(),
            values_[sensor::timestamp].as_integer(),
            values_[sensor::seq].as_integer()};
  }

 private:
  std::array<core::Value, sensor::slot_count> values_;
  std::array<char, 256> scratch_{};
  std::array<core::Violation, 16> violations_;
};

class Theirs {
 public:
  bool run(std::string_view text) {
    Handler handler(memory_);
    rapidjson::MemoryStream stream(text.data(), text.size());
    const bool good =
        !reader_.Parse<rapidjson::kParseValidateEncodingFlag>(stream, handler).IsError();
    judged_ = handler.out;
    return good;
  }
  Judged judged() const { return judged_; }

 private:
  rapidjson::Reader reader_;
  std::array<char, 64> memory_{};
  Judged judged_;
};

/// A tree, the checks of a JSON Schema on it, then the values. The tree's memory is used again.
class Dom {
 public:
  Dom() {
    rapidjson::Document document;
    document.Parse(json_schema);
    if (document.HasParseError()) std::abort();
    valijson::SchemaParser().populateSchema(valijson::adapters::RapidJsonAdapter(document),
                                            schema_);
  }

  bool run(std::string_view text) {
    Pool pool(pool_.data(), pool_.size());
    rapidjson::Document document(&pool);
    document.Parse<rapidjson::kParseValidateEncodingFlag>(text.data(), text.size());
    if (document.HasParseError()) return false;
    const valijson::adapters::RapidJsonAdapter target(document);
    if (!validator_.validate(schema_, target, nullptr)) return false;
    judged_.temperature = document["temperature"].GetDouble();
    judged_.humidity = document["humidity"].GetDouble();
    const rapidjson::Value& id = document["sensor_id"];
    std::copy_n(id.GetString(), id.GetStringLength(), memory_.begin());
    judged_.sensor_id = {memory_.data(), id.GetStringLength()};
    const rapidjson::Value& time = document["timestamp"];
    judged_.seq = document["seq"].GetInt64();
    judged_.valid =
        core::parse_time({time.GetString(), time.GetStringLength()}, 0, judged_.timestamp);
    return judged_.valid;
  }
  Judged judged() const { return judged_; }

 private:
  using Pool = rapidjson::MemoryPoolAllocator<>;
  static constexpr const char* json_schema = R"({
    "type": "object", "additionalProperties": false, "required": ["temperature", "sensor_id"],
    "properties": {
      "temperature": {"type": "number", "minimum": -50, "maximum": 150},
      "humidity": {"type": "number", "minimum": 0, "maximum": 100},
      "sensor_id": {"type": "string", "minLength": 3, "maxLength": 32},
      "timestamp": {"type": "string"},
      "seq": {"type": "integer", "minimum": 0}}})";

  valijson::Schema schema_;
  valijson::Validator validator_;
  alignas(16) std::array<char, 16'384> pool_{};
  std::array<char, 64> memory_{};
  Judged judged_;
};

class Tokens {
 public:
  bool run(std::string_view text) {
    core::JsonPull json(text);
    for (;;) {
      const core::JsonToken token = json.next();
      if (token == core::JsonToken::end) return true;
      if (token == core::JsonToken::error) return false;
    }
  }
};

template <class Parser>
double round_ns(Parser& parser, std::string_view text, int messages) {
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < messages; ++i) {
    asm volatile("" : : "r"(text.data()) : "memory");  // the payload may be another one each time
    if (!parser.run(text)) std::abort();
    asm volatile("" : : "r"(&parser) : "memory");
  }
  const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - begin;
  return taken.count() / messages;
}

double median(std::vector<double>& values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 1001;
  const int messages = argc > 2 ? std::atoi(argv[2]) : 500;
  if (rounds < 1 || messages < 1) {
    std::fputs("usage: bench_decode [ROUNDS [MESSAGES_PER_ROUND]]\n", stderr);
    return 2;
  }
  // At the exact end of its memory, as in a receive buffer.
  const std::vector<char> exact(payload.begin(), payload.end());
  const std::string_view text(exact.data(), exact.size());
  Ours ours;
  Theirs theirs;
  Dom dom;
  Tokens tokens;
  if (!ours.run(text) || !theirs.run(text) || !dom.run(text) ||
      !(ours.judged() == theirs.judged()) || !(ours.judged() == dom.judged())) {
    std::fputs("bench_decode: they do not agree on the sample payload\n", stderr);
    return 1;
  }
  std::vector<double> our_ns, their_ns, dom_ns, token_ns, ratios, dom_ratios;
  for (int i = 0; i < rounds; ++i) {
    our_ns.push_back(round_ns(ours, text, messages));
    their_ns.push_back(round_ns(theirs, text, messages));
    dom_ns.push_back(round_ns(dom, text, messages));
    token_ns.push_back(round_ns(tokens, text, messages));
    dom_ratios.push_back(dom_ns.back() / our_ns.back());
    ratios.push_back(their_ns.back() / our_ns.back());
  }
  if (!(ours.judged() == theirs.judged()) || !(ours.judged() == dom.judged())) return 1;
  std::printf("payload %zu bytes, medians of %d interleaved rounds of %d messages\n", text.size(),
              rounds, messages);
  std::printf("tokens only               %7.1f ns/message\n", median(token_ns));
  std::printf("decode                    %7.1f ns/message\n", median(our_ns));
  std::printf("RapidJSON SAX, checked    %7.1f ns/message\n", median(their_ns));
  std::printf("RapidJSON DOM + valijson  %7.1f ns/message\n", median(dom_ns));
  std::printf("RapidJSON SAX / decode    %7.2f\n", median(ratios));
  std::printf("DOM + valijson / decode   %7.2f\n", median(dom_ratios));
  return 0;
}
