// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "telemetry/schema.hpp"

namespace telemetry::command_line::bench {

/// Messages that one schema finds good.
struct Sample {
  std::shared_ptr<const Schema> schema;
  std::vector<std::string> topics;
  /// Replaces `out` by the payload of a topic's next message. `now` is in ns since 1970.
  std::function<void(std::size_t topic, std::int64_t now, std::uint64_t sequence, std::string& out)>
      write;
};

/// The messages of a run: the schemas take turns, and the topics of each.
struct Samples {
  std::vector<Sample> all;            ///< at least one
  std::vector<std::string> left_out;  ///< schemas without sample, and why
  bool built_in = false;              ///< no schema of the user's: the temperature sample

  [[nodiscard]] const Sample& of(std::uint64_t message) const { return all[message % all.size()]; }
  [[nodiscard]] const std::string& topic(std::uint64_t message) const;
  void write(std::uint64_t message, std::int64_t now, std::string& out) const;
};

/// Samples for the schemas of a folder or file: of simulated devices where the schema is for one,
/// else made from types and bounds.
/// @param optional  `path` need not exist.
/// Errors: what SchemaSet::load() says; failed_precondition  no schema has a sample.
[[nodiscard]] Result<Samples> make_samples(const std::string& path, bool optional,
                                           std::vector<Diagnostic>& diagnostics);

}  // namespace telemetry::command_line::bench
