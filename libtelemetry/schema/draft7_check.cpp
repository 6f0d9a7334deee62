// SPDX-License-Identifier: Apache-2.0
//
// Checks a draft-07 document and takes its references out.
//
// Two walks. The first looks at every schema in the document, used or not, and reports each
// keyword that is unknown or has a wrong value. The second copies what is used, each $ref replaced
// by its target; a $ref that leads back to a schema on the way to it is circular and refused with
// its whole round. A schema that is used in several places is copied once and shared, so that the
// copy takes no more memory than the file, but its size is counted as if it were written out.
//
// Limits: expanded_max values; steps_max schemas and references inside one another.
#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <vector>

#include "schema/draft7.hpp"
#include "schema/specification.hpp"

namespace telemetry::schemas::draft7 {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t steps_max = 128;
constexpr std::size_t text_bytes_max = 4096;
constexpr std::int64_t pattern_memory_bytes_max = 2 * 1024 * 1024;
constexpr std::array types = {"null"sv,   "boolean"sv, "integer"sv, "number"sv,
                              "string"sv, "array"sv,   "object"sv};
constexpr std::array formats = {
    "date-time"sv,     "date"sv,         "time"sv,          "email"sv,
    "idn-email"sv,     "hostname"sv,     "idn-hostname"sv,  "ipv4"sv,
    "ipv6"sv,          "uri"sv,          "uri-reference"sv, "iri"sv,
    "iri-reference"sv, "uri-template"sv, "json-pointer"sv,  "relative-json-pointer"sv,
    "regex"sv};

struct Word {
  std::string_view word;
  std::string_view hint;
};
/// Of other drafts, of OpenAPI, and of our own schema files.
constexpr Word foreign_words[] = {
    {"id", "draft-07 calls it $id"},
    {"$defs", "draft-07 calls it definitions"},
    {"$anchor", "name the place: {$ref: '#/definitions/NAME'}"},
    {"dependentRequired", "draft-07 says it with dependencies: {NAME: [OTHER]}"},
    {"dependentSchemas", "draft-07 says it with dependencies: {NAME: {...}}"},
    {"prefixItems", "draft-07 says it with items: [...]"},
    {"unevaluatedProperties", "of a later draft; draft-07 has additionalProperties"},
    {"unevaluatedItems", "of a later draft; draft-07 has additionalItems"},
    {"minContains", "of a later draft; draft-07 has contains alone"},
    {"maxContains", "of a later draft; draft-07 has contains alone"},
    {"divisibleBy", "draft-07 calls it multipleOf"},
    {"nullable", "draft-07 says it with type: [string, 'null']"},
    {"deprecated", "of a later draft; remove it"},
    {"example", "draft-07 calls it examples: [...]"},
    {"unit", "write x-unit"},
    {"min", "did you mean `minimum`?"},
    {"max", "did you mean `maximum`?"},
    {"fields", "did you mean `properties`?"},
};

std::string pointer_text(std::string_view step) {
  std::string out;
  for (std::size_t i = 0; i < step.size(); ++i) {
    const bool escape = step[i] == '~' && i + 1 < step.size();
    if (escape && step[i + 1] == '0') {
      out += '~', ++i;
    } else if (escape && step[i + 1] == '1') {
      out += '/', ++i;
    } else {
      out += step[i];
    }
  }
  return out;
}

std::string percent_decoded(std::string_view text) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 &&
        digit(text[i + 2]) >= 0) {
      out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

class Checker {
 public:
  Checker(const TreeNode& document, Nodes& nodes, const Report& report)
      : document_(document), nodes_(nodes), report_(report) {}

  const TreeNode* run() {
    if (kind_of(document_) == Kind::object) {
      if (const TreeNode* id = find(document_, "$id"); id != nullptr) id_ = id->text;
      id_ = id_.substr(0, id_.find('#'));
    }
    check_schema(document_, "");
    // References may lead to what is no keyword's value.
    while (!targets_.empty()) {
      const auto [target, where] = targets_.back();
      targets_.pop_back();
      check_schema(*target, where);
    }
    const TreeNode* out = expand(document_, nullptr);
    for (const TreeNode* definition : definitions_) expand(*definition, nullptr);
    return out;
  }

 private:
  // First walk.
  void check_schema(const TreeNode& schema, const std::string& where);
  void check_member(const TreeNode& schema, const TreeNode::Member& member,
                    const std::string& where);
  void check_value(const Keyword& keyword, const TreeNode& value, const std::string& where);
  void check_scalar(const Keyword& keyword, const TreeNode& value, const std::string& where);
  void check_map(const Keyword& keyword, const TreeNode& value, const std::string& where);
  void check_numbers(const TreeNode& value, const std::string& where);
  void check_type(const TreeNode& value, const std::string& where);
  void check_names(const TreeNode& value, const std::string& where);
  void check_pattern(const std::string& pattern, Position at, const TreeNode& value,
                     const std::string& where);
  void check_dialect(const TreeNode& value);
  void refuse(const TreeNode& value, Position at, std::string message, std::string hint = {}) {
    bad_.insert(&value);
    report_(at, std::move(message), std::move(hint));
  }
  const TreeNode* target(const TreeNode& reference);

  // Second walk.
  const TreeNode* expand(const TreeNode& schema, const TreeNode* reference);
  const TreeNode* expand_object(const TreeNode& schema);
  const TreeNode* expand_value(Shape shape, const TreeNode& value);
  const TreeNode* expand_list(const TreeNode& list);
  const TreeNode* expand_map(const TreeNode& map);
  const TreeNode* finish(TreeNode& made);
  TreeNode& make(const TreeNode& like) {
    TreeNode& made = nodes_.emplace_back();
    made.kind = like.kind;
    made.at = like.at;
    return made;
  }

  struct Step {
    const TreeNode* schema;
    const TreeNode* reference;  // that led here, or null
  };

  const TreeNode& document_;
  Nodes& nodes_;
  const Report& report_;
  std::string id_;
  std::set<const TreeNode*> seen_;
  std::set<const TreeNode*> bad_;  // values of keywords, and schemas
  std::vector<std::pair<const TreeNode*, std::string>> targets_;
  std::vector<const TreeNode*> definitions_;
  std::map<const TreeNode*, const TreeNode*> expanded_;
  std::vector<Step> way_;
  bool too_large_ = false;
};

void Checker::check_schema(const TreeNode& schema, const std::string& where) {
  const Kind kind = kind_of(schema);
  if (kind == Kind::boolean) return;
  if (kind != Kind::object) {
    refuse(schema, schema.at, fmt::format("{}: a schema must be a map, true or false", where));
    return;
  }
  if (!seen_.insert(&schema).second) return;
  const bool refers = find(schema, "$ref") != nullptr;
  for (const TreeNode::Member& member : schema.members) {
    const Keyword* known = keyword(member.name);
    if (refers && member.name != "$ref" && known != nullptr &&
        (known->asserts || known->shape == Shape::format)) {
      refuse(*member.value, member.at,
             fmt::format("{}: draft-07 ignores what stands beside $ref",
                         where + pointer_step(member.name)),
             "put the $ref into allOf: [{$ref: ...}], or remove this");
      continue;
    }
    check_member(schema, member, where);
  }
}

void Checker::check_member(const TreeNode& schema, const TreeNode::Member& member,
                           const std::string& where) {
  const Keyword* known = keyword(member.name);
  if (known != nullptr) {
    if (known->shape == Shape::id && &schema != &document_) {
      refuse(*member.value, member.at, fmt::format("{}: $id is possible at the top only", where),
             "remove it, and name the place: {$ref: '#/definitions/NAME'}");
      return;
    }
    check_value(*known, *member.value, where + pointer_step(member.name));
    return;
  }
  if (member.name.starts_with("x-")) return;
  std::string hint;
  for (const Word& word : foreign_words) {
    if (word.word == member.name) hint = word.hint;
  }
  if (hint.empty()) {
    std::vector<std::string_view> names;
    for (const Keyword& one : keywords()) names.push_back(one.name);
    const std::string_view near = nearest(member.name, names);
    hint = near.empty() ? "draft-07 has no such keyword; names of your own begin with x-"
                        : fmt::format("did you mean `{}`?", near);
  }
  report_(member.at,
          fmt::format("{}: unknown keyword '{}'", where.empty() ? "json_schema" : where,
                      excerpt(member.name)),
          std::move(hint));
}

void Checker::check_value(const Keyword& keyword, const TreeNode& value, const std::string& where) {
  const Kind kind = kind_of(value);
  switch (keyword.shape) {
    case Shape::schema:
      check_schema(value, where);
      return;
    case Shape::schemas:
    case Shape::items: {
      const bool list = kind == Kind::array;
      if (!list && keyword.shape == Shape::items) return check_schema(value, where);
      if (!list || (value.items.empty() && keyword.shape == Shape::schemas)) {
        refuse(value, value.at, fmt::format("{} must be a list of schemas", where));
        return;
      }
      for (std::size_t i = 0; i < value.items.size(); ++i)
        check_schema(*value.items[i], fmt::format("{}/{}", where, i));
      return;
    }
    case Shape::schema_map:
    case Shape::pattern_map:
    case Shape::dependencies:
      check_map(keyword, value, where);
      return;
    case Shape::any_value:
      check_numbers(value, where);
      return;
    case Shape::values:
    case Shape::list:
      if (kind != Kind::array || (value.items.empty() && keyword.shape == Shape::values))
        refuse(value, value.at, fmt::format("{} must be a list of values", where));
      else
        check_numbers(value, where);
      return;
    case Shape::type:
      check_type(value, where);
      return;
    case Shape::names:
      check_names(value, where);
      return;
    default:
      check_scalar(keyword, value, where);
  }
}

void Checker::check_map(const Keyword& keyword, const TreeNode& value, const std::string& where) {
  if (kind_of(value) != Kind::object) {
    refuse(value, value.at, fmt::format("{} must be a map", where));
    return;
  }
  for (const TreeNode::Member& member : value.members) {
    const std::string inside = where + pointer_step(member.name);
    if (keyword.shape == Shape::pattern_map) check_pattern(member.name, member.at, value, inside);
    if (member.name.find('\0') != std::string::npos)
      refuse(value, member.at, fmt::format("{}: a name with a NUL", where), "remove it");
    if (keyword.shape == Shape::dependencies && kind_of(*member.value) == Kind::array)
      check_names(*member.value, inside);
    else
      check_schema(*member.value, inside);
    if (keyword.name == "definitions") definitions_.push_back(member.value);
  }
}

void Checker::check_scalar(const Keyword& keyword, const TreeNode& value,
                           const std::string& where) {
  const Kind kind = kind_of(value);
  const auto text = [&] {
    // In YAML a bare word may look like a number or a truth value.
    if (value.kind != TreeNode::Kind::scalar)
      refuse(value, value.at, fmt::format("{} must be text", where));
    else if (value.text.size() > text_bytes_max)
      refuse(value, value.at, fmt::format("{} is longer than {} bytes", where, text_bytes_max));
    return value.kind == TreeNode::Kind::scalar && value.text.size() <= text_bytes_max;
  };
  switch (keyword.shape) {
    case Shape::boolean:
      if (kind != Kind::boolean)
        refuse(value, value.at, fmt::format("{} must be true or false", where));
      return;
    case Shape::number:
    case Shape::divisor:
    case Shape::count: {
      if (kind != Kind::number) {
        refuse(value, value.at, fmt::format("{} must be a number", where),
               kind == Kind::boolean && where.find("exclusive") != where.npos
                   ? "that is draft-04: here it is the bound itself, exclusiveMinimum: 5"
                   : "");
        return;
      }
      check_numbers(value, where);
      if (bad_.contains(&value)) return;
      const core::Decimal number = text_number(value.text).value_or(TextNumber{}).value;
      std::int64_t whole = 0;
      const bool counts = core::to_int64(number, whole) && whole >= 0 && whole < UINT32_MAX;
      if (keyword.shape == Shape::count && !counts)
        refuse(value, value.at,
               fmt::format("{} must be a whole number from 0 to {}", where, UINT32_MAX - 1));
      if (keyword.shape == Shape::divisor && number.mantissa <= 0)
        refuse(value, value.at, fmt::format("{} must be above 0", where));
      return;
    }
    case Shape::pattern:
      if (text()) check_pattern(value.text, value.at, value, where);
      return;
    case Shape::format: {
      if (!text() || std::find(formats.begin(), formats.end(), value.text) != formats.end()) return;
      const std::string_view near = nearest(value.text, formats);
      refuse(value, value.at, fmt::format("{}: unknown format '{}'", where, excerpt(value.text)),
             near.empty() ? "a format of your own: name it x-format"
                          : fmt::format("did you mean `{}`?", near));
      return;
    }
    case Shape::reference:
      if (text()) target(value);
      return;
    case Shape::dialect:
      if (text()) check_dialect(value);
      return;
    default:
      text();
  }
}

void Checker::check_dialect(const TreeNode& value) {
  std::string_view uri = value.text;
  if (uri.ends_with('#')) uri.remove_suffix(1);
  if (uri == "http://json-schema.org/draft-07/schema" ||
      uri == "https://json-schema.org/draft-07/schema")
    return;
  refuse(value, value.at, fmt::format("$schema: '{}' is not draft-07", excerpt(value.text)),
         "write http://json-schema.org/draft-07/schema#, and what that draft has");
}

void Checker::check_numbers(const TreeNode& value, const std::string& where) {
  for (const TreeNode* item : value.items) check_numbers(*item, where);
  for (const TreeNode::Member& member : value.members) check_numbers(*member.value, where);
  if (value.kind != TreeNode::Kind::scalar || kind_of(value) != Kind::number) return;
  const auto number = text_number(value.text);
  if (number && number->rest == core::Rest::none) return;
  refuse(value, value.at, fmt::format("{}: {} cannot be held exactly", where, excerpt(value.text)),
         std::string(exact_number_hint));
}

void Checker::check_type(const TreeNode& value, const std::string& where) {
  const auto check = [&](const TreeNode& one) {
    if (one.kind == TreeNode::Kind::null) return;  // type: null in YAML
    const bool text = one.kind == TreeNode::Kind::scalar;
    if (text && std::find(types.begin(), types.end(), one.text) != types.end()) return;
    const std::string_view near = text ? nearest(one.text, types) : "";
    std::string hint = near.empty() ? fmt::format("types: {}", fmt::join(types, ", "))
                                    : fmt::format("did you mean `{}`?", near);
    if (text && (one.text == "float" || one.text == "double")) hint = "did you mean `number`?";
    if (text && one.text == "timestamp") hint = "write type: string, format: date-time";
    refuse(value, one.at,
           fmt::format("{}: unknown type '{}'", where, text ? excerpt(one.text) : "?"),
           std::move(hint));
  };
  if (kind_of(value) != Kind::array) return check(value);
  if (value.items.empty()) refuse(value, value.at, fmt::format("{} is empty", where));
  for (const TreeNode* item : value.items) check(*item);
}

void Checker::check_names(const TreeNode& value, const std::string& where) {
  if (kind_of(value) != Kind::array) {
    refuse(value, value.at, fmt::format("{} must be a list of names", where),
           kind_of(value) == Kind::boolean ? "the object lists them: required: [NAME, ...]" : "");
    return;
  }
  std::set<std::string_view> names;
  for (const TreeNode* item : value.items) {
    if (kind_of(*item) != Kind::string)
      refuse(value, item->at, fmt::format("{}: a name must be text", where),
             item->kind == TreeNode::Kind::scalar
                 ? fmt::format("put it in quotes: \"{}\"", item->text)
                 : "");
    else if (!names.insert(item->text).second)
      refuse(value, item->at, fmt::format("{}: '{}' stands twice", where, excerpt(item->text)));
  }
}

void Checker::check_pattern(const std::string& pattern, Position at, const TreeNode& value,
                            const std::string& where) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(pattern_memory_bytes_max);
  const RE2 expression(pattern, options);
  if (expression.ok()) return;
  refuse(value, at, fmt::format("{}: {}", where, expression.error()),
         "the syntax is RE2: no look-around, no back-references");
}

