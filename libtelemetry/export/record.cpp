// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "telemetry/core/journal_format.hpp"
#include "telemetry/core/time.hpp"
#include "telemetry/export.hpp"
#include "telemetry/schema.hpp"

namespace telemetry {
namespace {

void append_time(std::int64_t ns, std::string& out) {
  char text[core::time_text_bytes_max];
  out.append(text, core::format_time(ns, text));
}

}  // namespace

void fill_row(const Reading& reading, Row& row) {
  row.id = reading.id;
  row.topic = reading.topic;
  row.device = reading.device;
  row.schema = reading.schema == nullptr ? std::string_view() : reading.schema->name();
  row.time = reading.time;
  row.received_at = reading.received_at;
  row.retained = (reading.flags & core::frame_flag::retained) != 0;
  row.fields.clear();
  row.extra = row.raw = {};
  row.raw_kind = Row::RawKind::none;
  if (reading.verdict != Verdict::valid || reading.schema == nullptr) {
    row.raw = reading.payload;
    row.raw_kind = payload_kind(reading.payload);
    return;
  }
  row.extra = reading.extra;
  const auto& slots = reading.schema->slots();
  const std::size_t count = std::min(slots.size(), reading.values.size());
  for (std::size_t slot = 0; slot < count; ++slot) {
    if (!reading.values[slot].is_null()) {
      row.fields.push_back({slots[slot].path, reading.values[slot]});
    }
  }
}

void append_record_csv(const Row& row, std::string& out) {
  std::size_t cell = out.size();
  out += row.topic;
  quote_csv(cell, out);
  out += ',';
  append_time(row.time, out);
  out += ',';
  append_time(row.received_at, out);
  out += ',';
  cell = out.size();
  append_payload_json(row, out);
  quote_csv(cell, out);
  out += "\r\n";
}

void quote_csv(std::size_t begin, std::string& out) {
  const auto needs_quotes = [](char c) { return c == ',' || c == '"' || c == '\r' || c == '\n'; };
  if (std::none_of(out.begin() + static_cast<std::ptrdiff_t>(begin), out.end(), needs_quotes))
    return;
  const std::size_t end = out.size();
  const auto quotes = std::count(out.begin() + static_cast<std::ptrdiff_t>(begin), out.end(), '"');
  out.resize(end + static_cast<std::size_t>(quotes) + 2);
  std::size_t to = out.size();
  out[--to] = '"';
  for (std::size_t from = end; from > begin;) {
    const char c = out[--from];
    out[--to] = c;
    if (c == '"') out[--to] = c;
  }
  out[begin] = '"';
}

}  // namespace telemetry
