// SPDX-License-Identifier: Apache-2.0
//
// CBOR items in a row, each a document. The heads of common items are read here, of all
// others, and of what is wrong, by libcbor. Nothing is allocated for an item, and what it counts
// (of bytes, items, members) is believed only as far as there are bytes. Source: RFC 8949, its
// section 6.1 for JSON; RFC 8742 for items in a row.
#include <cbor.h>
#include <fmt/format.h>

#include <array>
#include <bit>
#include <limits>

#include "form/forms.hpp"

namespace telemetry::forms {
namespace {

constexpr std::string_view cbor_form = "cbor";
constexpr std::size_t bignum_bytes_max = 64;
constexpr std::uint64_t open_ended = std::numeric_limits<std::uint64_t>::max();

/// The first seven are the major types, by their numbers.
enum class Kind : std::uint8_t { whole, negative, bytes, text, array, map, tag, real, word, end };

struct Item {
  Kind kind = Kind::end;
  std::uint64_t number = 0;  ///< negative: -1 - number; array, map: items; open_ended: up to an end
  double real = 0;
  std::string_view bytes;  ///< of bytes and text; of a word, what it is in JSON
  bool open = false;       ///< bytes, text: in chunks, up to an end
};

/// What libcbor calls with the item it has read. It has 64 bits for sizes only from 0.10 on.
struct Callbacks : cbor_callbacks {
  Callbacks() : cbor_callbacks{} {
    const auto whole = [](void* to, auto number) { set(to, Kind::whole).number = number; };
    const auto negative = [](void* to, auto number) { set(to, Kind::negative).number = number; };
    const auto real = [](void* to, auto number) { set(to, Kind::real).real = double{number}; };
    uint8 = whole;
    uint16 = whole;
    uint32 = whole;
    uint64 = whole;
    negint8 = negative;
    negint16 = negative;
    negint32 = negative;
    negint64 = negative;
    byte_string = [](void* to, cbor_data data, auto size) {
      set_bytes(to, Kind::bytes, data, size);
    };
    string = [](void* to, cbor_data data, auto size) { set_bytes(to, Kind::text, data, size); };
    byte_string_start = [](void* to) { set(to, Kind::bytes).open = true; };
    string_start = [](void* to) { set(to, Kind::text).open = true; };
    array_start = [](void* to, auto items) { set(to, Kind::array).number = items; };
    map_start = [](void* to, auto members) { set(to, Kind::map).number = members; };
    indef_array_start = [](void* to) { set(to, Kind::array).number = open_ended; };
    indef_map_start = [](void* to) { set(to, Kind::map).number = open_ended; };
    tag = [](void* to, auto number) { set(to, Kind::tag).number = number; };
    float2 = real;
    float4 = real;
    float8 = real;
    undefined = [](void* to) { set(to, Kind::word).bytes = "null"; };
    null = [](void* to) { set(to, Kind::word).bytes = "null"; };
    boolean = [](void* to, bool is) { set(to, Kind::word).bytes = is ? "true" : "false"; };
    indef_break = [](void* to) { set(to, Kind::end); };
  }

 private:
  static Item& set(void* to, Kind kind) {
    Item& item = *static_cast<Item*>(to);
    item = Item{};
    item.kind = kind;
    return item;
  }
  static void set_bytes(void* to, Kind kind, cbor_data data, std::uint64_t size) {
    set(to, kind).bytes = {reinterpret_cast<const char*>(data), static_cast<std::size_t>(size)};
  }
};

std::uint64_t big_endian(std::string_view bytes) noexcept {
  std::uint64_t number = 0;
  for (const char c : bytes) number = number << 8 | static_cast<std::uint8_t>(c);
  return number;
}

/// Digits of a whole number of at most bignum_bytes_max bytes; negative: of -1 - n.
void append_bignum(std::string_view bytes, bool negative, JsonText& out) {
  constexpr std::uint32_t billion = 1'000'000'000;
  std::array<std::uint32_t, bignum_bytes_max / 4 + 1> limbs{};  // the lowest first
  for (std::size_t i = 0; i < bytes.size(); ++i)
    limbs[i / 4] |= std::uint32_t{static_cast<std::uint8_t>(bytes[bytes.size() - 1 - i])}
                    << (8 * (i % 4));
  if (negative) {
    out.put('-');
    for (std::size_t i = 0; i < limbs.size() && ++limbs[i] == 0; ++i) {
    }
  }
  std::array<std::uint32_t, 20> groups{};  // of nine digits, the lowest first
  std::size_t count = 0;
  for (std::size_t used = limbs.size(); used != 0;) {
    std::uint64_t rest = 0;
    for (std::size_t i = used; i-- > 0;) {
      rest = rest << 32 | limbs[i];
      limbs[i] = static_cast<std::uint32_t>(rest / billion);
      rest %= billion;
    }
    groups[count++] = static_cast<std::uint32_t>(rest);
    while (used != 0 && limbs[used - 1] == 0) --used;
  }
  out.whole(std::uint64_t{groups[count - 1]});
  for (std::size_t i = count - 1; i-- > 0;) {
    std::array<char, 9> digits;
    std::uint32_t group = groups[i];
    for (std::size_t digit = digits.size(); digit-- > 0; group /= 10)
      digits[digit] = static_cast<char>('0' + group % 10);
    out.put(std::string_view(digits.data(), digits.size()));
  }
}

class CborReader {
 public:
  CborReader(std::string_view payload, JsonText& out, Buffers& buffers)
      : payload_(payload), out_(out), buffers_(buffers) {
    buffers_.members.clear();
  }

