// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <string>
#include <vector>

#include "routes.hpp"
#include "schema/specification.hpp"
#include "telemetry/export.hpp"

namespace telemetry::web {
namespace {

Response text_answer(int status, std::string body) {
  Response response;
  response.status = status;
  response.headers = {{"Content-Type", "text/plain; charset=utf-8"}, {"Cache-Control", "no-store"}};
  response.body = std::move(body);
  return response;
}

/// Why messages are not taken and stored now. Empty: they are.
std::vector<std::string> troubles_of(const PipelineStats& stats) {
  std::vector<std::string> troubles;
  if (stats.sources_connected == 0) troubles.emplace_back("no broker is connected");
  if (stats.journal.full) troubles.emplace_back("the journal is full");
  for (const ConsumerStats& consumer : stats.consumers) {
    if (!consumer.failing) continue;
    troubles.push_back(
        fmt::format("{} does not take messages: {}", consumer.name, consumer.last_error));
  }
  return troubles;
}

void append_schema(const Schema& schema, bool whole, std::string& out) {
  out += "{\"name\":";
  append_json_string(schema.name(), out);
  out += fmt::format(",\"version\":\"{}.{}\",\"topic\":", schema.version().major,
                     schema.version().minor);
  append_json_string(schema.filter(), out);
  out += ",\"fields\":[";
  for (const SlotInfo& slot : schema.slots()) {
    if (out.back() != '[') out += ',';
    out += "{\"path\":";
    append_json_string(slot.path, out);
    out += ",\"type\":";
    append_json_string(schemas::type_name(slot.type), out);
    out += ",\"unit\":";
    if (slot.unit.empty())
      out += "null";
    else
      append_json_string(slot.unit, out);
    out += slot.required ? ",\"required\":true}" : ",\"required\":false}";
  }
  out += ']';
  if (whole) out += ",\"document\":" + schema.document();
  out += '}';
}

bool is_visible(const Schema& schema, const Principal& principal) {
  if (!principal.scope) return true;
  for (const std::string& filter : *principal.scope) {
    if (intersect_filters(schema.filter(), filter)) return true;
  }
  return false;
}

}  // namespace

Answer get_schemas(Call& call) {
  const auto set = call.here.pipeline.ingest().schemas();
  std::string out = "{\"data\":[";
  for (const auto& schema : set->all()) {
    if (!is_visible(*schema, call.principal)) continue;
    if (out.back() != '[') out += ",\n";
    append_schema(*schema, false, out);
  }
  return json_answer(out + "]}\n");
}

Answer get_schema(Call& call) {
  const auto set = call.here.pipeline.ingest().schemas();
  const std::string_view name = call.value("name");
  std::string out = "{\"data\":[";
  for (const auto& schema : set->all()) {
    if (schema->name() != name || !is_visible(*schema, call.principal)) continue;
    if (out.back() != '[') out += ",\n";
    append_schema(*schema, true, out);
  }
  if (out.back() == '[') {
    return problem_of({Errc::not_found, fmt::format("no schema is called '{}'; /api/schemas "
                                                    "lists them",
                                                    printable(name))},
                      "name");
  }
  return json_answer(out + "]}\n");
}

Answer get_stats(Call& call) { return json_answer(to_json(call.here.pipeline.stats()) + "\n"); }

Answer get_buffer(Call& call) {
  const PipelineStats stats = call.here.pipeline.stats();
  std::string out = fmt::format(
      R"({{"messages_open":{},"messages_open_max":{},"journal":{{"bytes":{},"bytes_max":{},)"
      R"("full":{}}},"consumers":[)",
      stats.messages_open, stats.messages_open_max, stats.journal.bytes, stats.journal_bytes_max,
      stats.journal.full);
  for (const ConsumerStats& consumer : stats.consumers) {
    if (out.back() != '[') out += ',';
    out += "{\"name\":";
    append_json_string(consumer.name, out);
    out += fmt::format(",\"waiting\":{}}}", consumer.lag);
  }
  return json_answer(out + "]}\n");
}

Answer get_metrics(Call& call) {
  Response response = text_answer(200, to_exposition(call.here.pipeline.stats()));
  response.headers.front().second = "text/plain; version=0.0.4; charset=utf-8";
  return response;
}

Answer get_live(Call&) { return text_answer(200, "live\n"); }

Answer get_ready(Call& call) {
  const bool ready = troubles_of(call.here.pipeline.stats()).empty();
  return text_answer(ready ? 200 : 503, ready ? "ready\n" : "not ready\n");
}

Answer get_health(Call& call) {
  const PipelineStats stats = call.here.pipeline.stats();
  const auto troubles = troubles_of(stats);
  std::string out =
      fmt::format("{{\"status\":\"{}\",\"version\":", troubles.empty() ? "ok" : "degraded");
  append_json_string(call.here.options.version, out);
  out += fmt::format(",\"uptime_s\":{},\"reasons\":[", stats.uptime_ns / 1'000'000'000);
  for (const std::string& trouble : troubles) {
    if (out.back() != '[') out += ',';
    append_json_string(trouble, out);
  }
  Response response = json_answer(out + "]}\n");
  if (!troubles.empty()) response.status = 503;
  return response;
}

Answer get_openapi(Call& call) {
  return json_answer(openapi_document(routes(), call.here.options.version));
}

}  // namespace telemetry::web
