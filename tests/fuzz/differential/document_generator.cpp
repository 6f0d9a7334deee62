// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "fuzz/differential/checker.hpp"
#include "fuzz/differential/generator.hpp"

namespace telemetry::reference {
namespace {

using core::FieldType;

std::uint32_t code_point_at(const std::string& text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::uint32_t lead = byte(at);
  const std::size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  std::uint32_t code = size == 1 ? lead : lead & (0xFFu >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) code = code << 6 | (byte(at + i) & 0x3Fu);
  at += size;
  return code;
}

class DocumentGenerator {
 public:
  DocumentGenerator(Random& random, const SchemaModel& schema) : random_(random), schema_(schema) {
    constexpr std::size_t levels[] = {0, 0, 0, 0, 1, 5, 20};
    sloppiness_ = random_.pick(levels);
    escapes_ = random_.percent(30) ? 20 : 0;
    spaces_ = random_.percent(30) ? 20 : 0;
  }
  std::string run() {
    if (random_.percent(1)) {
      anything(0);
    } else {
      space();
      object(schema_.fields);
      space();
    }
    if (sloppiness_ > 0 && random_.percent(1)) out_ += '\0';
    return std::move(out_);
  }

 private:
  void space() {
    constexpr std::string_view kinds = " \n\t\r";
    while (random_.percent(spaces_)) out_ += random_.pick(kinds);
  }
  void string(const std::string& text);
  void character(const std::string& text, std::size_t& at);
  void member(const std::string& key, bool& first);
  void object(const std::vector<FieldModel>& fields);
  void extra(bool& first);
  void array(const FieldModel& field);
  void value(const FieldModel& field);
  void text(const FieldModel& field);
  void number(const FieldModel& field);
  void time(const FieldModel& field);
  void anything(std::size_t depth);
  void deep();

  Random& random_;
  const SchemaModel& schema_;
  std::size_t sloppiness_;  // per cent of values that are none of the schema's
  std::size_t escapes_;     // per cent of characters
  std::size_t spaces_;
  std::string out_;
};

void DocumentGenerator::string(const std::string& text) {
  out_ += '"';
  for (std::size_t at = 0; at < text.size();) character(text, at);
  if (sloppiness_ > 1 && random_.percent(1)) {
    constexpr const char* broken[] = {"\\ud83d", "\\ude00",  "\\ude00\\ud83d", "\\uD83Dx",
                                      "\\x",     "\xC0\x80", "\xED\xA0\x80",   "\xF4\x90\x80\x80",
                                      "\x80"};
    out_ += random_.pick(broken);
  }
  out_ += '"';
}

void DocumentGenerator::character(const std::string& text, std::size_t& at) {
  const std::size_t begin = at;
  const char c = text[begin];
  const std::uint32_t code = code_point_at(text, at);
  const bool must = code < 0x20 || c == '"' || c == '\\';
  if (!must && !random_.percent(escapes_)) {
    out_.append(text, begin, at - begin);
    return;
  }
  constexpr std::string_view plain = "\"\\/\b\f\n\r\t";
  constexpr std::string_view letters = "\"\\/bfnrt";
  const std::size_t found = plain.find(c);
  if (found != std::string_view::npos && random_.percent(70)) {
    out_ += '\\';
    out_ += letters[found];
  } else if (code < 0x10000) {
    out_ += random_.percent(50) ? fmt::format("\\u{:04x}", code) : fmt::format("\\u{:04X}", code);
  } else {
    out_ += fmt::format("\\u{:04x}\\u{:04X}", 0xD800 + ((code - 0x10000) >> 10),
                        0xDC00 + ((code - 0x10000) & 0x3FF));
  }
}

void DocumentGenerator::member(const std::string& key, bool& first) {
  if (!first) out_ += ',';
  first = false;
  space();
  string(key);
  space();
  out_ += ':';
  space();
}

void DocumentGenerator::object(const std::vector<FieldModel>& fields) {
  std::vector<const FieldModel*> present;
  for (const FieldModel& field : fields) {
    const std::size_t chance = field.required ? 99 - sloppiness_ / 4 : 75;
    if (random_.percent(chance)) present.push_back(&field);
    if (random_.percent(sloppiness_ / 5)) present.push_back(&random_.pick(fields));
  }
  if (random_.percent(20) && present.size() > 1)
    std::swap(random_.pick(present), random_.pick(present));
  out_ += '{';
  bool first = true;
  for (const FieldModel* field : present) {
    const bool by_alias = !field->aliases.empty() && random_.percent(40);
    member(by_alias ? random_.pick(field->aliases) : field->name, first);
    value(*field);
    space();
    const std::size_t chance = schema_.extra_allowed ? 8 : sloppiness_ / 4;
    if (random_.percent(chance)) extra(first);
  }
  out_ += '}';
}

void DocumentGenerator::extra(bool& first) {
  member(make_text(random_), first);
  anything(1);
  space();
}

void DocumentGenerator::array(const FieldModel& field) {
  const std::size_t least = field.length_min.value_or(0);
  const std::size_t most = field.length_max.value_or(static_cast<std::uint32_t>(least + 4));
  std::size_t count = least + random_.below(most - least + 1);
  if (random_.percent(sloppiness_)) count = random_.below(10);
  out_ += '[';
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) out_ += ',';
    space();
    if (field.items.empty())
      anything(3);
    else
      value(field.items.front());
    space();
  }
  out_ += ']';
}

