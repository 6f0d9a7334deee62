// SPDX-License-Identifier: Apache-2.0
//
// The second judge: what a draft-07 document says that the tables cannot.
//
// valijson is included here and nowhere else. It judges the structure (combinations, properties,
// items, types); every keyword that compares a value is ours, as a custom constraint, because
// valijson 1.0 is wrong or unsafe there: `pattern` is std::regex (crashes on long input),
// `uniqueItems` compares all with all (hours for one payload), `multipleOf` cuts 4.5 to 4 and reads
// texts as numbers, bounds and enums take 1 and 1.0 for different and large integers for doubles,
// lengths end at a NUL. So a schema is rewritten before valijson sees it: those keywords leave, and
// a member "telemetry" lists the numbers of the tests that take their place.
//
// Invariants
// - The payload has passed the tables, so it is JSON within the core's limits; what is refused here
//   is a tree of more than values_max values, and an object that repeats a key, for draft-07 does
//   not say which one counts.
// - Whole numbers that fit 64 bits are integers however they are written (1.0, 1e3); all others are
//   doubles, compared as the shortest decimal that names the double. So up to 15 digits are exact.
// - No $ref, no format, no pattern reaches valijson: it fetches nothing, and runs no std::regex.
// - Nothing here changes after compile(): schemas judge from any thread.
//
// Limits: JsonPayload::values_max; core::json_depth_max, which bounds every recursion.
#include "schema/json_rule.hpp"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <valijson/adapters/rapidjson_adapter.hpp>
#include <valijson/adapters/std_string_adapter.hpp>
#include <valijson/constraint_builder.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include "schema/exact_keywords.hpp"
#include "schema/specification.hpp"
#include "telemetry/core/json_pull.hpp"
#include "telemetry/message.hpp"

namespace telemetry::schemas {
namespace {

using rapidjson::Value;
using valijson::adapters::Adapter;
using valijson::adapters::RapidJsonAdapter;
using Allocator = Value::AllocatorType;

/// Ends the building of a tree; never leaves this file.
struct Refusal {
  std::string message;
};

std::string_view text_of(const Value& value) {
  return {value.GetString(), value.GetStringLength()};
}

/// Builds the tree token by token, so that both judges agree on what a payload says.
class TreeBuilder {
 public:
  TreeBuilder(std::string_view text, Allocator& allocator) : pull_(text), allocator_(allocator) {}

  Value build() { return value(pull_.next()); }

 private:
  Value value(core::JsonToken token) {
    count();
    switch (token) {
      case core::JsonToken::null_:
        return Value();
      case core::JsonToken::true_:
      case core::JsonToken::false_:
        return Value(token == core::JsonToken::true_);
      case core::JsonToken::number: {
        std::int64_t whole = 0;
        if (core::to_int64(pull_.number(), whole)) return Value(whole);
        return Value(to_double(pull_.number()));
      }
      case core::JsonToken::string:
        return text();
      case core::JsonToken::array_begin:
        return array();
      case core::JsonToken::object_begin:
        return object();
      default:
        throw Refusal{"is not JSON"};
    }
  }

  void count() {
    if (++values_ > JsonPayload::values_max)
      throw Refusal{fmt::format("has more than {} values", JsonPayload::values_max)};
  }

  Value text() {
    std::string unescaped(pull_.text());
    if (pull_.escaped()) unescaped.resize(core::json_unescape(pull_.text(), unescaped));
    return Value(unescaped.data(), static_cast<rapidjson::SizeType>(unescaped.size()), allocator_);
  }

  Value array() {
    Value out(rapidjson::kArrayType);
    for (auto token = pull_.next(); token != core::JsonToken::array_end; token = pull_.next())
      out.PushBack(value(token), allocator_);
    return out;
  }

