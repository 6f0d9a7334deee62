// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstring>

#include "boards.hpp"
#include "guard.hpp"
#include "proxies.hpp"
#include "routes.hpp"
#include "sign_in.hpp"
#include "target.hpp"
#include "telemetry/core/topic.hpp"
#include "traffic.hpp"

namespace telemetry::web {
namespace {

bool keeps_plus(std::string_view name) { return name == "topic" || name == "cursor"; }

/// The values of "{name}" parts, when the path is one of the pattern.
bool matches(std::string_view pattern, std::string_view path,
             std::vector<std::pair<std::string, std::string>>& values) {
  while (!pattern.empty() && !path.empty()) {
    const std::string_view wanted = pattern.substr(0, pattern.find('/', 1));
    const std::string_view part = path.substr(0, path.find('/', 1));
    if (wanted.starts_with("/{")) {
      if (part.size() < 2) return false;
      values.emplace_back(wanted.substr(2, wanted.size() - 3), part.substr(1));
    } else if (wanted != part) {
      return false;
    }
    pattern.remove_prefix(wanted.size());
    path.remove_prefix(part.size());
  }
  return pattern.empty() && path.empty();
}

/// What is wrong with a value; nothing when it is right.
std::string check_value(const Parameter& parameter, const std::string& text) {
  switch (parameter.kind) {
    case Parameter::Kind::count: {
      std::uint64_t number = 0;
      const char* const end = text.data() + text.size();
      const auto read = std::from_chars(text.data(), end, number);
      const bool fits = read.ec == std::errc() && read.ptr == end && number >= parameter.min &&
                        number <= parameter.max;
      if (fits) return {};
      return parameter.max == UINT64_MAX ? fmt::format("'{}' is no whole number", text)
                                         : fmt::format("'{}' is no whole number from {} to {}",
                                                       text, parameter.min, parameter.max);
    }
    case Parameter::Kind::choice: {
      std::string_view rest = parameter.choices;
      while (!rest.empty()) {
        const std::string_view one = rest.substr(0, rest.find('|'));
        if (one == text) return {};
        rest.remove_prefix(std::min(one.size() + 1, rest.size()));
      }
      return fmt::format("'{}' is none of {}", text, parameter.choices);
    }
    case Parameter::Kind::filter:
      return core::is_valid_filter(text) ? std::string()
                                         : fmt::format("'{}' is no topic filter", text);
    default:
      return {};
  }
}

bool is_base_path(std::string_view path) {
  if (path.empty()) return true;
  const bool fits = std::ranges::all_of(path, [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("/-._~").find(static_cast<char>(c)) != std::string_view::npos;
  });
  return fits && path.front() == '/' && path.back() != '/' && path.find("//") == path.npos;
}

class Service final : public Handler {
 public:
  Service(ServiceOptions options, const Config& config, Pipeline& pipeline, Environment environment)
      : options_(std::move(options)),
        config_(config),
        environment_(std::move(environment)),
        seal_(pipeline.ingest().journal().id()),
        boards_(options_.boards_path, environment_),
        here_{options_, config_, pipeline, environment_, seal_, traffic_, boards_},
        guard_(options_, environment_.clock) {
    if (auto proxies = Proxies::parse(options_.trusted_proxies)) proxies_ = *std::move(proxies);
    std::array<std::uint8_t, 8> bytes{};
    environment_.random(bytes);
    std::memcpy(&first_request_, bytes.data(), bytes.size());
  }

  bool is_urgent(const Request& request) const override {
    // A password takes its time to be checked.
    return request.header("Authorization").empty() && is_health(below_base(request.target));
  }

  Response handle(const Request& sent) override {
    Request request = sent;
    const Client client = proxies_.client_of(sent);
    request.peer = client.address;
    request.secure = client.secure;
    request.target = below_base(request.target);
    // Not a counter: it would count the requests of others.
    const std::uint64_t number = first_request_ + requests_.fetch_add(1, std::memory_order_relaxed);
    const std::string request_id =
        fmt::format("{:016x}", hash64({reinterpret_cast<const char*>(&number), sizeof number}));
    const std::int64_t start = environment_.clock.monotonic();
    const Route* route = nullptr;
    Response response = answer(request, request_id, route);
    traffic_.note(route, response.status, environment_.clock.monotonic() - start);
    auto& headers = response.headers;
    headers.emplace_back("X-Request-Id", request_id);
    if (!options_.cors_origins.empty()) {
      headers.emplace_back("Vary", "Origin");
      if (const std::string_view origin = guard_.allowed_origin(request); !origin.empty()) {
        headers.emplace_back("Access-Control-Allow-Origin", origin);
        headers.emplace_back("Access-Control-Expose-Headers", "X-Request-Id, Retry-After");
      }
    }
    headers.emplace_back("X-Content-Type-Options", "nosniff");
    headers.emplace_back("X-Frame-Options", "DENY");
    headers.emplace_back("Referrer-Policy", "no-referrer");
    headers.emplace_back("Content-Security-Policy",
                         "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
                         "form-action 'self'");
    environment_.log(LogLevel::debug, "web",
                     fmt::format("{} {} {}: {}, request {}", request.peer, request.method,
                                 printable(request.target), response.status, request_id));
    return response;
  }