  Result<std::size_t> read() {
    std::size_t documents = 0;
    do {
      if (documents++ != 0) out_.put('\n');
      if (!read_value(0, Encoding::base64url)) return std::move(error_);
    } while (at_ != payload_.size());
    return documents;
  }

 private:
  bool fail(std::size_t byte, std::string_view what) {
    error_ = refusal_at(cbor_form, byte, what);
    return false;
  }

  /// The next head, with the bytes of what is no container. False: failed.
  bool next() {
    place_ = at_;
    return next_common() || next_rare();
  }

  /// Items that are whole and closed, but for half reals, without a call each. False: the next is
  /// none, and nothing was read. Tags must be read here: libcbor takes those from 6 to 20 for
  /// damage.
  bool next_common() noexcept {
    std::string_view rest = payload_.substr(at_);
    if (rest.empty()) return false;
    const auto head = static_cast<std::uint8_t>(rest.front());
    const unsigned low = head & 0x1Fu;
    rest.remove_prefix(1);
    std::uint64_t number = low;
    if (low >= 24) {
      const std::size_t bytes = std::size_t{1} << (low - 24);
      if (low > 27 || rest.size() < bytes) return false;
      number = big_endian(rest.substr(0, bytes));
      rest.remove_prefix(bytes);
    }
    const unsigned major = head >> 5;
    if (major == 7) {
      if (!set_simple(low, number)) return false;
    } else {
      item_.kind = static_cast<Kind>(major);
      item_.number = number;
      item_.open = false;
      if (item_.kind == Kind::bytes || item_.kind == Kind::text) {
        if (number > rest.size()) return false;
        const auto size = static_cast<std::size_t>(number);
        item_.bytes = rest.substr(0, size);
        rest.remove_prefix(size);
      }
    }
    at_ = payload_.size() - rest.size();
    return true;
  }
  /// Of major type 7.
  bool set_simple(unsigned low, std::uint64_t bits) noexcept {
    constexpr std::array<std::string_view, 4> words = {"false", "true", "null", "null"};
    if (low >= 20 && low < 24) {
      item_.kind = Kind::word;
      item_.bytes = words[low - 20];
      return true;
    }
    if (low != 26 && low != 27) return false;
    item_.kind = Kind::real;
    item_.real = low == 27 ? std::bit_cast<double>(bits)
                           : double{std::bit_cast<float>(static_cast<std::uint32_t>(bits))};
    return true;
  }

  bool next_rare() {
    static const Callbacks callbacks;
    const std::string_view rest = payload_.substr(at_);
    const auto* data = reinterpret_cast<cbor_data>(rest.data());
    const cbor_decoder_result result = cbor_stream_decode(data, rest.size(), &callbacks, &item_);
    if (result.status == CBOR_DECODER_FINISHED) {
      at_ += result.read;
      return true;
    }
    if (result.status == CBOR_DECODER_NEDATA) return cut_off();
    const auto head = static_cast<std::uint8_t>(rest.front());
    if (head >= 0xE0 && head <= 0xF8) {
      if (head == 0xF8 && rest.size() == 1) return cut_off();
      const unsigned number = head == 0xF8 ? static_cast<std::uint8_t>(rest[1]) : head - 0xE0u;
      return fail(at_, fmt::format("simple value {} has no meaning in JSON", number));
    }
    return fail(at_, fmt::format("0x{:02x} begins no item", head));
  }

