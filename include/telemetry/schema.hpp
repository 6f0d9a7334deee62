// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/core/decode.hpp"
#include "telemetry/core/schema_view.hpp"
#include "telemetry/error.hpp"

namespace telemetry {

/// A value slot of a schema: one declared leaf, "location.lat" for a nested one.
struct SlotInfo {
  std::string path;  ///< names joined by '.'; no name has a dot of its own
  core::FieldType type = core::FieldType::any;
  std::string unit;       ///< may be empty
  bool required = false;  ///< and all its parents
};

struct SchemaVersion {
  std::uint32_t major = 1;
  std::uint32_t minor = 0;
  friend auto operator<=>(const SchemaVersion&, const SchemaVersion&) = default;
};

/// One compiled schema. Immutable; safe to use from any thread.
class Schema {
 public:
  /// Compiles a schema document (YAML or JSON text). Mistakes are appended to `diagnostics`, all of
  /// them in one go, with line and column.
  /// Errors: invalid_argument  the document has mistakes.
  [[nodiscard]] static Result<std::shared_ptr<const Schema>> parse(
      std::string_view document, const std::string& file, std::vector<Diagnostic>& diagnostics);

  virtual ~Schema() = default;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] SchemaVersion version() const noexcept { return version_; }
  /// hash64 of document(): the same document has the same id everywhere and for ever.
  [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
  /// The canonical document: JSON, fixed key order, defaults left out. parse(document()) gives the
  /// same schema with the same id.
  [[nodiscard]] const std::string& document() const noexcept { return document_; }
  /// The filter that chooses it, `{device}` replaced by `+`.
  [[nodiscard]] const std::string& filter() const noexcept { return filter_; }
  [[nodiscard]] const std::string& file() const noexcept { return file_; }
  [[nodiscard]] const core::SchemaView& view() const noexcept { return view_; }
  [[nodiscard]] const std::vector<SlotInfo>& slots() const noexcept { return slots_; }
  [[nodiscard]] core::PatternHook pattern_hook() const noexcept { return pattern_hook_; }
  /// Lenient mode (`validation: {strict: false}`); its function is null for a strict schema.
  [[nodiscard]] core::CoercionHook coercion_hook() const noexcept { return coercion_hook_; }
  /// The device that a topic names, or empty.
  [[nodiscard]] std::string_view device(std::string_view topic) const noexcept;
  /// `sequence_scope: device`: one numbering per device, not per topic.
  [[nodiscard]] bool sequence_per_device() const noexcept { return sequence_per_device_; }

  /// What is wrong, or (Rule::none) what lenient mode has read, for people: schema, JSON pointer,
  /// rule, value found, value allowed, such as "temperature_sensor 1.0: /temperature: 200 is above
  /// max 150". Reads the payload again up to the place; bounded in length; control characters are
  /// escaped.
  [[nodiscard]] std::string describe(const core::Violation& violation,
                                     std::string_view payload) const;

 protected:
  Schema() = default;
  std::string name_, document_, filter_, file_;
  SchemaVersion version_;
  std::uint64_t id_ = 0;
  core::SchemaView view_;
  std::vector<SlotInfo> slots_;
  core::PatternHook pattern_hook_;
  core::CoercionHook coercion_hook_;
  int device_level_ = -1;
  bool sequence_per_device_ = false;
};

/// The schemas in force and the choice by topic. Immutable; replaced as a whole.
class SchemaSet {
 public:
  /// Reads every *.yaml, *.yml, *.json of the folder (with `auto_discovery`), or the one file that
  /// `path` names. Checks compatibility between versions of one name. A folder that does not exist
  /// is not_found; an empty one is fine.
  /// Errors: invalid_argument    some file has mistakes (see diagnostics); nothing is loaded.
  ///         not_found           there is no such file or folder.
  ///         resource_exhausted  more files than docs/schema.md allows.
  [[nodiscard]] static Result<std::shared_ptr<const SchemaSet>> load(
      const std::string& path, std::vector<Diagnostic>& diagnostics);
  /// The same checks for schemas that did not come from files.
  [[nodiscard]] static Result<std::shared_ptr<const SchemaSet>> make(
      std::vector<std::shared_ptr<const Schema>> schemas, std::vector<Diagnostic>& diagnostics);
  virtual ~SchemaSet() = default;

  /// The schema that judges this topic, or null. The most specific filter wins: compared level by
  /// level, a literal beats `+` beats `#`; of the same filter the highest version.
  [[nodiscard]] virtual const Schema* choose(std::string_view topic) const noexcept = 0;
  /// All that match, the winner first.
  [[nodiscard]] virtual std::vector<const Schema*> matching(std::string_view topic) const = 0;
  [[nodiscard]] virtual const Schema* by_id(std::uint64_t id) const noexcept = 0;
  [[nodiscard]] virtual std::span<const std::shared_ptr<const Schema>> all() const noexcept = 0;
};

/// What keeps `next` from following `previous` (same name): a minor version may only add optional
/// fields and widen rules. Empty = compatible.
[[nodiscard]] std::vector<std::string> incompatibilities(const Schema& previous,
                                                         const Schema& next);

}  // namespace telemetry
