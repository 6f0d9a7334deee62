// SPDX-License-Identifier: Apache-2.0
//
// Which schema a topic has, and drafts of schemas for topics that have none.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>

#include "body.hpp"
#include "telemetry/core/topic.hpp"
#include "telemetry/export.hpp"
#include "telemetry/infer.hpp"

namespace telemetry::web {
namespace {

constexpr std::uint64_t draft_messages_max = 10'000;
constexpr std::size_t draft_bytes_max = 16 * 1024 * 1024;  // of topics and payloads

/// Gives back what it has taken.
class OneAtATime {
 public:
  explicit OneAtATime(std::atomic<bool>& taken) : taken_(taken), mine_(!taken.exchange(true)) {}
  ~OneAtATime() {
    if (mine_) taken_ = false;
  }
  OneAtATime(const OneAtATime&) = delete;
  OneAtATime& operator=(const OneAtATime&) = delete;
  [[nodiscard]] bool is_mine() const noexcept { return mine_; }

 private:
  std::atomic<bool>& taken_;
  const bool mine_;
};

struct Seen {
  std::string topic, payload;
  std::int64_t received_at;
};

/// Names of those whose newest message has none, and how many have one.
Result<void> topics_without_schema(const Call& call, const Latest& latest,
                                   std::vector<std::string>& topics, std::uint64_t& with_schema) {
  topics.clear();
  auto done = call.here.pipeline.api().latest(call.principal, latest, [&](const Row& row) {
    if (!row.schema.empty()) {
      ++with_schema;
    } else if (core::without_share(row.topic) == row.topic) {
      topics.emplace_back(row.topic);
    }
    return topics.size() < SchemaInference::topics_max;
  });
  if (!done && done.error().code == Errc::not_found) return {};  // nothing is stored yet
  return done;
}

Result<void> newest_of(const Call& call, const Query& query, std::uint64_t limit,
                       std::vector<Seen>& newest) {
  std::size_t bytes = 0;
  const auto done = call.here.pipeline.api().query(call.principal, query, [&](const Row& row) {
    if (!row.schema.empty()) return true;  // from when it had one
    newest.push_back({std::string(row.topic), std::string(row.raw), row.received_at});
    bytes += row.topic.size() + row.raw.size();
    return newest.size() < limit && bytes < draft_bytes_max;
  });
  if (!done) return done.error();
  return {};
}

/// What its comments say of the whole document.
std::vector<std::string_view> notes_in(std::string_view document) {
  std::vector<std::string_view> notes;
  while (!document.empty()) {
    const std::string_view line = document.substr(0, document.find('\n'));
    document.remove_prefix(std::min(line.size() + 1, document.size()));
    if (line.starts_with("# ")) notes.push_back(line.substr(2));
  }
  return notes;
}

void append_draft(const InferredSchema& schema, std::string& out) {
  out += out.back() == '[' ? "{\"name\":" : ",\n{\"name\":";
  append_json_string(schema.name, out);
  out += ",\"topic\":";
  append_json_string(schema.topic_pattern, out);
  out += ",\"document\":";
  append_json_string(schema.document, out);
  out += fmt::format(",\"topics\":{},\"messages\":{},\"notes\":[", schema.topics, schema.messages);
  for (const std::string_view note : notes_in(schema.document)) {
    if (out.back() != '[') out += ',';
    append_json_string(note, out);
  }
  out += "]}";
}

}  // namespace

Answer which_schema(Call& call) {
  const std::string topic(call.value("topic"));
  if (!core::is_valid_topic(topic)) {
    return problem_of(
        {Errc::invalid_argument,
         topic.empty() ? "name a topic: topic=sensors/sensor-001/temperature"
                       : fmt::format("'{}' is no topic: it has no + and no #", printable(topic))},
        "topic");
  }
  if (call.principal.scope && !matches_any(*call.principal.scope, topic))
    return problem_of({Errc::permission_denied, "nothing of this topic may be seen"}, "topic");
  const auto set = call.here.pipeline.ingest().schemas();
  const auto candidates = set->matching(topic);
  std::string out = "{\"schema\":";
  if (candidates.empty()) {
    out += "null,\"version\":null,\"device\":null";
  } else {
    const Schema& first = *candidates.front();
    append_json_string(first.name(), out);
    out += fmt::format(",\"version\":\"{}.{}\",\"device\":", first.version().major,
                       first.version().minor);
    const std::string_view device = first.device(topic);
    if (device.empty())
      out += "null";
    else
      append_json_string(device, out);
  }
  out += ",\"candidates\":[";
  for (const Schema* const one : candidates) {
    out += out.back() == '[' ? "{\"schema\":" : ",{\"schema\":";
    append_json_string(one->name(), out);
    out += ",\"pattern\":";
    append_json_string(one->filter(), out);
    out += '}';
  }
  return json_answer(out + "]}\n");
}

Answer infer_schemas(Call& call) {
  auto body = Body::read(call.request, {"topic", "limit"});
  if (!body) return body.error();
  const auto topic = body->text("topic");
  const std::uint64_t limit =
      body->count("limit", 1, draft_messages_max).value_or(draft_messages_max);
  body->require({"topic"});
  if (topic && !core::is_valid_filter(*topic))
    body->refuse("topic", fmt::format("'{}' is no topic filter", printable(*topic)));
  if (auto wrong = body->wrong()) return *std::move(wrong);
  const OneAtATime turn(call.here.infers);
  if (!turn.is_mine()) {
    return Problem{503, "busy", "schemas are drafted for another one: try again later", {}, 2};
  }
  Latest latest;
  latest.topics = {*topic};
  latest.should_stop = [gone = call.request.gone] {
    return gone != nullptr && gone->load(std::memory_order_relaxed);
  };
  Selection visible = latest;
  const auto meets = call.here.pipeline.api().narrow(call.principal, visible);
  if (!meets) return problem_of(meets.error(), "topic");
  if (!*meets)
    return problem_of({Errc::permission_denied, "nothing of these topics may be seen"}, "topic");
  Query query;
  std::uint64_t with_schema = 0;
  auto read = topics_without_schema(call, latest, query.topics, with_schema);
  std::vector<Seen> newest;
  if (read && !query.topics.empty()) {
    query.order = Order::time_descending;
    query.should_stop = latest.should_stop;
    read = newest_of(call, query, limit, newest);
  }
  if (!read) return problem_of(read.error());
  SchemaInference inference;
  std::uint64_t left_out = 0;
  // In the order in which they came, for some members count.
  for (auto one = newest.rbegin(); one != newest.rend(); ++one) {
    if (call.request.is_abandoned()) break;
    if (!inference.add(one->topic, one->payload, one->received_at)) ++left_out;
  }
  const auto schemas = inference.finish();
  if (!schemas && schemas.error().code != Errc::unavailable) return problem_of(schemas.error());
  std::string out = "{\"schemas\":[";
  if (schemas) {
    for (const InferredSchema& schema : *schemas) append_draft(schema, out);
  }
  out += fmt::format("],\"messages\":{},\"left_out\":{},\"with_schema\":{}}}\n",
                     inference.messages(), left_out, with_schema);
  Response response = json_answer(std::move(out));
  response.packs = true;
  return response;
}

}  // namespace telemetry::web
