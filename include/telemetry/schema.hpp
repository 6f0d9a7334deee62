// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/core/decode.hpp"
#include "telemetry/core/schema_view.hpp"
#include "telemetry/error.hpp"
#include "telemetry/form.hpp"
#include "telemetry/message.hpp"

namespace telemetry {

/// Most readings of one message.
inline constexpr std::size_t readings_max = 10'000;

/// A payload and what is known of it.
struct UnfoldInput {
  std::string_view topic;
  std::string_view payload;
  std::int64_t received_at = 0;       ///< ns; decides which of two times a clock showed twice
  bool unfolded = false;              ///< it is a Record::payload that Unfolded::made says was made
  SparkplugBirths* births = nullptr;  ///< or null: metrics without a name stay so
};

/// One reading of a payload.
struct Record {
  std::string_view document;  ///< a JSON object with the schema's fields: what decode() reads
  /// What a journal keeps of it: the payload itself of a message of one reading, else (`made`) JSON
  /// that the same schema unfolds to this reading.
  std::string_view payload;
  std::string_view device;  ///< may be empty
};

/// What became of a payload.
struct Unfolded {
  core::Rule refusal = core::Rule::none;  ///< form, records: no reading can be told from it
  std::string reason = {};                ///< what is wrong with it
  std::size_t dropped = 0;                ///< readings that the schema leaves out
  /// The payloads of the readings are not that of the message: there are several readings, or what
  /// it means depends on messages before it.
  bool made = false;
};

/// "float" and so on, as schemas write it.
[[nodiscard]] std::string_view to_string(core::FieldType type) noexcept;

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

class Schema;

/// What a custom validation function sees: the values of a payload that keeps every other rule.
struct ValidationInput {
  const Schema& schema;
  std::span<const core::Value> values;  ///< by slot, defaults filled in; during the call
  /// The slot of the field that names the function; core::no_index when the document does.
  std::uint16_t slot = core::no_index;

  /// The value of that field; null when the document names the function.
  [[nodiscard]] core::Value value() const noexcept;
  /// The value of the field at a path ("location.lat"); null when it is absent, or no such field.
  [[nodiscard]] core::Value value(std::string_view path) const noexcept;
};

/// Returns nothing when all is well, else the reason, as one line for people. It must give the same
/// answer for the same input: it is called from any thread, and again when the reason is shown. An
/// exception that leaves it breaks the rule, with what() as the reason.
using ValidationFunction = std::function<std::optional<std::string>(const ValidationInput&)>;

/// The functions that schemas may name with `validation: {custom: NAME}`. Schemas keep copies.
/// Thread: one at a time while functions are added; reading from any.
class ValidationFunctions {
 public:
  /// Accepts every name and calls nothing: for readers of journals, where the verdict stands, and
  /// for tools that judge no message.
  [[nodiscard]] static ValidationFunctions not_called();

  /// Errors: invalid_argument  the name or the function is empty.
  ///         already_exists    there is one of this name; it stays.
  [[nodiscard]] Result<void> add(std::string name, ValidationFunction function);

  /// Null when there is none of this name.
  [[nodiscard]] const ValidationFunction* find(std::string_view name) const noexcept;
  /// In alphabetical order.
  [[nodiscard]] std::vector<std::string_view> names() const;
  [[nodiscard]] bool accepts_every_name() const noexcept { return not_called_; }

