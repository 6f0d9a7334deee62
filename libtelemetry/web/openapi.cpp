// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "routes.hpp"
#include "telemetry/export.hpp"

namespace telemetry::web {
namespace {

/// Schemas of the answers. All of them are closed, but where they hold what others have written:
/// that is of schema Json.
constexpr std::string_view schemas = R"JSON({
"Json":{"description":"Any JSON, as it was written.","type":["object","array","string","number","boolean","null"]},
"Problem":{"type":"object","required":["type","title","status","detail","code"],"additionalProperties":false,
 "properties":{"type":{"type":"string"},"title":{"type":"string"},"status":{"type":"integer"},
  "detail":{"type":"string"},"code":{"type":"string"},"request_id":{"type":"string"},
  "errors":{"type":"array","items":{"type":"object","required":["parameter","detail"],"additionalProperties":false,
   "properties":{"parameter":{"type":"string"},"detail":{"type":"string"},"hint":{"type":"string"}}}}}},
"Record":{"type":"object","required":["topic","payload","timestamp","received_at","id","device","schema","retained"],
 "additionalProperties":false,
 "properties":{"topic":{"type":"string"},
  "payload":{"$ref":"#/components/schemas/Json"},
  "timestamp":{"type":"string","format":"date-time"},"received_at":{"type":"string","format":"date-time"},
  "id":{"type":"string"},"device":{"type":["string","null"]},"schema":{"type":["string","null"]},
  "retained":{"type":"boolean"}}},
"Exported":{"type":"array","items":{"type":"object","required":["topic","payload","timestamp","received_at"],"additionalProperties":false,
 "properties":{"topic":{"type":"string"},"payload":{"$ref":"#/components/schemas/Json"},
  "timestamp":{"type":"string","format":"date-time"},"received_at":{"type":"string","format":"date-time"}}}},
"Group":{"type":"object","description":"With agg: time of the interval, what it is grouped by, and the functions as avg_temperature.",
 "properties":{"time":{"type":"string","format":"date-time"}},
 "not":{"required":["payload","received_at","id"]},"additionalProperties":{"$ref":"#/components/schemas/Json"}},
"Page":{"type":"object","required":["data","next_cursor"],"additionalProperties":false,
 "properties":{"data":{"type":"array","items":{"anyOf":[{"$ref":"#/components/schemas/Record"},{"$ref":"#/components/schemas/Group"}]}},
  "next_cursor":{"type":["string","null"],"description":"For the parameter cursor of the next page; null on the last."},
  "hint":{"type":"string"}}},
"Series":{"type":"object","required":["data","start_ms","end_ms","column_ms","more"],"additionalProperties":false,
 "properties":{"data":{"type":"array","items":{"type":"object","required":["topic","device","schema","field","unit","rows","times","values"],"additionalProperties":false,
   "properties":{"topic":{"type":"string"},"device":{"type":["string","null"]},"schema":{"type":["string","null"]},
    "field":{"type":"string"},"unit":{"type":["string","null"]},
    "rows":{"type":"integer","description":"That have the field, of which the points are some."},
    "times":{"type":"array","items":{"type":"number"},"description":"Milliseconds since 1970, ascending."},
    "values":{"type":"array","items":{"type":"number"},"description":"One for each time; booleans are 0 and 1."}}}},
  "start_ms":{"type":["number","null"],"description":"start, or the time of the first message; null without one."},
  "end_ms":{"type":["number","null"],"description":"end, or right behind the last message."},
  "column_ms":{"type":["number","null"],"description":"Width of a column; one begins at 1970."},
  "more":{"type":"boolean","description":"There are more series than limit, or than 1,000,000 points hold."}}},
"Schema":{"type":"object","required":["name","version","topic","fields"],"additionalProperties":false,
 "properties":{"name":{"type":"string"},"version":{"type":"string"},"topic":{"type":"string"},
  "fields":{"type":"array","items":{"type":"object","required":["path","type","unit","required"],"additionalProperties":false,
   "properties":{"path":{"type":"string"},"type":{"type":"string"},"unit":{"type":["string","null"]},
    "required":{"type":"boolean"}}}},
  "document":{"$ref":"#/components/schemas/Json"}}},
"Schemas":{"type":"object","required":["data"],"additionalProperties":false,
 "properties":{"data":{"type":"array","items":{"$ref":"#/components/schemas/Schema"}}}},
"Judgement":{"type":"object","required":["valid","readings","schema","problems"],"additionalProperties":false,
 "properties":{"valid":{"type":"boolean","description":"All readings are."},"readings":{"type":"integer","description":"How many the payload has; 0: the schema drops it."},
  "schema":{"type":"string"},"problems":{"type":"array","items":{"$ref":"#/components/schemas/Fault"}}}},
"Fault":{"type":"object","required":["message"],"additionalProperties":false,
 "properties":{"rule":{"type":"string"},"path":{"type":"string","description":"JSON pointer"},"found":{"type":"string"},
  "allowed":{"type":"string"},"message":{"type":"string"}}},
"Letter":{"type":"object","required":["id","received_at","topic","verdict","reason","bytes","problems"],"additionalProperties":false,
 "properties":{"id":{"type":"string"},"received_at":{"type":"string","format":"date-time"},"topic":{"type":"string"},
  "verdict":{"type":"string"},"reason":{"type":"string"},"bytes":{"type":"integer"},
  "problems":{"type":"array","items":{"$ref":"#/components/schemas/Fault"}},
  "timestamp":{"type":"string","format":"date-time"},"schema":{"type":"string"},"schema_id":{"type":"string"},
  "qos":{"type":"integer"},"retained":{"type":"boolean"},
  "unfolded":{"type":"boolean","description":"The payload is one reading of a message that had several, as JSON."},
  "payload":{"description":"The bytes as text, or in Base64 where they are none.",
   "anyOf":[{"type":"string"},{"type":"object","required":["base64"],"additionalProperties":false,"properties":{"base64":{"type":"string"}}}]}}},
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
"Durations":{"type":"object","required":["count","sum_ms","p50_ms","p99_ms"],"additionalProperties":false,
 "properties":{"count":{"type":"integer"},"sum_ms":{"type":"number"},"p50_ms":{"type":"number"},"p99_ms":{"type":"number"}}},
"Stats":{"type":"object","description":"Counters under the names of telemetry status --json.",
 "required":["messages_received","messages_stored","invalid_by_rule","processing","sync","journal","consumers"],
 "properties":{"invalid_by_rule":{"type":"object","additionalProperties":{"type":"integer"}},
  "processing":{"$ref":"#/components/schemas/Durations"},"sync":{"$ref":"#/components/schemas/Durations"},
  "journal":{"type":"object","additionalProperties":{"type":["number","boolean"]}},
  "consumers":{"type":"array","items":{"type":"object","required":["name","write"],
   "properties":{"name":{"type":"string"},"write":{"$ref":"#/components/schemas/Durations"},"last_error":{"type":"string"}},
   "additionalProperties":{"type":["number","boolean"]}}}},
 "additionalProperties":{"type":["number","boolean"]}},
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
"Topics":{"type":"object","required":["data","next_cursor"],"additionalProperties":false,
 "properties":{"data":{"type":"array","items":{"type":"object",
   "required":["topic","device","schema","last_seen","messages","invalid","rate_per_minute"],"additionalProperties":false,
   "properties":{"topic":{"type":"string"},"device":{"type":["string","null"]},"schema":{"type":["string","null"]},
    "last_seen":{"type":"string","format":"date-time"},"messages":{"type":"integer"},"invalid":{"type":"integer"},
    "rate_per_minute":{"type":"number","description":"Over about the last minute."}}}},
  "next_cursor":{"type":["string","null"]}}},
"Devices":{"type":"object","required":["data","next_cursor"],"additionalProperties":false,
 "properties":{"data":{"type":"array","items":{"type":"object",
   "required":["device","topics","last_seen","messages","rate_per_minute","gaps","missing","resets","clock_trouble"],
   "additionalProperties":false,
   "properties":{"device":{"type":"string"},"topics":{"type":"integer"},"last_seen":{"type":"string","format":"date-time"},
    "messages":{"type":"integer"},"rate_per_minute":{"type":"number"},"gaps":{"type":"integer"},
    "missing":{"type":"integer","description":"Numbers that were left out, of which some may have come late."},
    "resets":{"type":"integer"},"clock_trouble":{"type":"integer","description":"Messages whose device time cannot be true."}}}},
  "next_cursor":{"type":["string","null"]}}},
"Choice":{"type":"object","required":["schema","version","device","candidates"],"additionalProperties":false,
 "properties":{"schema":{"type":["string","null"]},"version":{"type":["string","null"]},"device":{"type":["string","null"]},
  "candidates":{"type":"array","items":{"type":"object","required":["schema","pattern"],"additionalProperties":false,
   "properties":{"schema":{"type":"string"},"pattern":{"type":"string"}}}}}},
"Drafts":{"type":"object","required":["schemas","messages","left_out","with_schema"],"additionalProperties":false,
 "properties":{"schemas":{"type":"array","items":{"type":"object",
   "required":["name","topic","document","topics","messages","notes"],"additionalProperties":false,
   "properties":{"name":{"type":"string"},"topic":{"type":"string"},"document":{"type":"string","description":"YAML"},
    "topics":{"type":"integer"},"messages":{"type":"integer"},"notes":{"type":"array","items":{"type":"string"}}}}},
  "messages":{"type":"integer"},"left_out":{"type":"integer","description":"Neither JSON objects nor single values."},
  "with_schema":{"type":"integer","description":"Topics that were passed over: they have a schema."}}},
"DraftRequest":{"type":"object","required":["topic"],"additionalProperties":false,
 "properties":{"topic":{"type":"string","example":"house/#"},"limit":{"type":"integer","minimum":1,"maximum":10000}}},
"LettersSummary":{"type":"object","required":["data"],"additionalProperties":false,
 "properties":{"data":{"type":"array","items":{"type":"object",
   "required":["schema","reason","messages","newest","topics","example"],"additionalProperties":false,
   "properties":{"schema":{"type":["string","null"]},"reason":{"type":"string"},"messages":{"type":"integer"},
    "newest":{"type":"string","format":"date-time"},"topics":{"type":"integer"},
    "example":{"type":"object","description":"The newest.","required":["topic","problems"],"additionalProperties":false,
     "properties":{"topic":{"type":"string"},"problems":{"type":"array","items":{"$ref":"#/components/schemas/Fault"}}}}}}}}},
"Role":{"type":"string","enum":["viewer","operator","admin"]},
"Scope":{"type":["array","null"],"items":{"type":"string"},"minItems":1,"description":"Topic filters; null for all topics."},
"User":{"type":"object","required":["name","role","scope","created"],"additionalProperties":false,
 "properties":{"name":{"type":"string"},"role":{"$ref":"#/components/schemas/Role"},"scope":{"$ref":"#/components/schemas/Scope"},
  "created":{"type":"string","format":"date-time"}}},
"Users":{"type":"object","required":["data"],"additionalProperties":false,
 "properties":{"data":{"type":"array","items":{"$ref":"#/components/schemas/User"}}}},
"NewUser":{"type":"object","required":["name","password"],"additionalProperties":false,
 "properties":{"name":{"type":"string","pattern":"^[A-Za-z0-9._@-]{1,64}$"},"password":{"type":"string","description":"12 characters to 1,024 bytes."},
  "role":{"$ref":"#/components/schemas/Role"},"scope":{"$ref":"#/components/schemas/Scope"}}},
"UserChange":{"type":"object","minProperties":1,"additionalProperties":false,
 "properties":{"password":{"type":"string","description":"12 characters to 1,024 bytes."},"role":{"$ref":"#/components/schemas/Role"},
  "scope":{"$ref":"#/components/schemas/Scope"}}},
"Key":{"type":"object","required":["id","name","role","scope","created","expires"],"additionalProperties":false,
 "properties":{"id":{"type":"string"},"name":{"type":"string"},"role":{"$ref":"#/components/schemas/Role"},
  "scope":{"$ref":"#/components/schemas/Scope"},"created":{"type":"string","format":"date-time"},
  "expires":{"type":["string","null"],"format":"date-time"}}},
"Keys":{"type":"object","required":["data"],"additionalProperties":false,
 "properties":{"data":{"type":"array","items":{"$ref":"#/components/schemas/Key"}}}},
"NewKey":{"type":"object","required":["id","name","role","scope","created","expires","key"],"additionalProperties":false,
 "properties":{"id":{"type":"string"},"name":{"type":"string"},"role":{"$ref":"#/components/schemas/Role"},
  "scope":{"$ref":"#/components/schemas/Scope"},"created":{"type":"string","format":"date-time"},
  "expires":{"type":["string","null"],"format":"date-time"},"key":{"type":"string","description":"Nothing shows it again."}}},
"KeyRequest":{"type":"object","required":["name"],"additionalProperties":false,
 "properties":{"name":{"type":"string","pattern":"^[A-Za-z0-9._@-]{1,64}$"},"role":{"$ref":"#/components/schemas/Role"},
  "scope":{"$ref":"#/components/schemas/Scope"},"expires":{"type":["string","null"],"example":"90d"}}},
"BoardDocument":{"type":"object","required":["charts"],"additionalProperties":false,
 "properties":{"charts":{"type":"array","maxItems":100,"items":{"type":"object","required":["title","query"],"additionalProperties":false,
  "properties":{"title":{"type":"string","maxLength":200},"query":{"type":"string","maxLength":2000}}}}}},
"Board":{"type":"object","required":["name","updated","by","version","document"],"additionalProperties":false,
 "properties":{"name":{"type":"string"},"updated":{"type":"string","format":"date-time"},"by":{"type":["string","null"]},
  "version":{"type":"string","description":"Another one whenever it was saved; in quotes for If-Match, as ETag."},
  "document":{"$ref":"#/components/schemas/BoardDocument"}}},
"Boards":{"type":"object","required":["data"],"additionalProperties":false,
 "properties":{"data":{"type":"array","items":{"$ref":"#/components/schemas/Board"}}}},
"BoardRequest":{"type":"object","required":["document"],"additionalProperties":false,
 "properties":{"document":{"$ref":"#/components/schemas/BoardDocument"}}},
"Credentials":{"type":"object","required":["name","password"],"properties":{"name":{"type":"string"},"password":{"type":"string"}}},
"Document":{"type":"object","required":["openapi","info","paths","components"],"additionalProperties":false,
 "properties":{"openapi":{"type":"string"},"info":{"$ref":"#/components/schemas/Json"},"servers":{"$ref":"#/components/schemas/Json"},"paths":{"$ref":"#/components/schemas/Json"},
  "components":{"$ref":"#/components/schemas/Json"},"security":{"$ref":"#/components/schemas/Json"}}}
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

/// One member of `content`. @param schema  empty: text
std::string content_of(std::string_view type, std::string_view schema) {
  return fmt::format(R"("{}":{{"schema":{}}})", type,
                     schema.empty()
                         ? R"({"type":"string"})"
                         : fmt::format(R"({{"$ref":"#/components/schemas/{}"}})", schema));
}

bool changes_board(const Route& route) {
  return route.id == "saveBoard" || route.id == "removeBoard";
}

void append_answers(const Route& route, std::string& out) {
  const bool signs_in = route.id == "signIn";
  std::string content =
      content_of(route.media_type.empty() ? "application/json" : route.media_type, route.answer);
  if (route.id == "exportData") {
    content += "," + content_of("application/json", "Exported") + "," +
               content_of("application/x-ndjson", {});
  }
  out += route.method == "DELETE"
             ? R"("responses":{"204":{"description":"Done"})"
             : fmt::format(R"("responses":{{"200":{{"description":"The answer","content":{{{}}}}})",
                           content);
  const auto wrong = [&](std::initializer_list<int> statuses) {
    for (const int status : statuses)
      out += fmt::format(R"(,"{}":{{"$ref":"#/components/responses/Problem"}})", status);
  };
  // What any request may meet. 403 and 421 are also those of a gateway where nobody signs in.
  wrong({400, 403, 408, 413, 421, 429, 431, 500, 501});
  if (signs_in || route.access != Route::Access::open) wrong({401});
  if (!route.body_schema.empty()) wrong({415});
  if (!route.body_schema.empty() || route.id == "removeUser") wrong({409});
  if (changes_board(route)) wrong({412});
  if (route.id == "saveBoard") wrong({428});
  // Accounts and boards are not kept everywhere.
  const bool may_be_off = route.path.starts_with("/api/users") ||
                          route.path.starts_with("/api/keys") ||
                          route.path.starts_with("/api/boards");
  if (signs_in || may_be_off || route.id == "streamData" || route.path.find('{') != route.path.npos)
    wrong({404});
  if (route.id.starts_with("getHealth") || route.id == "getReady") {
    out += fmt::format(R"(,"503":{{"description":"Not healthy","content":{{{},{}}}}})", content,
                       content_of("application/problem+json", "Problem"));
  } else {
    wrong({503});
  }
  out += '}';
}

}  // namespace

std::string openapi_document(std::span<const Route> routes, std::string_view version,
                             std::string_view base_path, bool is_signed_in) {
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
    if (changes_board(route)) {
      out += R"(,{"name":"If-Match","in":"header","required":false,"description":"ETag of the )"
             R"(board that is changed: it must be the one that is there. * is any.",)"
             R"("schema":{"type":"string"}})";
    }
    out += "],";
    if (!route.body.empty()) {
      out += fmt::format("\"requestBody\":{{\"required\":{},", !route.body_schema.empty());
      member("description", route.body, out);
      out += fmt::format(
          R"(,"content":{{"application/json":{{"schema":{{"$ref":"#/components/schemas/{}"}}}}}}}},)",
          route.body_schema.empty() ? "Json" : route.body_schema);
    }
    if (route.access == Route::Access::open) out += "\"security\":[],";
    append_answers(route, out);
    out += '}';
  }
  out += "}},\"components\":{\"schemas\":";
  out += schemas;
  out += R"(,"responses":{"Problem":{"description":"What is wrong","content":)"
         R"({"application/problem+json":{"schema":{"$ref":"#/components/schemas/Problem"}}}}},)"
         R"("securitySchemes":{"basic":{"type":"http","scheme":"basic"},)"
         R"("key":{"type":"http","scheme":"bearer"},)"
         R"("session":{"type":"apiKey","in":"cookie","name":"telemetry_session"}}})";
  if (is_signed_in) out += R"(,"security":[{"basic":[]},{"key":[]},{"session":[]}])";
  out += "}\n";
  return out;
}

}  // namespace telemetry::web
