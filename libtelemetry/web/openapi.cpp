// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "routes.hpp"
#include "telemetry/export.hpp"

namespace telemetry::web {
namespace {

/// Schemas of the answers.
constexpr std::string_view schemas = R"JSON({
"Problem":{"type":"object","required":["type","title","status","detail","code"],"additionalProperties":false,
 "properties":{"type":{"type":"string"},"title":{"type":"string"},"status":{"type":"integer"},
  "detail":{"type":"string"},"code":{"type":"string"},"request_id":{"type":"string"},
  "errors":{"type":"array","items":{"type":"object","required":["parameter","detail"],"additionalProperties":false,
   "properties":{"parameter":{"type":"string"},"detail":{"type":"string"},"hint":{"type":"string"}}}}}},
"Record":{"type":"object","required":["topic","payload","timestamp","received_at","id","device","schema","retained"],
 "additionalProperties":false,
 "properties":{"topic":{"type":"string"},
  "payload":{"description":"The message: an object by its schema, or any JSON.",
   "type":["object","array","string","number","boolean","null"]},
  "timestamp":{"type":"string","format":"date-time"},"received_at":{"type":"string","format":"date-time"},
  "id":{"type":"string"},"device":{"type":["string","null"]},"schema":{"type":["string","null"]},
  "retained":{"type":"boolean"}}},
"Group":{"type":"object","description":"With agg: time of the interval, what it is grouped by, and the functions as avg_temperature.",
 "properties":{"time":{"type":"string","format":"date-time"}},
 "additionalProperties":{"type":["string","number","boolean","null","object","array"]}},
"Page":{"type":"object","required":["data","next_cursor"],"additionalProperties":false,
 "properties":{"data":{"type":"array","items":{"anyOf":[{"$ref":"#/components/schemas/Record"},{"$ref":"#/components/schemas/Group"}]}},
  "next_cursor":{"type":["string","null"],"description":"For the parameter cursor of the next page; null on the last."},
  "hint":{"type":"string"}}},
"Schema":{"type":"object","required":["name","version","topic","fields"],"additionalProperties":false,
 "properties":{"name":{"type":"string"},"version":{"type":"string"},"topic":{"type":"string"},
  "fields":{"type":"array","items":{"type":"object","required":["path","type","unit","required"],"additionalProperties":false,
   "properties":{"path":{"type":"string"},"type":{"type":"string"},"unit":{"type":["string","null"]},
    "required":{"type":"boolean"}}}},
  "document":{"type":"object","description":"The schema as it was written, in its canonical form.","additionalProperties":true}}},
"Schemas":{"type":"object","required":["data"],"additionalProperties":false,
 "properties":{"data":{"type":"array","items":{"$ref":"#/components/schemas/Schema"}}}},
"Judgement":{"type":"object","required":["valid","schema","problems"],"additionalProperties":false,
 "properties":{"valid":{"type":"boolean"},"schema":{"type":"string"},"problems":{"type":"array","items":{"$ref":"#/components/schemas/Fault"}}}},
"Fault":{"type":"object","required":["message"],"additionalProperties":false,
 "properties":{"rule":{"type":"string"},"path":{"type":"string","description":"JSON pointer"},"found":{"type":"string"},
  "allowed":{"type":"string"},"message":{"type":"string"}}},
"Letter":{"type":"object","required":["id","received_at","topic","verdict","reason","bytes","problems"],"additionalProperties":false,
 "properties":{"id":{"type":"string"},"received_at":{"type":"string","format":"date-time"},"topic":{"type":"string"},
  "verdict":{"type":"string"},"reason":{"type":"string"},"bytes":{"type":"integer"},
  "problems":{"type":"array","items":{"$ref":"#/components/schemas/Fault"}},
  "timestamp":{"type":"string","format":"date-time"},"schema":{"type":"string"},"schema_id":{"type":"string"},
  "qos":{"type":"integer"},"retained":{"type":"boolean"},
  "payload":{"type":["string","object"],"description":"The bytes as text, or {\"base64\": ...}."}}},
"Letters":{"type":"object","required":["data","next_cursor"],"additionalProperties":false,
 "properties":{"data":{"type":"array","items":{"$ref":"#/components/schemas/Letter"}},"next_cursor":{"type":["string","null"]}}},
"Config":{"type":"object","required":["data"],"additionalProperties":false,
 "properties":{"data":{"type":"array","items":{"type":"object","required":["key","values","set","origin"],"additionalProperties":false,
  "properties":{"key":{"type":"string"},"values":{"type":"array","items":{"type":"string"}},"set":{"type":"boolean"},
   "origin":{"type":["string","null"],"description":"File and line, variable or option; null for the default."}}}}}},
"Session":{"type":"object","required":["name","role","scope","csrf_token"],"additionalProperties":false,
 "properties":{"name":{"type":"string"},"role":{"type":"string","enum":["viewer","operator","admin"]},
  "scope":{"type":["array","null"],"items":{"type":"string"},"description":"Topic filters; null for all topics."},
  "csrf_token":{"type":["string","null"]}}},
"Stats":{"type":"object","description":"Counters under the names of telemetry status --json.","required":["messages_received","messages_stored"],
 "properties":{"messages_received":{"type":"integer"},"messages_stored":{"type":"integer"}},
 "additionalProperties":{"type":["number","boolean","object","array","string"]}},
"Buffer":{"type":"object","required":["messages_open","messages_open_max","journal","consumers"],"additionalProperties":false,
 "properties":{"messages_open":{"type":"integer"},"messages_open_max":{"type":"integer"},
  "journal":{"type":"object","required":["bytes","bytes_max","full"],"additionalProperties":false,
   "properties":{"bytes":{"type":"integer"},"bytes_max":{"type":"integer"},"full":{"type":"boolean"}}},
  "consumers":{"type":"array","items":{"type":"object","required":["name","waiting"],"additionalProperties":false,
   "properties":{"name":{"type":"string"},"waiting":{"type":"integer"}}}}}},
"Health":{"type":"object","required":["status"],"additionalProperties":false,
 "properties":{"status":{"type":"string","enum":["ok","degraded"]},"version":{"type":"string"},
  "uptime_s":{"type":"integer"},"reasons":{"type":"array","items":{"type":"string"}},
  "warnings":{"type":"array","items":{"type":"string"}}}},
"Document":{"type":"object","required":["openapi","paths"],"additionalProperties":true,
 "properties":{"openapi":{"type":"string"},"paths":{"type":"object","additionalProperties":true}}}
})JSON";

