// SPDX-License-Identifier: Apache-2.0
//
// MessagePack objects in a row, each a document. msgpack-cxx walks them and calls a visitor, so
// that no tree is built; its own stack of open containers is the block of memory a document. It
// tells no places but those of bytes, so that other mistakes have the place of the last byte it has
// read.
#include <fmt/format.h>

#include <msgpack/null_visitor.hpp>
#include <msgpack/unpack.hpp>

#include <array>
#include <limits>

#include "form/forms.hpp"

namespace telemetry::forms {
namespace {

constexpr std::string_view msgpack_form = "msgpack";
constexpr int timestamp_type = -1;
constexpr std::uint32_t second_ns = 1'000'000'000;

std::uint64_t big_endian(std::string_view bytes) noexcept {
  std::uint64_t number = 0;
  for (const char c : bytes) number = number << 8 | static_cast<std::uint8_t>(c);
  return number;
}

/// What the library calls. Each returns false to stop, after fail().
class Writer : public msgpack::null_visitor {
 public:
  Writer(std::string_view payload, JsonText& out, Members& members)
      : payload_(payload), out_(out), members_(members) {}

  bool visit_nil() { return word("null"); }
  bool visit_boolean(bool is) { return word(is ? "true" : "false"); }
  bool visit_positive_integer(std::uint64_t number) { return whole(number); }
  bool visit_negative_integer(std::int64_t number) { return whole(number); }
  bool visit_float32(float number) { return visit_float64(double{number}); }
  bool visit_float64(double number) {
    if (is_name_) return no_name();
    out_.real(number);
    return true;
  }
  bool visit_str(const char* text, std::uint32_t size) {
    const std::size_t begin = out_.size();
    const std::size_t wrong = out_.string({text, size});
    if (wrong != npos) {
      error_ = not_utf8(msgpack_form, payload_,
                        static_cast<std::size_t>(text - payload_.data()) + wrong);
      return false;
    }
    if (is_name_) add_name(begin);
    return has_room();
  }
  bool visit_bin(const char* bytes, std::uint32_t size) {
    if (is_name_) return no_name();
    out_.bytes({bytes, size}, Encoding::base64url);
    return has_room();
  }
  /// @param bytes the type, then the content
  bool visit_ext(const char* bytes, std::uint32_t size) {
    if (is_name_) return no_name();
    const int type = static_cast<signed char>(*bytes);
    const std::string_view content(bytes + 1, size - 1);
    if (type == timestamp_type) return timestamp(content);
    return fail(fmt::format("extension type {} is not read; send a number, a text or bytes", type));
  }

  bool start_array(std::uint32_t) {
    if (!open()) return false;
    out_.put('[');
    return true;
  }
  bool start_array_item() {
    comma();
    return true;
  }
  bool end_array() {
    --depth_;
    out_.put(']');
    return has_room();
  }
  bool start_map(std::uint32_t) {
    if (!open()) return false;
    names_[depth_ - 1] = members_.begin();
    out_.put('{');
    return true;
  }
  bool start_map_key() {
    comma();
    is_name_ = true;
    return true;
  }
  bool end_map_key() {
    is_name_ = false;
    out_.put(':');
    return true;
  }
  bool end_map() {
    --depth_;
    out_.put('}');
    if (const auto twice = members_.end(names_[depth_], out_.all()))
      return fail(fmt::format("{} is there twice in one map", twice->name));
    return has_room();
  }

  void parse_error(std::size_t, std::size_t) { fail("0xc1 begins no object"); }
  void insufficient_bytes(std::size_t, std::size_t) { is_cut_off_ = true; }

  /// @param end the last byte that the library has read
  [[nodiscard]] Error error(std::size_t begin, std::size_t end) && {
    if (is_cut_off_)
      return refusal_at(
          msgpack_form, payload_.size(),
          fmt::format("the payload ends here, in the object that begins at byte {}; it "
                      "was cut off",
                      begin));
    if (reason_.empty()) return std::move(error_);
    return refusal_at(msgpack_form, end, reason_);
  }

