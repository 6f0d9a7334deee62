// SPDX-License-Identifier: Apache-2.0
//
// Fields at fixed places. Bits count from the most significant of each byte on, so that a field of
// bits that crosses bytes reads as its digits stand in a data sheet.
#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <limits>

#include "form/forms.hpp"

namespace telemetry::forms {
namespace {

constexpr std::string_view layout_form = "layout";
constexpr std::string_view types =
    "u8 i8, u16be u16le i16be i16le and so on to 64, f16be f32be f64be and le, bits, ibits, flag, "
    "text, hex, bcd, bcdle, skip";
constexpr std::uint32_t bcd_bytes_max = 32;
using ItemKind = LayoutItem::Kind;

/// u8, i24be, f32le. @returns false when it is none.
bool read_number_type(std::string_view type, LayoutItem& item) {
  if (type.empty()) return false;
  item.kind = type.front() == 'f' ? ItemKind::real : ItemKind::whole;
  item.is_signed = type.front() == 'i';
  if (item.kind == ItemKind::whole && !item.is_signed && type.front() != 'u') return false;
  const auto [end, error] = std::from_chars(type.data() + 1, type.data() + type.size(), item.bits);
  if (error != std::errc{} || type[1] == '0') return false;
  const std::string_view order = type.substr(static_cast<std::size_t>(end - type.data()));
  item.little_endian = order == "le";
  if (order != "le" && order != "be" && !(order.empty() && item.bits == 8)) return false;
  if (item.kind == ItemKind::real) return item.bits == 16 || item.bits == 32 || item.bits == 64;
  return item.bits % 8 == 0 && item.bits >= 8 && item.bits <= 64 &&
         (item.bits > 8 || order.empty());
}

bool read_type(const LayoutField& from, LayoutItem& item) {
  item.count = 1;
  const std::string_view type = from.type;
  if (type == "bits" || type == "ibits") {
    item.kind = ItemKind::bits;
    item.is_signed = type == "ibits";
    item.bits = from.count;
  } else if (type == "flag") {
    item.kind = ItemKind::flag;
    item.bits = 1;
    item.count = from.count;
  } else if (type == "text" || type == "hex" || type == "skip" || type == "bcd" ||
             type == "bcdle") {
    item.kind = type == "text"   ? ItemKind::text
                : type == "hex"  ? ItemKind::hex
                : type == "skip" ? ItemKind::skip
                                 : ItemKind::bcd;
    item.little_endian = type == "bcdle";
    item.bits = from.count * 8;
  } else {
    item.count = from.count;
    return read_number_type(type, item);
  }
  return true;
}

class LayoutReader {
 public:
  LayoutReader(std::string_view payload, JsonText& out) : payload_(payload), out_(out) {}

  /// @returns npos, or the byte that is wrong; then reason() says why.
  std::size_t read(const LayoutItem& item) {
    if (!item.is_named) {
      at_ += std::size_t{item.bits} * item.count;
      return npos;
    }
    if (item.is_array) out_.put('[');
    for (std::uint32_t i = 0; i < item.count; ++i) {
      if (i != 0) out_.put(',');
      const std::size_t wrong = read_one(item);
      if (wrong != npos) return wrong;
      at_ += item.bits;
    }
    if (item.is_array) out_.put(']');
    return npos;
  }
  [[nodiscard]] const std::string& reason() const noexcept { return reason_; }

 private:
  std::size_t read_one(const LayoutItem& item) {
    const std::string_view bytes = payload_.substr(at_ / 8, (item.bits + 7) / 8);
    switch (item.kind) {
      case ItemKind::whole:
      case ItemKind::bits:
        put_whole(number(item), item);
        break;
      case ItemKind::real:
        put_real(number(item), item.bits);
        break;
      case ItemKind::flag:
        out_.put(number(item) != 0 ? "true" : "false");
        break;
      case ItemKind::text: {
        const std::size_t size = bytes.find_last_not_of('\0') + 1;
        const std::size_t wrong = out_.string(bytes.substr(0, size));
        if (wrong == npos) break;
        reason_ = fmt::format("0x{:02x} is not UTF-8 here; a text must be",
                              static_cast<std::uint8_t>(bytes[wrong]));
        return at_ / 8 + wrong;
      }
      case ItemKind::hex:
        out_.bytes(bytes, Encoding::hex);
        break;
      case ItemKind::bcd:
        return put_bcd(bytes, item.little_endian);
      case ItemKind::skip:
        break;
    }
    return npos;
  }

  [[nodiscard]] std::uint64_t number(const LayoutItem& item) const noexcept {
    std::uint64_t value = 0;
    if (item.little_endian) {
      for (std::uint32_t i = item.bits / 8; i-- > 0;)
        value = value << 8 | static_cast<std::uint8_t>(payload_[at_ / 8 + i]);
      return value;
    }
    std::size_t at = at_;
    for (std::uint32_t left = item.bits; left > 0;) {
      const auto byte = static_cast<std::uint8_t>(payload_[at / 8]);
      const auto here = std::min<std::uint32_t>(left, 8 - static_cast<std::uint32_t>(at % 8));
      const unsigned below = 8 - static_cast<unsigned>(at % 8) - here;
      value = value << here | (byte >> below & ((1u << here) - 1));
      at += here;
      left -= here;
    }
    return value;
  }

  void put_whole(std::uint64_t value, const LayoutItem& item) {
    if (!item.is_signed) return out_.whole(value);
    const std::uint32_t shift = 64 - item.bits;
    out_.whole(static_cast<std::int64_t>(value << shift) >> shift);
  }

