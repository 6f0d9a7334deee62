// SPDX-License-Identifier: Apache-2.0
//
// Sparkplug B: a message of Protocol Buffers with metrics, each a document. protozero, which finds
// the fields, throws what is wrong; so do we, up to read() alone. Fields may stand in any order:
// those of a metric are gathered before it is written, and those of the payload before its metrics.
#include <fmt/format.h>

#include <array>
#include <bit>
#include <optional>

#include "form/forms.hpp"
#include "form/sparkplug_births.hpp"
#include "form/sparkplug_fields.hpp"

namespace telemetry::forms {
namespace {

using WireField = SparkplugFields::Field;

constexpr std::array<std::string_view, 9> kind_names = {
    "int_value",    "long_value",  "float_value",   "double_value",  "boolean_value",
    "string_value", "bytes_value", "dataset_value", "template_value"};

/// The whole number that these bits are in two's complement of `bits`; nothing where they are none.
/// Senders widen a negative one to the field, of 32 or 64 bits, or leave the upper bits clear.
std::optional<std::int64_t> as_signed(const OneOf& value, unsigned bits) noexcept {
  std::uint64_t number = value.number;
  const bool is_long = value.kind == OneOf::Kind::long_value;
  if (!is_long && bits < 64 && number >> 31 != 0) number |= ~std::uint64_t{0} << 32;
  const auto whole = std::bit_cast<std::int64_t>(number);
  if (bits == 64) return whole;
  const std::int64_t end = std::int64_t{1} << bits;
  if (whole >= end / 2 && whole < end) return whole - end;
  if (whole < -end / 2 || whole >= end) return std::nullopt;
  return whole;
}

std::uint64_t little_endian(std::string_view content) noexcept {
  std::uint64_t number = 0;
  for (std::size_t i = content.size(); i > 0; --i)
    number = number << 8 | static_cast<std::uint8_t>(content[i - 1]);
  return number;
}

class SparkplugReader {
 public:
  SparkplugReader(std::string_view payload, JsonText& out, Buffers& buffers)
      : payload_(payload),
        fields_(payload),
        out_(out),
        metrics_(buffers.metrics),
        topic_(buffers.surroundings.topic),
        births_(buffers.surroundings.births) {}

  /// @throws SparkplugRefusal, protozero::exception
  std::size_t read() {
    const bool is_birth = births_ != nullptr && SparkplugBirths::is_birth(topic_);
    if (births_ != nullptr && !is_birth) birth_ = births_->find(topic_);
    metrics_.clear();
    fields_.each_field(payload_, "the payload", [&](WireField& field) {
      if (field.tag() == 1) {
        time_ = fields_.varint(field);
      } else if (field.tag() == 3) {
        sequence_ = fields_.varint(field);
      } else {
        field.skip();
      }
    });
    fields_.each_field(payload_, "the payload", [&](WireField& field) {
      if (field.tag() != 2) return field.skip();
      const std::size_t begin = fields_.at();
      const SparkplugMetric metric = fields_.metric(fields_.content(field));
      fields_.set_at(begin);
      if (documents_++ != 0) out_.put('\n');
      write(metric, 1);
      if (is_birth && metric.name && metrics_.size() < SparkplugBirths::metrics_max)
        metrics_.push_back({*metric.name, metric.alias.value_or(0), metric.alias.has_value(),
                            static_cast<std::uint32_t>(metric.datatype)});
    });
    if (documents_ == 0 && (time_ || sequence_)) {
      ++documents_;
      out_.put('{');
      write_payload(std::nullopt);
      out_.put('}');
    }
    if (is_birth) births_->learn(topic_, metrics_);
    return documents_;
  }

  /// Of the field that is being read.
  [[nodiscard]] Error refusal(std::string_view what) const {
    return refusal_at(sparkplug_form, fields_.at(), what);
  }

