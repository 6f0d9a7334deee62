// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/error.hpp"

namespace telemetry {

/// A field of the form `layout`; fields stand in the order of the bytes.
struct LayoutField {
  /// Of the member. Empty: `skip`, and `bits` that are passed over.
  std::string name;
  /// u8 i8, u16be i16le and so on up to 64 bits in steps of 8, f16be f32le f64be and so on; bits
  /// and ibits (unsigned and signed, from the most significant bit on), flag (one bit, true or
  /// false), text, hex, bcd (digits from the first byte on), bcdle (from the last), skip.
  std::string type;
  /// bits, ibits: bits, 1..64. text, hex, skip: bytes. bcd: bytes, 1..32. Others: values, an array
  /// from 2 on.
  std::uint32_t count = 1;
};

/// What births of Sparkplug nodes and devices say of their metrics: later messages have an alias in
/// place of the name, and may leave out the datatype.
///
/// Bounds: metrics_max of a node or device, the first of a birth; nodes_max nodes and devices
/// together and bytes_max of memory, where those that were asked for least recently go.
/// Thread: any.
class SparkplugBirths {
 public:
  static constexpr std::size_t metrics_max = 10'000;
  static constexpr std::size_t nodes_max = 10'000;
  static constexpr std::size_t bytes_max = std::size_t{64} * 1024 * 1024;

  struct Metric {
    std::string_view name;
    std::uint64_t alias = 0;
    bool has_alias = false;
    std::uint32_t datatype = 0;  ///< 0: not said
  };
  /// What one birth said. Immutable.
  class Birth;

  SparkplugBirths();
  ~SparkplugBirths();
  SparkplugBirths(const SparkplugBirths&) = delete;
  SparkplugBirths& operator=(const SparkplugBirths&) = delete;

  /// The number of "Int8" and so on; 0 of other words.
  [[nodiscard]] static std::uint32_t datatype(std::string_view word) noexcept;
  /// `spBv1.0/GROUP/NBIRTH/NODE`, or DBIRTH with a DEVICE behind it.
  [[nodiscard]] static bool is_birth(std::string_view topic) noexcept;
  /// Takes the place of all that earlier births of the node or device said; one of a node also of
  /// what those of its devices said. Does nothing on other topics.
  void learn(std::string_view topic, std::span<const Metric> metrics);
  /// What the node or device of a topic said at its birth; null when that is not known.
  [[nodiscard]] std::shared_ptr<const Birth> find(std::string_view topic);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// What a message has beside its payload. Only the form sparkplug_b looks at it: it learns from
/// births, and takes names from them.
struct FormSurroundings {
  std::string_view topic = {};
  SparkplugBirths* births = nullptr;
};

/// How the bytes of a payload become JSON text. docs/forms.md says what each form reads.
///
/// Thread: read() of one Form from many threads, each with a Scratch of its own.
class Form {
 public:
  static constexpr std::size_t unpack_max = 4;
  static constexpr std::size_t columns_max = 1'000;
  static constexpr std::size_t groups_max = 64;  ///< of a pattern, named or not
  static constexpr std::size_t layout_fields_max = 256;
  static constexpr std::size_t layout_bytes_max = 65'536;

  /// What a schema file says. What a form does not use must be empty.
  struct Specification {
    /// json value text csv pairs regex cbor msgpack senml layout sparkplug_b
    std::string form = "json";
    /// What the bytes are taken out of first, in this order: gzip zlib zstd base64 hex json_text.
    std::vector<std::string> unpack = {};
    std::vector<std::string> columns = {};  ///< csv: names; or else `header`
    bool header = false;                    ///< csv: the first line of each payload has the names
    /// csv: one ASCII character, else ','. pairs: any of these characters, one or more, else ';'
    /// and line ends.
    std::string separator = {};
    std::string assign = {};   ///< pairs: any one of these characters, else '='
    std::string pattern = {};  ///< regex: RE2 of the whole text, with groups (?P<name>...)
    std::vector<LayoutField> layout = {};
  };

  /// Memory that read() works in. It grows to what the payloads need, at most a few times
  /// payload_bytes_max, and is used again by the next read().
  class Scratch {
   public:
    Scratch();
    ~Scratch();
    Scratch(Scratch&&) noexcept;
    Scratch& operator=(Scratch&&) noexcept;

   private:
    friend class Form;
    struct State;
    std::unique_ptr<State> state_;
  };

  /// Errors: invalid_argument  with a diagnostic, without a place, for each mistake; each message
  ///                           begins with the key.
  [[nodiscard]] static Result<Form> make(const Specification& specification);

  /// Appends the document, or several with '\n' between them, to `out`. But for the form json,
  /// which takes the bytes as they are, all of it is valid JSON in at most core::json_depth_max
  /// levels, without line ends but in JSON that came as `value`.
  /// @returns how many documents; 1 for json, whatever the bytes hold. None may be there.
  /// Errors: invalid_argument  the payload does not have this form, or it, what is unpacked of it
  /// or
  ///                           what it becomes is over core::payload_bytes_max; the context names
  ///                           the form, the place and the limit. `out` is as it was.
  /// Memory: none where `out` and `scratch` are large enough, but one small block a document of
  ///         msgpack, and what RE2 takes for regex.
  [[nodiscard]] Result<std::size_t> read(std::string_view payload, std::string& out,
                                         Scratch& scratch,
                                         const FormSurroundings& surroundings = {}) const;

  /// True for json without `unpack`: the payload is the document, and need not be read().
  [[nodiscard]] bool is_document() const noexcept;

 private:
  struct Plan;
  explicit Form(std::shared_ptr<const Plan> plan) noexcept : plan_(std::move(plan)) {}
  std::shared_ptr<const Plan> plan_;
};

}  // namespace telemetry
