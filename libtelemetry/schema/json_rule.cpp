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
// - Numbers are judged as they are written, in any length and size: there is no floating point
// here.
//   Whole ones are integers however they are written (1.0, 1e3).
// - No $ref, no format, no pattern reaches valijson: it fetches nothing, and runs no std::regex.
// - Nothing here changes after compile(): schemas judge from any thread.
//
// Limits: JsonPayload::values_max; core::json_depth_max, which bounds every recursion.
#include "schema/json_rule.hpp"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <map>
#include <stdexcept>
#include <valijson/adapters/std_string_adapter.hpp>
#include <valijson/constraint_builder.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include "schema/exact_keywords.hpp"
#include "schema/json_adapter.hpp"
#include "schema/specification.hpp"

namespace telemetry::schemas {
namespace {

using valijson::adapters::Adapter;
using Kind = JsonValue::Kind;

/// Stands in a schema for the keywords that we judge ourselves.
class ExactConstraint final : public valijson::constraints::PolyConstraint {
 public:
  explicit ExactConstraint(std::vector<ExactTest> tests) : tests_(std::move(tests)) {}

  bool validate(const Adapter& target, const std::vector<std::string>& context,
                valijson::ValidationResults* results) const override {
    if (const auto* value = dynamic_cast<const JsonAdapter*>(&target))
      return validate(value->value(), context, results);
    const std::string name = target.getString();  // of a member, for propertyNames
    JsonValue value;
    value.kind = Kind::string;
    value.text = name;
    return validate(value, context, results);
  }

 private:
  bool validate(const JsonValue& value, const std::vector<std::string>& context,
                valijson::ValidationResults* results) const {
    bool good = true;
    for (const ExactTest& test : tests_) {
      if (test.keeps(value)) continue;
      good = false;
      if (results == nullptr) return false;
      results->pushError(context, "breaks " + test.keyword + " " + test.text);
    }
    return good;
  }
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
      tests.push_back(tests_[static_cast<std::size_t>(number.getInteger())]);
      return true;
    });
    return new ExactConstraint(std::move(tests));
  }

 private:
  const std::vector<ExactTest>& tests_;
};

constexpr const char* exact_key = "telemetry";

std::shared_ptr<const valijson::Schema> compile_schema(const JsonValue& schema, JsonTree& tree);

bool keeps_schema(const valijson::Schema& schema, const JsonValue& value) {
  valijson::Validator validator;
  return validator.validate(schema, JsonAdapter(value), nullptr);
}

/// Takes our keywords out of a schema and all schemas in it.
class Rewriter {
 public:
  explicit Rewriter(JsonTree& tree) : tree_(tree) {}

  JsonValue rewrite(const JsonValue& schema) {
    if (schema.kind != Kind::object) return schema;
    std::vector<JsonMember> kept;
    std::vector<JsonMember> numbers;
    const auto add = [&](ExactTest test) {
      JsonValue number;
      number.kind = Kind::number;
      number.text = tree_.copy(std::to_string(tests_.size()));
      numbers.push_back({{}, number});
      tests_.push_back(std::move(test));
    };
    const bool by_pattern = schema.find("patternProperties") != nullptr;
    if (by_pattern) add(take_members(schema));
    for (const JsonMember& member : schema.inside) {
      if (is_exact(member.name)) {
        add(exact_test(std::string(member.name), member.value));
      } else if (!by_pattern || std::find(member_keywords.begin(), member_keywords.end(),
                                          member.name) == member_keywords.end()) {
        kept.push_back({member.name, rewrite_inside(member.name, member.value)});
      }
    }
    if (!numbers.empty()) kept.push_back({exact_key, tree_.make(Kind::array, numbers)});
    return tree_.make(Kind::object, kept);
  }

  [[nodiscard]] const std::vector<ExactTest>& tests() const noexcept { return tests_; }

 private:
  static constexpr std::array<std::string_view, 3> member_keywords = {
      "properties", "patternProperties", "additionalProperties"};

  JsonValue rewrite_inside(std::string_view keyword, const JsonValue& value) {
    const bool map = keyword == "properties" || keyword == "dependencies";
    if (!map && value.kind != Kind::array) return rewrite(value);
    if (keyword == "required" || keyword == "type") return value;
    std::vector<JsonMember> inside;
    for (const JsonMember& member : value.inside)
      inside.push_back({member.name, rewrite(member.value)});
    return tree_.make(value.kind, inside);
  }