 private:
  /// @param level of JSON that the metric is
  void write(const SparkplugMetric& metric, std::size_t level) {
    const SparkplugBirths::Metric* born = nullptr;
    if (birth_ != nullptr && level == 1) {
      if (metric.name) {
        born = birth_->by_name(*metric.name);
      } else if (metric.alias) {
        born = birth_->by_alias(*metric.alias);
      }
    }
    Datatype type = metric.datatype;
    if (type == Datatype::unknown && born != nullptr) type = static_cast<Datatype>(born->datatype);
    out_.put('{');
    if (metric.name) {
      member("name");
      write_text(*metric.name);
    } else if (born != nullptr) {
      member("name");
      (void)out_.string(born->name);  // is UTF-8: its birth was written
    }
    if (metric.alias) write_number("alias", *metric.alias);
    if (metric.null) {
      write_true("null");
    } else {
      write_value(metric.value, type, level);
    }
    if (type != Datatype::unknown) {
      member("datatype");
      (void)out_.string(word(type));
    }
    if (metric.historical) write_true("historical");
    if (metric.transient) write_true("transient");
    if (level == 1) {
      write_payload(metric.time);
    } else if (metric.time) {
      write_number("time", *metric.time);
    }
    out_.put('}');
    check_room();
  }
  /// What all metrics have of their payload.
  void write_payload(std::optional<std::uint64_t> time) {
    if (!time) time = time_;
    if (time) write_number("time", *time);
    if (sequence_) write_number("seq", *sequence_);
  }

  void write_value(const OneOf& value, Datatype type, std::size_t level) {
    using Kind = OneOf::Kind;
    const bool is_array = type >= Datatype::int8_array;
    switch (value.kind) {
      case Kind::none:
        return;
      case Kind::bytes_value:
        wants(value, type, type == Datatype::bytes || type == Datatype::file || is_array);
        member(is_array ? "values" : "data");
        if (is_array) return write_array(value.content, type, level + 1);
        return out_.bytes(value.content, Encoding::base64url);
      case Kind::dataset_value:
        wants(value, type, type == Datatype::data_set);
        member("data_set");
        return write_data_set(value.content, level + 1);
      case Kind::template_value:
        wants(value, type, type == Datatype::of_template);
        member("template");
        return write_template(value.content, level + 1);
      case Kind::boolean_value:
        member("flag");
        break;
      case Kind::string_value:
        member("text");
        break;
      case Kind::int_value:
      case Kind::long_value:
        member(type == Datatype::unknown ? "raw" : "value");  // nobody knows its sign
        break;
      default:
        member("value");
        break;
    }
    write_scalar(value, type);
  }
  void wants(const OneOf& value, Datatype type, bool fits) const {
    if (fits || type == Datatype::unknown) return;
    fields_.fail(fmt::format("a value of datatype {} is sent as {}", word(type),
                             kind_names[static_cast<std::size_t>(value.kind)]));
  }

  void write_scalar(const OneOf& value, Datatype type) {
    switch (value.kind) {
      case OneOf::Kind::int_value:
      case OneOf::Kind::long_value:
        wants(value, type, type <= Datatype::uint64 || type == Datatype::date_time);
        if (type < Datatype::int8 || type > Datatype::int64) return out_.whole(value.number);
        return write_signed(value, type);
      case OneOf::Kind::float_value:
      case OneOf::Kind::double_value:
        wants(value, type, type == Datatype::float32 || type == Datatype::float64);
        return out_.real(value.real);
      case OneOf::Kind::boolean_value:
        wants(value, type, type == Datatype::boolean);
        return out_.put(value.number != 0 ? "true" : "false");
      case OneOf::Kind::string_value:
        wants(value, type,
              type == Datatype::string || type == Datatype::text || type == Datatype::uuid);
        return write_text(value.content);
      default:
        return out_.put("null");
    }
  }
  void write_signed(const OneOf& value, Datatype type) {
    const unsigned bits =
        8u << (static_cast<unsigned>(type) - static_cast<unsigned>(Datatype::int8));
    const auto whole = as_signed(value, bits);
    if (!whole) fields_.fail(fmt::format("{} is no {}", value.number, word(type)));
    out_.whole(*whole);
  }

