// SPDX-License-Identifier: Apache-2.0
//
// A form is a plan, made and checked once, and a reader that follows it. A reader appends JSON to
// the caller's text and stops at the first thing that is wrong or over a limit; what it had written
// is then taken back. Numbers keep every digit: no reader computes with doubles.
#include "telemetry/form.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "form/forms.hpp"
#include "form/unpack.hpp"

namespace telemetry {
namespace forms {
namespace {

constexpr std::array<std::string_view, 11> form_names = {"json",  "value",  "text",       "csv",
                                                         "pairs", "regex",  "cbor",       "msgpack",
                                                         "senml", "layout", "sparkplug_b"};

Csv make_csv(const Form::Specification& from, Mistakes& mistakes) {
  Csv csv;
  if (!from.separator.empty()) {
    const char c = from.separator.front();
    if (from.separator.size() != 1 || c == '"' || c == '\n' || c == '\r' || c == '\0' ||
        static_cast<signed char>(c) < 0) {
      mistakes.add(fmt::format("separator: {} cannot be one", shown(from.separator)),
                   "one character of ASCII that is no quote and no line end, as \";\"");
    }
    csv.separator = c;
  }
  if (from.header != from.columns.empty()) {
    mistakes.add(from.header ? "columns: the header names them already"
                             : "columns: the columns have no names",
                 "columns: [time, temperature], or header: true where the first line names them");
  }
  if (from.columns.size() > Form::columns_max) {
    mistakes.add(fmt::format("columns: {} names", from.columns.size()),
                 fmt::format("the limit is {}", Form::columns_max));
    return csv;
  }
  for (std::size_t i = 0; i < from.columns.size(); ++i) {
    csv.keys.push_back(key_of(from.columns[i], fmt::format("columns[{}]", i), mistakes));
    if (std::find(from.columns.begin(), from.columns.begin() + static_cast<std::ptrdiff_t>(i),
                  from.columns[i]) != from.columns.begin() + static_cast<std::ptrdiff_t>(i))
      mistakes.add(fmt::format("columns[{}]: {} is there twice", i, shown(from.columns[i])),
                   "give each column a name of its own");
  }
  return csv;
}

Pairs make_pairs(const Form::Specification& from, Mistakes& mistakes) {
  Pairs pairs{from.separator.empty() ? ";\r\n" : from.separator,
              from.assign.empty() ? "=" : from.assign};
  for (const char c : pairs.separators + pairs.assign) {
    if (c == '"' || static_cast<signed char>(c) < 0)
      mistakes.add(fmt::format("separator, assign: {} cannot be one", shown({&c, 1})),
                   "characters of ASCII that are no quotes");
  }
  if (pairs.assign.find_first_of(pairs.separators) != npos)
    mistakes.add(fmt::format("assign: {} and separator {} have a character in common",
                             shown(pairs.assign), shown(pairs.separators)),
                 "separator: \";\", assign: \"=\" reads a=1;b=2");
  return pairs;
}

/// Keys of a form that was not asked for.
void check_unused(const Form::Specification& from, Mistakes& mistakes) {
  const auto unused = [&](std::string_view key, bool given, std::string_view forms) {
    if (given && forms.find(from.form) == npos)
      mistakes.add(fmt::format("{}: the form {} does not use it", key, from.form),
                   fmt::format("for: {}", forms));
  };
  unused("columns", !from.columns.empty(), "csv");
  unused("header", from.header, "csv");
  unused("separator", !from.separator.empty(), "csv, pairs");
  unused("assign", !from.assign.empty(), "pairs");
  unused("pattern", !from.pattern.empty(), "regex");
  unused("layout", !from.layout.empty(), "layout");
}

Shape make_shape(const Form::Specification& from, Mistakes& mistakes) {
  if (from.form == "value") return Value{};
  if (from.form == "text") return Text{};
  if (from.form == "csv") return make_csv(from, mistakes);
  if (from.form == "pairs") return make_pairs(from, mistakes);
  if (from.form == "regex") return make_regex(from.pattern, mistakes);
  if (from.form == "cbor") return Cbor{};
  if (from.form == "msgpack") return MessagePack{};
  if (from.form == "senml") return Senml{};
  if (from.form == "layout") return make_layout(from.layout, mistakes);
  if (from.form == "sparkplug_b") return Sparkplug{};
  return Json{};
}

std::vector<Packing> make_packings(const std::vector<std::string>& names, Mistakes& mistakes) {
  std::vector<Packing> packings;
  if (names.size() > Form::unpack_max)
    mistakes.add(fmt::format("unpack: {} steps", names.size()),
                 fmt::format("the limit is {}", Form::unpack_max));
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (const auto packing = packing_of(names[i]))
      packings.push_back(*packing);
    else
      mistakes.add(fmt::format("unpack[{}]: {} is not known", i, shown(names[i])),
                   fmt::format("one of {}", packings_text));
  }
  return packings;
}

}  // namespace

void Mistakes::add(std::string message, std::string hint) {
  Diagnostic one;
  one.message = std::move(message);
  one.hint = std::move(hint);
  found_.push_back(std::move(one));
}

Error Mistakes::error() && {
  std::string first = fmt::format("{} ({})", found_.front().message, found_.front().hint);
  return {Errc::invalid_argument, std::move(first), std::move(found_)};
}

std::string key_of(std::string_view name, const std::string& place, Mistakes& mistakes) {
  std::string key;
  if (name.empty() || name.size() > core::field_name_bytes_max ||
      JsonText(key).string(name) != npos)
    mistakes.add(fmt::format("{}: {} is no name of a member", place, shown(name)),
                 fmt::format("1 to {} bytes of UTF-8", core::field_name_bytes_max));
  return key + ':';
}

Result<std::size_t> read(const Json&, std::string_view payload, JsonText& out, Buffers&) {
  out.put(payload);
  return std::size_t{1};
}

Result<std::size_t> read(const Value&, std::string_view payload, JsonText& out, Buffers&) {
  if (out.document(payload)) return std::size_t{1};
  const std::size_t wrong = out.bare(payload);
  if (wrong != npos) return not_utf8("value", payload, wrong);
  return std::size_t{1};
}

Result<std::size_t> read(const Text&, std::string_view payload, JsonText& out, Buffers&) {
  const std::size_t wrong = out.string(payload);
  if (wrong != npos) return not_utf8("text", payload, wrong);
  return std::size_t{1};
}

bool Members::has_twice(std::size_t begin, std::string_view text) const noexcept {
  for (std::size_t i = begin; i < members_.size(); ++i) {
    const std::size_t size = members_[i].end - members_[i].begin;
    for (std::size_t j = begin; j < i; ++j) {
      if (members_[j].end - members_[j].begin == size &&
          std::memcmp(text.data() + members_[j].begin, text.data() + members_[i].begin, size) == 0)
        return true;
    }
  }
  return false;
}

std::optional<Members::Twice> Members::end(std::size_t begin, std::string_view text) {
  constexpr std::size_t few = 8;
  if (members_.size() - begin <= few && !has_twice(begin, text)) {
    members_.resize(begin);
    return std::nullopt;
  }
  const auto first = members_.begin() + static_cast<std::ptrdiff_t>(begin);
  const auto name = [text](const Member& one) {
    return text.substr(one.begin, one.end - one.begin);
  };
  std::sort(first, members_.end(), [&](const Member& a, const Member& b) {
    const int order = name(a).compare(name(b));
    return order < 0 || (order == 0 && a.place < b.place);
  });
  const auto twice = std::adjacent_find(
      first, members_.end(), [&](const Member& a, const Member& b) { return name(a) == name(b); });
  std::optional<Twice> found;
  if (twice != members_.end()) found = Twice{name(twice[1]), twice[1].place};
  members_.resize(begin);
  return found;
}

/// Appends the documents of a payload, and what was written of them before a mistake.
static Result<std::size_t> write(const Shape& shape, std::string_view payload, std::string& out,
                                 Buffers& buffers) {
  JsonText text(out);
  const std::size_t before = text.size();
  auto documents =
      std::visit([&](const auto& one) { return read(one, payload, text, buffers); }, shape);
  if (!documents || !text.full()) return documents;
  return Error{Errc::invalid_argument,
               fmt::format("the payload becomes {} bytes of JSON; the limit is {}",
                           text.size() - before, core::payload_bytes_max)};
}

}  // namespace forms