  bool cut_off() {
    return fail(payload_.size(),
                fmt::format("the payload ends here, in the item that begins at byte {}; it was cut "
                            "off",
                            place_));
  }

  /// The next item, where no end may stand.
  bool next_value() {
    if (!next()) return false;
    return item_.kind != Kind::end || fail(place_, "an end stands where a value must");
  }

  bool read_value(std::size_t depth, Encoding encoding) {
    if (!next_value()) return false;
    return write_value(depth, encoding);
  }

  /// Writes item_, of which the head has been read.
  bool write_value(std::size_t depth, Encoding encoding) {
    while (item_.kind == Kind::tag) {
      const std::size_t place = place_;
      const std::uint64_t tag = item_.number;
      if (!next_value()) return false;
      switch (tag) {
        case 2:
        case 3:
          return write_bignum(place, tag == 3);
        case 4:
          return write_decimal_fraction(place);
        case 5:
          return fail(place,
                      "tag 5, a fraction to the base 2, is not read; send a decimal fraction "
                      "(tag 4) or a float");
        case 21:
          encoding = Encoding::base64url;
          break;
        case 22:
          encoding = Encoding::base64;
          break;
        case 23:
          encoding = Encoding::base16;
          break;
        case 25:
        case 29:
          return fail(place, fmt::format("tag {} refers to another place, which is not read; send "
                                         "the value itself",
                                         tag));
        default:  // RFC 8949 section 6.1: the content stands for the whole
          break;
      }
    }
    switch (item_.kind) {
      case Kind::whole:
      case Kind::negative:
        write_whole();
        break;
      case Kind::real:
        out_.real(item_.real);
        break;
      case Kind::word:
        out_.put(item_.bytes);
        break;
      case Kind::text:
        if (!write_text()) return false;
        break;
      case Kind::bytes: {
        std::string_view bytes;
        if (!read_bytes(bytes)) return false;
        out_.bytes(bytes, encoding);
        break;
      }
      case Kind::array:
      case Kind::map:
        if (depth == core::json_depth_max)
          return fail(place_, fmt::format("more than {} levels", core::json_depth_max));
        if (!(item_.kind == Kind::map ? write_map(depth + 1, encoding)
                                      : write_array(depth + 1, encoding)))
          return false;
        break;
      case Kind::tag:
      case Kind::end:
        break;  // not here: see above
    }
    if (!out_.full()) return true;
    error_ = too_large(cbor_form, at_);
    return false;
  }

  void write_whole() {
    if (item_.kind == Kind::whole) {
      out_.whole(item_.number);
    } else if (item_.number <= std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
      out_.whole(-1 - static_cast<std::int64_t>(item_.number));
    } else if (item_.number == std::numeric_limits<std::uint64_t>::max()) {
      out_.put("-18446744073709551616");
    } else {
      out_.put('-');
      out_.whole(item_.number + 1);
    }
  }

  /// The bytes of item_, from all its chunks.
  bool read_bytes(std::string_view& bytes) {
    bytes = item_.bytes;
    if (!item_.open) return true;
    buffers_.bytes.clear();
    for (;;) {
      if (!next()) return false;
      if (item_.kind == Kind::end) break;
      if (item_.kind != Kind::bytes || item_.open) return fail(place_, "a chunk must have bytes");
      buffers_.bytes.append(item_.bytes);
    }
    bytes = buffers_.bytes;
    return true;
  }

  bool write_text() {
    if (!item_.open) return is_utf8(out_.string(item_.bytes));
    out_.put('"');
    for (;;) {
      if (!next()) return false;
      if (item_.kind == Kind::end) break;
      if (item_.kind != Kind::text || item_.open) return fail(place_, "a chunk must be text");
      if (!is_utf8(out_.inside_string(item_.bytes))) return false;
    }
    out_.put('"');
    return true;
  }
  /// @param wrong the byte of item_ that is none; npos: there is none. False: failed
  bool is_utf8(std::size_t wrong) {
    if (wrong == npos) return true;
    const auto begin = static_cast<std::size_t>(item_.bytes.data() - payload_.data());
    error_ = not_utf8(cbor_form, payload_, begin + wrong);
    return false;
  }

