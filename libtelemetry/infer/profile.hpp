// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schema/json_value.hpp"

/// What was seen of the members of payloads, in bounded memory. What two topics have seen can be
/// merged.
namespace telemetry::infer {

inline constexpr std::size_t members_max = 128;  ///< of an object, as in a schema
inline constexpr std::size_t shapes_max = 32;
inline constexpr std::size_t texts_max = 16;
inline constexpr std::size_t text_bytes_max = 64;

/// What a draft may refuse of so many.
constexpr std::uint64_t few(std::uint64_t count) noexcept { return count / 1'000; }

struct Spread {
  double min = 0, max = 0;
  std::uint64_t count = 0;
};

/// Numbers by their powers of ten, so that one spoilt value does not hide where the others lie.
class Numbers {
 public:
  void add(double number);
  void merge(const Numbers& other);
  [[nodiscard]] std::uint64_t count() const noexcept;
  /// All but `outliers_max` at each end that are at least a thousand times farther from 0.
  [[nodiscard]] Spread spread(std::uint64_t outliers_max) const;

 private:
  struct Decade {
    int key = 0;  // in the order of the numbers
    Spread spread;
  };
  static constexpr std::size_t decades_max = 12;
  void add(int key, const Spread& spread);
  std::vector<Decade> decades_;  // sorted
};

/// From one message of a topic to the next.
struct Steps {
  std::uint64_t count = 0, up = 0, by_one = 0, down = 0, resets = 0;
  void merge(const Steps& other) noexcept;
};

enum class Epoch : std::uint8_t { s, ms, us, ns };
inline constexpr std::array<double, 4> epoch_units_per_s{1, 1e3, 1e6, 1e9};

struct Object;

/// How many more fields there may be.
struct Room {
  std::size_t fields_left;
  std::int64_t received_at = 0;  ///< of the message that is looked at; 0 = not known
};

struct Field {
  std::string name;
  std::uint64_t seen = 0;  ///< times it was there and not null
  std::uint64_t nulls = 0, booleans = 0, texts = 0, arrays = 0, objects = 0;
  std::uint64_t whole = 0, fractions = 0;  ///< numbers as they are written: 21.0 has a fraction

  Numbers numbers;                              ///< also those of texts with a unit
  Steps steps;                                  ///< numbers and times
  std::array<std::uint64_t, 4> epochs{};        ///< numbers that are times in that unit
  std::array<std::uint64_t, 4> near_arrival{};  ///< and within a day of the arrival

  std::uint64_t time_texts = 0, zoneless = 0;
  std::uint64_t unit_texts = 0;  ///< "27.93 °C", all with the same unit
  std::string unit;
  std::size_t longest = 0;  ///< code points
  std::vector<std::pair<std::string, std::uint64_t>> distinct;
  bool too_many_texts = false;
  std::uint64_t text_changes = 0;  ///< from one message of a topic to the next

  std::unique_ptr<Object> object;
  std::unique_ptr<Field> items;
  std::size_t items_max = 0;

  void add(const schemas::JsonValue& value, Room& room, bool in_array);
  void merge(const Field& other);
  [[nodiscard]] std::uint64_t count_of_numbers() const noexcept { return whole + fractions; }

 private:
  void add_number(std::string_view text, const Room& room, bool in_array);
  void add_text(std::string_view text, bool in_array);
  void step(double number);

  std::optional<double> last_;
  std::optional<std::size_t> last_text_;  // its hash
};

struct Object {
  using Shape = std::bitset<members_max>;
  std::uint64_t count = 0;
  std::uint64_t undeclared = 0;  ///< members for which there was no room
  std::vector<Field> fields;
  std::vector<std::pair<Shape, std::uint64_t>> shapes;  ///< which members come together
  bool too_many_shapes = false;

  void add(const schemas::JsonValue& value, Room& room, bool in_array);
  void merge(const Object& other);

 private:
  [[nodiscard]] std::size_t find(std::string_view name, std::size_t hint) const noexcept;
  void add_shape(const Shape& shape, std::uint64_t times);
};

/// "27.93 °C": where the unit begins; 0 = this is no number with a unit.
[[nodiscard]] std::size_t unit_at(std::string_view text) noexcept;

}  // namespace telemetry::infer
