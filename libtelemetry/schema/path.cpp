// SPDX-License-Identifier: Apache-2.0
#include "schema/path.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "schema/specification.hpp"

namespace telemetry::schemas {
namespace {

/// Of a text that is read as JSON, or of its parts.
constexpr std::size_t inner_values_max = 10'000;

/// Reads a path from left to right.
class PathText {
 public:
  explicit PathText(std::string_view text) : text_(text) {}

  [[nodiscard]] bool at_end() const noexcept { return at_ == text_.size(); }
  [[nodiscard]] std::size_t column() const noexcept { return at_ + 1; }
  [[nodiscard]] bool take(std::string_view word) noexcept {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  /// Up to one of these characters.
  std::string_view until(std::string_view ends) noexcept {
    const std::size_t end = std::min(text_.find_first_of(ends, at_), text_.size());
    const std::string_view word = text_.substr(at_, end - at_);
    at_ = end;
    return word;
  }
  /// Behind the opening quote; a backslash takes the next character as it is.
  bool quoted(std::string& out) {
    while (at_ < text_.size() && text_[at_] != '"') {
      if (text_[at_] == '\\' && ++at_ == text_.size()) return false;
      out += text_[at_++];
    }
    return take("\"");
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

Error wrong_path(std::string_view text, const PathText& at, std::string_view wanted) {
  return {Errc::invalid_argument, fmt::format("'{}' is not a path: column {} wants {}",
                                              excerpt(text), at.column(), wanted)};
}

}  // namespace

Result<Path> Path::parse(std::string_view text) {
  Path path;
  path.text_ = text;
  PathText rest(text);
  path.from_document_ = rest.take("/");
  if (rest.at_end() && path.from_document_) return path;
  if (!path.from_document_ && text == ".") return path;
  bool first = true;
  while (!rest.at_end()) {
    Step step;
    if (rest.take("[\"")) {
      if (!rest.quoted(step.name) || !rest.take("]"))
        return wrong_path(text, rest, "a name in quotes, as [\"PM2.5\"]");
    } else if (rest.take("[")) {
      step.name = rest.until("=]");
      if (rest.take("=")) {
        step.kind = Kind::entry;
        if (rest.take("\"")) {
          if (!rest.quoted(step.value)) return wrong_path(text, rest, "the quote to end");
        } else {
          step.value = rest.until("]");
        }
        if (step.name.empty()) return wrong_path(text, rest, "a name before =, as [name=level]");
      } else {
        step.kind = Kind::position;
        const char* const end = step.name.data() + step.name.size();
        const auto [stop, error] = std::from_chars(step.name.data(), end, step.position);
        if (error != std::errc() || stop != end)
          return wrong_path(text, rest, "a position from 0, as [0], or from the end, as [-1]");
        step.name.clear();
      }
      if (!rest.take("]")) return wrong_path(text, rest, "]");
    } else if (rest.take("|json")) {
      step.kind = Kind::json;
    } else if (rest.take("|split(")) {
      step.kind = Kind::split;
      step.value = rest.until(")");
      if (step.value.empty() || !rest.take(")"))
        return wrong_path(text, rest, "what separates, as |split(,)");
    } else if (rest.take("|trim(")) {
      step.kind = Kind::trim;
      step.value = rest.until(")");
      if (step.value.empty() || !rest.take(")"))
        return wrong_path(text, rest, "characters that go at both ends, as |trim(:)");
    } else if (first || rest.take(".")) {
      step.name = rest.until(".[|");
      if (step.name.empty())
        return wrong_path(text, rest, "a name, or one in quotes as [\"PM2.5\"]");
    } else {
      return wrong_path(text, rest, "one of . [ |json |split(,) |trim(:)");
    }
    path.steps_.push_back(std::move(step));
    first = false;
    if (path.steps_.size() > steps_max)
      return Error{Errc::invalid_argument,
                   fmt::format("'{}' has more than {} steps", excerpt(text), steps_max)};
  }
  if (path.steps_.empty())
    return Error{Errc::invalid_argument, "an empty path; the record itself is \".\""};
  return path;
}

bool Path::follow(const Step& step, JsonTree& memory, JsonValue& value) {
  using JsonKind = JsonValue::Kind;
  switch (step.kind) {
    case Kind::member: {
      const JsonValue* found = value.find(step.name);
      if (found == nullptr) return false;
      value = *found;
      return true;
    }
    case Kind::position: {
      if (value.kind != JsonKind::array) return false;
      const auto count = static_cast<std::int64_t>(value.inside.size());
      const std::int64_t at = step.position < 0 ? count + step.position : step.position;
      if (at < 0 || at >= count) return false;
      value = value.inside[static_cast<std::size_t>(at)].value;
      return true;
    }
    case Kind::entry: {
      const auto fits = [&](const JsonValue& one) {
        std::string_view text;
        const JsonValue* member = one.find(step.name);
        return member != nullptr && scalar_text(*member, text) && text == step.value;
      };
      if (value.kind == JsonKind::object) return fits(value);
      if (value.kind != JsonKind::array) return false;
      for (const JsonMember& item : value.inside) {
        if (!fits(item.value)) continue;
        value = item.value;
        return true;
      }
      return false;
    }
    case Kind::json: {
      if (value.kind != JsonKind::string) return false;
      std::string refusal;
      JsonValue inner;
      if (!memory.parse(value.text, inner_values_max, inner, refusal)) return false;
      value = inner;
      return true;
    }
    case Kind::split: {
      if (value.kind != JsonKind::string) return false;
      std::vector<JsonMember> parts;
      for (std::string_view rest = value.text; parts.size() < inner_values_max;) {
        const std::size_t end = rest.find(step.value);
        const std::string_view part = rest.substr(0, end);
        JsonMember& one = parts.emplace_back();
        if (const std::string_view bare = without_blanks(part); text_number(bare)) {
          one.value.kind = JsonKind::number;
          one.value.text = one.value.written = bare;
        } else {
          one.value = string_value(part, memory);
        }
        if (end == rest.npos) break;
        rest.remove_prefix(end + step.value.size());
      }
      value = memory.make(JsonKind::array, parts);
      return true;
    }
    case Kind::trim: {
      if (value.kind != JsonKind::string) return false;
      const std::size_t begin =
          std::min(value.text.find_first_not_of(step.value), value.text.size());
      const std::size_t end = value.text.find_last_not_of(step.value) + 1;  // of none: 0
      value = string_value(value.text.substr(begin, end > begin ? end - begin : 0), memory);
      return true;
    }
  }
  return false;
}

bool Path::find(const Place& place, JsonValue& out) const {
  const JsonValue* at = from_document_ ? &place.document : &place.record;
  std::size_t step = 0;
  // Members are only looked at; what other steps make is in `out`.
  for (; step < steps_.size() && steps_[step].kind == Kind::member; ++step) {
    at = at->find(steps_[step].name);
    if (at == nullptr) return false;
  }
  out = *at;
  for (; step < steps_.size(); ++step) {
    if (!follow(steps_[step], place.memory, out)) return false;
  }
  return true;
}

bool Path::is_of_names() const noexcept {
  return std::ranges::all_of(steps_, [](const Step& step) { return step.kind == Kind::member; });
}

bool Path::picks_entry() const noexcept {
  return std::ranges::any_of(steps_, [](const Step& step) { return step.kind == Kind::entry; });
}

std::vector<std::string_view> Path::member_names() const {
  std::vector<std::string_view> names;
  for (const Step& step : steps_) {
    if (step.kind != Kind::member) break;
    names.push_back(step.name);
  }
  return names;
}

Result<Template> Template::parse(std::string_view text, std::span<const std::string> names) {
  Template out;
  out.text_ = text;
  out.is_path_ = text.find_first_of("{}") == text.npos;
  if (out.is_path_) {
    auto path = Path::parse(text);
    if (!path) return std::move(path).error();
    out.parts_.push_back({{}, {}, std::move(*path)});
    return out;
  }
  std::string before;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '}')
      return Error{Errc::invalid_argument, fmt::format("'{}' has a }} without {{", excerpt(text))};
    if (text[at] != '{') {
      before += text[at++];
      continue;
    }
    const std::size_t end = text.find('}', at);
    if (end == text.npos)
      return Error{Errc::invalid_argument, fmt::format("'{}' has no }}", excerpt(text))};
    const std::string_view inner = text.substr(at + 1, end - at - 1);
    Part part{std::exchange(before, {}), {}, {}};
    if (std::ranges::find(names, inner) != names.end()) {
      part.name = inner;
    } else {
      auto path = Path::parse(inner);
      if (!path) return std::move(path).error();
      part.path = std::move(*path);
    }
    out.parts_.push_back(std::move(part));
    at = end + 1;
  }
  out.behind_ = before;
  return out;
}

bool Template::find(const Place& place, JsonValue& out) const {
  if (is_path_) return parts_.front().path.find(place, out);
  std::string text;
  bool any = false;
  for (const Part& part : parts_) {
    std::string_view value;
    JsonValue found;
    if (!part.name.empty()) {
      for (const NamedText& name : place.names) {
        if (name.name == part.name) value = name.text;
      }
    } else if (!part.path.find(place, found) || !scalar_text(found, value)) {
      value = {};
    }
    if (value.empty()) continue;
    // What stands before an absent first part separates nothing.
    if (any || &part == &parts_.front()) text += part.before;
    text += value;
    any = true;
  }
  if (!any) return false;
  out = string_value(place.memory.copy(text + behind_), place.memory);
  return true;
}

std::vector<const Path*> Template::paths() const {
  std::vector<const Path*> paths;
  for (const Part& part : parts_) {
    if (part.name.empty()) paths.push_back(&part.path);
  }
  return paths;
}

bool scalar_text(const JsonValue& value, std::string_view& out) noexcept {
  if (value.kind == JsonValue::Kind::string) {
    out = value.text;
    return true;
  }
  if (value.kind != JsonValue::Kind::number && value.kind != JsonValue::Kind::boolean) return false;
  out = value.written;
  return true;
}

JsonValue string_value(std::string_view text, JsonTree& memory) {
  JsonValue value;
  value.kind = JsonValue::Kind::string;
  value.text = text;
  value.written = memory.copy(json_string(text));
  return value;
}

}  // namespace telemetry::schemas
