// SPDX-License-Identifier: Apache-2.0
//
// What firmware cannot judge, and schemas for those that it can.
//
// Firmware has the decoder and the tables, and nothing else: no regular expressions, no second
// judge, no lenient mode. A schema that needs one of them would be judged otherwise there than on
// the gateway; so it is refused as a whole, with every place that needs it. What judges nothing
// (units, descriptions, the level of the device, the scope of the sequence) is left out.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "schema/cpp_header.hpp"

namespace telemetry {
namespace {

using schemas::compiled;
using schemas::CompiledSchema;
using schemas::excerpt;
using schemas::FieldSpec;
using schemas::Position;

constexpr std::size_t mistakes_max = 100;

/// Collects what one schema says that the tables cannot.
class Refusals {
 public:
  explicit Refusals(const Schema& schema) : schema_(schema) {}

  std::vector<Diagnostic> find() {
    const schemas::SchemaSpec& all = compiled(schema_).specification();
    if (all.lenient)
      add(all.strict_at, "validation: firmware has no lenient mode",
          "remove `strict: false`, if the device sends the declared types");
    for (const auto& [key, at] : all.mapped)
      add(at, fmt::format("{}: firmware reads JSON as the fields declare it", key),
          "remove it; a device writes what its schema says");
    if (all.pattern.joins_device() || all.pattern.names_field() || !all.pattern.is_filter())
      add(all.topic_at, "topic_pattern: firmware knows names of single levels only",
          "write + for each level");
    check_custom("", all.custom, all.custom_at);
    check_json_rule("", all.json_rule.get(), all.json_rule_at);
    check_fields(all.fields, {});
    std::ranges::stable_sort(found_, [](const Diagnostic& a, const Diagnostic& b) {
      return a.line != b.line ? a.line < b.line : a.column < b.column;
    });
    if (found_.size() > mistakes_max) {
      found_.resize(mistakes_max);
      found_.push_back({schema_.file(), found_.back().line, found_.back().column,
                        "there are more mistakes", "mend these first"});
    }
    return std::move(found_);
  }

 private:
  void add(Position at, std::string message, std::string hint) {
    found_.push_back({schema_.file(), at.line, at.column, std::move(message), std::move(hint)});
  }

  void check_fields(const std::vector<FieldSpec>& fields, const std::string& prefix) {
    for (const FieldSpec& field : fields) {
      check_field(field, fmt::format("field '{}{}': ", prefix, excerpt(field.name)),
                  prefix + field.name);
    }
  }

  void check_field(const FieldSpec& field, const std::string& where, const std::string& path) {
    if (!field.from.empty() || !field.conversion.is_none())
      add(field.mapped_at, where + "firmware reads values as they are: no paths, words and scales",
          "remove it; a device writes what its schema says");
    if (!field.pattern.empty())
      add(field.pattern_at, where + "pattern: firmware has no regular expressions",
          "write enum, or min_length and max_length");
    check_custom(where, field.custom, field.custom_at);
    check_json_rule(where, field.json_rule.get(), field.json_rule_at);
    check_fields(field.fields, path + ".");
    for (const FieldSpec& item : field.items) check_field(item, where + "items: ", path + "[]");
  }

  void check_custom(const std::string& where, const std::string& name, Position at) {
    if (name.empty()) return;
    add(at, fmt::format("{}custom: firmware has no function '{}'", where, excerpt(name)),
        "write what the rules can say, such as less_than");
  }

  void check_json_rule(const std::string& where, const schemas::JsonRule* rule,
                       const std::vector<Position>& at) {
    if (rule == nullptr) return;
    for (std::size_t i = 0; i < rule->parts().size(); ++i) {
      add(at[i],
          fmt::format("{}json_schema: firmware cannot judge {}", where, rule->parts()[i].keyword),
          "write what the rules can say, such as min, max and enum");
    }
  }

  const Schema& schema_;
  std::vector<Diagnostic> found_;
};

/// The newest minor version is NAME_vMAJOR, so that programs need not change with it.
std::vector<schemas::CppSchema> with_identifiers(
    std::span<const std::shared_ptr<const Schema>> sorted, std::vector<Diagnostic>& diagnostics) {
  std::vector<schemas::CppSchema> out;
  std::map<std::string, const Schema*> taken;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    const Schema& schema = *sorted[i];
    const auto [major, minor] = schema.version();
    const bool newest = i + 1 == sorted.size() || sorted[i + 1]->name() != schema.name() ||
                        sorted[i + 1]->version().major != major;
    std::string identifier = fmt::format("{}_v{}", schemas::cpp_identifier(schema.name()), major);
    if (!newest) identifier += fmt::format("_{}", minor);
    const auto [owner, is_new] = taken.emplace(identifier, &schema);
    if (!is_new) {
      const Position at = compiled(schema).specification().name_at;
      diagnostics.push_back({schema.file(), at.line, at.column,
                             fmt::format("{} and {} ({}) are both {} in C++", schema.name(),
                                         owner->second->name(), owner->second->file(), identifier),
                             "rename one of them"});
    }
    out.push_back({&compiled(schema), std::move(identifier)});
  }
  return out;
}

}  // namespace

Result<std::string> compile_to_cpp(std::span<const std::shared_ptr<const Schema>> schemas,
                                   std::string_view name_space,
                                   std::vector<Diagnostic>& diagnostics) {
  if (!schemas::is_cpp_namespace(name_space)) {
    return Error{
        Errc::invalid_argument,
        fmt::format("'{}' is not a name for a C++ namespace; write one such as app::schemas",
                    excerpt(name_space))};
  }
  if (schemas.empty()) return Error{Errc::invalid_argument, "there are no schemas to compile"};
  const std::size_t before = diagnostics.size();
  const auto set = SchemaSet::make({schemas.begin(), schemas.end()}, diagnostics);
  for (const auto& schema : schemas) {
    for (Diagnostic& found : Refusals(*schema).find()) diagnostics.push_back(std::move(found));
  }
  std::vector<schemas::CppSchema> named;
  if (set) named = with_identifiers((*set)->all(), diagnostics);
  if (has_errors(std::span(diagnostics).subspan(before)))
    return Error{Errc::invalid_argument, to_string(diagnostics[before])};
  return schemas::cpp_header(named, name_space);
}

}  // namespace telemetry