/// Null when it names nothing in this document, which is reported.
const TreeNode* Checker::target(const TreeNode& reference) {
  const std::string& uri = reference.text;
  const std::size_t hash = std::min(uri.find('#'), uri.size());
  const std::string_view base = std::string_view(uri).substr(0, hash);
  const std::string fragment =
      hash == uri.size() ? std::string() : percent_decoded(std::string_view(uri).substr(hash + 1));
  if (!base.empty() && base != id_) {
    refuse(reference, reference.at,
           fmt::format("$ref: '{}' leads to another document", excerpt(uri)),
           "copy it under definitions: {$ref: '#/definitions/NAME'}");
    return nullptr;
  }
  const TreeNode* at = &document_;
  if (!fragment.empty() && fragment.front() != '/') at = nullptr;
  for (std::size_t start = 1; at != nullptr && start <= fragment.size();) {
    const std::size_t end = std::min(fragment.find('/', start), fragment.size());
    const std::string step = pointer_text(std::string_view(fragment).substr(start, end - start));
    if (at->kind == TreeNode::Kind::sequence) {
      const bool number =
          !step.empty() && step.size() < 6 && step.find_first_not_of("0123456789") == step.npos;
      const std::size_t index = number ? std::stoul(step) : at->items.size();
      at = index < at->items.size() ? at->items[index] : nullptr;
    } else {
      at = find(*at, step);
    }
    start = end + 1;
  }
  if (at == nullptr) {
    refuse(reference, reference.at, fmt::format("$ref: there is no '{}'", excerpt(uri)),
           "name a place in this document: '#/definitions/NAME'");
    return nullptr;
  }
  targets_.emplace_back(at, fragment);
  return at;
}