void member(std::string_view name, std::string_view text, std::string& out) {
  out += fmt::format("\"{}\":", name);
  append_json_string(text, out);
}

void append_type(const Parameter& parameter, std::string& out) {
  switch (parameter.kind) {
    case Parameter::Kind::count:
      out += fmt::format("{{\"type\":\"integer\",\"minimum\":{}", parameter.min);
      if (parameter.max != UINT64_MAX) out += fmt::format(",\"maximum\":{}", parameter.max);
      if (!parameter.fallback.empty()) out += fmt::format(",\"default\":{}", parameter.fallback);
      break;
    case Parameter::Kind::choice: {
      out += "{\"type\":\"string\",\"enum\":[";
      for (std::string_view rest = parameter.choices; !rest.empty();) {
        const std::string_view one = rest.substr(0, rest.find('|'));
        if (out.back() != '[') out += ',';
        append_json_string(one, out);
        rest.remove_prefix(std::min(one.size() + 1, rest.size()));
      }
      out += ']';
      break;
    }
    default:
      out += "{\"type\":\"string\"";
  }
  const bool text = parameter.kind != Parameter::Kind::count;
  if (text && !parameter.fallback.empty()) {
    out += ',';
    member("default", parameter.fallback, out);
  }
  out += '}';
}

void append_parameter(const Route& route, const Parameter& parameter, std::string& out) {
  const bool in_path = route.path.find(fmt::format("{{{}}}", parameter.name)) != route.path.npos;
  out += '{';
  member("name", parameter.name, out);
  out += ',';
  member("in", in_path ? "path" : "query", out);
  out += fmt::format(",\"required\":{},", in_path);
  member("description", parameter.doc, out);
  if (!parameter.example.empty()) {
    out += ",\"example\":";
    if (parameter.repeats) out += '[';
    if (parameter.kind == Parameter::Kind::count)
      out += parameter.example;
    else
      append_json_string(parameter.example, out);
    if (parameter.repeats) out += ']';
  }
  out += ",\"schema\":";
  if (parameter.repeats) out += "{\"type\":\"array\",\"maxItems\":100,\"items\":";
  append_type(parameter, out);
  out += parameter.repeats ? "}}" : "}";
}