 private:
  bool fail(std::string reason) {
    reason_ = std::move(reason);
    return false;
  }
  bool no_name() { return fail("the name of a member must be a text or a whole number"); }
  bool has_room() {
    return !out_.full() ||
           fail(fmt::format("the JSON of what stands before it is over the limit of {} bytes",
                            core::payload_bytes_max));
  }
  void add_name(std::size_t begin) { members_.add(begin, out_.size(), 0); }
  void comma() {
    const std::uint32_t level = 1u << (depth_ - 1);
    if ((has_items_ & level) != 0) out_.put(',');
    has_items_ |= level;
  }
  bool open() {
    if (is_name_) return no_name();
    if (depth_ == core::json_depth_max)
      return fail(fmt::format("more than {} levels", core::json_depth_max));
    has_items_ &= ~(1u << depth_++);
    return true;
  }
  bool word(std::string_view word) {
    if (is_name_) return no_name();
    out_.put(word);
    return true;
  }
  template <class Number>
  bool whole(Number number) {
    const std::size_t begin = out_.size();
    if (is_name_) out_.put('"');
    out_.whole(number);
    if (!is_name_) return true;
    out_.put('"');
    add_name(begin);
    return true;
  }

  /// Seconds since 1970 as a number with as many digits as it has.
  bool timestamp(std::string_view content) {
    std::uint64_t seconds = 0;
    std::uint64_t ns = 0;
    if (content.size() == 4) {
      seconds = big_endian(content);
    } else if (content.size() == 8) {
      const std::uint64_t both = big_endian(content);
      seconds = both & ((std::uint64_t{1} << 34) - 1);
      ns = both >> 34;
    } else if (content.size() == 12) {
      ns = big_endian(content.substr(0, 4));
      seconds = big_endian(content.substr(4));
    } else {
      return fail(fmt::format("a timestamp of {} bytes; it has 4, 8 or 12", content.size()));
    }
    if (ns >= second_ns) return fail(fmt::format("a timestamp with {} nanoseconds", ns));
    if ((seconds >> 63) != 0) {  // -1 s and 0.5 s are -0.5 s
      out_.put('-');
      seconds = 0 - seconds;
      if (ns != 0) {
        --seconds;
        ns = second_ns - ns;
      }
    }
    out_.whole(seconds);
    if (ns == 0) return true;
    std::array<char, 10> fraction;  // the point and nine digits
    fmt::format_to_n(fraction.data(), fraction.size(), ".{:09}", ns);
    const std::string_view digits(fraction.data(), fraction.size());
    out_.put(digits.substr(0, digits.find_last_not_of('0') + 1));
    return true;
  }

  std::string_view payload_;
  JsonText& out_;
  Members& members_;
  std::array<std::size_t, core::json_depth_max> names_{};  // where those of each level begin
  std::size_t depth_ = 0;
  std::uint32_t has_items_ = 0;  // one bit a level
  static_assert(core::json_depth_max <= 32);
  bool is_name_ = false;
  bool is_cut_off_ = false;
  std::string reason_;
  Error error_;
};

}  // namespace

Result<std::size_t> read(const MessagePack&, std::string_view payload, JsonText& out,
                         Buffers& buffers) {
  std::size_t documents = 0;
  std::size_t at = 0;
  do {
    if (documents++ != 0) out.put('\n');
    buffers.members.clear();
    const std::size_t begin = at;
    Writer writer(payload, out, buffers.members);
    try {
      if (!msgpack::parse(payload.data(), payload.size(), at, writer))
        return std::move(writer).error(begin, at);
    } catch (const msgpack::unpack_error& error) {  // sizes that a machine of 32 bits cannot have
      return refusal_at(msgpack_form, at, error.what());
    }
  } while (at != payload.size());
  return documents;
}

}  // namespace telemetry::forms
