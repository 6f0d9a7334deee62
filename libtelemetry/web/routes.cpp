// SPDX-License-Identifier: Apache-2.0
#include "routes.hpp"

namespace telemetry::web {
namespace {

using Kind = Parameter::Kind;
using Access = Route::Access;

constexpr Parameter topic{.name = "topic",
                          .kind = Kind::filter,
                          .doc = "Topic filter; + stands for one level, # (write %23) for all that "
                                 "follow. Without one, all topics but those that begin with $.",
                          .example = "sensors/+/temperature",
                          .repeats = true};
constexpr Parameter device{.name = "device",
                           .doc = "Only messages of this device.",
                           .example = "sensor-001",
                           .repeats = true};
constexpr Parameter schema{.name = "schema",
                           .doc = "Only messages of this schema.",
                           .example = "temperature_sensor",
                           .repeats = true};
constexpr Parameter start{.name = "start",
                          .kind = Kind::time,
                          .doc = "From this time on, included: RFC 3339, a date, seconds since "
                                 "1970, or a span back from now.",
                          .example = "24h"};
constexpr Parameter end{.name = "end",
                        .kind = Kind::time,
                        .doc = "Up to this time, not included.",
                        .example = "2026-11-21T08:00:00Z"};
constexpr Parameter where{.name = "where",
                          .doc = "A condition on the fields; all of them must hold.",
                          .example = "temperature > 30",
                          .repeats = true};
constexpr Parameter zone{.name = "tz",
                         .doc = "Time zone of dates, of calendar intervals and of the times in "
                                "the answer.",
                         .example = "Europe/Berlin",
                         .fallback = "UTC"};
constexpr Parameter fields{
    .name = "fields", .doc = "Only these fields, with commas.", .example = "temperature,humidity"};
constexpr Parameter order{.name = "order",
                          .kind = Kind::choice,
                          .doc = "What comes first.",
                          .fallback = "newest",
                          .choices = "newest|oldest"};
constexpr Parameter limit{.name = "limit",
                          .kind = Kind::count,
                          .doc = "At most this many.",
                          .example = "100",
                          .fallback = "100",
                          .min = 1,
                          .max = 10'000};

constexpr Parameter data_parameters[] = {
    topic,
    device,
    schema,
    start,
    end,
    where,
    zone,
    fields,
    order,
    limit,
    {.name = "offset",
     .kind = Kind::count,
     .doc = "Leaves out this many first; for large numbers take the cursor.",
     .example = "0",
     .fallback = "0",
     .max = 100'000},
    {.name = "cursor", .doc = "next_cursor of the page before, with the same other parameters."},
    {.name = "agg",
     .doc = "Functions to calculate instead: avg min max sum count stddev first last median p95.",
     .example = "avg(temperature),count()"},
    {.name = "interval",
     .doc = "With agg: for each stretch of time: 10s, 15m, 1h; 1d, 1w, 1mo of the calendar.",
     .example = "1h"},
    {.name = "by",
     .doc = "With agg: for each topic, device, schema, or value of a field; with commas.",
     .example = "topic"},
    {.name = "fill",
     .kind = Kind::choice,
     .doc = "With interval: what stands in intervals without rows.",
     .fallback = "none",
     .choices = "none|null|previous|linear"},
};
constexpr Parameter latest_parameters[] = {
    topic, device, schema, start, end, where, zone, fields, limit,
    {.name = "cursor", .doc = "next_cursor of the page before."},
};
constexpr Parameter export_parameters[] = {
    topic, device, schema, start, end, where, zone, fields,
    {.name = "order",
     .kind = Kind::choice,
     .doc = "What comes first.",
     .fallback = "oldest",
     .choices = "newest|oldest"},
    {.name = "limit", .kind = Kind::count, .doc = "At most this many; 0 = all.", .example = "1000",
     .fallback = "0", .max = UINT64_MAX},
    {.name = "format",
     .kind = Kind::choice,
     .doc = "Form of the answer.",
     .fallback = "csv",
     .choices = "csv|json|jsonl"},
};
constexpr Parameter schema_parameters[] = {
    {.name = "name", .doc = "Name of the schema.", .example = "temperature_sensor"},
};

constexpr Route table[] = {
    {"GET", "/api/data", "listData", Access::read,
     "Stored messages, or what they come to with agg", data_parameters, "Page", {}, get_data},
    {"GET", "/api/data/latest", "listLatest", Access::read, "The newest message of each topic",
     latest_parameters, "Page", {}, get_latest},
    {"GET", "/api/export", "exportData", Access::read,
     "All messages of a selection as a file, of any size", export_parameters, {},
     "text/csv", get_export},
    {"GET", "/api/schemas", "listSchemas", Access::read,
     "Schemas whose topics the one who asks may see", {}, "Schemas", {}, get_schemas},
    {"GET", "/api/schemas/{name}", "getSchema", Access::read,
     "All versions of a schema with their documents", schema_parameters, "Schemas", {}, get_schema},
    {"GET", "/api/stats", "getStats", Access::counters, "Counters", {}, "Stats", {}, get_stats},
    {"GET", "/api/buffer", "getBuffer", Access::counters, "What waits in memory and in the journal",
     {}, "Buffer", {}, get_buffer},
    {"GET", "/api/health", "getHealth", Access::open, "Health with its reasons", {}, "Health", {},
     get_health},
    {"GET", "/health", "getHealthShort", Access::open, "The same", {}, "Health", {}, get_health},
    {"GET", "/livez", "getLive", Access::open, "200 as long as the program runs", {}, {},
     "text/plain", get_live},
    {"GET", "/health/live", "getHealthLive", Access::open, "The same", {}, {}, "text/plain",
     get_live},
    {"GET", "/readyz", "getReady", Access::open, "200 when messages are taken and stored", {}, {},
     "text/plain", get_ready},
    {"GET", "/health/ready", "getHealthReady", Access::open, "The same", {}, {}, "text/plain",
     get_ready},
    {"GET", "/metrics", "getMetrics", Access::counters, "Counters for Prometheus", {}, {},
     "text/plain", get_metrics},
    {"GET", "/api/openapi.json", "getOpenApi", Access::open, "This document", {}, "Document", {},
     get_openapi},
    {"GET", "/", "getPage", Access::open, "The newest values, for people", {}, {}, "text/html",
     get_page},
    {"GET", "/page.css", "getPageStyle", Access::open, "Of the page", {}, {}, "text/css",
     get_page_style},
    {"GET", "/page.js", "getPageScript", Access::open, "Of the page", {}, {}, "text/javascript",
     get_page_script},
};

}  // namespace

std::span<const Route> routes() { return table; }

}  // namespace telemetry::web
