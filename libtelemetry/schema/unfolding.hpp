// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "schema/conversion.hpp"
#include "schema/path.hpp"
#include "schema/specification.hpp"
#include "schema/topic_pattern.hpp"
#include "telemetry/condition.hpp"

/// From a payload as the device sends it to documents that the schema's tables read. See
/// docs/payloads.md, and unfolding.cpp for how.
namespace telemetry::schemas {

class Unfolding {
 public:
  /// @param schema checked, and outlives this; has something for it to do.
  explicit Unfolding(const SchemaSpec& schema);

  /// See Schema::unfold().
  [[nodiscard]] Unfolded run(const UnfoldInput& input, Arena& arena,
                             std::vector<Record>& out) const;
  /// See Schema::takes().
  [[nodiscard]] bool takes(const UnfoldInput& input) const;

 private:
  struct FieldPlan {
    std::vector<std::string> names;  ///< of the member, its aliases behind it
    std::string key;                 ///< `"name":`
    bool is_number = false;
    std::vector<Template> from;  ///< the first that is there counts
    std::optional<Conversion> conversion;
    std::vector<FieldPlan> fields;  ///< of an object in which something is mapped
    [[nodiscard]] bool is_mapped() const noexcept {
      return !from.empty() || conversion || !fields.empty();
    }
  };
  struct Pieces;
  struct Scratch;
  class Run;

  [[nodiscard]] std::vector<FieldPlan> plan(const std::vector<FieldSpec>& fields, bool& mapped);
  void note_paths(const std::vector<FieldPlan>& plans);
  void note_path(const Path& path);

  const SchemaSpec& schema_;
  std::vector<FieldPlan> plans_;
  bool mapped_ = false;    // else a record is its own document
  bool is_plain_ = false;  // nothing but the tables looks into records
  bool of_lines_ = false;  // each record is a line that a form wrote
  std::vector<std::string_view> to_records_;
  std::optional<Template> device_;
  // Members by their names from the record, or the document, on, joined by unit separators.
  std::set<std::string, std::less<>> taken_;      // by a field
  std::set<std::string, std::less<>> taken_in_;   // something inside is
  std::set<std::string, std::less<>> addressed_;  // of the document, or something inside is
};

}  // namespace telemetry::schemas
