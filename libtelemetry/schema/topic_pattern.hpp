// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "schema/path.hpp"
#include "telemetry/error.hpp"

namespace telemetry::schemas {

/// `shellies/{device}/emeter/{channel}/{field}`: a topic filter whose levels have names.
/// `{name...}` is one level or more, at most once in a pattern.
class TopicPattern {
 public:
  static constexpr std::size_t levels_max = 64;  ///< the trie recurses once a level

  TopicPattern() = default;
  /// Errors: invalid_argument  not a pattern; `context` says what, and behind a line break what to
  ///         write.
  [[nodiscard]] static Result<TopicPattern> parse(std::string_view text);

  /// The topic filter; one that has more topics where a level in the middle is `{name...}`.
  [[nodiscard]] const std::string& filter() const noexcept { return filter_; }
  [[nodiscard]] bool is_filter() const noexcept { return many_ < 0; }
  /// Of a topic that the filter matches.
  [[nodiscard]] bool matches(std::string_view topic) const noexcept;
  /// The same for patterns of the same topics: names are `+`, those of several levels `+...`.
  [[nodiscard]] std::string shape() const;
  /// Levels that are texts: of two patterns with one filter the one with more is tried first.
  [[nodiscard]] std::size_t literals() const noexcept;

  /// The names other than `device`, each once.
  [[nodiscard]] const std::vector<std::string>& names() const noexcept { return names_; }
  [[nodiscard]] bool names_field() const noexcept { return names_field_; }
  /// The level of the device's name; -1: none, or see joins_device().
  [[nodiscard]] int device_level() const noexcept { return device_level_; }
  /// That the device's name is of several levels.
  [[nodiscard]] bool joins_device() const noexcept { return joins_device_; }
  [[nodiscard]] bool names_device() const noexcept { return joins_device() || device_level() >= 0; }

  /// Appends the names of a topic that matches(), and `device` where names_device(). They view the
  /// topic; a device that joins levels is in `memory`.
  void read(std::string_view topic, JsonTree& memory, std::vector<NamedText>& out) const;

 private:
  struct Level {
    std::string text;  ///< literal, `+` or `#`; else empty
    std::string name;
    bool is_device = false;  ///< it has that name
  };
  [[nodiscard]] std::string_view part(std::string_view topic, std::size_t level) const noexcept;
  void find_device() noexcept;

  std::vector<Level> levels_;
  std::vector<std::string> names_;
  std::string filter_;
  int many_ = -1;  // the level of `{name...}`
  int device_level_ = -1;
  bool joins_device_ = false;
  bool names_field_ = false;
};

}  // namespace telemetry::schemas
