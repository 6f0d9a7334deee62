// SPDX-License-Identifier: Apache-2.0
#include "live.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "guard.hpp"

namespace telemetry::web {
namespace {

constexpr std::size_t events_per_piece = 64;
constexpr std::size_t comparisons_max = 100;  // each message is asked all of them

/// Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html
class EventStream final : public BodyStream {
 public:
  EventStream(const Call& call, LiveHub& live, LiveOptions options)
      : here_(call.here),
        principal_(call.principal),
        clock_(here_.environment.clock),
        stream_(live, here_.pipeline.ingest().journal(), here_.environment, std::move(options)) {}

  void on_ready(std::function<void()> wake) override { stream_.on_ready(std::move(wake)); }
  bool blocks() const override { return stream_.blocks(); }

  Result<More> next(std::string& out) override {
    const std::int64_t now = clock_.monotonic();
    if (!is_still_admitted(here_, principal_, now, admitted_at_)) return More::end;
    if (!began_) {
      out += "retry: 2000\n\n";
      began_ = true;
      said_at_ = now;
    }
    if (next_ == events_.size()) {
      events_.clear();
      next_ = 0;
      auto more = stream_.next(events_);
      if (!more) return std::move(more).error();
      more_ = *more == LiveStream::Next::more    ? More::more
              : *more == LiveStream::Next::later ? More::later
                                                 : More::end;
    }
    const std::size_t end = std::min(events_.size(), next_ + events_per_piece);
    if (next_ < end) said_at_ = now;
    for (; next_ < end; ++next_) append(events_[next_], out);
    if (next_ < events_.size()) return More::more;
    if (more_ == More::later && now - said_at_ >= patience_ns) {
      // Also what the stream has passed over need not be looked at again.
      out += ":\n";
      if (const auto position = stream_.position()) append_id(position->sequence, out);
      out += '\n';
      said_at_ = now;
    }
    return more_;
  }

 private:
  void append_id(std::uint64_t sequence, std::string& out) const {
    out += "id: ";
    out += here_.seal.id(Seal::Kind::place, sequence);
    out += '\n';
  }

  void append(const LiveEvent& event, std::string& out) const {
    switch (event.kind) {
      case LiveEvent::Kind::message:
        append_id(event.sequence, out);
        out += "data: ";
        out += *event.record;
        break;
      case LiveEvent::Kind::gap:
        out += "event: gap\n";
        append_id(event.sequence, out);
        out += fmt::format(R"(data: {{"from":"{}","to":"{}"}})",
                           here_.seal.id(Seal::Kind::place, event.from),
                           here_.seal.id(Seal::Kind::place, event.sequence));
        break;
      case LiveEvent::Kind::reset:
        out += "event: reset\ndata: {}";
        break;
      case LiveEvent::Kind::overflow:
        out += fmt::format("event: overflow\ndata: {{\"left_out\":{}}}", event.left_out);
        break;
    }
    out += "\n\n";
  }

