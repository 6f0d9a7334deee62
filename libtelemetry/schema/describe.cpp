// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "schema/compiled.hpp"
#include "telemetry/core/json_pull.hpp"
#include "telemetry/core/time.hpp"

namespace telemetry {
namespace {

using core::JsonToken;
using core::Rule;
using schemas::CompiledSchema;
using schemas::excerpt;
using schemas::FieldSpec;
using schemas::shown_number;
using schemas::type_name;

constexpr std::size_t found_bytes_max = 128;
constexpr std::size_t allowed_bytes_max = 256;

std::string unescaped(std::string_view raw) {
  std::string text(raw.size(), '\0');
  text.resize(core::json_unescape(raw, text));
  return text;
}

struct Level {
  bool array = false;
  std::size_t items = 0;  // array: values begun
  std::string key;        // object: the last key
};

/// Follows the tokens of a payload and knows where it is.
class Locator {
 public:
  explicit Locator(std::string_view payload) : pull_(payload) {}

  /// The pointer of the value or key that begins at `offset`, or of what is open there.
  std::string find(std::size_t offset) {
    for (;;) {
      const JsonToken token = pull_.next();
      if (token == JsonToken::end || token == JsonToken::error) break;
      if (token == JsonToken::object_end || token == JsonToken::array_end) {
        levels_.pop_back();
      } else {
        begin(token);
      }
      if (pull_.offset() >= offset) break;
      if (token == JsonToken::object_begin || token == JsonToken::array_begin)
        levels_.push_back({token == JsonToken::array_begin, 0, {}});
    }
    return path();
  }

 private:
  void begin(JsonToken token) {
    if (levels_.empty()) return;
    if (token == JsonToken::key)
      levels_.back().key = unescaped(pull_.text());
    else if (levels_.back().array)
      ++levels_.back().items;
  }

  [[nodiscard]] std::string path() const {
    std::string out;
    for (const Level& level : levels_)
      out += level.array ? fmt::format("/{}", level.items == 0 ? 0 : level.items - 1)
                         : schemas::pointer_step(level.key);
    return out;
  }

  core::JsonPull pull_;
  std::vector<Level> levels_;
};

/// The values of two members of the object that ends at `offset`, as written.
class MemberValues {
 public:
  MemberValues(std::string_view payload, std::size_t offset, const FieldSpec& left,
               const FieldSpec& right) {
    core::JsonPull pull(payload);
    std::vector<Found> open;
    for (;;) {
      const JsonToken token = pull.next();
      if (token == JsonToken::end || token == JsonToken::error) return;
      if (token == JsonToken::object_end && pull.offset() == offset) {
        found_ = open.back();
        return;
      }
      if (token == JsonToken::object_end || token == JsonToken::array_end) {
        open.pop_back();
        continue;
      }
      if (token == JsonToken::key) {
        const std::string key = unescaped(pull.text());
        open.back().next = is_named(left, key) ? 0 : is_named(right, key) ? 1 : none;
        continue;
      }
      if (!open.empty() && open.back().next != none) {
        std::string_view& value = open.back().values[open.back().next];
        if (value.empty()) value = payload.substr(pull.offset(), pull.end_offset() - pull.offset());
        open.back().next = none;
      }
      if (token == JsonToken::object_begin || token == JsonToken::array_begin) open.emplace_back();
    }
  }

  [[nodiscard]] std::string left() const { return excerpt(found_.values[0], found_bytes_max); }
  [[nodiscard]] std::string right() const { return excerpt(found_.values[1], found_bytes_max); }

 private:
  static constexpr std::size_t none = 2;
  struct Found {
    std::string_view values[2];
    std::size_t next = none;  // which of them the next value is
  };
  static bool is_named(const FieldSpec& field, const std::string& key) {
    return field.name == key ||
           std::find(field.aliases.begin(), field.aliases.end(), key) != field.aliases.end();
  }

