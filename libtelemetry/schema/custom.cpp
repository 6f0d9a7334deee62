// SPDX-License-Identifier: Apache-2.0
//
// Custom validation functions: judged once, at the door.
//
// A function is asked only about a payload that keeps every other rule. Its verdict is in the frame
// like any other; whoever reads the frame back decodes the values and asks nobody. So a journal can
// be read by a program that does not have the function, or has changed it since.
#include <fmt/format.h>

#include "schema/compiled.hpp"

namespace telemetry {

core::Value ValidationInput::value() const noexcept {
  return slot < values.size() ? values[slot] : core::Value();
}

core::Value ValidationInput::value(std::string_view path) const noexcept {
  const std::vector<SlotInfo>& slots = schema.slots();
  for (std::size_t i = 0; i < slots.size() && i < values.size(); ++i) {
    if (slots[i].path == path) return values[i];
  }
  return {};
}

ValidationFunctions ValidationFunctions::not_called() {
  ValidationFunctions functions;
  functions.not_called_ = true;
  return functions;
}

Result<void> ValidationFunctions::add(std::string name, ValidationFunction function) {
  if (name.empty()) return Error{Errc::invalid_argument, "a validation function needs a name"};
  if (!function)
    return Error{Errc::invalid_argument, fmt::format("validation function '{}' is empty", name)};
  if (functions_.contains(name))
    return Error{Errc::already_exists,
                 fmt::format("validation function '{}' is registered twice; rename one", name)};
  functions_.emplace(std::move(name), std::move(function));
  return {};
}

const ValidationFunction* ValidationFunctions::find(std::string_view name) const noexcept {
  const auto found = functions_.find(name);
  return found == functions_.end() ? nullptr : &found->second;
}

std::vector<std::string_view> ValidationFunctions::names() const {
  std::vector<std::string_view> names;
  for (const auto& [name, function] : functions_) names.push_back(name);
  return names;
}

std::size_t Schema::check_custom(std::span<const core::Value> values,
                                 std::span<core::Violation> violations) const {
  return schemas::compiled(*this).call_custom(values, violations);
}

namespace schemas {
namespace {

constexpr std::size_t reason_bytes_max = 256;
constexpr std::size_t extras_max = 256;  // the door takes no more

std::string text_of(const core::Value& value) {
  return literal_text({.kind = value.kind(),
                       .integer = value.as_integer(),
                       .number = value.as_decimal(),
                       .text = std::string()});
}

std::string shown(const core::Value& value) {
  switch (value.kind()) {
    case core::ValueKind::text:
      return excerpt(json_string(value.as_text()));
    case core::ValueKind::json:
      return excerpt(value.as_text());
    default:
      return text_of(value);
  }
}

}  // namespace

void CompiledSchema::compile_custom() {
  if (specification_.custom_function)
    custom_rules_.push_back(
        {core::no_index, 0, &specification_.custom, &specification_.custom_function});
  for (std::size_t node = 1; node < nodes_.size(); ++node) {
    const FieldSpec& field = *node_fields_[node];
    if (field.custom_function)
      custom_rules_.push_back({nodes_[node].slot, static_cast<std::uint16_t>(node), &field.custom,
                               &field.custom_function});
  }
}

/// The one place where user code runs.
std::optional<std::string> CompiledSchema::broken(const CustomRule& rule,
                                                  std::span<const core::Value> values) const {
  if (rule.slot != core::no_index && values[rule.slot].is_null()) return {};
  try {
    return (*rule.function)({.schema = *this, .values = values, .slot = rule.slot});
  } catch (const std::exception& failure) {
    return fmt::format("the function failed: {}", failure.what());
  } catch (...) {
    return "the function failed";
  }
}

std::size_t CompiledSchema::call_custom(std::span<const core::Value> values,
                                        std::span<core::Violation> violations) const {
  std::size_t count = 0;
  for (std::size_t i = 0; i < custom_rules_.size(); ++i) {
    if (!broken(custom_rules_[i], values)) continue;
    if (count < violations.size()) {
      violations[count] = {core::Rule::custom, custom_rules_[i].node, static_cast<std::uint16_t>(i),
                           0, 0};
    }
    ++count;
  }
  return count;
}

std::optional<CompiledSchema::Finding> CompiledSchema::describe_custom(
    std::uint16_t rule, std::string_view payload) const {
  if (rule >= custom_rules_.size()) return {};
  const CustomRule& custom = custom_rules_[rule];
  std::vector<core::Value> values(view_.slot_count);
  std::vector<char> scratch(payload.size());
  std::vector<core::Extra> extras(extras_max);
  const auto result =
      core::decode(view_, payload, {values, scratch, {}, extras}, pattern_hook_, coercion_hook_);
  Finding finding{.allowed = "custom " + excerpt(*custom.name)};
  if (custom.slot != core::no_index) {
    finding.pointer = slot_pointer(slots_[custom.slot].path);
    finding.found = shown(values[custom.slot]);
  }
  const auto reason = result.ok() ? broken(custom, values) : std::nullopt;
  if (reason) finding.reason = excerpt(*reason, reason_bytes_max);
  return finding;
}

}  // namespace schemas
}  // namespace telemetry