  /// {"columns": [names], "rows": [[values]]}
  void write_data_set(std::string_view fields, std::size_t level) {
    check_levels(level + 2);
    std::array<Datatype, Form::columns_max> types{};
    std::size_t typed = 0;
    const auto add_type = [&](std::uint64_t number) {
      if (typed == types.size())
        fields_.fail(fmt::format("a data set of more than {} columns", types.size()));
      types[typed++] = fields_.datatype(number);
    };
    out_.put("{\"columns\":[");
    fields_.each_field(fields, "a data set", [&](WireField& field) {
      if (field.tag() == 2) {
        item();
        write_text(fields_.content(field));
      } else if (field.tag() == 3 &&
                 field.wire_type() == protozero::pbf_wire_type::length_delimited) {
        for (const std::uint32_t number : field.get_packed_uint32()) add_type(number);
      } else if (field.tag() == 3) {
        add_type(fields_.varint(field));
      } else {
        field.skip();
      }
    });
    out_.put("],\"rows\":[");
    fields_.each_field(fields, "a data set", [&](WireField& field) {
      if (field.tag() != 4) return field.skip();
      item();
      out_.put('[');
      std::size_t column = 0;
      fields_.each_field(fields_.content(field), "a row", [&](WireField& element) {
        if (element.tag() != 1) return element.skip();
        item();
        write_scalar(fields_.element(fields_.content(element)),
                     column < typed ? types[column] : Datatype::unknown);
        ++column;
        check_room();
      });
      out_.put(']');
      check_room();
    });
    out_.put("]}");
  }

  void write_template(std::string_view fields, std::size_t level) {
    check_levels(level + 2);
    std::optional<std::string_view> version, reference;
    bool definition = false;
    fields_.each_field(fields, "a template", [&](WireField& field) {
      if (field.tag() == 1) {
        version = fields_.content(field);
      } else if (field.tag() == 4) {
        reference = fields_.content(field);
      } else if (field.tag() == 5) {
        definition = fields_.varint(field) != 0;
      } else {
        field.skip();
      }
    });
    out_.put('{');
    if (reference) {
      member("reference");
      write_text(*reference);
    }
    if (version) {
      member("version");
      write_text(*version);
    }
    if (definition) write_true("definition");
    member("metrics");
    out_.put('[');
    fields_.each_field(fields, "a template", [&](WireField& field) {
      if (field.tag() != 2) return field.skip();
      item();
      write(fields_.metric(fields_.content(field)), level + 2);
    });
    out_.put(']');
    member("parameters");
    out_.put('[');
    fields_.each_field(fields, "a template", [&](WireField& field) {
      if (field.tag() != 3) return field.skip();
      item();
      write(fields_.parameter(fields_.content(field)), level + 2);
    });
    out_.put("]}");
  }