  Value object() {
    Value out(rapidjson::kObjectType);
    std::vector<std::string_view> names;
    for (auto token = pull_.next(); token == core::JsonToken::key; token = pull_.next()) {
      count();
      Value name = text();
      names.push_back(text_of(name));
      // A short name lives inside the value, which moves.
      Value member = value(pull_.next());
      out.AddMember(name, member, allocator_);
    }
    names.clear();
    for (const auto& member : out.GetObject()) names.push_back(text_of(member.name));
    std::sort(names.begin(), names.end());
    if (const auto twice = std::adjacent_find(names.begin(), names.end()); twice != names.end())
      throw Refusal{fmt::format("has the key '{}' twice in one object", *twice)};
    return out;
  }

  core::JsonPull pull_;
  Allocator& allocator_;
  std::size_t values_ = 0;
};

void write(const Value& value, std::string& out) {
  const auto list = [&out](const auto& range, char open, char close, const auto& write_one) {
    out += open;
    bool first = true;
    for (const auto& one : range) {
      if (!first) out += ',';
      first = false;
      write_one(one);
    }
    out += close;
  };
  if (value.IsArray()) {
    list(value.GetArray(), '[', ']', [&](const Value& item) { write(item, out); });
  } else if (value.IsObject()) {
    list(value.GetObject(), '{', '}', [&](const auto& member) {
      out += json_string(text_of(member.name)) + ":";
      write(member.value, out);
    });
  } else {
    out += canonical_text(RapidJsonAdapter(value));
  }
}

std::string text_json(const Value& value) {
  std::string out;
  write(value, out);
  return out;
}

/// Stands in a schema for the keywords that we judge ourselves.
class ExactConstraint final : public valijson::constraints::PolyConstraint {
 public:
  explicit ExactConstraint(std::vector<ExactTest> tests) : tests_(std::move(tests)) {}

  bool validate(const Adapter& target, const std::vector<std::string>& context,
                valijson::ValidationResults* results) const override {
    bool good = true;
    for (const ExactTest& test : tests_) {
      if (test.keeps(target)) continue;
      good = false;
      if (results == nullptr) return false;
      results->pushError(context, "breaks " + test.keyword + " " + test.text);
    }
    return good;
  }

 private:
  Constraint* cloneInto(void* place) const override { return new (place) ExactConstraint(*this); }
  std::size_t sizeOf() const override { return sizeof(ExactConstraint); }

  std::vector<ExactTest> tests_;
};

class ExactBuilder final : public valijson::ConstraintBuilder {
 public:
  explicit ExactBuilder(const std::vector<ExactTest>& tests) : tests_(tests) {}
  valijson::constraints::Constraint* make(const Adapter& numbers) const override {
    std::vector<ExactTest> tests;
    numbers.applyToArray([&](const Adapter& number) {
      tests.push_back(tests_[static_cast<std::size_t>(number.asInteger())]);
      return true;
    });
    return new ExactConstraint(std::move(tests));
  }

 private:
  const std::vector<ExactTest>& tests_;
};

constexpr const char* exact_key = "telemetry";

std::shared_ptr<const valijson::Schema> compile_schema(Value& schema, Allocator& allocator);

bool keeps_schema(const valijson::Schema& schema, const Adapter& value) {
  valijson::Validator validator;
  if (const auto* node = dynamic_cast<const RapidJsonAdapter*>(&value))
    return validator.validate(schema, *node, nullptr);
  return validator.validate(
      schema, dynamic_cast<const valijson::adapters::StdStringAdapter&>(value), nullptr);
}

/// Takes our keywords out of a schema and all schemas in it.
class Rewriter {
 public:
  explicit Rewriter(Allocator& allocator) : allocator_(allocator) {}

