// SPDX-License-Identifier: Apache-2.0
#include "body.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "target.hpp"

namespace telemetry::web {
namespace {

constexpr std::size_t values_max = 10'000;  // of a body

bool is_json(std::string_view type) {
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  return is_same_name(type, "application/json");
}

}  // namespace

std::optional<Problem::Part> unknown_member(const schemas::JsonValue& object,
                                            std::span<const std::string_view> known) {
  for (const schemas::JsonMember& member : object.inside) {
    if (std::ranges::find(known, member.name) != known.end()) continue;
    const std::string_view near = nearest(member.name, known);
    return Problem::Part{printable(member.name),
                         fmt::format("unknown member '{}'", printable(member.name)),
                         near.empty() ? fmt::format("known are {}", fmt::join(known, ", "))
                                      : fmt::format("did you mean '{}'?", near)};
  }
  return std::nullopt;
}

core::Result<Body, Problem> Body::read(const Request& request,
                                       std::initializer_list<std::string_view> known) {
  if (!is_json(request.header("Content-Type"))) {
    return Problem{415, "unsupported_media_type",
                   "send a JSON object, with Content-Type: application/json"};
  }
  Body body;
  std::string refusal;
  if (!body.tree_.parse(request.body, values_max, body.root_, refusal)) {
    return Problem{400, "malformed_body", "this is no JSON object: " + printable(refusal)};
  }
  if (body.root_.kind != schemas::JsonValue::Kind::object) {
    return Problem{400, "malformed_body",
                   fmt::format("send a JSON object; its members are {}", fmt::join(known, ", "))};
  }
  const std::vector<std::string_view> names(known);
  if (auto unknown = unknown_member(body.root_, names)) {
    const std::string detail = fmt::format("{}; {}", unknown->detail, unknown->hint);
    return Problem{400, "unknown_member", detail, {*std::move(unknown)}};
  }
  return body;
}

void Body::refuse(std::string_view name, std::string detail) {
  mistakes_.push_back({std::string(name), fmt::format("{}: {}", name, detail), {}});
}

void Body::require(std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    if (!has(name)) refuse(name, "is missing");
  }
}

std::optional<Problem> Body::wrong() const {
  if (mistakes_.empty()) return std::nullopt;
  return Problem{400, "invalid_member", mistakes_.front().detail, mistakes_};
}

std::optional<std::string> Body::text(std::string_view name) {
  const schemas::JsonValue* const found = root_.find(name);
  if (found == nullptr) return std::nullopt;
  if (found->kind != schemas::JsonValue::Kind::string) {
    refuse(name, "must be a text");
    return std::nullopt;
  }
  return std::string(found->text);
}

std::optional<std::uint64_t> Body::count(std::string_view name, std::uint64_t min,
                                         std::uint64_t max) {
  const schemas::JsonValue* const found = root_.find(name);
  if (found == nullptr) return std::nullopt;
  std::uint64_t number = 0;
  if (found->kind == schemas::JsonValue::Kind::number) {
    const std::string text = schemas::canonical_number(found->text);  // 1e1 and 10.0 are whole
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = read.ec == std::errc() && read.ptr == text.data() + text.size();
    if (whole && number >= min && number <= max) return number;
  }
  refuse(name, fmt::format("must be a whole number from {} to {}", min, max));
  return std::nullopt;
}

std::optional<std::optional<std::vector<std::string>>> Body::scope() {
  using Kind = schemas::JsonValue::Kind;
  using Scope = std::optional<std::vector<std::string>>;
  const schemas::JsonValue* const found = root_.find("scope");
  if (found == nullptr) return std::nullopt;
  if (found->kind == Kind::null) return Scope();
  std::vector<std::string> filters;
  const bool texts = found->kind == Kind::array &&
                     std::ranges::all_of(found->inside, [](const schemas::JsonMember& one) {
                       return one.value.kind == Kind::string;
                     });
  if (!texts) {
    refuse("scope", "must be a list of topic filters, or null for all topics");
    return std::nullopt;
  }
  for (const schemas::JsonMember& one : found->inside) filters.emplace_back(one.value.text);
  if (const std::string problem = scope_problem(filters); !problem.empty()) {
    refuse("scope", problem + "; null stands for all topics");
    return std::nullopt;
  }
  return Scope(std::move(filters));
}

std::optional<Role> Body::role() {
  const auto name = text("role");
  if (!name) return std::nullopt;
  const auto role = parse_role(*name);
  if (!role) refuse("role", "must be viewer, operator or admin");
  return role;
}

}  // namespace telemetry::web
