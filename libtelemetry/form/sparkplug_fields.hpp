// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <protozero/pbf_reader.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

#include "form/sparkplug_births.hpp"
#include "telemetry/error.hpp"

/// The messages of Protocol Buffers that a Sparkplug payload is made of.
namespace telemetry::forms {

inline constexpr std::string_view sparkplug_form = "sparkplug_b";

/// Numbers of datatypes, as far as they are treated apart.
enum class Datatype : std::uint32_t {
  unknown = 0,
  int8 = 1,
  int64 = 4,
  uint64 = 8,
  float32 = 9,
  float64 = 10,
  boolean = 11,
  string = 12,
  date_time = 13,
  text = 14,
  uuid = 15,
  data_set = 16,
  bytes = 17,
  file = 18,
  of_template = 19,
  int8_array = 22,
  int64_array = 25,
  uint8_array = 26,
  uint64_array = 29,
  float_array = 30,
  double_array = 31,
  boolean_array = 32,
  string_array = 33,
  date_time_array = 34,
};

[[nodiscard]] inline std::string_view word(Datatype datatype) noexcept {
  return sparkplug_datatypes[static_cast<std::size_t>(datatype)];
}

/// What is thrown, beside what protozero throws.
struct SparkplugRefusal {
  Error error;
};

/// The value of a metric, of a parameter of a template (up to string_value), or of an element of a
/// data set (the same).
struct OneOf {
  enum class Kind : std::uint8_t {
    int_value,
    long_value,
    float_value,
    double_value,
    boolean_value,
    string_value,
    bytes_value,
    dataset_value,
    template_value,
    none,
  };
  Kind kind = Kind::none;
  std::uint64_t number = 0;
  double real = 0;
  std::string_view content;
};

/// Of the payload, or of a template; or a parameter of one.
struct SparkplugMetric {
  std::optional<std::string_view> name;
  std::optional<std::uint64_t> alias;
  std::optional<std::uint64_t> time;
  Datatype datatype = Datatype::unknown;
  bool historical = false;
  bool transient = false;
  bool null = false;
  OneOf value;
};

/// Finds fields, and remembers where. All of it throws SparkplugRefusal and protozero::exception.
/// The last of a field that comes twice counts, as Protocol Buffers say.
class SparkplugFields {
 public:
  using Field = protozero::pbf_reader;

  explicit SparkplugFields(std::string_view payload) noexcept : payload_(payload) {}

  /// @param name of the message that has them, for people
  template <class Each>
  void each_field(std::string_view fields, std::string_view name, const Each& each) {
    Field field(fields.data(), fields.size());
    const char* const end = fields.data() + fields.size();
    while (field) {
      at_ = static_cast<std::size_t>(field.data().data() - payload_.data());
      message_ = name;
      field.next();
      if (field.wire_type() == protozero::pbf_wire_type::length_delimited) {
        // protozero takes the lower 32 bits of a length, and where pointers have 32 bits it counts
        // one from 2^31 on as negative.
        const char* begin = field.data().data();
        const std::uint64_t length = protozero::decode_varint(&begin, end);
        if (length > static_cast<std::uint64_t>(end - begin))
          throw protozero::end_of_buffer_exception();
      }
      each(field);
    }
  }
  [[nodiscard]] std::uint64_t varint(Field& field) const;
  [[nodiscard]] std::string_view content(Field& field) const;
  [[nodiscard]] Datatype datatype(std::uint64_t number) const;
  [[nodiscard]] SparkplugMetric metric(std::string_view fields);
  [[nodiscard]] SparkplugMetric parameter(std::string_view fields);
  [[nodiscard]] OneOf element(std::string_view fields);

  [[noreturn]] void fail(std::string_view what) const;
  /// Of the field that is being read.
  [[nodiscard]] std::size_t at() const noexcept { return at_; }
  /// What is wrong next is wrong with this field.
  void set_at(std::size_t at) noexcept { at_ = at; }

 private:
  void wants(const Field& field, protozero::pbf_wire_type type) const;
  [[nodiscard]] bool read_value(Field& field, std::uint32_t first, std::uint32_t extension,
                                OneOf& value) const;

  std::string_view payload_;
  std::size_t at_ = 0;
  std::string_view message_;
};

}  // namespace telemetry::forms