  const Surroundings& here_;
  const Principal principal_;
  Clock& clock_;
  LiveStream stream_;
  std::vector<LiveEvent> events_;
  std::size_t next_ = 0;  // of events_
  More more_ = More::more;
  std::int64_t said_at_ = 0, admitted_at_ = 0;
  bool began_ = false;
};

Problem nothing_live() { return {404, "not_enabled", "nothing is served live here"}; }

/// The fields that the conditions ask for.
void collect_fields(const Condition& condition, std::vector<const Condition*>& out) {
  if (condition.is_leaf() && !condition.is_of_topic()) out.push_back(&condition);
  for (const Condition& operand : condition.operands) collect_fields(operand, out);
}

/// What the store says of a selection whose names it does not know, without reading a row.
Result<void> ask_store(const Surroundings& here, const Principal& principal, Selection selection) {
  Query query;
  static_cast<Selection&>(query) = std::move(selection);
  query.since = INT64_MAX - 1;
  query.limit = 1;
  const auto asked = here.pipeline.api().query(principal, query, [](const Row&) { return false; });
  // What cannot be asked now, or has stored nothing yet, knows no name either.
  if (!asked && asked.error().code == Errc::invalid_argument) return asked.error();
  return {};
}

/// A name may be that of a schema of which nothing is stored yet; else it must be one that a query
/// takes.
Result<void> check_names(const Surroundings& here, const Principal& principal,
                         const Selection& selection) {
  if (selection.schemas.empty() && selection.where.empty()) return {};
  std::vector<const Schema*> expected;  // in force on these topics
  const auto schemas = here.pipeline.ingest().schemas();
  for (const auto& schema : schemas->all()) {
    const bool meets = std::ranges::any_of(selection.topics, [&](const std::string& filter) {
      return intersect_filters(filter, schema->filter()).has_value();
    });
    if (meets) expected.push_back(schema.get());
  }
  const auto is_expected = [&](const std::string& name) {
    return std::ranges::any_of(expected,
                               [&](const Schema* schema) { return schema->name() == name; });
  };
  // Topics without schema have fields of any name.
  if (expected.empty() && selection.schemas.empty()) return {};
  if (const auto known = ask_store(here, principal, selection)) return known;
  Selection rest = selection;
  rest.where.clear();
  rest.schemas.clear();
  const auto stored = here.pipeline.api().shape(principal, rest);
  std::ranges::copy_if(selection.schemas, std::back_inserter(rest.schemas),
                       [&](const std::string& name) { return !is_expected(name); });
  const auto is_new = [&](const std::string& field) {
    const auto has = [&](const auto& slots) {
      return std::ranges::any_of(
          slots, [&](const auto& slot) { return is_field_or_member(slot.path, field); });
    };
    return (!stored || !has(stored->fields)) &&
           std::ranges::any_of(expected, [&](const Schema* schema) {
             return (selection.schemas.empty() ||
                     std::ranges::find(selection.schemas, schema->name()) !=
                         selection.schemas.end()) &&
                    has(schema->slots());
           });
  };
  std::vector<const Condition*> asked;
  for (const Condition& condition : selection.where) collect_fields(condition, asked);
  for (const Condition* const leaf : asked) {
    if (!is_new(leaf->field)) rest.where.push_back(*leaf);
  }
  return ask_store(here, principal, std::move(rest));
}

}  // namespace

Result<void> admit_live(const Surroundings& here, const Principal& principal,
                        Selection& selection) {
  const auto visible = here.pipeline.api().narrow(principal, selection);
  if (!visible) return visible.error();
  if (!*visible) return Error{Errc::permission_denied, "nothing of these topics may be seen"};
  if (const std::size_t count = comparisons_in(selection); count > comparisons_max) {
    return Error{Errc::invalid_argument,
                 fmt::format("{} comparisons; a live condition has at most {}, where the values of "
                             "in are one",
                             count, comparisons_max)};
  }
  return check_names(here, principal, selection);
}

std::optional<Position> place_of(const Surroundings& here, std::string_view token) {
  const auto sequence = here.seal.number(Seal::Kind::place, token);
  if (!sequence) return std::nullopt;
  return Position{here.pipeline.ingest().journal().id(), *sequence};
}

bool is_still_admitted(const Surroundings& here, const Principal& principal, std::int64_t now,
                       std::int64_t& looked_at) {
  constexpr std::int64_t interval_ns = 3'000'000'000;
  if (here.options.authenticator == nullptr || now - looked_at < interval_ns) return true;
  looked_at = now;
  return here.options.authenticator->is_valid(principal);
}

Answer get_stream(Call& call) {
  const auto& live = call.here.options.live;
  if (live == nullptr) return nothing_live();
  LiveOptions options;
  if (auto wrong = fill(call, options.selection)) return *std::move(wrong);
  if (const auto admitted = admit_live(call.here, call.principal, options.selection); !admitted) {
    const bool is_denied = admitted.error().code == Errc::permission_denied;
    return problem_of(admitted.error(), is_denied ? "topic" : "");
  }
  if (const auto token = call.request.header("Last-Event-ID"); !token.empty()) {
    options.resume = place_of(call.here, token);
    if (!options.resume) {
      return Problem{400, "invalid_argument",
                     "Last-Event-ID is no id of an event of this stream; leave it out to begin "
                     "with what comes now"};
    }
  }
  Response response;
  response.headers = {{"Content-Type", "text/event-stream"},
                      {"Cache-Control", "no-store"},
                      {"X-Accel-Buffering", "no"}};
  response.stream = std::make_unique<EventStream>(call, *live, std::move(options));
  return response;
}

Answer get_web_socket(Call& call) {
  const auto& live = call.here.options.live;
  if (live == nullptr) return nothing_live();
  if (!call.here.config.boolean("web.websocket.enabled")) {
    return Problem{404, "not_enabled", "web.websocket.enabled is false here"};
  }
  std::string upgrade(call.request.header("Upgrade"));
  for (char& c : upgrade) c = static_cast<char>(c | 0x20);  // letters become small ones
  if (upgrade != "websocket" || call.request.method != "GET") {
    return Problem{426, "upgrade_required",
                   "this is a WebSocket; for messages over plain HTTP take /api/stream"};
  }
  // A browser asks nobody before it opens a WebSocket.
  if (!is_own_page(call.request, call.here.config)) {
    return Problem{403, "foreign_origin",
                   fmt::format("pages of {} may not connect; web.cors_origins lists those that may",
                               printable(call.request.header("Origin")))};
  }
  const auto most =
      static_cast<std::size_t>(call.here.config.integer("web.websocket.max_connections"));
  auto& open = call.here.web_sockets;
  if (open.fetch_add(1) >= most) {
    open.fetch_sub(1);
    return Problem{503,
                   "too_many_connections",
                   fmt::format("{} WebSockets are open, which is the most that "
                               "web.websocket.max_connections allows; try again later",
                               most),
                   {},
                   5};
  }
  Response response;
  response.status = 101;
  response.conversation = make_conversation(call.here, *live, call.principal);
  return response;
}

}  // namespace telemetry::web
