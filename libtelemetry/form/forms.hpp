// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "form/json_text.hpp"
#include "telemetry/form.hpp"

namespace re2 {
class RE2;
}

/// What the forms are made of: plans, which make() has checked, and a reader for each.
namespace telemetry::forms {

/// Finds two members of one name in an object.
class Members {
 public:
  void clear() noexcept { members_.clear(); }
  /// Before the members of an object. Objects end in the reverse order.
  [[nodiscard]] std::size_t begin() const noexcept { return members_.size(); }
  /// @param text of the JSON written so far: [begin, end) is the name, as it was written
  void add(std::size_t begin, std::size_t end, std::size_t place) {
    members_.push_back({begin, end, place});
  }
  struct Twice {
    std::string_view name;
    std::size_t place;
  };
  /// After the members since begin(). @returns one whose name was there before.
  [[nodiscard]] std::optional<Twice> end(std::size_t begin, std::string_view text);

 private:
  struct Member {
    std::size_t begin, end, place;
  };
  [[nodiscard]] bool has_twice(std::size_t begin, std::string_view text) const noexcept;

  std::vector<Member> members_;
};

/// Buffers of readers.
struct Buffers {
  struct Cell {
    bool unescaped;  ///< in `bytes`, else in the payload
    std::size_t begin, size;
  };
  std::string bytes;
  std::string document;
  std::vector<Cell> cells;
  std::vector<std::string> keys;
  Members members;
  std::vector<SparkplugBirths::Metric> metrics;
  FormSurroundings surroundings;
};

struct Json {};
struct Value {};
struct Text {};
struct Csv {
  std::vector<std::string> keys;  ///< as JSON, with the colon; empty: in the payload
  char separator = ',';
};
struct Pairs {
  std::string separators;
  std::string assign;
};
struct Regex {
  struct Group {
    int number;
    std::string key;  ///< as JSON, with the colon
  };
  std::shared_ptr<const re2::RE2> expression;
  std::vector<Group> groups;
};
struct Cbor {};
struct MessagePack {};
struct Senml {};
struct Sparkplug {};

struct LayoutItem {
  enum class Kind : std::uint8_t { whole, real, bits, flag, text, hex, bcd, skip };
  Kind kind;
  bool is_signed = false;
  bool little_endian = false;
  bool is_named = true;
  bool is_array = false;
  std::uint32_t bits;   ///< of one value
  std::uint32_t count;  ///< of values
  std::string key;      ///< as JSON, with the colon
};
struct Layout {
  std::vector<LayoutItem> items;
  std::size_t bytes = 0;
};

using Shape =
    std::variant<Json, Value, Text, Csv, Pairs, Regex, Cbor, MessagePack, Senml, Layout, Sparkplug>;

/// Each appends documents. @returns how many.
Result<std::size_t> read(const Json&, std::string_view payload, JsonText& out, Buffers&);
Result<std::size_t> read(const Value&, std::string_view payload, JsonText& out, Buffers&);
Result<std::size_t> read(const Text&, std::string_view payload, JsonText& out, Buffers&);
Result<std::size_t> read(const Csv&, std::string_view payload, JsonText& out, Buffers&);
Result<std::size_t> read(const Pairs&, std::string_view payload, JsonText& out, Buffers&);
Result<std::size_t> read(const Regex&, std::string_view payload, JsonText& out, Buffers&);
Result<std::size_t> read(const Cbor&, std::string_view payload, JsonText& out, Buffers&);
Result<std::size_t> read(const MessagePack&, std::string_view payload, JsonText& out, Buffers&);
Result<std::size_t> read(const Senml&, std::string_view payload, JsonText& out, Buffers&);
Result<std::size_t> read(const Layout&, std::string_view payload, JsonText& out, Buffers&);
Result<std::size_t> read(const Sparkplug&, std::string_view payload, JsonText& out, Buffers&);

/// Mistakes in a specification.
class Mistakes {
 public:
  void add(std::string message, std::string hint);
  [[nodiscard]] bool empty() const noexcept { return found_.empty(); }
  [[nodiscard]] Error error() &&;

 private:
  std::vector<Diagnostic> found_;
};

/// `"name":`; a mistake where the name cannot be one of a member.
[[nodiscard]] std::string key_of(std::string_view name, const std::string& place, Mistakes&);
[[nodiscard]] Layout make_layout(const std::vector<LayoutField>&, Mistakes&);
[[nodiscard]] Regex make_regex(const std::string& pattern, Mistakes&);

}  // namespace telemetry::forms
