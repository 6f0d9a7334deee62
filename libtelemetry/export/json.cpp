// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <cstdint>

#include "export/terminal_text.hpp"
#include "telemetry/core/json_pull.hpp"
#include "telemetry/core/time.hpp"
#include "telemetry/export.hpp"

namespace telemetry {
namespace {

constexpr char hex[] = "0123456789abcdef";

void append_integer(std::int64_t value, std::string& out) {
  char text[24];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  out.append(text, end);
}

// Plain digits as far as they stay readable, else one before the point and an exponent; the same
// number in any case.
void append_decimal(core::Decimal value, std::string& out) {
  constexpr int zeros_max = 12;
  char text[24];
  const auto end = std::to_chars(text, text + sizeof text, value.mantissa).ptr;
  std::string_view digits(text, static_cast<std::size_t>(end - text));
  if (digits.starts_with('-')) {
    out += '-';
    digits.remove_prefix(1);
  }
  const int exponent = value.exponent;
  const auto size = static_cast<int>(digits.size());
  if (exponent == 0 || (exponent > 0 && digits == "0")) {
    out += digits;
  } else if (exponent > 0 && exponent <= zeros_max) {
    out += digits;
    out.append(static_cast<std::size_t>(exponent), '0');
  } else if (exponent < 0 && -exponent < size) {
    const auto whole = static_cast<std::size_t>(size + exponent);
    out.append(digits.substr(0, whole)) += '.';
    out.append(digits.substr(whole));
  } else if (exponent < 0 && -exponent - size <= zeros_max) {
    out += "0.";
    out.append(static_cast<std::size_t>(-exponent - size), '0').append(digits);
  } else if (digits == "0") {
    out += digits;
  } else {
    // As scientists write it: one digit before the point.
    digits = digits.substr(0, digits.find_last_not_of('0') + 1);
    out += digits.substr(0, 1);
    if (digits.size() > 1) (out += '.').append(digits.substr(1));
    out += 'e';
    append_integer(exponent + size - 1, out);
  }
}

// JSON from the wire on one line: white space between tokens goes, and what might command a
// terminal, which can only stand inside strings, is escaped.
void append_raw_json(std::string_view json, std::string& out) {
  for (std::size_t i = 0; i < json.size(); ++i) {
    const auto c = static_cast<unsigned char>(json[i]);
    if (c < 0x20) continue;
    const bool c1 =
        c == 0xC2 && i + 1 < json.size() && static_cast<unsigned char>(json[i + 1]) < 0xA0;
    if (c != 0x7f && !c1) {
      out += json[i];
      continue;
    }
    const unsigned char code = c1 ? static_cast<unsigned char>(json[++i]) : c;
    out += "\\u00";
    out += hex[code >> 4];
    out += hex[code & 15];
  }
}

void append_base64(std::string_view bytes, std::string& out) {
  static constexpr char digits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::string_view group = bytes.substr(i, 3);
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      bits = bits << 8 | (k < group.size() ? static_cast<unsigned char>(group[k]) : 0u);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      out += k <= group.size() ? digits[bits >> (18 - 6 * k) & 63] : '=';
    }
  }
}

// Calls visit(raw key, raw value) for each member of a JSON object.
template <class Visit>
void for_each_member(std::string_view object, const Visit& visit) {
  core::JsonPull pull(object);
  if (pull.next() != core::JsonToken::object_begin) return;
  while (pull.next() == core::JsonToken::key) {
    const std::string_view key = pull.text();
    const core::JsonToken token = pull.next();
    const std::size_t start = pull.offset();
    const bool container =
        token == core::JsonToken::object_begin || token == core::JsonToken::array_begin;
    if (token == core::JsonToken::error || (container && !pull.skip_container())) return;
    visit(key, object.substr(start, pull.end_offset() - start));
  }
}

// One object of the payload: the fields [first, last), whose paths agree in their first `prefix`
// bytes, and the undeclared members of the same object.
class PayloadWriter {
 public:
  PayloadWriter(const std::vector<Field>& fields, std::string& out, const TimeZone& zone)
      : fields_(fields), out_(out), zone_(zone) {}

  void write(std::size_t first, std::size_t last, std::size_t prefix, std::string_view extra) {
    out_ += '{';
    bool comma = false;
    for (std::size_t i = first; i < last;) {
      if (comma) out_ += ',';
      comma = true;
      const std::string_view name = member(i, prefix);
      append_json_string(name, out_);
      out_ += ':';
      if (prefix + name.size() == fields_[i].path.size()) {
        append_json_value(fields_[i++].value, out_, zone_);
        continue;
      }
      std::size_t end = i + 1;
      while (end < last && is_object(end, prefix, name)) ++end;
      std::string_view inner;
      if (!extra.empty()) {
        for_each_member(extra, [&](std::string_view key, std::string_view value) {
          if (key == name && value.starts_with('{')) inner = value;
        });
      }
      write(i, end, prefix + name.size() + 1, inner);
      i = end;
    }
    if (!extra.empty()) {
      for_each_member(extra, [&](std::string_view key, std::string_view value) {
        for (std::size_t i = first; i < last; ++i) {
          if (value.starts_with('{') && is_object(i, prefix, key)) return;  // written above
        }
        if (comma) out_ += ',';
        comma = true;
        out_ += '"';
        append_raw_json(key, out_);
        out_ += "\":";
        append_raw_json(value, out_);
      });
    }
    out_ += '}';
  }

