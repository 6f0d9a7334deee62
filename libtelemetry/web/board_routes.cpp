// SPDX-License-Identifier: Apache-2.0
//
// A board names topics. Who has a scope sees, and saves, those alone whose charts all ask for
// topics within it.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "boards.hpp"
#include "body.hpp"
#include "target.hpp"
#include "telemetry/core/topic.hpp"
#include "telemetry/export.hpp"

namespace telemetry::web {
namespace {

Problem no_boards() { return {404, "not_enabled", "no boards are kept here"}; }

Problem no_board(std::string_view name) {
  return problem_of({Errc::not_found, fmt::format("no board is called '{}'; /api/boards lists them",
                                                  printable(name))},
                    "name");
}

bool is_within(const std::string& filter, const std::vector<std::string>& scope) {
  return core::is_valid_filter(filter) && core::without_share(filter) == filter &&
         std::ranges::any_of(scope,
                             [&](const std::string& one) { return contains_filter(one, filter); });
}

/// Whether this one may know what it asks for.
bool may_see_board(const Principal& principal, const Board& board) {
  if (!principal.scope) return true;
  return std::ranges::all_of(board.charts, [&](const Board::Chart& chart) {
    const auto target =
        parse_target("/?" + chart.query, [](std::string_view name) { return name == "topic"; });
    if (!target) return false;
    std::size_t topics = 0;
    for (const auto& [name, value] : target->parameters) {
      if (name != "topic") continue;
      if (!is_within(value, *principal.scope)) return false;
      ++topics;
    }
    return topics > 0;
  });
}

std::string board_json(const Board& board) {
  std::string out = "{\"name\":";
  append_json_string(board.name, out);
  out += ",\"updated\":";
  append_json_time(board.updated_ns, out);
  out += ",\"by\":";
  if (board.by.empty())
    out += "null";
  else
    append_json_string(board.by, out);
  return out + fmt::format(",\"version\":\"{}\",\"document\":{}}}", version_of(board),
                           document_of(board));
}

Response board_answer(const Board& board) {
  Response response = json_answer(board_json(board) + "\n");
  response.headers.emplace_back("ETag", fmt::format("\"{}\"", version_of(board)));
  return response;
}

/// Source: RFC 9110, 13.1.1; compared strongly.
bool names_version(std::string_view if_match, const std::string& version) {
  while (!if_match.empty()) {
    std::string_view one = if_match.substr(0, if_match.find(','));
    if_match.remove_prefix(std::min(one.size() + 1, if_match.size()));
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (one == "*" || one == fmt::format("\"{}\"", version)) return true;
  }
  return false;
}

/// Why this request does not change the board that is there now (null: none). What somebody has
/// not seen he does not overwrite.
/// @param must_say  also a request that does not say which board it has seen
std::optional<Problem> why_not(const Call& call, std::string_view name, const Board* now,
                               bool must_say) {
  const std::string_view seen = call.request.header("If-Match");
  const std::string shown = printable(name);
  if (seen.empty()) {
    if (now == nullptr || !must_say) return std::nullopt;
    return Problem{
        428, "precondition_required",
        fmt::format("there is a board '{}': send If-Match with its ETag (GET /api/boards/...), or "
                    "If-Match: * to replace it whatever it has become",
                    shown)};
  }
  if (now == nullptr) {
    return Problem{412, "changed_meanwhile",
                   fmt::format("there is no board '{}' any more: somebody has removed it. Save it "
                               "without If-Match to make it again",
                               shown)};
  }
  if (names_version(seen, version_of(*now))) return std::nullopt;
  std::string when;
  append_json_time(now->updated_ns, when);
  return Problem{
      412, "changed_meanwhile",
      fmt::format(
          "the board '{}' was changed{} at {} and is not what you have seen: load it again, "
          "and make your change anew",
          shown, now->by.empty() ? "" : " by " + printable(now->by),
          when.substr(1, when.size() - 2))};
}

/// Of the member `document`. What is wrong with it is noted in the body.
std::vector<Board::Chart> charts_in(Body& body) {
  using Kind = schemas::JsonValue::Kind;
  static constexpr std::string_view of_document[] = {"charts"}, of_chart[] = {"title", "query"};
  std::vector<Board::Chart> charts;
  const schemas::JsonValue* const document = body.find("document");
  if (document == nullptr || document->kind != Kind::object) {
    body.refuse("document", R"(must be {"charts": [{"title": "...", "query": "..."}]})");
    return charts;
  }
  if (const auto unknown = unknown_member(*document, of_document))
    body.refuse("document", unknown->detail);
  const schemas::JsonValue* const list = document->find("charts");
  if (list == nullptr || list->kind != Kind::array) {
    body.refuse("document", "charts must be a list");
    return charts;
  }
  for (const schemas::JsonMember& one : list->inside) {
    const schemas::JsonValue* const title = one.value.find("title");
    const schemas::JsonValue* const query = one.value.find("query");
    const bool texts = title != nullptr && title->kind == Kind::string && query != nullptr &&
                       query->kind == Kind::string && !unknown_member(one.value, of_chart);
    if (!texts) {
      body.refuse("document", "a chart has title and query, both texts, and nothing else");
      return charts;
    }
    charts.push_back({std::string(title->text), std::string(query->text)});
  }
  return charts;
}

void note(const Call& call, std::string_view what, const std::string& name,
          const Result<void>& outcome) {
  if (!call.here.options.audit) return;
  std::string details = "{\"name\":";
  append_json_string(name, details);
  details += '}';
  call.here.options.audit(
      {.who = call.principal.name, .address = call.request.peer, .what = what, .details = details},
      outcome);
}

/// For the audit file.
Result<void> outcome_of(const Result<bool>& done, const std::optional<Problem>& refused) {
  if (refused) {
    return Error{refused->status == 403 ? Errc::permission_denied : Errc::failed_precondition,
                 refused->detail};
  }
  return done ? Result<void>() : Result<void>(done.error());
}

}  // namespace

Answer get_boards(Call& call) {
  if (!call.here.boards.is_kept()) return no_boards();
  const auto boards = call.here.boards.all();
  if (!boards) return problem_of(boards.error());
  std::string out = "{\"data\":[";
  for (const Board& board : *boards) {
    if (!may_see_board(call.principal, board)) continue;
    if (out.back() != '[') out += ",\n";
    out += board_json(board);
  }
  Response response = json_answer(out + "]}\n");
  response.packs = true;
  return response;
}

Answer get_board(Call& call) {
  if (!call.here.boards.is_kept()) return no_boards();
  const auto board = call.here.boards.find(call.value("name"));
  if (!board) return problem_of(board.error());
  if (!*board || !may_see_board(call.principal, **board)) return no_board(call.value("name"));
  return board_answer(**board);
}

Answer save_board(Call& call) {
  if (!call.here.boards.is_kept()) return no_boards();
  auto body = Body::read(call.request, {"document"});
  if (!body) return body.error();
  Board board;
  board.name = call.value("name");
  board.updated_ns = call.here.environment.clock.now();
  if (call.here.options.authenticator) board.by = call.principal.name;
  if (const std::string wrong = Boards::name_problem(board.name); !wrong.empty())
    body->refuse("name", "must be " + wrong);
  board.charts = charts_in(*body);
  if (const std::string wrong = Boards::problem(board); !wrong.empty())
    body->refuse("document", wrong);
  if (auto wrong = body->wrong()) return *std::move(wrong);
  if (!may_see_board(call.principal, board)) {
    return problem_of({Errc::permission_denied,
                       "each chart must ask for a topic within the scope of who saves it"},
                      "document");
  }
  const std::string name = board.name;
  Response saved = board_answer(board);
  std::optional<Problem> refused;
  const auto done = call.here.boards.save(std::move(board), [&](const Board* now) {
    if (now != nullptr && !may_see_board(call.principal, *now)) {
      refused = problem_of(
          {Errc::permission_denied, "this board is another's; choose another name"}, "name");
    } else {
      refused = why_not(call, name, now, true);
    }
    return !refused;
  });
  note(call, "board_save", name, outcome_of(done, refused));
  if (refused) return *std::move(refused);
  if (!done && done.error().code == Errc::resource_exhausted)
    return Problem{409, "too_many_boards", done.error().context};
  if (!done) return problem_of(done.error());
  return saved;
}

Answer remove_board(Call& call) {
  if (!call.here.boards.is_kept()) return no_boards();
  const std::string name(call.value("name"));
  std::optional<Problem> refused;
  const auto done = call.here.boards.remove(name, [&](const Board* now) {
    if (now == nullptr || !may_see_board(call.principal, *now))
      refused = no_board(name);
    else
      refused = why_not(call, name, now, false);
    return !refused;
  });
  if (refused && refused->status == 404) return *std::move(refused);
  note(call, "board_remove", name, outcome_of(done, refused));
  if (refused) return *std::move(refused);
  if (!done) return problem_of(done.error());
  Response response;
  response.status = 204;
  return response;
}

}  // namespace telemetry::web
