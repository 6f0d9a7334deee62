// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "telemetry/core/json_pull.hpp"
#include "telemetry/core/topic.hpp"
#include "telemetry/export.hpp"
#include "telemetry/ingest.hpp"

// A member that is not known could narrow what is deleted: a deletion with one is refused as a
// whole, or it would take too much.

namespace telemetry {
namespace {

using core::JsonPull;
using core::JsonToken;

std::string text_of(const JsonPull& pull) {
  std::string text(pull.text());
  if (pull.escaped()) text.resize(core::json_unescape(pull.text(), text));
  return text;
}

bool read_texts(JsonPull& pull, std::vector<std::string>& texts) {
  if (pull.next() != JsonToken::array_begin) return false;
  JsonToken token = pull.next();
  for (; token == JsonToken::string; token = pull.next()) texts.push_back(text_of(pull));
  return token == JsonToken::array_end;
}

bool read_time(JsonPull& pull, std::string_view json, std::int64_t& time) {
  if (pull.next() != JsonToken::number) return false;
  const char* const end = json.data() + pull.end_offset();
  const auto [at, failed] = std::from_chars(json.data() + pull.offset(), end, time);
  return failed == std::errc() && at == end;
}

void append_texts(std::string_view name, const std::vector<std::string>& texts, std::string& out) {
  if (texts.empty()) return;
  out += fmt::format("{}\"{}\":", out.size() > 1 ? "," : "", name);
  for (const std::string& text : texts) {
    out += &text == &texts.front() ? '[' : ',';
    append_json_string(text, out);
  }
  out += ']';
}

}  // namespace

std::string to_json(const Deletion& deletion) {
  std::string out = "{";
  append_texts("topics", deletion.topics, out);
  append_texts("devices", deletion.devices, out);
  append_texts("schemas", deletion.schemas, out);
  if (deletion.since != INT64_MIN) out += fmt::format(",\"since\":{}", deletion.since);
  if (deletion.until != INT64_MAX) out += fmt::format(",\"until\":{}", deletion.until);
  return out + "}";
}

Result<Deletion> parse_deletion(std::string_view json) {
  const Error wrong{Errc::invalid_argument, "not a deletion that this program understands"};
  if (json.size() > deletion_bytes_max) return wrong;
  Deletion deletion;
  JsonPull pull(json);
  if (pull.next() != JsonToken::object_begin) return wrong;
  JsonToken token = pull.next();
  for (; token == JsonToken::key; token = pull.next()) {
    const std::string name = text_of(pull);
    const bool good = name == "topics"    ? read_texts(pull, deletion.topics)
                      : name == "devices" ? read_texts(pull, deletion.devices)
                      : name == "schemas" ? read_texts(pull, deletion.schemas)
                      : name == "since"   ? read_time(pull, json, deletion.since)
                      : name == "until"   ? read_time(pull, json, deletion.until)
                                          : false;
    if (!good) return wrong;
  }
  if (token != JsonToken::object_end || pull.next() != JsonToken::end || deletion.topics.empty() ||
      !std::ranges::all_of(deletion.topics, core::is_valid_filter)) {
    return wrong;
  }
  return deletion;
}

Result<Deletion> read_deletion(const core::FrameView& frame) {
  auto deletion = parse_deletion(frame.payload);
  if (!deletion) return deletion;
  deletion->sequence = frame.header.sequence;
  deletion->received_at = frame.header.received_at;
  return deletion;
}

}  // namespace telemetry