 private:
  [[nodiscard]] std::string_view below_base(std::string_view target) const {
    const std::string& base = options_.base_path;
    const bool is_below = target.starts_with(base) && target.substr(base.size()).starts_with('/');
    return is_below ? target.substr(base.size()) : target;
  }
  /// @param asked  the route, once it is known
  Response answer(const Request& request, const std::string& request_id, const Route*& asked) {
    const auto problem = [&](Problem said) {
      said.request_id = request_id;
      return to_response(said);
    };
    if (auto refused = guard_.refusal(request)) return problem(*std::move(refused));
    if (!options_.base_path.empty() &&
        request.target.substr(0, request.target.find('?')) == options_.base_path) {
      Response response;
      response.status = 308;
      response.headers.emplace_back("Location", options_.base_path + '/');
      return response;
    }
    const auto target = parse_target(request.target, keeps_plus);
    if (!target) {
      return problem({400, "malformed_target",
                      "the path or the query is malformed: it begins with /, two hexadecimal "
                      "digits (not 00) stand behind each %, and there are at most 200 parameters"});
    }
    if (options_.api) {
      if (auto page = page_at(options_.pages, target->path, request)) return *std::move(page);
    }
    std::string methods;
    const bool is_literal =
        std::ranges::find(routes(), target->path, &Route::path) != routes().end();
    for (const Route& route : routes()) {
      if (!options_.api && is_of_api(route)) continue;
      if (is_literal && route.path != target->path) continue;  // no {name}
      std::vector<std::pair<std::string, std::string>> values;
      if (!matches(route.path, target->path, values)) continue;
      const bool same =
          request.method == route.method || (request.method == "HEAD" && route.method == "GET");
      if (!same) {
        methods += methods.empty() ? "" : ", ";
        methods += route.method;
        continue;
      }
      asked = &route;
      Call call{here_, request, route, Principal::local(), true, std::move(values)};
      if (options_.authenticator) {
        auto who = principal_of(*options_.authenticator, request);
        call.is_known = static_cast<bool>(who);
        if (!who && route.access != Route::Access::open)
          return refuse_sign_in(request, who.error(), request_id);
        call.principal = who ? *std::move(who) : Principal{"nobody", std::vector<std::string>()};
      }
      std::vector<Problem::Part> wrong = take_parameters(*target, call);
      if (!wrong.empty()) {
        const std::string detail = wrong.front().detail;
        const std::string code =
            wrong.front().hint.empty() ? "invalid_parameter" : "unknown_parameter";
        return problem({400, code, detail, std::move(wrong)});
      }
      if (!is_allowed(route, call.principal)) return problem(refusal_of(route));
      if (changes_something(route) && !is_own_page(request, config_)) {
        return problem({403, "foreign_origin",
                        fmt::format("pages of {} may change nothing here; web.cors_origins lists "
                                    "those that may",
                                    printable(request.header("Origin")))});
      }
      Answer answer = route.handle(call);
      if (!answer) return problem(std::move(answer).error());
      if (route.id == "exportData" && answer->stream) {
        auto place = guard_.enter(call.principal.name, request.peer);
        if (!place) return problem(std::move(place).error());
        answer->holds = std::make_shared<Guard::Place>(*std::move(place));
      }
      return *std::move(answer);
    }
    if (!methods.empty() && is_preflight(request)) return preflight_answer(methods);
    if (!methods.empty()) {
      Response response =
          problem({405, "method_not_allowed", fmt::format("{} takes {}", target->path, methods)});
      response.headers.emplace_back("Allow", methods + ", HEAD");
      return response;
    }
    return problem({404, "no_such_path",
                    fmt::format("there is nothing at {}; /api/openapi.json lists the paths",
                                printable(target->path))});
  }

  static bool is_allowed(const Route& route, const Principal& principal) {
    const bool wide =
        route.access == Route::Access::counters || route.access == Route::Access::admin;
    if (route.access == Route::Access::admin && principal.role != Role::admin) return false;
    if (route.access == Route::Access::operate && principal.role == Role::viewer) return false;
    return !wide || !principal.scope;
  }
  static Problem refusal_of(const Route& route) {
    const std::string_view whom =
        route.access == Route::Access::operate ? "operators and administrators"
        : route.access == Route::Access::admin ? "administrators that may see all topics"
                                               : "those that may see all topics";
    return {403, "permission_denied",
            fmt::format("{} {} is for {}", route.method, route.path, whom)};
  }
  static bool changes_something(const Route& route) {
    return route.method != "GET" &&
           (route.access == Route::Access::operate || route.access == Route::Access::admin);
  }
  static bool is_of_api(const Route& route) { return route.path.starts_with("/api"); }
  /// A browser asks before it lets another origin's page ask.
  bool is_preflight(const Request& request) const {
    return request.method == "OPTIONS" &&
           !request.header("Access-Control-Request-Method").empty() &&
           !guard_.allowed_origin(request).empty();
  }
  static Response preflight_answer(const std::string& methods) {
    Response response;
    response.status = 204;
    response.headers = {{"Access-Control-Allow-Methods", methods},
                        {"Access-Control-Allow-Headers", "Authorization, Content-Type"},
                        {"Access-Control-Max-Age", "600"}};
    return response;
  }