 private:
  std::map<std::string, ValidationFunction, std::less<>> functions_;
  bool not_called_ = false;
};

/// A broken rule and where, in texts of at most some 100 bytes each: valid UTF-8, control
/// characters escaped, a longer one cut.
struct Problem {
  core::Rule rule = core::Rule::none;
  std::string path = {};   ///< JSON pointer; empty: the document, or no JSON at all
  std::string found = {};  ///< what stands there, as written; empty: nothing, or it makes no sense
  std::string allowed = {};  ///< what may stand there: "max 150"; may be empty
  std::string message = {};  ///< all that in words: "200 is above max 150"
};
/// "/temperature: 200 is above max 150".
[[nodiscard]] std::string to_string(const Problem& problem);

/// One compiled schema. Immutable; safe to use from any thread.
class Schema {
 public:
  /// Compiles a schema document (YAML or JSON text). Mistakes are appended to `diagnostics`, all of
  /// them in one go, with line and column. A custom function that `functions` does not have is one.
  /// Errors: invalid_argument  the document has mistakes.
  [[nodiscard]] static Result<std::shared_ptr<const Schema>> parse(
      std::string_view document, const std::string& file, std::vector<Diagnostic>& diagnostics,
      const ValidationFunctions& functions = {});

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
  /// Calls the custom functions, each whose field has a value, with the values of a payload that
  /// decode() accepts.
  /// @param violations receives the broken ones (Rule::custom), as many as it has room for.
  /// @returns how many are broken.
  [[nodiscard]] std::size_t check_custom(std::span<const core::Value> values,
                                         std::span<core::Violation> violations) const;
  /// True when there is something for check_json_schema() to do.
  [[nodiscard]] bool has_json_schema() const noexcept { return has_json_schema_; }
  /// Judges what a JSON Schema document says beyond the tables, on a payload that decode() accepts.
  /// @param violations receives the broken keywords (Rule::json_schema), each once, as many as it
  ///                   has room for.
  /// @returns how many are broken.
  /// Memory: a tree of the payload for the time of the call, of at most 100,000 values.
  [[nodiscard]] std::size_t check_json_schema(std::string_view payload,
                                              std::span<core::Violation> violations) const;
  /// True when payloads are not what the tables read: form, records, paths, words, a device that
  /// the payload names, and so on. See docs/payloads.md.
  [[nodiscard]] bool unfolds() const noexcept { return unfolds_; }
  /// Appends the readings of a payload, of which there may be none. Their memory is the arena's,
  /// the payload's and the topic's.
  [[nodiscard]] Unfolded unfold(const UnfoldInput& input, Arena& arena,
                                std::vector<Record>& out) const;
  /// True when the content decides whether the schema is meant: `when`.
  [[nodiscard]] bool is_conditional() const noexcept { return conditional_; }
  /// What `when` says of a payload.
  [[nodiscard]] bool takes(const UnfoldInput& input) const;
  /// The sequence number stands beside the records: it is the message's, not each reading's.
  [[nodiscard]] bool numbers_messages() const noexcept { return numbers_messages_; }
  /// Hash of the values by which a reading is known when it comes again: `identity`. 0: the schema
  /// names none, or none of them has a value.
  [[nodiscard]] std::uint64_t identity(std::span<const core::Value> values) const noexcept;
  [[nodiscard]] bool has_identity() const noexcept { return !identity_slots_.empty(); }
  /// Slots that say when, the first with a time counts.
  [[nodiscard]] std::span<const std::uint16_t> time_slots() const noexcept { return time_slots_; }
  /// The device that a topic names, or empty: also where a payload names it, or several levels do.
  [[nodiscard]] std::string_view device(std::string_view topic) const noexcept;
  /// `sequence_scope: device`: one numbering per device, not per topic.
  [[nodiscard]] bool sequence_per_device() const noexcept { return sequence_per_device_; }