  void rewrite(Value& schema) {
    if (!schema.IsObject()) return;
    Value numbers(rapidjson::kArrayType);
    const auto add = [&](ExactTest test) {
      numbers.PushBack(static_cast<std::int64_t>(tests_.size()), allocator_);
      tests_.push_back(std::move(test));
    };
    if (schema.HasMember("patternProperties")) add(take_members(schema));
    Value kept(rapidjson::kObjectType);
    for (auto& member : schema.GetObject()) {
      const std::string keyword(text_of(member.name));
      if (is_exact(keyword)) {
        add(exact_test(keyword, RapidJsonAdapter(member.value)));
        continue;
      }
      rewrite_inside(keyword, member.value);
      kept.AddMember(member.name, member.value, allocator_);
    }
    if (!numbers.Empty()) kept.AddMember(rapidjson::StringRef(exact_key), numbers, allocator_);
    schema = kept;
  }

  [[nodiscard]] const std::vector<ExactTest>& tests() const noexcept { return tests_; }

 private:
  void rewrite_inside(std::string_view keyword, Value& value) {
    if (keyword == "properties" || keyword == "dependencies") {
      for (auto& member : value.GetObject()) rewrite(member.value);
    } else if (value.IsArray() && keyword != "required" && keyword != "type") {
      for (Value& item : value.GetArray()) rewrite(item);
    } else {
      rewrite(value);
    }
  }

  /// valijson matches patternProperties with std::regex, so the three keywords that belong together
  /// are judged here, each schema in them by a valijson schema of its own.
  ExactTest take_members(Value& schema) {
    struct Members {
      std::map<std::string, std::shared_ptr<const valijson::Schema>, std::less<>> named;
      std::vector<std::pair<std::shared_ptr<const RE2>, std::shared_ptr<const valijson::Schema>>>
          matched;
      std::shared_ptr<const valijson::Schema> other;  // null: all are good
    };
    auto members = std::make_shared<Members>();
    if (schema.HasMember("properties")) {
      for (auto& member : schema["properties"].GetObject())
        members->named.emplace(text_of(member.name), compile_schema(member.value, allocator_));
    }
    for (auto& member : schema["patternProperties"].GetObject())
      members->matched.emplace_back(expression(text_of(member.name)),
                                    compile_schema(member.value, allocator_));
    if (schema.HasMember("additionalProperties"))
      members->other = compile_schema(schema["additionalProperties"], allocator_);
    for (const char* keyword : {"properties", "patternProperties", "additionalProperties"})
      schema.RemoveMember(keyword);
    const auto keeps = [members](const Adapter& target) {
      if (!target.isObject()) return true;
      return target.applyToObject([&](const std::string& name, const Adapter& value) {
        bool known = false;
        if (const auto named = members->named.find(name); named != members->named.end()) {
          known = true;
          if (!keeps_schema(*named->second, value)) return false;
        }
        for (const auto& [pattern, judge] : members->matched) {
          if (!RE2::PartialMatch(name, *pattern)) continue;
          known = true;
          if (!keeps_schema(*judge, value)) return false;
        }
        return known || !members->other || keeps_schema(*members->other, value);
      });
    };
    return {"patternProperties", "", keeps};
  }