  /// valijson matches patternProperties with std::regex, so the three keywords that belong together
  /// are judged here, each schema in them by a valijson schema of its own.
  ExactTest take_members(const JsonValue& schema) {
    struct Members {
      std::map<std::string, std::shared_ptr<const valijson::Schema>, std::less<>> named;
      std::vector<std::pair<std::shared_ptr<const RE2>, std::shared_ptr<const valijson::Schema>>>
          matched;
      std::shared_ptr<const valijson::Schema> other;  // null: all are good
    };
    auto members = std::make_shared<Members>();
    if (const JsonValue* named = schema.find("properties")) {
      for (const JsonMember& member : named->inside)
        members->named.emplace(member.name, compile_schema(member.value, tree_));
    }
    for (const JsonMember& member : schema.find("patternProperties")->inside)
      members->matched.emplace_back(expression(member.name), compile_schema(member.value, tree_));
    if (const JsonValue* other = schema.find("additionalProperties"))
      members->other = compile_schema(*other, tree_);
    const auto is_good = [members](std::string_view name, const JsonValue& value) {
      bool known = false;
      if (const auto named = members->named.find(name); named != members->named.end()) {
        known = true;
        if (!keeps_schema(*named->second, value)) return false;
      }
      for (const auto& [pattern, judge] : members->matched) {
        if (!RE2::PartialMatch(re2::StringPiece(name.data(), name.size()), *pattern)) continue;
        known = true;
        if (!keeps_schema(*judge, value)) return false;
      }
      return known || !members->other || keeps_schema(*members->other, value);
    };
    return {"patternProperties", "", [is_good](const JsonValue& target) {
              return target.kind != Kind::object ||
                     std::all_of(
                         target.inside.begin(), target.inside.end(),
                         [&](const JsonMember& one) { return is_good(one.name, one.value); });
            }};
  }

  JsonTree& tree_;
  std::vector<ExactTest> tests_;
};

std::shared_ptr<const valijson::Schema> compile_schema(const JsonValue& schema, JsonTree& tree) {
  Rewriter rewriter(tree);
  const JsonValue rewritten = rewriter.rewrite(schema);
  valijson::SchemaParser parser(valijson::SchemaParser::kDraft7);
  parser.addConstraintBuilder(exact_key, new ExactBuilder(rewriter.tests()));  // it deletes it
  auto compiled = std::make_shared<valijson::Schema>();
  parser.populateSchema(JsonAdapter(rewritten), *compiled);
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
  JsonTree tree;
  JsonValue root;
};

JsonPayload::JsonPayload(std::string_view payload) : tree_(std::make_unique<Tree>()) {
  tree_->tree.parse(payload, values_max, tree_->root, refusal_);
}

JsonPayload::~JsonPayload() = default;

const JsonValue& JsonPayload::root() const noexcept { return tree_->root; }

struct JsonRule::Compiled {
  std::vector<std::shared_ptr<const valijson::Schema>> schemas;  // by part
};

JsonRule::JsonRule() : compiled_(std::make_unique<Compiled>()) {}
JsonRule::~JsonRule() = default;

/// The one place where valijson may throw.
std::shared_ptr<const JsonRule> JsonRule::compile(std::string text, std::string& error) {
  try {
    std::shared_ptr<JsonRule> rule(new JsonRule);
    JsonTree tree;
    JsonValue schema;
    // A schema that was checked has not more.
    if (!tree.parse(text, JsonPayload::values_max, schema, error)) return nullptr;
    std::map<std::string_view, std::vector<JsonMember>> parts;
    for (const JsonMember& member : schema.inside) parts[part_of(member.name)].push_back(member);
    for (const auto& [keyword, members] : parts) {
      const JsonValue part = tree.make(Kind::object, members);
      const bool alone = members.size() == 1 && members.front().name == keyword;
      rule->parts_.push_back(
          {std::string(keyword), json_text(alone ? members.front().value : part)});
      rule->compiled_->schemas.push_back(compile_schema(part, tree));
    }
    rule->text_ = std::move(text);
    return rule;
  } catch (const std::exception& failure) {
    error = failure.what();
  }
  return nullptr;
}

bool JsonRule::keeps(std::size_t part, const JsonValue& value) const {
  return keeps_schema(*compiled_->schemas[part], value);
}

std::optional<JsonRule::Finding> JsonRule::find(std::size_t part, const JsonValue& value) const {
  if (keeps(part, value)) return {};
  Finding finding;
  if (!leads_inside(parts_[part].keyword)) return finding;
  valijson::ValidationResults results;
  valijson::Validator validator;
  validator.validate(*compiled_->schemas[part], JsonAdapter(value), &results);
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