  /// What is wrong, or (Rule::none) what lenient mode has read. Reads the payload again up to the
  /// place.
  [[nodiscard]] Problem explain(const core::Violation& violation, std::string_view payload) const;
  /// The same for people, with the schema: "temperature_sensor 1.0: /temperature: 200 is above max
  /// 150".
  [[nodiscard]] std::string describe(const core::Violation& violation,
                                     std::string_view payload) const;
  /// Why the time field of a payload that decode() accepts gives no time of the message, for
  /// people: as describe(), with the time that was read and, for a number, the unit in which it
  /// would be one.
  /// @param earliest, latest ns; between them lie the times that count.
  [[nodiscard]] std::string describe_time(std::string_view payload, std::int64_t earliest,
                                          std::int64_t latest) const;

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
  std::vector<std::uint16_t> time_slots_;
  std::vector<std::uint16_t> identity_slots_;
  bool unfolds_ = false;
  bool conditional_ = false;
  bool numbers_messages_ = false;
  bool sequence_per_device_ = false;
  bool has_json_schema_ = false;
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
      const std::string& path, std::vector<Diagnostic>& diagnostics,
      const ValidationFunctions& functions = {});
  /// The same checks for schemas that did not come from files.
  [[nodiscard]] static Result<std::shared_ptr<const SchemaSet>> make(
      std::vector<std::shared_ptr<const Schema>> schemas, std::vector<Diagnostic>& diagnostics);
  virtual ~SchemaSet() = default;

  /// The schema that judges this topic, or null. The most specific filter wins: compared level by
  /// level, a literal beats `+` beats `#`; of the same filter the highest version. Where content
  /// chooses, the first of candidates().
  [[nodiscard]] virtual const Schema* choose(std::string_view topic) const noexcept = 0;
  /// Those that may judge this topic, in the order in which they are asked: the last one takes
  /// every payload, if it has no condition. Of one name only the highest version.
  [[nodiscard]] virtual std::vector<const Schema*> candidates(std::string_view topic) const = 0;
  /// The candidate that takes this payload, or null.
  [[nodiscard]] const Schema* choose(const UnfoldInput& input) const;
  /// All that match, the winner first.
  [[nodiscard]] virtual std::vector<const Schema*> matching(std::string_view topic) const = 0;
  [[nodiscard]] virtual const Schema* by_id(std::uint64_t id) const noexcept = 0;
  [[nodiscard]] virtual std::span<const std::shared_ptr<const Schema>> all() const noexcept = 0;
};

/// What keeps `next` from taking the place of `previous` while messages come in: a schema with the
/// content of another, but its name and version; a minor version that does not follow the one in
/// force. The mistakes are appended to `diagnostics`, with their place in the files of `next`.
/// Errors: invalid_argument  there are some.
[[nodiscard]] Result<void> check_succession(const SchemaSet& previous, const SchemaSet& next,
                                            std::vector<Diagnostic>& diagnostics);

/// What keeps `next` from following `previous` (same name): a minor version may only add optional
/// fields and widen rules. Empty = compatible.
[[nodiscard]] std::vector<std::string> incompatibilities(const Schema& previous,
                                                         const Schema& next);

/// Writes schemas as a C++ header for firmware: the tables of their views as constants, a table of
/// them all with the choice by topic, and static_asserts that refuse a damaged copy. Only
/// telemetry/core is included. The same schemas give the same bytes, in whatever order they come.
///
/// @param name_space of what is declared: names joined by `::`.
/// What firmware cannot judge (patterns, lenient mode, custom functions, keywords of JSON Schema
/// beyond the tables) is appended to `diagnostics`, all of it in one go, beside what
/// SchemaSet::make() finds.
/// Errors: invalid_argument  there are mistakes, no schemas, or `name_space` is none.
[[nodiscard]] Result<std::string> compile_to_cpp(
    std::span<const std::shared_ptr<const Schema>> schemas, std::string_view name_space,
    std::vector<Diagnostic>& diagnostics);

/// One difference between two schemas.
struct SchemaChange {
  enum class Kind : std::uint8_t { added, removed, changed };
  Kind kind = Kind::changed;
  std::string field;          ///< "location.lat", "phases[].voltage"; empty = the schema itself
  std::string key;            ///< what of it: "type", "max", "unit"; empty = the field as a whole
  std::string before, after;  ///< JSON; empty where it was or is not there
};
/// What `next` says otherwise than `previous`: first about the schema, then field by field. Keys
/// that have their default count as absent. Empty = the same id, or only another name or version.
[[nodiscard]] std::vector<SchemaChange> differences(const Schema& previous, const Schema& next);

}  // namespace telemetry
