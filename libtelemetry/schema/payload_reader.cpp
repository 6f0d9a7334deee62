// SPDX-License-Identifier: Apache-2.0
//
// The keys that say how a payload becomes documents.
#include <fmt/format.h>

#include <algorithm>

#include "schema/reader.hpp"

namespace telemetry::schemas {
namespace {

using core::FieldType;

using namespace std::string_view_literals;

constexpr std::array payload_keys = {"form"sv,      "unpack"sv, "columns"sv, "header"sv,
                                     "separator"sv, "assign"sv, "pattern"sv, "layout"sv};
constexpr std::array layout_keys = {"name"sv, "type"sv, "count"sv};
/// Forms of which a payload usually has several documents.
constexpr std::array forms_in_rows = {"csv"sv, "senml"sv, "sparkplug_b"sv};
constexpr std::array records_keys = {"each"sv, "key"sv};
constexpr std::size_t words_max = 1'000;
constexpr std::int32_t decimals_max = 18;

/// Behind the line break of an error that names its remedy.
std::pair<std::string, std::string> parted(const std::string& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  return {text.substr(0, end), text.substr(std::min(end + 1, text.size()))};
}

}  // namespace

bool is_unfolded(const SchemaSpec& spec) {
  const auto mapped = [](const auto& self, const std::vector<FieldSpec>& fields) -> bool {
    return std::ranges::any_of(fields, [&](const FieldSpec& field) {
      return !field.from.empty() || !field.conversion.is_none() || self(self, field.fields);
    });
  };
  return !spec.mapped.empty() || spec.pattern.joins_device() || spec.pattern.names_field() ||
         mapped(mapped, spec.fields);
}

std::vector<std::string> SchemaSpec::names() const {
  std::vector<std::string> all = pattern.names();
  all.emplace_back("device");
  if (!records.key.empty()) all.push_back(records.key);
  return all;
}

void Reader::read_topic_pattern(const TreeNode& node) {
  schema_.topic_at = node.at;
  const auto value = text(node, "topic_pattern");
  if (!value) return;
  schema_.topic_pattern = *value;
  auto pattern = TopicPattern::parse(*value);
  if (pattern) {
    schema_.pattern = std::move(*pattern);
    return;
  }
  auto [what, remedy] = parted(pattern.error().context);
  mistake(node.at, std::move(what), std::move(remedy));
}

void Reader::note_mapped(std::string_view key, const TreeNode& node) {
  schema_.mapped.push_back({key, node.at});
}

void Reader::read_payload_keys(const TreeNode& root) {
  if (const TreeNode* node = root.find("payload")) {
    note_mapped("payload", *node);
    read_form(*node);
  }
  if (const TreeNode* node = root.find("records")) {
    note_mapped("records", *node);
    read_records(*node);
  }
  if (const TreeNode* node = root.find("device")) {
    note_mapped("device", *node);
    if (auto value = text(*node, "device")) {
      schema_.device = std::move(*value);
      if (schema_.device.find('{') != std::string::npos)
        check_template(*node, schema_.device, "device");
    }
  }
  if (const TreeNode* node = root.find("when")) {
    note_mapped("when", *node);
    schema_.when = condition(*node, "when");
  }
  if (const TreeNode* node = root.find("drop")) {
    note_mapped("drop", *node);
    read_drop(*node);
  }
}

void Reader::read_form(const TreeNode& node) {
  Form::Specification& to = schema_.payload.form;
  if (node.kind != TreeNode::Kind::map) {
    to.form = text(node, "payload").value_or("json");
  } else {
    check_keys(node, payload_keys, "payload");
    const auto word = [&](std::string_view key, std::string& out) {
      if (const TreeNode* value = node.find(key))
        out = text(*value, fmt::format("payload: {}", key)).value_or(out);
    };
    word("form", to.form);
    word("separator", to.separator);
    word("assign", to.assign);
    word("pattern", to.pattern);
    if (const TreeNode* value = node.find("unpack")) to.unpack = texts(*value, "payload: unpack");
    if (const TreeNode* value = node.find("columns"))
      to.columns = texts(*value, "payload: columns");
    if (const TreeNode* value = node.find("header"))
      to.header = boolean(*value, "payload: header").value_or(false);
    if (const TreeNode* value = node.find("layout")) read_layout(*value, to);
  }
  auto form = Form::make(to);
  if (form) {
    schema_.payload.reader = std::move(*form);
  } else {
    for (const Diagnostic& one : form.error().diagnostics)
      mistake(node.at, "payload: " + one.message, one.hint);
  }
  if (std::ranges::find(forms_in_rows, to.form) != forms_in_rows.end())
    schema_.records.each = *Path::parse(".");
}

void Reader::read_layout(const TreeNode& node, Form::Specification& to) {
  if (node.kind != TreeNode::Kind::sequence) {
    mistake(node.at, "payload: layout must be a list of fields",
            "layout: [{name: temperature, type: i16be}]");
    return;
  }
  for (const TreeNode* item : node.items) {
    LayoutField& field = to.layout.emplace_back();
    if (item->kind != TreeNode::Kind::map) {
      mistake(item->at, "payload: layout: a field must be a map",
              "{name: temperature, type: i16be}");
      continue;
    }
    check_keys(*item, layout_keys, "payload: layout");
    if (const TreeNode* name = item->find("name"))
      field.name = text(*name, "payload: layout: name").value_or("");
    if (const TreeNode* type = item->find("type"))
      field.type = text(*type, "payload: layout: type").value_or("");
    if (const TreeNode* count_of = item->find("count"))
      field.count = count(*count_of, "payload: layout: count").value_or(1);
  }
}

void Reader::read_records(const TreeNode& node) {
  const TreeNode* each = &node;
  if (node.kind == TreeNode::Kind::map) {
    check_keys(node, records_keys, "records");
    each = node.find("each");
    if (each == nullptr) {
      mistake(node.at, "records does not say where they are",
              "records: {each: readings}, or {each: .} for the whole document");
      return;
    }
    if (const TreeNode* key = node.find("key")) {
      schema_.records.key = text(*key, "records: key").value_or("");
      const auto& names = schema_.pattern.names();
      if (schema_.records.key == "device" ||
          std::ranges::find(names, schema_.records.key) != names.end())
        mistake(key->at,
                fmt::format("records: key: '{}' is a name of the topic", schema_.records.key),
                "take another name");
    }
  }
  const auto value = text(*each, "records: each");
  if (!value) return;
  auto path = Path::parse(*value);
  if (!path)
    mistake(each->at, "records: each: " + path.error().context, "write it as readings, or a.b");
  else if (!path->is_of_names() || path->from_document())
    mistake(each->at, fmt::format("records: each: '{}' has more than names", excerpt(*value)),
            "name members only, from the document on: a.b");
  else
    schema_.records.each = std::move(*path);
}

std::shared_ptr<const Condition> Reader::condition(const TreeNode& node, std::string_view what) {
  const auto value = text(node, what);
  if (!value) return nullptr;
  auto parsed = parse_condition(*value);
  if (parsed) return std::make_shared<const Condition>(std::move(*parsed));
  mistake(node.at, fmt::format("{}: {}", what, parsed.error().context),
          "write it as \"kind = 'location' and not speed is null\"");
  return nullptr;
}

void Reader::read_drop(const TreeNode& node) {
  const TreeNode* const one[] = {&node};
  const std::span<const TreeNode* const> items =
      node.kind == TreeNode::Kind::sequence ? std::span<const TreeNode* const>(node.items) : one;
  for (const TreeNode* item : items) {
    if (item->kind == TreeNode::Kind::scalar && item->plain &&
        (item->text == "true" || item->text == "false"))
      schema_.drop_all = item->text == "true";
    else if (item->kind == TreeNode::Kind::scalar && item->text == "empty")
      schema_.drop_empty = true;
    else if (auto parsed = condition(*item, "drop"))
      schema_.drop.push_back(std::move(parsed));
  }
}

void Reader::check_template(const TreeNode& node, const std::string& value, std::string_view what) {
  auto parsed = Template::parse(value, schema_.names());
  if (!parsed)
    mistake(node.at, fmt::format("{}: {}", what, parsed.error().context),
            "a path is a.b[0], from the document on /a.b; a name of the topic is {channel}");
}

void Reader::read_mapping(const TreeNode& node, const Place& place, const std::string& where,
                          FieldSpec& field) {
  for (const std::string_view key : mapping_keys) {
    const TreeNode* value = node.find(key);
    if (value == nullptr) continue;
    if (field.mapped_at.line == 0) field.mapped_at = value->at;
    if (place.in_array) {
      mistake(value->at, fmt::format("{}: {} is not possible inside an array", where, key),
              "take the item by its position: from: \"values[0]\"");
    } else if (field.type == FieldType::object) {
      mistake(value->at, fmt::format("{}: {} is not possible for an object", where, key),
              "give it to its fields");
    } else {
      read_mapping_key(key, *value, fmt::format("{}: {}", where, key), field);
    }
  }
}

void Reader::read_mapping_key(std::string_view key, const TreeNode& value, const std::string& what,
                              FieldSpec& field) {
  ConversionSpec& to = field.conversion;
  const bool number = field.type == FieldType::integer || field.type == FieldType::number;
  const bool inside = field.type == FieldType::array || field.type == FieldType::any;
  if (inside && key != "from") {
    mistake(value.at, fmt::format("{} does not apply to type {}", what, type_name(field.type)),
            "its values are kept as they come");
    return;
  }
  if (key == "from") {
    field.from = texts(value, what);
    for (const std::string& one : field.from) check_template(value, one, what);
  } else if (key == "words") {
    read_words(value, what, field);
  } else if (key == "no_value") {
    read_no_value(value, what, to);
  } else if (key == "time_zone") {
    if (field.type != FieldType::timestamp)
      mistake(value.at, what + " applies to type timestamp only", "remove it");
    else
      read_zone(value, what, to.zone, nullptr);
  } else if (key == "hex" && (number || field.type == FieldType::timestamp)) {
    to.hex = boolean(value, what).value_or(false);
  } else if (!number) {
    mistake(value.at, what + " applies to numbers only", "remove it");
  } else if (key == "non_finite") {
    const auto word = text(value, what);
    if (word && *word != "absent" && *word != "refuse")
      mistake(value.at, fmt::format("{}: unknown word '{}'", what, excerpt(*word)),
              "write absent, or refuse");
    to.non_finite_absent = word && *word == "absent";
  } else if (key == "decimal_comma") {
    to.decimal_comma = boolean(value, what).value_or(false);
  } else if (key == "decimals") {
    const auto digits = count(value, what);
    if (digits && *digits > decimals_max)
      mistake(value.at, fmt::format("{} is at most {}", what, decimals_max), "write for example 2");
    else if (digits)
      to.decimals = static_cast<std::int32_t>(*digits);
  } else if (key == "scale") {
    to.scale = this->number(value, what);
    if (to.scale && to.scale->mantissa == 0)
      mistake(value.at, what + " is 0", "write what a value is multiplied by, as 0.1");
  } else if (key == "offset") {
    to.offset = this->number(value, what);
  }
}

void Reader::read_words(const TreeNode& node, const std::string& what, FieldSpec& field) {
  if (node.kind != TreeNode::Kind::map || node.members.empty() || node.members.size() > words_max) {
    mistake(node.at, fmt::format("{} must be a map of at most {} words", what, words_max),
            "words: {\"on\": true, \"off\": false}");
    return;
  }
  for (const TreeNode::Member& member : node.members) {
    const std::string one = fmt::format("{}: '{}'", what, excerpt(member.name));
    const auto value = literal(*member.value, field, one);
    if (value) field.conversion.words.emplace_back(member.name, literal_text(*value));
  }
}

void Reader::read_no_value(const TreeNode& node, const std::string& what, ConversionSpec& to) {
  const TreeNode* const one[] = {&node};
  const std::span<const TreeNode* const> items =
      node.kind == TreeNode::Kind::sequence ? std::span<const TreeNode* const>(node.items) : one;
  for (const TreeNode* item : items) {
    if (item->kind != TreeNode::Kind::scalar)
      mistake(item->at, what + " must be texts or numbers", "no_value: [\"\", nan, -999]");
    else
      to.no_value.push_back(item->text);
  }
}

void Reader::read_zone(const TreeNode& node, const std::string& what, std::string& zone,
                       std::int32_t* offset_s) {
  const auto value = text(node, what);
  if (!value || *value == "UTC" || *value == "Z") return;
  const std::string& v = *value;
  const auto digit = [&](std::size_t i) { return v[i] >= '0' && v[i] <= '9'; };
  if (offset_s != nullptr && v.size() == 6 && (v[0] == '+' || v[0] == '-') && digit(1) &&
      digit(2) && v[3] == ':' && digit(4) && digit(5)) {
    const int hours = (v[1] - '0') * 10 + (v[2] - '0');
    const int minutes = (v[4] - '0') * 10 + (v[5] - '0');
    if (hours <= 23 && minutes <= 59) {
      *offset_s = (v[0] == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
      return;
    }
  }
  if (auto found = TimeZone::find(v))
    zone = v;
  else
    mistake(node.at, fmt::format("{}: {}", what, found.error().context),
            offset_s == nullptr ? "write a zone such as Europe/Berlin"
                                : "write UTC, an offset such as \"+02:00\", or Europe/Berlin");
}

/// `auto`, `s`, ..., a pattern with %, or a list of patterns and one of the others.
core::TimeFormat Reader::read_time_formats(const TreeNode& node, FieldSpec& field) {
  core::TimeFormat format = field.time_format;
  bool has_word = false;
  const TreeNode* const one[] = {&node};
  const std::span<const TreeNode* const> items =
      node.kind == TreeNode::Kind::sequence ? std::span<const TreeNode* const>(node.items) : one;
  for (const TreeNode* item : items) {
    const bool scalar = item->kind == TreeNode::Kind::scalar;
    const bool pattern = scalar && item->text.find('%') != std::string::npos;
    if (has_word && !pattern) {
      mistake(item->at, "time_format: two words", "of those that are no patterns only one can be");
    } else if (scalar && item->text == local_epoch_name) {
      field.conversion.local_epoch = true;
      format = core::TimeFormat::s;
    } else if (pattern) {
      if (std::string wrong = wrong_pattern(item->text); !wrong.empty())
        mistake(item->at, fmt::format("time_format: '{}': {}", excerpt(item->text), wrong),
                "write it as \"%d.%m.%Y %H:%M:%S\", in quotes");
      else
        field.conversion.time_patterns.push_back(item->text);
    } else {
      format = time_format(*item);
    }
    has_word = has_word || !pattern;
  }
  if (!field.conversion.is_none() && field.mapped_at.line == 0) field.mapped_at = node.at;
  return format;
}

}  // namespace telemetry::schemas
