// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "telemetry/seal.hpp"
#include "telemetry/web.hpp"

namespace telemetry::web {

/// A parameter of a query, or of a path ("{name}" in it).
struct Parameter {
  enum class Kind : std::uint8_t { text, filter, time, count, choice };
  std::string_view name;
  Kind kind = Kind::text;
  std::string_view doc = {};
  std::string_view example = {};
  std::string_view fallback = {};  ///< as it would be written
  std::string_view choices = {};   ///< "a|b|c"
  std::uint64_t min = 0, max = 0;  ///< count
  bool repeats = false;            ///< may be given more than once
};

struct Call;
using Answer = core::Result<Response, Problem>;

/// Dispatch, the check of parameters, the OpenAPI document and the labels of metrics come from
/// these. A new route is a line in routes().
struct Route {
  enum class Access : std::uint8_t {
    open,      ///< anybody who may connect: it tells nothing of the data
    read,      ///< bounded by the scope of who asks
    operate,   ///< the same, for operators and administrators
    counters,  ///< numbers over all topics: for those without a scope
    admin,     ///< settings: for administrators without a scope
  };
  std::string_view method;
  std::string_view path;  ///< "/api/schemas/{name}"
  std::string_view id;    ///< of the operation: "listRows"
  Access access = Access::read;
  std::string_view summary;
  std::span<const Parameter> parameters;
  std::string_view answer;      ///< name of its schema in the OpenAPI document; empty: text
  std::string_view media_type;  ///< of the answer, when it is not JSON
  Answer (*handle)(Call& call);
  std::string_view body = {};         ///< what the body is, for people; empty: there is none
  std::string_view body_schema = {};  ///< of a JSON object that it must be; empty: any JSON
};
[[nodiscard]] std::span<const Route> routes();
/// Those of them for users, keys and boards.
[[nodiscard]] std::span<const Route> managed_routes();

class Boards;
class Traffic;

/// What all handlers see.
struct Surroundings {
  const ServiceOptions& options;
  const Config& config;
  Pipeline& pipeline;
  const Environment& environment;
  const Seal& seal;
  const Traffic& traffic;
  Boards& boards;
  mutable std::atomic<std::size_t> web_sockets{0};  ///< that are open
  mutable std::atomic<bool> infers{false};          ///< somebody has schemas drafted
};

/// A request whose parameters are those of its route.
struct Call {
  const Surroundings& here;
  const Request& request;
  const Route& route;
  Principal principal;
  bool is_known;  ///< false: nobody has signed in, so that `principal` may see nothing
  std::vector<std::pair<std::string, std::string>> values;

  /// The first of the name, its fallback, or empty.
  [[nodiscard]] std::string_view value(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> all(std::string_view name) const;
  /// Of a checked count.
  [[nodiscard]] std::uint64_t count(std::string_view name) const;
};

[[nodiscard]] Response json_answer(std::string body);
/// A file of the program.
[[nodiscard]] Response asset(std::string_view type, std::string_view text);
/// The file of the dashboard at a path; nothing where there is none.
[[nodiscard]] std::optional<Response> page_at(std::span<const PageFile> pages,
                                              std::string_view path, const Request& request);
/// What an error of the library is in HTTP.
/// @param parameter  that it is about, if it is known
[[nodiscard]] Problem problem_of(const Error& error, std::string_view parameter = {});

/// What the parameters of a call select. @returns what is wrong with them.
[[nodiscard]] std::optional<Problem> fill(const Call& call, Selection& selection);

/// "a,b" as names.
[[nodiscard]] std::vector<std::string> names_of(std::string_view text);

// The handlers, by the part of the API that they serve.
[[nodiscard]] Answer get_data(Call& call);
[[nodiscard]] Answer get_latest(Call& call);
[[nodiscard]] Answer get_export(Call& call);
[[nodiscard]] Answer get_series(Call& call);
[[nodiscard]] Answer get_stream(Call& call);
[[nodiscard]] Answer get_web_socket(Call& call);
[[nodiscard]] Answer get_schemas(Call& call);
[[nodiscard]] Answer get_schema(Call& call);
[[nodiscard]] Answer sign_in(Call& call);
[[nodiscard]] Answer get_session(Call& call);
[[nodiscard]] Answer sign_out(Call& call);
[[nodiscard]] Answer validate(Call& call);
[[nodiscard]] Answer get_letters(Call& call);
[[nodiscard]] Answer get_letter(Call& call);
[[nodiscard]] Answer get_letters_summary(Call& call);
[[nodiscard]] Answer which_schema(Call& call);
[[nodiscard]] Answer infer_schemas(Call& call);
[[nodiscard]] Answer get_topics(Call& call);
[[nodiscard]] Answer get_devices(Call& call);
[[nodiscard]] Answer get_users(Call& call);
[[nodiscard]] Answer add_user(Call& call);
[[nodiscard]] Answer change_user(Call& call);
[[nodiscard]] Answer remove_user(Call& call);
[[nodiscard]] Answer get_keys(Call& call);
[[nodiscard]] Answer add_key(Call& call);
[[nodiscard]] Answer remove_key(Call& call);
[[nodiscard]] Answer get_boards(Call& call);
[[nodiscard]] Answer get_board(Call& call);
[[nodiscard]] Answer save_board(Call& call);
[[nodiscard]] Answer remove_board(Call& call);
[[nodiscard]] Answer get_config(Call& call);
[[nodiscard]] Answer get_stats(Call& call);
[[nodiscard]] Answer get_buffer(Call& call);
[[nodiscard]] Answer get_metrics(Call& call);
[[nodiscard]] Answer get_live(Call& call);
[[nodiscard]] Answer get_ready(Call& call);
[[nodiscard]] Answer get_health(Call& call);
[[nodiscard]] Answer get_openapi(Call& call);
[[nodiscard]] Answer get_docs(Call& call);
[[nodiscard]] Answer get_docs_style(Call& call);
[[nodiscard]] Answer get_docs_script(Call& call);

/// What the parameters start, end and tz say. @returns what is wrong with them.
[[nodiscard]] std::optional<Problem> take_times(const Call& call, Selection& selection);

/// The document of these routes. @param is_signed_in  who is to read must say who he is
[[nodiscard]] std::string openapi_document(std::span<const Route> routes, std::string_view version,
                                           std::string_view base_path, bool is_signed_in);

}  // namespace telemetry::web