  bool write_bignum(std::size_t place, bool negative) {
    std::string_view bytes;
    if (item_.kind != Kind::bytes) return fail(place, "a large number (tag 2, 3) must have bytes");
    if (!read_bytes(bytes)) return false;
    bytes.remove_prefix(std::min(bytes.find_first_not_of('\0'), bytes.size()));
    if (bytes.size() > bignum_bytes_max)
      return fail(place, fmt::format("a number of {} bytes; the limit is {}", bytes.size(),
                                     bignum_bytes_max));
    append_bignum(bytes, negative, out_);
    return true;
  }

  /// [exponent, mantissa], as a number that JSON has: the mantissa, "e" and the exponent.
  bool write_decimal_fraction(std::size_t place) {
    constexpr std::string_view what = "a decimal fraction (tag 4) must be two whole numbers";
    const bool open = item_.number == open_ended;
    if (item_.kind != Kind::array || (!open && item_.number != 2)) return fail(place, what);
    if (!next_value()) return false;
    const Item exponent = item_;
    constexpr std::uint64_t exponent_max = 1'000;
    if (exponent.kind != Kind::whole && exponent.kind != Kind::negative) return fail(place, what);
    if (exponent.number > exponent_max)
      return fail(place,
                  fmt::format("a decimal fraction with an exponent beyond {}", exponent_max));
    if (!next_value()) return false;
    if (item_.kind == Kind::whole || item_.kind == Kind::negative) {
      write_whole();
    } else if (item_.kind == Kind::tag && (item_.number == 2 || item_.number == 3)) {
      const bool negative = item_.number == 3;
      if (!next_value() || !write_bignum(place, negative)) return false;
    } else {
      return fail(place, what);
    }
    if (exponent.kind != Kind::whole || exponent.number != 0) {
      out_.put('e');
      item_ = exponent;
      write_whole();
    }
    if (!open) return true;
    if (!next()) return false;
    return item_.kind == Kind::end || fail(place, what);
  }

  bool write_array(std::size_t depth, Encoding encoding) {
    const std::uint64_t items = item_.number;
    out_.put('[');
    for (std::uint64_t i = 0; i != items; ++i) {
      if (!next()) return false;
      if (item_.kind == Kind::end) {
        if (items == open_ended) break;
        return fail(place_, "an end stands where a value must");
      }
      if (i != 0) out_.put(',');
      if (!write_value(depth, encoding)) return false;
    }
    out_.put(']');
    return true;
  }

  bool write_map(std::size_t depth, Encoding encoding) {
    const std::uint64_t members = item_.number;
    const std::size_t first = buffers_.members.begin();
    out_.put('{');
    for (std::uint64_t i = 0; i != members; ++i) {
      if (!next()) return false;
      if (item_.kind == Kind::end) {
        if (members == open_ended) break;
        return fail(place_, "an end stands where a name must");
      }
      if (i != 0) out_.put(',');
      if (!write_key() || !read_value(depth, encoding)) return false;
    }
    out_.put('}');
    const auto twice = buffers_.members.end(first, out_.all());
    return !twice || fail(twice->place, fmt::format("{} is there twice in one map", twice->name));
  }

  bool write_key() {
    const std::size_t place = place_;
    const std::size_t begin = out_.size();
    if (item_.kind == Kind::whole || item_.kind == Kind::negative) {
      out_.put('"');
      write_whole();
      out_.put('"');
    } else if (item_.kind == Kind::tag && (item_.number == 2 || item_.number == 3)) {
      const bool negative = item_.number == 3;
      out_.put('"');
      if (!next_value() || !write_bignum(place, negative)) return false;
      out_.put('"');
    } else if (item_.kind != Kind::text) {
      return fail(place, "the name of a member must be a text or a whole number");
    } else if (!write_text()) {
      return false;
    }
    buffers_.members.add(begin, out_.size(), place);
    out_.put(':');
    return true;
  }

  std::string_view payload_;
  JsonText& out_;
  Buffers& buffers_;
  std::size_t at_ = 0;
  std::size_t place_ = 0;  // of item_
  Item item_;
  Error error_;
};

}  // namespace

Result<std::size_t> read(const Cbor&, std::string_view payload, JsonText& out, Buffers& buffers) {
  return CborReader(payload, out, buffers).read();
}

}  // namespace telemetry::forms
