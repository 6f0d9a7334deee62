// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "routes.hpp"
#include "telemetry/export.hpp"

namespace telemetry::web {
namespace {

/// Nanoseconds as milliseconds: "1700000000000.5".
void append_ms(std::int64_t ns, std::string& out) {
  const bool negative = ns < 0;
  const auto bits = static_cast<std::uint64_t>(ns);
  const std::uint64_t size = negative ? ~bits + 1 : bits;
  fmt::format_to(std::back_inserter(out), "{}{}", negative ? "-" : "", size / 1'000'000);
  const std::uint64_t rest = size % 1'000'000;
  if (rest == 0) return;
  fmt::format_to(std::back_inserter(out), ".{:06}", rest);
  while (out.back() == '0') out.pop_back();
}

void append_series(const SeriesLine& line, std::string& out) {
  const auto text = [&out](std::string_view name, std::string_view value) {
    out += name;
    if (value.empty())
      out += "null";
    else
      append_json_string(value, out);
  };
  text("{\"topic\":", line.topic);
  text(",\"device\":", line.device);
  text(",\"schema\":", line.schema);
  text(",\"field\":", line.field);
  text(",\"unit\":", line.unit);
  fmt::format_to(std::back_inserter(out), ",\"rows\":{},\"times\":[", line.rows);
  for (const SeriesPoint& point : line.points) {
    if (out.back() != '[') out += ',';
    append_ms(point.time, out);
  }
  out += "],\"values\":[";
  for (const SeriesPoint& point : line.points) {
    if (out.back() != '[') out += ',';
    append_json_value(point.value.value(), out);
  }
  out += "]}";
}

}  // namespace

Answer get_series(Call& call) {
  Series series;
  if (auto wrong = fill(call, series)) return *std::move(wrong);
  series.fields = names_of(call.value("fields"));
  series.columns = call.count("downsample");
  series.limit = call.count("limit");
  std::string out = "{\"data\":[";
  auto end = call.here.pipeline.api().series(call.principal, series, [&](const SeriesLine& line) {
    if (out.back() != '[') out += ",\n";
    append_series(line, out);
    return !call.request.is_abandoned();
  });
  if (!end && end.error().code == Errc::not_found) end = SeriesEnd();  // nothing is stored yet
  if (!end) return problem_of(end.error());
  out += "],\"start_ms\":";
  if (end->columns) {
    append_ms(end->columns->since, out);
    out += ",\"end_ms\":";
    append_ms(std::min(end->columns->last, INT64_MAX - 1) + 1, out);
    out += ",\"column_ms\":";
    append_ms(static_cast<std::int64_t>(std::min<std::uint64_t>(end->columns->width_ns, INT64_MAX)),
              out);
  } else {
    out += "null,\"end_ms\":null,\"column_ms\":null";
  }
  out += fmt::format(",\"more\":{}}}\n", end->more);
  Response response = json_answer(std::move(out));
  response.packs = true;
  return response;
}

}  // namespace telemetry::web
