// SPDX-License-Identifier: Apache-2.0
// The first byte chooses a schema, one of examples/devices or of those below, the rest is a payload
// on a topic of it: refused with a reason, or readings. What a journal keeps of each is, for the
// same schema, this one reading again.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "fuzz.hpp"
#include "telemetry/core/topic.hpp"
#include "telemetry/ingest.hpp"
#include "telemetry/message.hpp"
#include "telemetry/schema.hpp"

namespace {

using namespace telemetry;

constexpr const char* own[] = {
    // Records into which nothing but the tables looks, and records that need a tree.
    "name: t\nversion: \"1.0\"\ntopic_pattern: a/{device}\nrecords: in.list\n"
    "validation: {allow_extra_fields: true}\nfields: [{name: x, type: float}]\n",
    "name: t\nversion: \"1.0\"\ntopic_pattern: a/{device}\nrecords: .\ndrop: \"x < 0\"\n"
    "validation: {allow_extra_fields: true, strict: false}\nfields: [{name: x, type: float}]\n",
    "name: t\nversion: \"1.0\"\ntopic_pattern: a/+\nrecords: {each: by, key: who}\n"
    "device: \"{/site}-{who}\"\nidentity: [t]\ntime_field: t\nfields:\n"
    "  - {name: t, type: timestamp, time_format: [\"%d.%m.%Y %H:%M\", s], time_zone: "
    "Europe/Berlin}\n"
    "  - {name: n, type: integer, from: [a.b, \"l[0]\", \"l[name=n].v\"], scale: 0.1, decimals: "
    "0}\n"
    "  - {name: w, type: boolean, words: {\"on\": true, \"off\": false}, no_value: [\"\", \"?\"]}\n"
    "  - {name: f, type: float, decimal_comma: true, non_finite: absent}\n"
    "  - {name: s, type: string, from: \"text|split(,)[1]|trim(.)\"}\n",
    "name: t\nversion: \"1.0\"\ntopic_pattern: a/{device}/{field}\npayload: value\n"
    "validation: {allow_extra_fields: true}\nfields: [{name: x, type: float}]\n",
};

std::vector<std::shared_ptr<const Schema>> make_schemas() {
  namespace fs = std::filesystem;
  std::vector<std::string> texts(std::begin(own), std::end(own));
  std::vector<fs::path> paths;
  for (const auto& entry :
       fs::recursive_directory_iterator(TELEMETRY_SOURCE_DIR "/examples/devices")) {
    if (entry.path().extension() == ".yaml") paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  for (const fs::path& path : paths) {
    std::ifstream file(path);
    texts.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  std::vector<std::shared_ptr<const Schema>> schemas;
  for (const std::string& text : texts) {
    std::vector<Diagnostic> diagnostics;
    auto schema = Schema::parse(text, "fuzz.yaml", diagnostics);
    TELEMETRY_FUZZ_CHECK(schema);
    schemas.push_back(*schema);
  }
  return schemas;
}

/// A topic that its filter matches.
std::string topic_of(const Schema& schema) {
  std::string topic;
  for (const char c : schema.filter())
    topic += c == '+' || c == '#' ? std::string("x") : std::string(1, c);
  return topic;
}

void check_again(const Schema& schema, const Reading& reading, Message message) {
  message.payload = reading.payload;
  message.unfolded = true;
  Batch batch;
  const Unfolded unfolded = judge(&schema, message, batch);
  TELEMETRY_FUZZ_CHECK(!unfolded.made && batch.readings.size() == 1);
  const Reading& again = batch.readings.front();
  TELEMETRY_FUZZ_CHECK(again.verdict == reading.verdict);
  TELEMETRY_FUZZ_CHECK(again.document == reading.document && again.device == reading.device);
  TELEMETRY_FUZZ_CHECK(again.time == reading.time && again.identity == reading.identity);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto schemas = make_schemas();
  if (size == 0) return 0;
  const Schema& schema = *schemas[*data % schemas.size()];
  const std::unique_ptr<char[]> copy(new char[size - 1]);  // a read past its end is seen
  std::copy(data + 1, data + size, copy.get());
  const std::string topic = topic_of(schema);
  constexpr std::int64_t now = 1'790'000'000'000'000'000;
  const Message message{
      .topic = topic, .payload = {copy.get(), size - 1}, .qos = 1, .received_at = now};
  SparkplugBirths births;
  Batch batch;
  const Unfolded unfolded = judge(&schema, message, batch, nullptr, &births);
  TELEMETRY_FUZZ_CHECK(batch.readings.size() <= readings_max);
  if (unfolded.refusal != core::Rule::none) {
    TELEMETRY_FUZZ_CHECK(!unfolded.reason.empty() && batch.readings.size() == 1);
    TELEMETRY_FUZZ_CHECK(batch.readings.front().verdict == Verdict::invalid);
    TELEMETRY_FUZZ_CHECK(batch.readings.front().payload == message.payload);
    return 0;
  }
  for (const Reading& reading : batch.readings) {
    for (const core::Violation& violation : violations_of(reading))
      (void)schema.describe(violation, reading.document);
    if (unfolded.made) check_again(schema, reading, message);
  }
  return 0;
}