  static std::vector<Problem::Part> take_parameters(const Target& target, Call& call) {
    std::vector<Problem::Part> wrong;
    std::vector<std::string_view> names;
    for (const Parameter& known : call.route.parameters) names.push_back(known.name);
    for (const auto& [name, value] : target.parameters) {
      const auto known =
          std::ranges::find(call.route.parameters, std::string_view(name), &Parameter::name);
      if (known == call.route.parameters.end()) {
        const std::string_view near = nearest(name, names);
        wrong.push_back({name, fmt::format("unknown parameter '{}'", printable(name)),
                         !near.empty()   ? fmt::format("did you mean '{}'?", near)
                         : names.empty() ? "there are none here"
                                         : fmt::format("known are {}", fmt::join(names, ", "))});
        continue;
      }
      const bool again =
          std::ranges::any_of(call.values, [&](const auto& given) { return given.first == name; });
      if (again && !known->repeats) {
        wrong.push_back({name, fmt::format("'{}' is given twice", name), {}});
        continue;
      }
      if (std::string mistake = check_value(*known, value); !mistake.empty()) {
        wrong.push_back({name, fmt::format("{}: {}", name, printable(mistake)), {}});
        continue;
      }
      call.values.emplace_back(name, value);
    }
    return wrong;
  }

  const ServiceOptions options_;
  const Config config_;
  const Environment environment_;
  const Seal seal_;
  Traffic traffic_;
  Boards boards_;
  const Surroundings here_;
  Proxies proxies_;
  Guard guard_;
  std::uint64_t first_request_ = 0;
  std::atomic<std::uint64_t> requests_{0};
};

}  // namespace

std::string_view Call::value(std::string_view name) const {
  for (const auto& [given, value] : values) {
    if (given == name) return value;
  }
  const auto known = std::ranges::find(route.parameters, name, &Parameter::name);
  return known == route.parameters.end() ? std::string_view() : known->fallback;
}

std::vector<std::string> Call::all(std::string_view name) const {
  std::vector<std::string> out;
  for (const auto& [given, value] : values) {
    if (given == name) out.push_back(value);
  }
  return out;
}

std::uint64_t Call::count(std::string_view name) const {
  const std::string_view text = value(name);
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

Result<ServiceOptions> service_options(const Config& config) {
  ServiceOptions options;
  options.host = config.text("web.host");
  options.allow_insecure = config.boolean("security.allow_insecure");
  options.api = config.boolean("web.api.enabled");
  options.requests_per_s = config.number("web.api.rate_limit");
  std::vector<Diagnostic> mistakes;
  options.trusted_proxies = config.text_list("web.trusted_proxies");
  if (const auto proxies = Proxies::parse(options.trusted_proxies); !proxies) {
    mistakes.push_back(config.mistake(
        "web.trusted_proxies", fmt::format("'{}' is no address and no network", proxies.error()),
        "write addresses as 127.0.0.1 or ::1, networks as 10.0.0.0/8"));
  }
  options.base_path = config.text("web.base_path");
  if (options.base_path == "/") options.base_path.clear();
  if (!is_base_path(options.base_path)) {
    mistakes.push_back(config.mistake(
        "web.base_path", fmt::format("'{}' is no path to serve below", options.base_path),
        "write it as /telemetry: letters, digits, - . _ ~ between slashes, none at the end"));
  }
  if (config.boolean("web.cors_enabled"))
    options.cors_origins = config.text_list("web.cors_origins");
  for (const std::string& origin : options.cors_origins) {
    const std::size_t scheme = origin.find("://");
    const bool fits = origin == "*" || (scheme != origin.npos && scheme > 0 &&
                                        origin.find_first_of("/?# ", scheme + 3) == origin.npos &&
                                        scheme + 3 < origin.size());
    if (fits) continue;
    mistakes.push_back(config.mistake("web.cors_origins", fmt::format("'{}' is no origin", origin),
                                      "write scheme, host and port: https://board.example:8443"));
  }
  if (!mistakes.empty()) return mistakes_error(std::move(mistakes));
  return options;
}

std::unique_ptr<Handler> make_service(ServiceOptions options, const Config& config,
                                      Pipeline& pipeline, Environment environment) {
  return std::make_unique<Service>(std::move(options), config, pipeline, std::move(environment));
}

}  // namespace telemetry::web