struct Form::Plan {
  std::vector<forms::Packing> packings;
  forms::Shape shape;
};

struct Form::Scratch::State {
  forms::Unpacker unpacker;
  std::array<std::string, 2> unpacked;
  forms::Buffers buffers;
};

Form::Scratch::Scratch() : state_(std::make_unique<State>()) {}
Form::Scratch::~Scratch() = default;
Form::Scratch::Scratch(Scratch&&) noexcept = default;
Form::Scratch& Form::Scratch::operator=(Scratch&&) noexcept = default;

Result<Form> Form::make(const Specification& specification) {
  forms::Mistakes mistakes;
  Plan plan;
  if (std::find(forms::form_names.begin(), forms::form_names.end(), specification.form) ==
      forms::form_names.end()) {
    mistakes.add(fmt::format("form: {} is not known", forms::shown(specification.form)),
                 fmt::format("one of {}", fmt::join(forms::form_names, ", ")));
  } else {
    forms::check_unused(specification, mistakes);
    plan.shape = forms::make_shape(specification, mistakes);
  }
  plan.packings = forms::make_packings(specification.unpack, mistakes);
  if (!mistakes.empty()) return std::move(mistakes).error();
  return Form(std::make_shared<const Plan>(std::move(plan)));
}

bool Form::is_document() const noexcept {
  return plan_->packings.empty() && std::holds_alternative<forms::Json>(plan_->shape);
}

Result<std::size_t> Form::read(std::string_view payload, std::string& out, Scratch& scratch,
                               const FormSurroundings& surroundings) const {
  if (payload.size() > core::payload_bytes_max)
    return Error{Errc::invalid_argument, fmt::format("the payload has {} bytes; the limit is {}",
                                                     payload.size(), core::payload_bytes_max)};
  Scratch::State& state = *scratch.state_;
  std::size_t step = 0;
  for (const forms::Packing packing : plan_->packings) {
    std::string& to = state.unpacked[step++ % 2];
    if (auto unpacked = state.unpacker.unpack(packing, payload, to); !unpacked)
      return std::move(unpacked).error();
    payload = to;
  }
  const std::size_t before = out.size();
  state.buffers.surroundings = surroundings;
  auto documents = forms::write(plan_->shape, payload, out, state.buffers);
  if (!documents) out.resize(before);
  return documents;
}

}  // namespace telemetry
