// SPDX-License-Identifier: Apache-2.0
// RapidJSON is the second opinion on what JSON is. Mutated documents go to both; they must agree on
// acceptance but for the differences that are documented below, and on every token when both
// accept.
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>
#include <cctype>
#include <cstdint>
#include <random>
#include <string>
#include <vector>
#include "catch.hpp"

#include "core/json_mutation.hpp"
#include "core/sample_schemas.hpp"
#include "telemetry/core/decode.hpp"
#include "telemetry/core/json_pull.hpp"

using namespace telemetry::core;

namespace {

/// One line a token, strings unescaped, numbers as written.
class TokenLog {
 public:
  void add(char kind, std::string_view text = {}) {
    log_ += kind;
    log_ += text;
    log_ += '\x1F';
  }
  const std::string& text() const { return log_; }

 private:
  std::string log_;
};

struct Handler : rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Handler> {
  TokenLog log;
  std::size_t depth = 0;
  bool too_deep = false;
  bool Null() { return log.add('0'), true; }
  bool Bool(bool value) { return log.add(value ? 't' : 'f'), true; }
  bool RawNumber(const char* text, rapidjson::SizeType size, bool) {
    return log.add('n', {text, size}), true;
  }
  bool String(const char* text, rapidjson::SizeType size, bool) {
    return log.add('s', {text, size}), true;
  }
  bool Key(const char* text, rapidjson::SizeType size, bool) {
    return log.add('k', {text, size}), true;
  }
  bool StartObject() { return log.add('{'), enter(); }
  bool StartArray() { return log.add('['), enter(); }
  bool EndObject(rapidjson::SizeType) { return log.add('}'), --depth, true; }
  bool EndArray(rapidjson::SizeType) { return log.add(']'), --depth, true; }
  bool enter() {
    too_deep = ++depth > json_depth_max;
    return !too_deep;
  }
};

struct Verdict {
  bool accepted = false;
  std::string tokens;
  JsonError error = JsonError::none;  // ours only
  bool too_deep = false;              // theirs only
  std::size_t read = 0;               // theirs only
};

Verdict theirs(std::string_view document) {
  rapidjson::MemoryStream stream(document.data(), document.size());
  rapidjson::Reader reader;
  Handler handler;
  constexpr unsigned flags =
      rapidjson::kParseValidateEncodingFlag | rapidjson::kParseNumbersAsStringsFlag;
  Verdict verdict;
  verdict.accepted = !reader.Parse<flags>(stream, handler).IsError();
  verdict.tokens = handler.log.text();
  verdict.too_deep = handler.too_deep;
  verdict.read = stream.Tell();
  return verdict;
}

Verdict ours(std::string_view document) {
  JsonPull json(document);
  TokenLog log;
  Verdict verdict;
  std::string scratch(document.size(), '\0');
  const auto text = [&] { return scratch.substr(0, json_unescape(json.text(), scratch)); };
  for (;;) {
    switch (json.next()) {
      case JsonToken::object_begin:
        log.add('{');
        break;
      case JsonToken::object_end:
        log.add('}');
        break;
      case JsonToken::array_begin:
        log.add('[');
        break;
      case JsonToken::array_end:
        log.add(']');
        break;
      case JsonToken::key:
        log.add('k', text());
        break;
      case JsonToken::string:
        log.add('s', text());
        break;
      case JsonToken::number:
        log.add('n', document.substr(json.offset(), json.end_offset() - json.offset()));
        break;
      case JsonToken::true_:
        log.add('t');
        break;
      case JsonToken::false_:
        log.add('f');
        break;
      case JsonToken::null_:
        log.add('0');
        break;
      case JsonToken::end:
        verdict.accepted = true;
        verdict.tokens = log.text();
        return verdict;
      case JsonToken::error:
        verdict.error = json.error();
        return verdict;
    }
  }
}

/// What RapidJSON says otherwise, each by design of one of the two.
bool is_documented_difference(const Verdict& mine, const Verdict& other,
                              std::string_view document) {
  if (other.accepted) {
    // It takes lone low surrogates, and ends at a NUL byte as if the document ended there.
    return mine.error == JsonError::surrogate ||
           (other.read < document.size() && document[other.read] == '\0');
  }
  // It refuses numbers that a double cannot hold, also when it hands them over as text.
  return mine.accepted && !other.too_deep && document.find_first_of("eE") != std::string_view::npos;
}

const std::vector<std::string>& seeds() {
  static const std::vector<std::string> documents = {
      R"({"temperature":23.51,"humidity":41.2,"sensor_id":"sensor-017",)"
      R"("timestamp":"2025-11-11T12:00:00.123Z","seq":12345})",
      R"({"mode":"auto","level":20,"ratio":0.5,"enabled":true,"at":1762862400,"note":null,)"
      R"("place":{"lat":1.5,"lon":-2},"samples":[1,2,3],"parts":[{"id":"p1","tags":["x","y"]}]})",
      R"(["\u00fc\ud83d\ude00\n\"\\\/","ü€😀",-0.0,1e5,-1.5E-7,)"
      R"(9223372036854775807,[[],{}],false])",
      R"( { "a" : [ 1 , 2.0 , { "b" : null } ] , "c" : "" } )",
      R"([[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[0]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]])",
      R"({"long":"0123456789abcdef0123456789abcdef0123456789abcdef","k0123456789abcdefk":"x"})",
  };
  return documents;
}

