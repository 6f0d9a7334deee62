// SPDX-License-Identifier: Apache-2.0
//
// Who says nothing is sent every message that it may see as a bare record, as the ancestors sent
// them. From the first subscription on it is sent what it asks for.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "live.hpp"
#include "telemetry/core/json_pull.hpp"
#include "telemetry/export.hpp"

namespace telemetry::web {
namespace {

using core::JsonPull;
using core::JsonToken;

constexpr std::size_t subscriptions_max = 16;
constexpr std::size_t id_bytes_max = 128;
constexpr std::size_t names_max = 100;
constexpr std::int64_t batch_ms_max = 1'000;
constexpr std::size_t last_values_max = 10'000;
constexpr std::size_t records_per_message = 500;  // of a batch
constexpr std::size_t bytes_per_piece = 256 * 1024;
constexpr std::array<std::string_view, 3> types{"subscribe", "unsubscribe", "ping"};
constexpr std::array<std::string_view, 9> members{
    "type", "id", "topics", "devices", "schemas", "where", "last_values", "resume", "batch_ms"};

/// What a client has said wrong.
struct Mistake {
  std::string code, detail, hint = {};
};
template <class T>
using Checked = core::Result<T, Mistake>;

struct Said {
  std::string type, id, resume;
  std::vector<std::string> topics, devices, schemas, where;
  bool last_values = false;
  std::int64_t batch_ms = 0;
};

std::string text_of(const JsonPull& pull) {
  std::string text(pull.text());
  if (pull.escaped()) text.resize(core::json_unescape(pull.text(), text));
  return text;
}

/// A text, or a list of texts, which is not empty: an empty filter is no wish to see everything.
/// @returns false when it is neither.
bool read_texts(JsonPull& pull, JsonToken token, std::vector<std::string>& out) {
  if (token == JsonToken::string) {
    out.push_back(text_of(pull));
    return true;
  }
  if (token != JsonToken::array_begin) return false;
  const std::size_t before = out.size();
  while ((token = pull.next()) == JsonToken::string) {
    if (out.size() == names_max) return false;
    out.push_back(text_of(pull));
  }
  return token == JsonToken::array_end && out.size() > before;
}

/// @returns what the member should be; empty when it is.
std::string_view read_member(JsonPull& pull, std::string_view name, Said& said) {
  const JsonToken token = pull.next();
  if (name == "last_values") {
    said.last_values = token == JsonToken::true_;
    return said.last_values || token == JsonToken::false_ ? "" : "true or false";
  }
  if (name == "batch_ms") {
    constexpr std::string_view wanted = "a whole number from 0 to 1000";
    if (token != JsonToken::number || pull.rest() != core::Rest::none) return wanted;
    const double ms = to_double(pull.number());
    if (!(ms >= 0 && ms <= static_cast<double>(batch_ms_max))) return wanted;
    said.batch_ms = static_cast<std::int64_t>(ms);
    if (static_cast<double>(said.batch_ms) != ms) return wanted;
    return "";
  }
  std::vector<std::string>* const list = name == "topics"    ? &said.topics
                                         : name == "devices" ? &said.devices
                                         : name == "schemas" ? &said.schemas
                                         : name == "where"   ? &said.where
                                                             : nullptr;
  if (list != nullptr)
    return read_texts(pull, token, *list) ? "" : "a text, or a list of 1 to 100 texts";
  if (token != JsonToken::string) return "a text";
  std::string& text = name == "type" ? said.type : name == "id" ? said.id : said.resume;
  text = text_of(pull);
  return name == "resume" && text.empty() ? "a token of a message" : "";
}

Mistake malformed() {
  return {"malformed_message", "this is no JSON object",
          R"(for example {"type":"subscribe","id":"1","topics":["sensors/#"]})"};
}

Checked<Said> parse(std::string_view text) {
  Said said;
  JsonPull pull(text);
  if (pull.next() != JsonToken::object_begin) return malformed();
  JsonToken token = pull.next();
  for (; token == JsonToken::key; token = pull.next()) {
    const std::string name = text_of(pull);
    if (std::ranges::find(members, name) == members.end()) {
      const std::string_view near = nearest(name, members);
      return Mistake{"unknown_member", fmt::format("unknown member '{}'", printable(name)),
                     near.empty() ? fmt::format("known are {}", fmt::join(members, ", "))
                                  : fmt::format("did you mean '{}'?", near)};
    }
    const std::string_view wanted = read_member(pull, name, said);
    if (!wanted.empty()) {
      return Mistake{"invalid_member", fmt::format("{} is {}", name, wanted)};
    }
  }
  if (token != JsonToken::object_end || pull.next() != JsonToken::end) return malformed();
  if (said.id.size() > id_bytes_max) {
    return Mistake{"invalid_member", fmt::format("id has more than {} bytes", id_bytes_max)};
  }
  return said;
}

/// The id of a text that is refused as a whole: who has sent it finds its answer by it. Empty: it
/// has none that could be one.
std::string id_in(std::string_view text) {
  std::string id;
  JsonPull pull(text);
  if (pull.next() != JsonToken::object_begin) return id;
  while (pull.next() == JsonToken::key) {
    const bool is_id = text_of(pull) == "id";
    const JsonToken token = pull.next();
    if (is_id) id = token == JsonToken::string ? text_of(pull) : "";
    const bool is_inside = token == JsonToken::object_begin || token == JsonToken::array_begin;
    if (is_inside && !pull.skip_container()) break;
  }
  return id.size() <= id_bytes_max ? id : "";
}

class TheConversation final : public Conversation {
 public:
  TheConversation(const Surroundings& here, LiveHub& live, Principal principal)
      : here_(here), live_(live), principal_(std::move(principal)) {
    Selection everything;
    const auto visible = here_.pipeline.api().narrow(principal_, everything);
    if (visible && *visible) add({}, std::move(everything), std::nullopt, 0);
  }
  ~TheConversation() override { here_.web_sockets.fetch_sub(1); }

  void on_ready(std::function<void()> wake) override {
    wake_ = std::move(wake);
    for (const auto& subscription : subscriptions_) subscription->stream.on_ready(wake_);
  }
  bool blocks() const override {
    return std::ranges::any_of(subscriptions_,
                               [](const auto& one) { return one->stream.blocks(); });
  }
  std::int64_t batch_ns() const override {
    std::int64_t least = subscriptions_.empty() ? 0 : std::numeric_limits<std::int64_t>::max();
    for (const auto& one : subscriptions_) least = std::min(least, one->batch_ms * 1'000'000);
    return least;
  }
  std::pair<std::uint16_t, std::string> close_reason() const override {
    if (signed_out_) return {1008, "sign in again"};
    return {1013, "messages came faster than they were read; subscribe again with the last token"};
  }

  Result<More> next(const std::string* said, std::vector<std::string>& out) override {
    signed_out_ =
        !is_still_admitted(here_, principal_, here_.environment.clock.monotonic(), admitted_at_);
    if (signed_out_) return More::end;
    if (said != nullptr) answer(*said, out);
    More all = More::later;
    std::size_t bytes = 0;
    for (const auto& one : subscriptions_) {
      if (one->events.empty()) {
        auto more = one->stream.next(one->events);
        if (!more) return std::move(more).error();
        one->more = *more;
      }
      append(*one, out, bytes);
      if (!one->events.empty() || one->more == LiveStream::Next::more) {
        all = More::more;
      } else if (one->more == LiveStream::Next::end) {
        return More::end;
      }
    }
    return all;
  }

 private:
  struct Subscription {
    Subscription(std::string the_id, std::int64_t the_batch_ms, LiveHub& live,
                 const Surroundings& here, LiveOptions options)
        : id(std::move(the_id)),
          batch_ms(the_batch_ms),
          stream(live, here.pipeline.ingest().journal(), here.environment, std::move(options)) {}
    const std::string id;  // empty: of who has subscribed to nothing
    const std::int64_t batch_ms;
    LiveStream stream;
    std::vector<LiveEvent> events;
    std::size_t place = 0;                           // of the first of them that was not sent
    LiveStream::Next more = LiveStream::Next::more;  // behind them
  };

  void add(std::string id, Selection selection, std::optional<Position> resume,
           std::int64_t batch_ms) {
    LiveOptions options;
    options.selection = std::move(selection);
    options.resume = resume;
    subscriptions_.push_back(
        std::make_unique<Subscription>(std::move(id), batch_ms, live_, here_, std::move(options)));
    subscriptions_.back()->stream.on_ready(wake_);
  }

  void answer(const std::string& text, std::vector<std::string>& out) {
    auto said = parse(text);
    if (!said) {
      out.push_back(error_text(said.error(), id_in(text)));
      return;
    }
    std::optional<Mistake> wrong;
    if (said->type == "subscribe") {
      wrong = subscribe(*said, out);
    } else if (said->type == "unsubscribe") {
      wrong = unsubscribe(*said, out);
    } else if (said->type == "ping") {
      out.push_back(pong());
    } else if (said->type.empty()) {
      wrong = malformed();
      wrong->detail = "the message has no type";
    } else {
      const std::string_view near = nearest(said->type, types);
      wrong = Mistake{"unknown_type", fmt::format("unknown type '{}'", printable(said->type)),
                      near.empty() ? fmt::format("known are {}", fmt::join(types, ", "))
                                   : fmt::format("did you mean '{}'?", near)};
    }
    if (wrong) out.push_back(error_text(*wrong, said->id));
  }

  std::optional<Mistake> subscribe(Said& said, std::vector<std::string>& out) {
    if (said.id.empty()) {
      return Mistake{"missing_member", "a subscription has an id, which its messages carry",
                     R"("id":"1")"};
    }
    if (find(said.id) != subscriptions_.end()) {
      return Mistake{"already_exists",
                     fmt::format("there is a subscription '{}'", printable(said.id)),
                     "unsubscribe it first, or take another id"};
    }
    if (subscribed_ && subscriptions_.size() == subscriptions_max) {
      return Mistake{"too_many_subscriptions",
                     fmt::format("{} subscriptions are the most", subscriptions_max),
                     "one takes several topics"};
    }
    Selection selection;
    if (!said.topics.empty()) selection.topics = std::move(said.topics);
    selection.devices = std::move(said.devices);
    selection.schemas = std::move(said.schemas);
    for (const std::string& text : said.where) {
      auto condition = parse_condition(text);
      if (!condition) return Mistake{"invalid_condition", condition.error().context};
      selection.where.push_back(*std::move(condition));
    }
    if (const auto admitted = admit_live(here_, principal_, selection); !admitted) {
      return Mistake{std::string(to_string(admitted.error().code)), admitted.error().context};
    }
    std::optional<Position> resume;
    if (!said.resume.empty()) {
      resume = place_of(here_, said.resume);
      if (!resume) return Mistake{"invalid_token", "resume is no token of a message"};
      if (said.last_values) {
        return Mistake{"invalid_member", "resume brings all that came since",
                       "leave out last_values, or resume"};
      }
    }
    std::vector<std::string> values;
    if (said.last_values) {
      auto read = last_values(said.id, selection, values);
      if (!read) return std::move(read).error();
      resume = *read;
    }
    if (!std::exchange(subscribed_, true)) subscriptions_.clear();
    std::string text = R"({"type":"subscribed","id":)";
    append_json_string(said.id, text);
    out.push_back(text += '}');
    std::ranges::move(values, std::back_inserter(out));
    add(std::move(said.id), std::move(selection), resume, said.batch_ms);
    return std::nullopt;
  }

  /// What the store has. The stream goes on with what it had not been given when it was asked: so
  /// none is missed and none comes twice.
  Checked<Position> last_values(const std::string& id, const Selection& selection,
                                std::vector<std::string>& out) {
    Api& api = here_.pipeline.api();
    Position stored{here_.pipeline.ingest().journal().id(), 0};
    const std::string name = api.store_name();
    for (const ConsumerStats& consumer : here_.pipeline.stats().consumers) {
      if (consumer.name == name) stored.sequence = consumer.position;
    }
    Latest latest;
    static_cast<Selection&>(latest) = selection;
    latest.limit = last_values_max + 1;
    std::size_t rows = 0;
    const auto read = api.latest(principal_, latest, [&](const Row& row) {
      if (++rows > last_values_max) return false;
      if (row.id > stored.sequence) return true;
      std::string text = head("message", id);
      text += ",\"last_value\":true,\"data\":";
      append_full_record_json(row, here_.seal.id(Seal::Kind::row, row.id), text);
      out.push_back(text += '}');
      return true;
    });
    if (!read && read.error().code != Errc::not_found) {
      return Mistake{"last_values_unavailable", read.error().context,
                     "subscribe without last_values"};
    }
    if (rows > last_values_max) {
      return Mistake{"too_many_topics",
                     fmt::format("there are more than {} last values", last_values_max),
                     "subscribe to fewer topics, or read /api/data/latest page by page"};
    }
    return stored;
  }

  std::optional<Mistake> unsubscribe(const Said& said, std::vector<std::string>& out) {
    const auto at = find(said.id);
    if (said.id.empty() || at == subscriptions_.end()) {
      return Mistake{"not_found", fmt::format("there is no subscription '{}'", printable(said.id))};
    }
    subscriptions_.erase(at);
    std::string text = R"({"type":"unsubscribed","id":)";
    append_json_string(said.id, text);
    out.push_back(text += '}');
    return std::nullopt;
  }

  /// With the places to go on from, which move on also where nothing is selected.
  [[nodiscard]] std::string pong() const {
    std::string text = R"({"type":"pong","tokens":{)";
    for (const auto& one : subscriptions_) {
      const auto position = one->stream.position();
      if (one->id.empty() || !position) continue;
      if (text.back() != '{') text += ',';
      append_json_string(one->id, text);
      text += fmt::format(":\"{}\"", token(position->sequence));
    }
    return text += "}}";
  }

  static std::string error_text(const Mistake& mistake, std::string_view id) {
    std::string text = head("error", id);
    text += ",\"code\":";
    append_json_string(mistake.code, text);
    text += ",\"detail\":";
    append_json_string(mistake.detail, text);
    if (!mistake.hint.empty()) {
      text += ",\"hint\":";
      append_json_string(mistake.hint, text);
    }
    return text += '}';
  }

  /// {"type":...,"id":...
  static std::string head(std::string_view type, std::string_view id) {
    std::string text = fmt::format(R"({{"type":"{}")", type);
    if (id.empty()) return text;
    text += ",\"id\":";
    append_json_string(id, text);
    return text;
  }

  [[nodiscard]] std::string token(std::uint64_t sequence) const {
    return here_.seal.id(Seal::Kind::place, sequence);
  }

  /// As much as goes out at one time.
  void append(Subscription& to, std::vector<std::string>& out, std::size_t& bytes) const {
    for (std::size_t& i = to.place; i < to.events.size(); ++i) {
      if (bytes >= bytes_per_piece) return;
      const LiveEvent& event = to.events[i];
      if (event.kind != LiveEvent::Kind::message) {
        out.push_back(notice(to, event));
      } else if (to.id.empty()) {
        out.push_back(*event.record);
      } else if (to.batch_ms == 0) {
        std::string& text = out.emplace_back();
        text.reserve(event.record->size() + to.id.size() + 96);
        text = head("message", to.id);
        text += ",\"data\":";
        text += *event.record;
        text += ",\"token\":\"";
        text += token(event.sequence);
        text += "\"}";
      } else {
        i = append_batch(to, i, out) - 1;
      }
      bytes += out.back().size();
    }
    to.place = 0;
    to.events.clear();
  }

  /// Messages from `first` on as one. @returns the index behind them.
  std::size_t append_batch(const Subscription& to, std::size_t first,
                           std::vector<std::string>& out) const {
    std::string& text = out.emplace_back(head("messages", to.id));
    text += ",\"data\":[";
    std::size_t i = first;
    for (; i < to.events.size() && i < first + records_per_message; ++i) {
      if (to.events[i].kind != LiveEvent::Kind::message) break;
      if (i > first) text += ',';
      text += *to.events[i].record;
    }
    text += "],\"token\":\"";
    text += token(to.events[i - 1].sequence);
    text += "\"}";
    return i;
  }

  [[nodiscard]] std::string notice(const Subscription& to, const LiveEvent& event) const {
    if (event.kind == LiveEvent::Kind::reset) return head("reset", to.id) + '}';
    if (event.kind == LiveEvent::Kind::overflow) {
      return fmt::format("{},\"left_out\":{}}}", head("overflow", to.id), event.left_out);
    }
    return fmt::format(R"({},"from":"{}","to":"{}","token":"{}"}})", head("gap", to.id),
                       token(event.from), token(event.sequence), token(event.sequence));
  }

  [[nodiscard]] std::vector<std::unique_ptr<Subscription>>::iterator find(std::string_view id) {
    return std::ranges::find_if(subscriptions_, [&](const auto& one) { return one->id == id; });
  }

  const Surroundings& here_;
  LiveHub& live_;
  const Principal principal_;
  std::function<void()> wake_;
  std::vector<std::unique_ptr<Subscription>> subscriptions_;
  std::int64_t admitted_at_ = 0;
  bool subscribed_ = false, signed_out_ = false;
};

}  // namespace

std::unique_ptr<Conversation> make_conversation(const Surroundings& here, LiveHub& live,
                                                Principal principal) {
  return std::make_unique<TheConversation>(here, live, std::move(principal));
}

}  // namespace telemetry::web