void DocumentGenerator::value(const FieldModel& field) {
  if (random_.percent(sloppiness_)) return anything(1);
  // An item of an array has no name, and null is no value of its type.
  if (!field.name.empty() && !field.required && random_.percent(4)) {
    out_ += "null";
    return;
  }
  switch (field.type) {
    case FieldType::string:
      return text(field);
    case FieldType::integer:
    case FieldType::number:
      return number(field);
    case FieldType::boolean:
      if (schema_.lenient && random_.percent(10)) {
        constexpr const char* words[] = {"0", "1", "\"true\"", "\"False\"", "\" 1 \"", "1.0", "2"};
        out_ += random_.pick(words);
        return;
      }
      out_ += random_.percent(50) ? "true" : "false";
      return;
    case FieldType::timestamp:
      return time(field);
    case FieldType::object:
      return object(field.fields);
    case FieldType::array:
      return array(field);
    case FieldType::any:
      return anything(2);
  }
}

void DocumentGenerator::text(const FieldModel& field) {
  if (schema_.lenient && random_.percent(5)) {
    out_ += make_number(random_);
    return;
  }
  constexpr const char* near[] = {"", "abc", "x", "sensor-017", "ü1", "ab", "x7", "zzxyy", "öxü1"};
  std::string found = make_text(random_);
  for (int tries = 0; tries < 12 && !broken_by_text(field, found).empty(); ++tries) {
    found = !field.enum_.empty() ? random_.pick(field.enum_)
            : tries % 2 == 0     ? std::string(random_.pick(near))
                                 : make_text(random_);
  }
  string(found);
}

void DocumentGenerator::number(const FieldModel& field) {
  const auto good = [&](const std::string& text) {
    const ExactNumber number = exact(text);
    const bool type = field.type == FieldType::number ||
                      (is_whole(number) && floor_scaled(number, 0).has_value());
    return type && !held(number).beyond && broken_by_number(field, number).empty();
  };
  std::string found = make_number(random_);
  for (int tries = 0; tries < 12 && !good(found); ++tries) {
    if (!field.enum_.empty())
      found = random_.pick(field.enum_);
    else if (tries % 3 == 1 && field.min)
      found = *field.min;
    else if (tries % 3 == 2 && field.max)
      found = *field.max;
    else
      found = make_number(random_);
  }
  found = spell_number(random_, found);
  if (random_.percent(6)) found = lengthen_number(random_, found);
  if (schema_.lenient && random_.percent(8)) {
    string((random_.percent(20) ? " " : "") + found + (random_.percent(30) ? field.unit : ""));
    return;
  }
  out_ += found;
}

void DocumentGenerator::time(const FieldModel& field) {
  const bool as_text = field.time_format == core::TimeFormat::rfc3339 ||
                       (field.time_format == core::TimeFormat::automatic && random_.percent(50));
  std::string found = as_text ? make_time(random_) : make_epoch(random_);
  const auto good = [&] {
    std::int64_t ns = 0;
    bool moved = false;
    return as_text ? read_time_text(found, schema_.zone_offset_s, ns, moved)
                   : read_time_number(exact(found), field.time_format, ns);
  };
  for (int tries = 0; tries < 3 && !good(); ++tries)
    found = as_text ? make_time(random_) : make_epoch(random_);
  if (as_text || (schema_.lenient && random_.percent(10)))
    string(found);
  else
    out_ += found;
}

void DocumentGenerator::deep() {
  const std::size_t levels = 25 + random_.below(12);
  for (std::size_t i = 0; i < levels; ++i) out_ += '[';
  out_ += '0';
  for (std::size_t i = 0; i < levels; ++i) out_ += ']';
}

/// Any JSON value. `depth` bounds what it nests.
void DocumentGenerator::anything(std::size_t depth) {
  constexpr const char* words[] = {"true", "false", "null", "{}", "[]"};
  bool first = true;
  switch (random_.below(depth < 4 ? 9 : 7)) {
    case 0:
      out_ += make_number(random_);
      return;
    case 1:
      out_ += fmt::format("{}", random_.below(100));
      return;
    case 2:
    case 3:
      return string(make_text(random_));
    case 4:
      return string(make_time(random_));
    case 5:
    case 6:
      if (random_.percent(sloppiness_ / 5)) return deep();
      out_ += random_.pick(words);
      return;
    case 7:
      out_ += '[';
      for (std::size_t n = random_.below(4); n > 0; --n) {
        anything(depth + 1);
        if (n > 1) out_ += ',';
      }
      out_ += ']';
      return;
    default:
      out_ += '{';
      for (std::size_t n = random_.below(4); n > 0; --n) {
        member(make_text(random_), first);
        anything(depth + 1);
      }
      out_ += '}';
      return;
  }
}

}  // namespace

std::string make_document(Random& random, const SchemaModel& schema) {
  return DocumentGenerator(random, schema).run();
}

}  // namespace telemetry::reference