const TreeNode* Checker::expand(const TreeNode& schema, const TreeNode* reference) {
  if (const auto known = expanded_.find(&schema); known != expanded_.end()) return known->second;
  if (bad_.contains(&schema) || too_large_) return nullptr;
  if (kind_of(schema) == Kind::boolean) return &schema;
  const auto round = std::find_if(way_.begin(), way_.end(),
                                  [&](const Step& step) { return step.schema == &schema; });
  if (round != way_.end()) {
    std::string names;
    for (auto step = round; step != way_.end(); ++step) {
      if (step != round && step->reference != nullptr) names += step->reference->text + " -> ";
    }
    report_(reference == nullptr ? schema.at : reference->at,
            fmt::format("circular $ref: {0} -> {1}{0}",
                        reference == nullptr ? "#" : excerpt(reference->text), names),
            "a schema that contains itself is not supported; write the levels out");
    return nullptr;
  }
  if (way_.size() >= steps_max) {
    report_(schema.at, fmt::format("more than {} schemas inside one another", steps_max), "");
    return nullptr;
  }
  way_.push_back({&schema, reference});
  const TreeNode* out = nullptr;
  if (const TreeNode* ref = find(schema, "$ref"); ref == nullptr) {
    out = expand_object(schema);
  } else if (!bad_.contains(ref)) {
    if (const TreeNode* to = target(*ref)) out = expand(*to, ref);
  }
  way_.pop_back();
  expanded_[&schema] = out;
  return out;
}