 private:
  std::string_view member(std::size_t i, std::size_t prefix) const {
    const std::string_view rest = fields_[i].path.substr(prefix);
    return rest.substr(0, rest.find('.'));
  }
  bool is_object(std::size_t i, std::size_t prefix, std::string_view name) const {
    const std::string_view rest = fields_[i].path.substr(prefix);
    return rest.size() > name.size() && rest[name.size()] == '.' && rest.starts_with(name);
  }

  const std::vector<Field>& fields_;
  std::string& out_;
  const TimeZone& zone_;
};

}  // namespace

Row::RawKind payload_kind(std::string_view payload) noexcept {
  core::JsonPull pull(payload);
  core::JsonToken token = pull.next();
  while (token != core::JsonToken::end && token != core::JsonToken::error) token = pull.next();
  if (token == core::JsonToken::end) return Row::RawKind::json;
  const bool text = core::is_valid_utf8(payload) && payload.find('\0') == std::string_view::npos;
  return text ? Row::RawKind::text : Row::RawKind::binary;
}

namespace {
constexpr bool is_plain(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\';
}
}  // namespace

void append_json_string(std::string_view text, std::string& out) {
  out += '"';
  for (std::size_t i = 0; i < text.size();) {
    std::size_t plain = i;
    while (plain < text.size() && is_plain(text[plain])) ++plain;
    out.append(text, i, plain - i);
    i = plain;
    if (i == text.size()) break;
    const text::CodePoint point = text::next_code_point(text.substr(i));
    i += point.bytes;
    if (point.code == '"' || point.code == '\\') {
      out += '\\';
      out += static_cast<char>(point.code);
    } else if (point.code == '\n') {
      out += "\\n";
    } else if (point.code == '\r') {
      out += "\\r";
    } else if (point.code == '\t') {
      out += "\\t";
    } else if (point.code < 0x20 || (point.code >= 0x7f && point.code < 0xa0)) {
      out += "\\u00";
      out += hex[point.code >> 4];
      out += hex[point.code & 15];
    } else if (!point.valid) {
      out += "\xEF\xBF\xBD";
    } else {
      out += text.substr(i - point.bytes, point.bytes);
    }
  }
  out += '"';
}

void append_json_time(std::int64_t ns, std::string& out, const TimeZone& zone) {
  out += '"';
  append_time(ns, zone, out);
  out += '"';
}

void append_json_value(const core::Value& value, std::string& out, const TimeZone& zone) {
  switch (value.kind()) {
    case core::ValueKind::null:
      out += "null";
      break;
    case core::ValueKind::boolean:
      out += value.as_integer() != 0 ? "true" : "false";
      break;
    case core::ValueKind::integer:
      append_integer(value.as_integer(), out);
      break;
    case core::ValueKind::decimal:
      append_decimal(value.as_decimal(), out);
      break;
    case core::ValueKind::time:
      append_json_time(value.as_integer(), out, zone);
      break;
    case core::ValueKind::text:
      append_json_string(value.as_text(), out);
      break;
    case core::ValueKind::json:
      append_raw_json(value.as_text(), out);
      break;
  }
}

void append_payload_json(const Row& row, std::string& out, const TimeZone& zone) {
  switch (row.raw_kind) {
    case Row::RawKind::none:
      PayloadWriter(row.fields, out, zone).write(0, row.fields.size(), 0, row.extra);
      break;
    case Row::RawKind::json:
      append_raw_json(row.raw, out);
      break;
    case Row::RawKind::text:
      append_json_string(row.raw, out);
      break;
    case Row::RawKind::binary:
      out += "{\"base64\":\"";
      append_base64(row.raw, out);
      out += "\"}";
      break;
  }
}

void append_record_members(const Row& row, std::string& out, const TimeZone& zone) {
  out += "\"topic\":";
  append_json_string(row.topic, out);
  out += ",\"payload\":";
  append_payload_json(row, out, zone);
  out += ",\"timestamp\":";
  append_json_time(row.time, out, zone);
  out += ",\"received_at\":";
  append_json_time(row.received_at, out, zone);
}

void append_full_record_json(const Row& row, std::string_view id, std::string& out,
                             const TimeZone& zone) {
  const auto member = [&out](std::string_view name, std::string_view text) {
    out += name;
    if (text.empty())
      out += "null";
    else
      append_json_string(text, out);
  };
  out += '{';
  append_record_members(row, out, zone);
  out += ",\"id\":\"";
  out += id;
  out += '"';
  member(",\"device\":", row.device);
  member(",\"schema\":", row.schema);
  out += row.retained ? ",\"retained\":true}" : ",\"retained\":false}";
}

void append_record_json(const Row& row, std::string& out, const TimeZone& zone) {
  out += '{';
  append_record_members(row, out, zone);
  if (row.retained) out += ",\"retained\":true";
  out += '}';
}

}  // namespace telemetry