  void write_array(std::string_view all, Datatype type, std::size_t level) {
    check_levels(level);
    out_.put('[');
    if (type == Datatype::boolean_array) {
      write_booleans(all);
    } else if (type == Datatype::string_array) {
      write_texts(all);
    } else {
      const std::size_t bytes = bytes_of_item(type);
      if (all.size() % bytes != 0)
        fields_.fail(fmt::format("{} of {} bytes, of {} each", word(type), all.size(), bytes));
      for (; !all.empty(); all.remove_prefix(bytes)) {
        item();
        write_item(little_endian(all.substr(0, bytes)), type);
        check_room();
      }
    }
    out_.put(']');
  }
  static std::size_t bytes_of_item(Datatype type) noexcept {
    const auto from = [&](Datatype first) {
      return static_cast<unsigned>(type) - static_cast<unsigned>(first);
    };
    if (type <= Datatype::int64_array) return std::size_t{1} << from(Datatype::int8_array);
    if (type <= Datatype::uint64_array) return std::size_t{1} << from(Datatype::uint8_array);
    return type == Datatype::float_array ? 4 : 8;
  }
  void write_item(std::uint64_t bits, Datatype type) {
    if (type <= Datatype::int64_array) {
      const unsigned spare = 64 - 8 * static_cast<unsigned>(bytes_of_item(type));
      out_.whole(std::bit_cast<std::int64_t>(bits << spare) >> spare);
    } else if (type == Datatype::float_array) {
      out_.real(double{std::bit_cast<float>(static_cast<std::uint32_t>(bits))});
    } else if (type == Datatype::double_array) {
      out_.real(std::bit_cast<double>(bits));
    } else {
      out_.whole(bits);
    }
  }
  /// Their count in four bytes, then the bits from the most significant on.
  void write_booleans(std::string_view all) {
    const std::uint64_t count = little_endian(all.substr(0, 4));
    if (all.size() < 4 || all.size() - 4 != (count + 7) / 8)
      fields_.fail(fmt::format("BooleanArray of {} bytes with {} values", all.size(), count));
    for (std::uint64_t i = 0; i < count; ++i) {
      item();
      const auto byte = static_cast<std::uint8_t>(all[4 + static_cast<std::size_t>(i / 8)]);
      out_.put((byte >> (7 - i % 8) & 1u) != 0 ? "true" : "false");
      check_room();
    }
  }
  /// Each ends with a NUL.
  void write_texts(std::string_view all) {
    while (!all.empty()) {
      const std::size_t end = all.find('\0');
      if (end == npos) fields_.fail("StringArray: its last text has no NUL at its end");
      item();
      write_text(all.substr(0, end));
      all.remove_prefix(end + 1);
      check_room();
    }
  }

  void item() {
    if (!out_.all().ends_with('[')) out_.put(',');
  }
  void member(std::string_view key) {
    out_.put(out_.all().ends_with('{') ? "\"" : ",\"");
    out_.put(key);
    out_.put("\":");
  }
  void write_number(std::string_view key, std::uint64_t number) {
    member(key);
    out_.whole(number);
  }
  void write_true(std::string_view key) {
    member(key);
    out_.put("true");
  }
  void write_text(std::string_view text) {
    const std::size_t wrong = out_.string(text);
    if (wrong == npos) return;
    const auto begin = static_cast<std::size_t>(text.data() - payload_.data());
    throw SparkplugRefusal{not_utf8(sparkplug_form, payload_, begin + wrong)};
  }
  void check_room() const {
    if (out_.full()) throw SparkplugRefusal{too_large(sparkplug_form, fields_.at())};
  }
  /// @param level of the innermost
  void check_levels(std::size_t level) const {
    if (level > core::json_depth_max)
      fields_.fail(fmt::format("more than {} levels", core::json_depth_max));
  }

  std::string_view payload_;
  SparkplugFields fields_;
  JsonText& out_;
  std::vector<SparkplugBirths::Metric>& metrics_;  // of a birth
  std::string_view topic_;
  SparkplugBirths* births_;
  std::shared_ptr<const SparkplugBirths::Birth> birth_;
  std::optional<std::uint64_t> time_, sequence_;
  std::size_t documents_ = 0;
};

}  // namespace

Result<std::size_t> read(const Sparkplug&, std::string_view payload, JsonText& out,
                         Buffers& buffers) {
  SparkplugReader reader(payload, out, buffers);
  try {
    return reader.read();
  } catch (SparkplugRefusal& refusal) {
    return std::move(refusal.error);
  } catch (const protozero::end_of_buffer_exception&) {
    return reader.refusal(
        "the field that begins here is longer than what it stands in; was it cut off?");
  } catch (const protozero::exception&) {
    return reader.refusal("no field of Protocol Buffers begins here");
  }
}

}  // namespace telemetry::forms