void append_answers(const Route& route, std::string& out) {
  if (route.method == "DELETE") {
    out +=
        R"("responses":{"204":{"description":"Done"},"default":{"description":"What is wrong",)"
        R"("content":{"application/problem+json":{"schema":{"$ref":"#/components/schemas/Problem"}}}}})";
    return;
  }
  out += "\"responses\":{\"200\":{\"description\":\"The answer\",\"content\":{";
  const std::string_view type = route.media_type.empty() ? "application/json" : route.media_type;
  append_json_string(type, out);
  out +=
      route.answer.empty()
          ? ":{\"schema\":{\"type\":\"string\"}}"
          : fmt::format(":{{\"schema\":{{\"$ref\":\"#/components/schemas/{}\"}}}}", route.answer);
  if (route.id == "exportData") {
    out += R"(,"application/json":{"schema":{"type":"array","items":{"type":"object"}}},)"
           R"("application/x-ndjson":{"schema":{"type":"string"}})";
  }
  out += "}}";
  const bool tells_health = route.id.starts_with("getHealth") || route.id == "getReady";
  if (tells_health && !route.answer.empty()) {
    out += fmt::format(
        R"(,"503":{{"description":"Not healthy","content":{{"application/json":{{"schema":{{"$ref":"#/components/schemas/{}"}}}}}}}})",
        route.answer);
  } else if (tells_health) {
    out +=
        R"(,"503":{"description":"Not ready","content":{"text/plain":{"schema":{"type":"string"}}}})";
  }
  out += R"(,"default":{"description":"What is wrong","content":{"application/problem+json":)"
         R"({"schema":{"$ref":"#/components/schemas/Problem"}}}}})";
}

}  // namespace

std::string openapi_document(std::span<const Route> routes, std::string_view version,
                             std::string_view base_path) {
  std::string out = R"({"openapi":"3.1.0","info":{"title":"libtelemetry gateway",)";
  member("description",
         "Telemetry that an MQTT broker delivered, as it is stored. Times are RFC 3339; errors are "
         "application/problem+json.",
         out);
  out += ',';
  member("version", version, out);
  out += "},\"servers\":[{";
  member("url", base_path.empty() ? "/" : base_path, out);
  out += "}],\"paths\":{";
  std::string_view path;  // whose methods are being written
  for (const Route& route : routes) {
    if (route.media_type == "text/html" || route.path.find('.') != route.path.npos) {
      if (route.answer.empty()) continue;  // for people
    }
    if (route.id == "openWebSocket") continue;  // OpenAPI cannot describe it
    if (route.path == path) {
      out += ',';
    } else {
      if (!path.empty()) out += "},\n";
      append_json_string(route.path, out);
      out += ":{";
      path = route.path;
    }
    std::string method(route.method);
    std::ranges::transform(method, method.begin(),
                           [](char c) { return static_cast<char>(c | 0x20); });
    out += fmt::format("\"{}\":{{", method);
    member("operationId", route.id, out);
    out += ',';
    member("summary", route.summary, out);
    out += ",\"parameters\":[";
    for (const Parameter& parameter : route.parameters) {
      if (out.back() != '[') out += ',';
      append_parameter(route, parameter, out);
    }
    out += "],";
    if (!route.body.empty()) {
      out += "\"requestBody\":{\"required\":true,";
      member("description", route.body, out);
      out += R"(,"content":{"application/json":{"schema":{}}}},)";
    }
    append_answers(route, out);
    out += '}';
  }
  out += "}},\"components\":{\"schemas\":";
  out += schemas;
  out += R"(,"securitySchemes":{"basic":{"type":"http","scheme":"basic"},)"
         R"("key":{"type":"http","scheme":"bearer"},)"
         R"("session":{"type":"apiKey","in":"cookie","name":"telemetry_session"}}},)"
         R"("security":[{},{"basic":[]},{"key":[]},{"session":[]}]})"
         "\n";
  return out;
}

}  // namespace telemetry::web
