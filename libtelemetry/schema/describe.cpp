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

constexpr std::size_t found_bytes_max = 64;
constexpr std::size_t allowed_bytes_max = 256;

std::string unescaped(std::string_view raw) {
  std::string text(raw.size(), '\0');
  text.resize(core::json_unescape(raw, text));
  return text;
}

/// The JSON pointer of a slot's path.
std::string pointer(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    out += schemas::pointer_step(path.substr(0, dot));
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return out;
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

std::string form_error(Rule rule, std::string_view found, std::uint32_t offset) {
  const std::string at = found.empty() ? fmt::format("byte {}", offset)
                                       : fmt::format("byte {}, at {}", offset, excerpt(found));
  switch (rule) {
    case Rule::json_syntax:
      return at + ": not JSON";
    case Rule::json_depth:
      return fmt::format("{}: nested deeper than {} levels", at, core::json_depth_max);
    case Rule::json_utf8:
      return at + ": not valid UTF-8";
    case Rule::json_surrogate:
      return at + ": half of a surrogate pair";
    case Rule::trailing_bytes:
      return at + ": something follows the document";
    default:
      return fmt::format("{}: {}", at, core::to_string(rule));
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

/// The rule of one field: what was found against what is allowed.
std::string field_error(Rule rule, const std::string& found, const FieldSpec& field, bool lenient) {
  switch (rule) {
    case Rule::none:
      return fmt::format("{} was read as {}", found, type_name(field.type));
    case Rule::type: {
      const bool fixed = field.type == core::FieldType::timestamp &&
                         field.time_format != core::TimeFormat::automatic;
      const bool measured = lenient && !field.unit.empty() && found.starts_with('"');
      return fmt::format("{} is not of type {}{}{}{}", found, type_name(field.type),
                         fixed ? ", format " : "",
                         fixed ? schemas::time_format_name(field.time_format) : "",
                         measured ? ", and no number in " + excerpt(field.unit) : "");
    }
    case Rule::number_range:
      return field.type == core::FieldType::integer
                 ? found +
                       " does not fit an integer of 64 bits, -9223372036854775808 to "
                       "9223372036854775807"
                 : found + " is beyond the largest float, 1.7976931348623157e308";
    case Rule::min:
      return fmt::format("{} is {} {}", found,
                         field.min_exclusive ? "not above exclusive_min" : "below min",
                         shown_number(field.min.value_or(core::Decimal{})));
    case Rule::max:
      return fmt::format("{} is {} {}", found,
                         field.max_exclusive ? "not below exclusive_max" : "above max",
                         shown_number(field.max.value_or(core::Decimal{})));
    case Rule::min_length:
      return fmt::format("{} is shorter than min_length {}", found, field.length_min.value_or(0));
    case Rule::max_length:
      return fmt::format("{} is longer than max_length {}", found, field.length_max.value_or(0));
    case Rule::min_items:
      return fmt::format("{} has fewer than min_items {}", found, field.length_min.value_or(0));
    case Rule::max_items:
      return fmt::format("{} has more than max_items {}", found, field.length_max.value_or(0));
    case Rule::pattern:
      return fmt::format("{} does not match pattern {}", found,
                         excerpt(field.pattern, allowed_bytes_max));
    case Rule::enum_:
      return fmt::format("{} is not one of {}", found,
                         excerpt(join(field.enum_), allowed_bytes_max));
    case Rule::time_format:
      return fmt::format("{} is not a time of format {}", found,
                         schemas::time_format_name(field.time_format));
    default:
      return fmt::format("{} breaks rule {}", found, core::to_string(rule));
  }
}

}  // namespace

std::string Schema::describe(const core::Violation& violation, std::string_view payload) const {
  const CompiledSchema& self = schemas::compiled(*this);
  const std::string head = schemas::title(*this) + ": ";
  const std::size_t begin = std::min<std::size_t>(violation.offset, payload.size());
  const std::string_view bytes = payload.substr(begin, violation.length);
  const auto rule = violation.rule;
  const bool of_form =
      rule >= Rule::json_syntax && rule <= Rule::trailing_bytes && violation.node == core::no_index;
  if (rule == Rule::custom) {
    if (const auto finding = self.describe_custom(violation.key, payload))
      return head +
             (finding->path.empty() ? "(document)"
                                    : excerpt(pointer(finding->path), allowed_bytes_max)) +
             ": " + finding->message;
  }
  if (rule == Rule::json_schema) {
    if (const auto finding = self.describe_json_rule(violation.key, payload))
      return head +
             (finding->pointer.empty() ? "(document)"
                                       : excerpt(finding->pointer, allowed_bytes_max)) +
             ": " + finding->message;
  }
  const bool of_message =
      (rule >= Rule::custom && rule <= Rule::topic) || rule == Rule::json_schema;
  if (of_form || of_message || (rule == Rule::none && self.field(violation.node) == nullptr))
    return head + form_error(rule, bytes, violation.offset);

  std::string path = Locator(payload).find(begin);
  const std::string found = excerpt(bytes, found_bytes_max);
  const bool missing = rule == Rule::required || rule == Rule::requires_;
  std::string message;
  if (missing && violation.key < view_.keys.size()) {
    path += schemas::pointer_step(view_.keys[violation.key].name);
    message = rule == Rule::required ? "is required, but missing or null"
                                     : "is missing or null, but another field requires it";
  } else if (rule == Rule::unknown_field) {
    message = "is not declared";
  } else if (rule == Rule::duplicate_key) {
    message = "is given twice";
  } else if (rule == Rule::comparison && violation.key < view_.comparisons.size()) {
    const core::Comparison& comparison = view_.comparisons[violation.key];
    const FieldSpec& left = self.field_of_slot(comparison.left);
    const FieldSpec& right = self.field_of_slot(comparison.right);
    const MemberValues values(payload, begin, left, right);
    path += schemas::pointer_step(left.name);
    message = fmt::format("{} breaks {} {}, which is {}", values.left(),
                          schemas::relation_name(comparison.relation), excerpt(right.name),
                          values.right());
  } else if (const FieldSpec* field = self.field(violation.node);
             field != nullptr && rule == Rule::none && violation.key == core::rounded_note) {
    message = fmt::format("{} was rounded to {}", found, held_text(bytes, *field));
  } else if (field != nullptr) {
    message =
        field_error(rule, found.empty() ? "nothing" : found, *field, self.specification().lenient);
  } else if (rule == Rule::type) {
    message = found + " is not an object";
  } else {
    message = fmt::format("{} breaks rule {}", found, core::to_string(rule));
  }
  return head + (path.empty() ? "(document)" : excerpt(path, allowed_bytes_max)) + ": " + message;
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
  return fmt::format("{}: {}: {}{} is not between {} and {}{}", schemas::title(*this),
                     excerpt(pointer(slots_[view_.time_slot].path), allowed_bytes_max),
                     written.empty() ? "the default" : excerpt(written, found_bytes_max), read,
                     time_text(earliest), time_text(latest), remedy);
}

}  // namespace telemetry