  Found found_;
};

/// The value of a slot, as written; empty when there is none.
std::string_view value_of_slot(const core::SchemaView& view, std::string_view payload,
                               std::uint16_t slot) {
  core::JsonPull pull(payload);
  std::vector<std::uint16_t> open;  // nodes of objects
  std::uint16_t next = 0;           // node of the next value; no_index: not declared
  for (;;) {
    const JsonToken token = pull.next();
    if (token == JsonToken::end || token == JsonToken::error) return {};
    if (token == JsonToken::object_end) {
      open.pop_back();
      continue;
    }
    if (token == JsonToken::key) {
      const core::Node& object = view.nodes[open.back()];
      const auto keys = view.keys.subspan(object.first, object.count);
      const auto key = std::ranges::find(keys, unescaped(pull.text()), &core::Key::name);
      next = key == keys.end() ? core::no_index : key->node;
      continue;
    }
    const bool declared = next != core::no_index;
    if (declared && view.nodes[next].slot == slot) {
      return payload.substr(pull.offset(), pull.end_offset() - pull.offset());
    }
    if (token == JsonToken::object_begin && declared &&
        view.nodes[next].type == core::FieldType::object) {
      open.push_back(next);
    } else if ((token == JsonToken::object_begin || token == JsonToken::array_begin) &&
               !pull.skip_container()) {
      return {};
    }
  }
}

std::string time_text(std::int64_t ns) {
  char text[core::time_text_bytes_max];
  return {text, core::format_time(ns, text)};
}

std::string join(const std::vector<schemas::Literal>& values) {
  std::string out;
  for (const schemas::Literal& value : values) {
    if (!out.empty()) out += ", ";
    out += schemas::literal_text(value);
  }
  return out;
}

/// What a payload is that is no JSON at all.
std::string kind_of_payload(std::string_view payload) {
  if (payload.empty()) return "the payload is empty";
  if (payload.find_first_not_of(" \t\r\n") == std::string_view::npos)
    return "the payload is only white space";
  if (payload.starts_with("\xEF\xBB\xBF"))
    return "a byte order mark (BOM) stands before the JSON; send it without";
  if (payload.starts_with("\xFF\xFE") || payload.starts_with("\xFE\xFF"))
    return "the payload is UTF-16; JSON is sent in UTF-8";
  const bool text = core::is_valid_utf8(payload) && payload.find('\0') == std::string_view::npos;
  return text ? "the payload is text, not JSON: " + excerpt(payload, found_bytes_max)
              : "the payload is binary, not JSON";
}

/// What other languages take for a value there, and JSON does not.
std::string foreign_value(std::string_view rest) {
  const std::string_view unsigned_rest = rest.substr(rest.starts_with('-') ? 1 : 0);
  const std::size_t end = unsigned_rest.find_first_of(" \t\r\n,]}:");
  const std::string_view word = unsigned_rest.substr(0, end);
  std::string lower(word.substr(0, 16));
  for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
  const std::string shown =
      excerpt(rest.substr(0, rest.size() - unsigned_rest.size())) + excerpt(word);
  if (lower == "nan" || lower == "inf" || lower == "infinity")
    return shown + " is no number of JSON; send null, or leave the member out";
  if (lower == "none" || lower == "undefined" || lower == "null")
    return shown + " is not JSON; nothing is written null";
  if (lower == "true" || lower == "false") return shown + " is not JSON; it is written " + lower;
  if (rest.starts_with('\'')) return "JSON has double quotes, not single ones";
  return {};
}

std::string form_error(Rule rule, std::string_view payload, std::size_t offset) {
  const std::string at = fmt::format("byte {}: ", offset);
  const std::string_view rest = payload.substr(std::min(offset, payload.size()));
  const bool at_value = rule == Rule::json_syntax && !rest.empty();
  // The decoder names the byte behind a sign.
  const bool sign = at_value && offset > 0 && payload[offset - 1] == '-';
  const std::string foreign =
      at_value ? foreign_value(payload.substr(offset - (sign ? 1 : 0))) : "";
  const std::size_t first = payload.find_first_not_of(" \t\r\n");
  switch (rule) {
    case Rule::json_syntax:
    case Rule::json_utf8:
      if (!foreign.empty()) return at + foreign;
      if (first == std::string_view::npos || offset <= first) return at + kind_of_payload(payload);
      if (rest.empty()) return at + "the JSON ends too early; it was cut off";
      return at +
             (rule == Rule::json_syntax ? "not JSON: " + excerpt(rest, 16) : "not valid UTF-8");
    case Rule::json_depth:
      return fmt::format("{}nested deeper than {} levels", at, core::json_depth_max);
    case Rule::json_surrogate:
      return at + "half of a surrogate pair";
    case Rule::trailing_bytes:
      return at + "something follows the document: " + excerpt(rest, 16);
    default:
      return fmt::format("breaks rule {}", core::to_string(rule));
  }
}

/// What a value was rounded to.
std::string held_text(std::string_view written, const FieldSpec& field) {
  const bool quoted = written.starts_with('"');
  const std::string text =
      quoted ? unescaped(written.substr(1, written.size() - 2)) : std::string(written);
  if (field.type == core::FieldType::timestamp) {
    std::int64_t ns = 0;
    static_cast<void>(core::read_time(text, 0, ns));
    return schemas::literal_text({core::ValueKind::time, ns, {}, {}});
  }
  const auto number = schemas::text_number(schemas::number_in_text(text, field.unit));
  return number ? shown_number(number->value) : "another value";
}

/// How a value breaks the rule of its field, and what the rule allows.
struct Breach {
  std::string verb;
  std::string allowed;
  std::string more = {};
};

/// For a number in another unit than the schema's: the one in which it is a time of our days.
std::string unit_hint(std::string_view found, core::TimeFormat format) {
  using core::TimeFormat;
  constexpr std::int64_t year_2000 = 946'684'800ll * 1'000'000'000;
  constexpr std::int64_t year_2100 = 4'102'444'800ll * 1'000'000'000;
  const auto number = schemas::text_number(std::string(found));
  if (!number) return {};
  for (const auto unit : {TimeFormat::s, TimeFormat::ms, TimeFormat::us, TimeFormat::ns}) {
    std::int64_t ns = 0;
    if (unit == format || !core::epoch_to_ns(number->value, unit, ns)) continue;
    if (ns < year_2000 || ns >= year_2100) continue;
    return fmt::format("; as {0} it would be {1}: set time_format: {0}",
                       schemas::time_format_name(unit), time_text(ns));
  }
  return {};
}

Breach breach_of(Rule rule) { return {"breaks", fmt::format("rule {}", core::to_string(rule))}; }

Breach breach(Rule rule, std::string_view found, const FieldSpec& field, bool lenient) {
  const auto length = [](std::string_view name, const auto& limit) {
    return fmt::format("{} {}", name, limit.value_or(0));
  };
  const auto number = [](std::string_view name, const auto& limit) {
    return fmt::format("{} {}", name, shown_number(limit.value_or(core::Decimal{})));
  };
  switch (rule) {
    case Rule::type: {
      const bool fixed = field.type == core::FieldType::timestamp &&
                         field.time_format != core::TimeFormat::automatic;
      const bool measured = lenient && !field.unit.empty() && found.starts_with('"');
      return {"is not of",
              fmt::format("type {}{}{}", type_name(field.type), fixed ? ", format " : "",
                          fixed ? schemas::time_format_name(field.time_format) : ""),
              fixed      ? unit_hint(found, field.time_format)
              : measured ? ", and no number in " + excerpt(field.unit)
                         : ""};
    }
    case Rule::number_range:
      if (field.type == core::FieldType::integer)
        return {"does not fit",
                "an integer of 64 bits, -9223372036854775808 to 9223372036854775807"};
      return {"is beyond", "the largest float, 1.7976931348623157e308"};
    case Rule::min:
      return field.min_exclusive ? Breach{"is not above", number("exclusive_min", field.min)}
                                 : Breach{"is below", number("min", field.min)};
    case Rule::max:
      return field.max_exclusive ? Breach{"is not below", number("exclusive_max", field.max)}
                                 : Breach{"is above", number("max", field.max)};
    case Rule::min_length:
      return {"is shorter than", length("min_length", field.length_min)};
    case Rule::max_length:
      return {"is longer than", length("max_length", field.length_max)};
    case Rule::min_items:
      return {"has fewer than", length("min_items", field.length_min)};
    case Rule::max_items:
      return {"has more than", length("max_items", field.length_max)};
    case Rule::pattern:
      return {"does not match", "pattern " + excerpt(field.pattern, allowed_bytes_max)};
    case Rule::enum_:
      return {"is not", "one of " + excerpt(join(field.enum_), allowed_bytes_max)};
    case Rule::time_format:
      return {"is not",
              fmt::format("a time of format {}", schemas::time_format_name(field.time_format)),
              unit_hint(found, field.time_format)};
    default:
      return breach_of(rule);
  }
}

void tell(Problem& problem, const Breach& breach) {
  problem.allowed = breach.allowed;
  problem.message = fmt::format("{} {} {}{}", problem.found.empty() ? "nothing" : problem.found,
                                breach.verb, breach.allowed, breach.more);
}

}  // namespace

std::string schemas::CompiledSchema::Finding::text() const {
  std::string out = found.empty() ? "" : found + " ";
  if (!allowed.empty()) out += "breaks " + allowed;
  if (!allowed.empty() && !reason.empty()) out += ": ";
  return out + reason;
}

std::string to_string(const Problem& problem) {
  const Rule rule = problem.rule;
  const bool no_json =
      (rule >= Rule::json_syntax && rule <= Rule::json_surrogate) || rule == Rule::trailing_bytes;
  if (no_json) return problem.message;
  return (problem.path.empty() ? "(document)" : problem.path) + ": " + problem.message;
}

std::string Schema::describe(const core::Violation& violation, std::string_view payload) const {
  return schemas::title(*this) + ": " + to_string(explain(violation, payload));
}

Problem Schema::explain(const core::Violation& violation, std::string_view payload) const {
  const CompiledSchema& self = schemas::compiled(*this);
  const std::size_t begin = std::min<std::size_t>(violation.offset, payload.size());
  const std::string_view bytes = payload.substr(begin, violation.length);
  const auto rule = violation.rule;
  Problem problem{.rule = rule, .found = excerpt(bytes, found_bytes_max)};
  if (rule == Rule::custom || rule == Rule::json_schema) {
    const auto finding = rule == Rule::custom ? self.describe_custom(violation.key, payload)
                                              : self.describe_json_rule(violation.key, payload);
    if (finding) {
      problem.path = excerpt(finding->pointer, allowed_bytes_max);
      problem.found = finding->found;
      problem.allowed = finding->allowed;
      problem.message = finding->text();
      return problem;
    }
  }
  if (rule == Rule::form || rule == Rule::records) {
    Arena arena(16 * 1024);
    std::vector<Record> records;
    const std::string reason = unfold({.payload = payload}, arena, records).reason;
    problem.found = excerpt(payload, found_bytes_max);
    problem.message =
        reason.empty() ? "the payload has more readings than a journal of this size takes at once; "
                         "raise journal.size_max_mb"
                       : excerpt(reason, allowed_bytes_max);
    return problem;
  }
  const bool of_document =
      violation.node == core::no_index && rule >= Rule::json_syntax && rule <= Rule::trailing_bytes;
  const bool of_message =
      (rule >= Rule::custom && rule <= Rule::topic) || rule == Rule::json_schema;
  if (of_document || of_message || (rule == Rule::none && self.field(violation.node) == nullptr)) {
    problem.found = excerpt(payload.substr(begin), found_bytes_max);
    problem.allowed = "a JSON object";
    problem.message = form_error(rule, payload, violation.offset);
    return problem;
  }

  problem.path = Locator(payload).find(begin);
  const auto is_wrong = [&](const char* allowed, const char* message) {
    problem.allowed = allowed;
    problem.message = message;
  };
  const bool missing = rule == Rule::required || rule == Rule::requires_;
  if (missing && violation.key < view_.keys.size()) {
    problem.path += schemas::pointer_step(view_.keys[violation.key].name);
    if (rule == Rule::required)
      is_wrong("a value", "is required, but missing or null");
    else
      is_wrong("a value", "is missing or null, but another field requires it");
  } else if (rule == Rule::unknown_field && violation.node < view_.nodes.size() &&
             view_.nodes[violation.node].extra_allowed) {
    is_wrong("256 undeclared members", "is one undeclared member more than the 256 that are kept");
  } else if (rule == Rule::unknown_field) {
    is_wrong("declared fields", "is not declared; declare it, or set allow_extra_fields: true");
  } else if (rule == Rule::duplicate_key) {
    is_wrong("one value", "is given twice");
  } else if (rule == Rule::comparison && violation.key < view_.comparisons.size()) {
    const core::Comparison& comparison = view_.comparisons[violation.key];
    const FieldSpec& left = self.field_of_slot(comparison.left);
    const FieldSpec& right = self.field_of_slot(comparison.right);
    const MemberValues values(payload, begin, left, right);
    problem.path += schemas::pointer_step(left.name);
    problem.found = values.left();
    tell(problem,
         {"breaks", fmt::format("{} {}, which is {}", schemas::relation_name(comparison.relation),
                                excerpt(right.name), values.right())});
  } else if (const FieldSpec* field = self.field(violation.node); field == nullptr) {
    tell(problem, rule == Rule::type ? Breach{"is not", "an object"} : breach_of(rule));
  } else if (rule == Rule::none) {
    problem.message =
        violation.key == core::rounded_note
            ? fmt::format("{} was rounded to {}", problem.found, held_text(bytes, *field))
            : fmt::format("{} was read as {}", problem.found, type_name(field->type));
  } else {
    tell(problem, breach(rule, problem.found, *field, self.specification().lenient));
  }
  problem.path = excerpt(problem.path, allowed_bytes_max);
  return problem;
}

std::string Schema::describe_time(std::string_view payload, std::int64_t earliest,
                                  std::int64_t latest) const {
  using core::TimeFormat;
  const CompiledSchema& self = schemas::compiled(*this);
  const FieldSpec& field = self.field_of_slot(view_.time_slot);
  const std::string_view written = value_of_slot(view_, payload, view_.time_slot);
  const bool quoted = written.starts_with('"');
  const auto number = schemas::text_number(quoted ? unescaped(written.substr(1, written.size() - 2))
                                                  : std::string(written));
  std::string read;
  std::string remedy = "; check the device's clock";
  std::int64_t ns = 0;
  if (number && core::epoch_to_ns(number->value, field.time_format, ns)) {
    for (const auto unit : {TimeFormat::s, TimeFormat::ms, TimeFormat::us, TimeFormat::ns}) {
      const std::string_view name = schemas::time_format_name(unit);
      std::int64_t other = 0;
      if (!core::epoch_to_ns(number->value, unit, other)) continue;
      const bool is_read = field.time_format == TimeFormat::automatic ? read.empty() && other == ns
                                                                      : unit == field.time_format;
      if (is_read) {
        read = fmt::format(" read as {} is {}, which", name, time_text(ns));
      } else if (other >= earliest && other <= latest) {
        remedy = fmt::format(
            "; as {0} it would be {1}: set time_format: {0} (x-time-format in a "
            "JSON Schema)",
            name, time_text(other));
      }
    }
  }
  return fmt::format(
      "{}: {}: {}{} is not between {} and {}{}", schemas::title(*this),
      excerpt(schemas::slot_pointer(slots_[view_.time_slot].path), allowed_bytes_max),
      written.empty() ? "the default" : excerpt(written, found_bytes_max), read,
      time_text(earliest), time_text(latest), remedy);
}

}  // namespace telemetry
