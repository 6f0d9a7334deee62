// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "routes.hpp"
#include "schema/json_value.hpp"

namespace telemetry::web {

/// The JSON object that a request has sent. What is wrong with its members is collected, and is
/// asked for once, behind all of them.
class Body {
 public:
  /// Problems: 415  it is not called application/json; 400  it is no object, or has members that
  /// are not known.
  [[nodiscard]] static core::Result<Body, Problem> read(
      const Request& request, std::initializer_list<std::string_view> known);

  [[nodiscard]] bool has(std::string_view name) const { return root_.find(name) != nullptr; }
  /// Each is nothing where the member is absent.
  [[nodiscard]] std::optional<std::string> text(std::string_view name);
  [[nodiscard]] std::optional<std::uint64_t> count(std::string_view name, std::uint64_t min,
                                                   std::uint64_t max);
  /// A list of topic filters, or null, which is nothing inside.
  [[nodiscard]] std::optional<std::optional<std::vector<std::string>>> scope();
  [[nodiscard]] std::optional<Role> role();
  /// Of any kind; null where there is none.
  [[nodiscard]] const schemas::JsonValue* find(std::string_view name) const {
    return root_.find(name);
  }
  /// Notes a mistake in a member.
  void refuse(std::string_view name, std::string detail);
  void require(std::initializer_list<std::string_view> names);
  [[nodiscard]] std::optional<Problem> wrong() const;

 private:
  schemas::JsonTree tree_;
  schemas::JsonValue root_;
  std::vector<Problem::Part> mistakes_;
};

/// What is refused of an object with other members than these; nothing when it has none.
[[nodiscard]] std::optional<Problem::Part> unknown_member(const schemas::JsonValue& object,
                                                          std::span<const std::string_view> known);

}  // namespace telemetry::web