std::string mutate(std::mt19937& random) {
  std::string text = seeds()[random() % seeds().size()];
  test::mutate_json(text, random);
  return text;
}

}  // namespace

TEST_CASE("the tokenizer and RapidJSON agree on 200,000 mutated documents") {
  std::mt19937 random(20'251'121);
  std::size_t accepted = 0;
  std::size_t different = 0;
  for (int i = 0; i < 200'000; ++i) {
    const std::string text = mutate(random);
    const std::vector<char> exact(text.begin(), text.end());
    const std::string_view document(exact.data(), exact.size());
    const Verdict mine = ours(document);
    const Verdict other = theirs(document);
    if (mine.accepted != other.accepted) {
      if (!is_documented_difference(mine, other, document)) FAIL(i << ": " << text);
      ++different;
      continue;
    }
    if (!mine.accepted) continue;
    if (mine.tokens != other.tokens) FAIL(i << ": " << text);
    ++accepted;
  }
  CHECK(accepted > 10'000);
  CHECK(different < 10'000);
}

TEST_CASE("the decoder accepts only JSON, and nothing it is given breaks it") {
  std::mt19937 random(4);
  std::size_t valid = 0;
  std::size_t broken_rules = 0;
  const PatternHook any_text{[](const void*, std::uint16_t, std::string_view) { return true; },
                             nullptr};
  for (int i = 0; i < 200'000; ++i) {
    const SchemaView& schema = i % 2 == 0 ? test::sensor::schema : test::meter::schema;
    const std::string text = mutate(random);
    const std::vector<char> exact(text.begin(), text.end());
    std::vector<char> scratch(exact.size());
    std::vector<Value> values(schema.slot_count);
    std::vector<Violation> violations(random() % 4);
    std::vector<Extra> extras(random() % 3);
    const std::string_view document(exact.data(), exact.size());
    const DecodeResult result =
        decode(schema, document, {values, scratch, violations, extras}, any_text);
    // An integer beyond int64 is number_range as well, but good JSON.
    const bool json_broken = result.first >= Rule::json_syntax &&
                             result.first <= Rule::trailing_bytes &&
                             result.first != Rule::number_range;
    bool good = result.ok() == (result.violations == 0) && result.extras <= extras.size() &&
                result.scratch_used <= scratch.size();
    if (result.ok() || json_broken) good = good && ours(document).accepted == result.ok();
    for (std::size_t v = 0; v < violations.size() && v < result.violations; ++v) {
      good = good && std::size_t{violations[v].offset} + violations[v].length <= document.size();
    }
    if (!good) FAIL(i << ": " << text);
    valid += result.ok() ? 1u : 0u;
    broken_rules += !result.ok() && !json_broken ? 1u : 0u;
  }
  CHECK(valid > 1'000);
  CHECK(broken_rules > 10'000);
}