const TreeNode* Checker::expand_object(const TreeNode& schema) {
  TreeNode& made = make(schema);
  for (const TreeNode::Member& member : schema.members) {
    const Keyword* known = keyword(member.name);
    const bool read =
        known != nullptr && (known->asserts || known->shape == Shape::format ||
                             known->name == "default" || known->name.starts_with("x-"));
    if (!read || bad_.contains(member.value)) continue;
    if (const TreeNode* value = expand_value(known->shape, *member.value))
      made.members.push_back({member.name, member.at, value});
  }
  return finish(made);
}

const TreeNode* Checker::expand_value(Shape shape, const TreeNode& value) {
  const bool list = value.kind == TreeNode::Kind::sequence;
  switch (shape) {
    case Shape::schema:
      return expand(value, nullptr);
    case Shape::schemas:
      return expand_list(value);
    case Shape::items:
      return list ? expand_list(value) : expand(value, nullptr);
    case Shape::schema_map:
    case Shape::pattern_map:
    case Shape::dependencies:
      return expand_map(value);
    default:
      return &value;
  }
}

const TreeNode* Checker::expand_list(const TreeNode& list) {
  TreeNode& made = make(list);
  for (const TreeNode* item : list.items) {
    const TreeNode* schema = expand(*item, nullptr);
    if (schema == nullptr) return nullptr;
    made.items.push_back(schema);
  }
  return finish(made);
}

const TreeNode* Checker::expand_map(const TreeNode& map) {
  TreeNode& made = make(map);
  for (const TreeNode::Member& member : map.members) {
    const bool names = member.value->kind == TreeNode::Kind::sequence;
    if (bad_.contains(member.value)) continue;
    if (const TreeNode* value = names ? member.value : expand(*member.value, nullptr))
      made.members.push_back({member.name, member.at, value});
  }
  return finish(made);
}

const TreeNode* Checker::finish(TreeNode& made) {
  for (const TreeNode* item : made.items) made.weight += item->weight;
  for (const TreeNode::Member& member : made.members) made.weight += 1 + member.value->weight;
  if (made.weight <= expanded_max) return &made;
  if (!too_large_)
    report_(made.at, fmt::format("more than {} values, $ref expanded", expanded_max),
            "use fewer references to large definitions");
  too_large_ = true;
  return nullptr;
}

}  // namespace

const TreeNode* checked(const TreeNode& document, Nodes& nodes, const Report& report) {
  return Checker(document, nodes, report).run();
}

}  // namespace telemetry::schemas::draft7