  Allocator& allocator_;
  std::vector<ExactTest> tests_;
};

std::shared_ptr<const valijson::Schema> compile_schema(Value& schema, Allocator& allocator) {
  Rewriter rewriter(allocator);
  rewriter.rewrite(schema);
  valijson::SchemaParser parser(valijson::SchemaParser::kDraft7);
  parser.addConstraintBuilder(exact_key, new ExactBuilder(rewriter.tests()));  // it deletes it
  auto compiled = std::make_shared<valijson::Schema>();
  parser.populateSchema(RapidJsonAdapter(schema), *compiled);
  return compiled;
}

/// The first of them names the part.
constexpr std::array<std::array<std::string_view, 3>, 3> groups = {
    {{"properties", "patternProperties", "additionalProperties"},
     {"items", "additionalItems", ""},
     {"if", "then", "else"}}};

std::string_view part_of(std::string_view keyword) {
  for (const auto& group : groups) {
    if (std::find(group.begin(), group.end(), keyword) != group.end()) return group.front();
  }
  return keyword;
}

/// valijson's errors lead to a place inside the value only where each schema must hold.
bool leads_inside(std::string_view keyword) {
  return keyword == "properties" || keyword == "items" || keyword == "allOf";
}

}  // namespace

struct JsonPayload::Tree {
  std::array<char, 16 * 1024> first_bytes;  // most payloads need no more
  Allocator allocator{first_bytes.data(), first_bytes.size()};
  Value root;
};

JsonPayload::JsonPayload(std::string_view payload) : tree_(std::make_unique<Tree>()) {
  try {
    tree_->root = TreeBuilder(payload, tree_->allocator).build();
  } catch (const Refusal& refusal) {
    refusal_ = refusal.message;
  }
}

JsonPayload::~JsonPayload() = default;

JsonNode JsonPayload::root() const noexcept { return {&tree_->root}; }

JsonNode member(JsonNode object, std::string_view name) {
  const auto& value = *static_cast<const Value*>(object.value);
  if (!value.IsObject()) return {};
  for (const auto& one : value.GetObject()) {
    if (text_of(one.name) == name) return {&one.value};
  }
  return {};
}

std::vector<JsonNode> items(JsonNode array) {
  std::vector<JsonNode> out;
  const auto& value = *static_cast<const Value*>(array.value);
  if (!value.IsArray()) return out;
  for (const Value& item : value.GetArray()) out.push_back({&item});
  return out;
}

std::string json_text(JsonNode node) { return text_json(*static_cast<const Value*>(node.value)); }

struct JsonRule::Compiled {
  std::vector<std::shared_ptr<const valijson::Schema>> schemas;  // by part
};

JsonRule::JsonRule() : compiled_(std::make_unique<Compiled>()) {}
JsonRule::~JsonRule() = default;

/// The one place where valijson may throw.
std::shared_ptr<const JsonRule> JsonRule::compile(std::string text, std::string& error) {
  try {
    std::shared_ptr<JsonRule> rule(new JsonRule);
    Allocator allocator;
    Value schema = TreeBuilder(text, allocator).build();
    std::map<std::string_view, Value> parts;
    for (auto& member : schema.GetObject()) {
      Value& part = parts[part_of(text_of(member.name))];
      if (part.IsNull()) part.SetObject();
      part.AddMember(member.name, member.value, allocator);
    }
    for (auto& [keyword, part] : parts) {
      const bool alone = part.MemberCount() == 1 && part.HasMember(std::string(keyword).c_str());
      rule->parts_.push_back(
          {std::string(keyword), text_json(alone ? part.MemberBegin()->value : part)});
      rule->compiled_->schemas.push_back(compile_schema(part, allocator));
    }
    rule->text_ = std::move(text);
    return rule;
  } catch (const Refusal& refusal) {
    error = refusal.message;
  } catch (const std::exception& failure) {
    error = failure.what();
  }
  return nullptr;
}

bool JsonRule::keeps(std::size_t part, JsonNode value) const {
  return keeps_schema(*compiled_->schemas[part],
                      RapidJsonAdapter(*static_cast<const Value*>(value.value)));
}

std::optional<JsonRule::Finding> JsonRule::find(std::size_t part, JsonNode value) const {
  if (keeps(part, value)) return {};
  Finding finding;
  if (!leads_inside(parts_[part].keyword)) return finding;
  valijson::ValidationResults results;
  valijson::Validator validator;
  validator.validate(*compiled_->schemas[part],
                     RapidJsonAdapter(*static_cast<const Value*>(value.value)), &results);
  valijson::ValidationResults::Error first;
  if (!results.popError(first)) return finding;
  for (std::size_t i = 1; i < first.context.size(); ++i) {
    const std::string& step = first.context[i];  // "[name]"
    finding.pointer += pointer_step(std::string_view(step).substr(1, step.size() - 2));
  }
  finding.reason = first.description;
  return finding;
}

}  // namespace telemetry::schemas
