// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "routes.hpp"
#include "schema/specification.hpp"
#include "telemetry/core/topic.hpp"
#include "telemetry/export.hpp"
#include "traffic.hpp"

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

Problem no_schema(std::string_view name) {
  return problem_of(
      {Errc::not_found,
       fmt::format("no schema is called '{}'; /api/schemas lists them", printable(name))},
      "name");
}

bool is_newer(const Schema& a, const Schema& b) {
  const SchemaVersion x = a.version(), y = b.version();
  return x.major != y.major ? x.major > y.major : x.minor > y.minor;
}

void append_fault(const telemetry::Problem& fault, std::string& out) {
  out += "{\"path\":";
  append_json_string(fault.path, out);
  for (const auto& [name, text] : {std::pair("found", &fault.found), {"allowed", &fault.allowed}}) {
    if (text->empty()) continue;
    out += fmt::format(",\"{}\":", name);
    append_json_string(*text, out);
  }
  out += ",\"message\":";
  append_json_string(fault.message, out);
  out += '}';
}

void append_texts(std::string_view name, const std::vector<std::string>& texts, std::string& out) {
  out += fmt::format(",\"{}\":[", name);
  for (const std::string& text : texts) {
    if (out.back() != '[') out += ',';
    append_json_string(text, out);
  }
  out += ']';
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
  if (out.back() == '[') return no_schema(name);
  return json_answer(out + "]}\n");
}

Answer validate(Call& call) {
  const auto set = call.here.pipeline.ingest().schemas();
  const std::string_view name = call.value("name");
  const Schema* schema = nullptr;
  for (const auto& one : set->all()) {
    if (one->name() != name || !is_visible(*one, call.principal)) continue;
    if (schema == nullptr || is_newer(*one, *schema)) schema = one.get();
  }
  if (schema == nullptr) return no_schema(name);
  const std::string_view topic = call.value("topic");
  if (!topic.empty() && !core::topic_matches(schema->filter(), topic)) {
    return problem_of(
        {Errc::invalid_argument, fmt::format("'{}' is no topic of {}, which takes '{}'",
                                             printable(topic), name, schema->filter())},
        "topic");
  }
  Batch batch;
  judge(schema,
        {.topic = topic.empty() ? schema->filter() : topic,
         .payload = call.request.body,
         .received_at = call.here.environment.clock.now(),
         .unfolded = call.value("unfolded") == "true"},
        batch);
  const auto invalid = std::ranges::find_if(
      batch.readings, [](const Reading& reading) { return reading.verdict != Verdict::valid; });
  const bool valid = invalid == batch.readings.end();
  std::string out =
      fmt::format("{{\"valid\":{},\"readings\":{},\"schema\":", valid, batch.readings.size());
  append_json_string(
      fmt::format("{} {}.{}", schema->name(), schema->version().major, schema->version().minor),
      out);
  out += ",\"problems\":[";
  if (!valid) {
    for (const core::Violation& violation : violations_of(*invalid)) {
      if (out.back() != '[') out += ',';
      append_fault(schema->explain(violation, invalid->document), out);
    }
  }
  return json_answer(out + "]}\n");
}

Answer get_config(Call& call) {
  std::string out = "{\"data\":[";
  for (const Config::Shown& one : call.here.config.shown()) {
    if (out.back() != '[') out += ",\n";
    out += "{\"key\":";
    append_json_string(one.key, out);
    out += ",\"values\":[";
    for (const std::string& value : one.values) {
      if (out.back() != '[') out += ',';
      append_json_string(value, out);
    }
    out += fmt::format("],\"set\":{},\"origin\":", one.set);
    const Origin& origin = one.origin;
    if (origin.file.empty())
      out += "null";
    else
      append_json_string(
          origin.line > 0 ? fmt::format("{}:{}", origin.file, origin.line) : origin.file, out);
    out += '}';
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
  Exposition text;
  add_to(text, call.here.pipeline.stats());
  call.here.traffic.add_to(text);
  text.add("telemetry_web_sockets", MetricType::gauge, "WebSockets that are open", {},
           static_cast<double>(call.here.web_sockets.load()));
  Response response = text_answer(200, text.text());
  response.headers.front().second = "text/plain; version=0.0.4; charset=utf-8";
  return response;
}

Answer get_live(Call&) { return text_answer(200, "live\n"); }

Answer get_ready(Call& call) {
  const auto& is_draining = call.here.options.is_draining;
  if (is_draining && is_draining()) return text_answer(503, "draining\n");
  const bool ready = troubles_of(call.here.pipeline.stats()).empty();
  return text_answer(ready ? 200 : 503, ready ? "ready\n" : "not ready\n");
}

Answer get_health(Call& call) {
  const PipelineStats stats = call.here.pipeline.stats();
  const auto troubles = troubles_of(stats);
  std::string out = fmt::format("{{\"status\":\"{}\"", troubles.empty() ? "ok" : "degraded");
  if (call.is_known && !call.principal.scope) {  // topics and hosts may be in the reasons
    out += ",\"version\":";
    append_json_string(call.here.options.version, out);
    out += fmt::format(",\"uptime_s\":{}", stats.uptime_ns / 1'000'000'000);
    append_texts("reasons", troubles, out);
    const auto& warnings = call.here.options.warnings;
    append_texts("warnings", warnings ? warnings() : std::vector<std::string>(), out);
  }
  Response response = json_answer(out + "}\n");
  if (!troubles.empty()) response.status = 503;
  return response;
}

Answer get_openapi(Call& call) {
  const ServiceOptions& options = call.here.options;
  return json_answer(openapi_document(routes(), options.version, options.base_path,
                                      options.authenticator != nullptr));
}

}  // namespace telemetry::web
