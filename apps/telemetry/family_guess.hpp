// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "device_library.hpp"
#include "telemetry/message.hpp"

namespace telemetry::command_line {

/// A family of the library that reads messages which were seen.
struct FamilyFit {
  std::string_view family;
  std::uint64_t messages = 0;  ///< with at least one value
  std::uint64_t topics = 0;    ///< of those messages; of many those that were counted
};

/// Tries the library on messages. Thread: one at a time.
class FamilyGuess {
 public:
  FamilyGuess();

  void add(std::string_view topic, std::string_view payload, std::int64_t received_at);

  /// Families whose schemas read most of the messages on their topics, those with the most first.
  /// What another one reads already is left out.
  [[nodiscard]] std::vector<FamilyFit> fits() const;

 private:
  struct Tried {
    std::string_view family;
    std::shared_ptr<const SchemaSet> schemas;
    std::uint64_t read = 0, refused = 0;
    std::set<std::string, std::less<>> topics;  ///< of messages that were read
    bool is_telling = false;  ///< more than one filter such as +/status has read something
  };
  static constexpr std::size_t topics_max = 1'000;

  std::vector<Tried> tried_;
  Batch batch_;
  SparkplugBirths births_;  // of the messages before
};

}  // namespace telemetry::command_line