  void put_real(std::uint64_t bits, std::uint32_t size) {
    if (size == 64) return out_.real(std::bit_cast<double>(bits));
    if (size == 32)
      return out_.real(double{std::bit_cast<float>(static_cast<std::uint32_t>(bits))});
    const auto exponent = static_cast<int>(bits >> 10 & 31u);
    const auto mantissa = static_cast<double>(bits & 1023u);
    double value =
        std::ldexp(exponent == 0 ? mantissa : mantissa + 1024, std::max(exponent, 1) - 25);
    if (exponent == 31)
      value = mantissa == 0 ? std::numeric_limits<double>::infinity()
                            : std::numeric_limits<double>::quiet_NaN();
    out_.real((bits >> 15 & 1u) != 0 ? -value : value);
  }

  std::size_t put_bcd(std::string_view bytes, bool little_endian) {
    bool any = false;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      const std::size_t place = little_endian ? bytes.size() - 1 - i : i;
      const auto byte = static_cast<std::uint8_t>(bytes[place]);
      for (const int digit : {byte >> 4, byte & 15}) {
        if (digit > 9) {
          reason_ = fmt::format("0x{:02x} is not two decimal digits", byte);
          return at_ / 8 + place;
        }
        if (digit != 0 || any) out_.put(static_cast<char>('0' + digit));
        any = any || digit != 0;
      }
    }
    if (!any) out_.put('0');
    return npos;
  }

  std::string_view payload_;
  JsonText& out_;
  std::size_t at_ = 0;  // bits
  std::string reason_;
};

}  // namespace

Layout make_layout(const std::vector<LayoutField>& fields, Mistakes& mistakes) {
  Layout layout;
  std::size_t bits = 0;
  if (fields.empty())
    mistakes.add("layout: there are no fields", "[{name: temperature, type: i16be}]");
  if (fields.size() > Form::layout_fields_max) {
    mistakes.add(fmt::format("layout: {} fields", fields.size()),
                 fmt::format("the limit is {}", Form::layout_fields_max));
    return layout;
  }
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const LayoutField& field = fields[i];
    const std::string place = fmt::format("layout[{}]", i);
    LayoutItem item{};
    if (field.count == 0 || field.count > Form::layout_bytes_max) {
      mistakes.add(fmt::format("{}.count: {}", place, field.count),
                   fmt::format("1 to {}", Form::layout_bytes_max));
      continue;
    }
    if (!read_type(field, item)) {
      mistakes.add(fmt::format("{}.type: {} is not known", place, shown(field.type)),
                   std::string(types));
      continue;
    }
    if (item.kind == ItemKind::bits && field.count > 64)
      mistakes.add(fmt::format("{}.count: {} bits", place, field.count), "1 to 64");
    if (item.kind == ItemKind::bcd && field.count > bcd_bytes_max)
      mistakes.add(fmt::format("{}.count: {} bytes of digits", place, field.count),
                   fmt::format("1 to {}", bcd_bytes_max));
    item.is_named =
        item.kind != ItemKind::skip && !(item.kind == ItemKind::bits && field.name.empty());
    if (item.is_named) item.key = key_of(field.name, place + ".name", mistakes);
    if (item.kind == ItemKind::skip && !field.name.empty())
      mistakes.add(fmt::format("{}.name: skip has no member {}", place, shown(field.name)),
                   "no name, or another type");
    for (std::size_t j = 0; j < i && item.is_named; ++j) {
      if (fields[j].name == field.name)
        mistakes.add(fmt::format("{}.name: {} is there twice", place, shown(field.name)),
                     "give each field a name of its own, or one field a count");
    }
    item.is_array = item.count > 1;
    if (item.kind != ItemKind::bits && item.kind != ItemKind::flag && bits % 8 != 0)
      mistakes.add(fmt::format("{}: it begins at bit {} of a byte", place, bits % 8),
                   fmt::format("{{type: bits, count: {}}} before it fills the byte", 8 - bits % 8));
    bits += std::size_t{item.bits} * item.count;
    layout.items.push_back(std::move(item));
  }
  if (bits % 8 != 0)
    mistakes.add(fmt::format("layout: it ends at bit {} of a byte", bits % 8),
                 fmt::format("{{type: bits, count: {}}} at its end fills the byte", 8 - bits % 8));
  layout.bytes = bits / 8;
  if (layout.bytes > Form::layout_bytes_max)
    mistakes.add(fmt::format("layout: {} bytes", layout.bytes),
                 fmt::format("the limit is {}", Form::layout_bytes_max));
  return layout;
}

Result<std::size_t> read(const Layout& layout, std::string_view payload, JsonText& out, Buffers&) {
  if (payload.size() != layout.bytes)
    return refusal_at(
        layout_form, std::min(payload.size(), layout.bytes),
        fmt::format("the payload has {} bytes, the layout {}", payload.size(), layout.bytes));
  LayoutReader reader(payload, out);
  char before = '{';
  for (const LayoutItem& item : layout.items) {
    if (item.is_named) {
      out.put(before);
      before = ',';
      out.put(item.key);
    }
    const std::size_t wrong = reader.read(item);
    if (wrong != npos) return refusal_at(layout_form, wrong, reader.reason());
  }
  if (before == '{') out.put('{');
  out.put('}');
  return std::size_t{1};
}

}  // namespace telemetry::forms
