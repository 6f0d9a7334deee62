// SPDX-License-Identifier: Apache-2.0
//
// Payloads come from anyone: nothing is unpacked beyond payload_bytes_max, and zstd gets no more
// memory than that for its window. What is unpacked must end where the payload ends.
#include "form/unpack.hpp"

#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "form/json_text.hpp"
#include "telemetry/core/json_pull.hpp"

namespace telemetry::forms {
namespace {

constexpr std::array<std::string_view, 6> packing_names = {"gzip",   "zlib", "zstd",
                                                           "base64", "hex",  "json_text"};
constexpr int zlib_window_log = 15;
constexpr int gzip_window = zlib_window_log + 16;
constexpr int zstd_window_log_max = 23;  // as large as what may come of it
constexpr std::size_t first_bytes = 16 * 1024;
static_assert(std::size_t{1} << zstd_window_log_max == core::payload_bytes_max);

Error over_limit(std::string_view name) {
  return refusal(name, "unpack",
                 fmt::format("more than {} bytes come of it, which is the limit of a payload",
                             core::payload_bytes_max));
}

Error cut_off(std::string_view name, std::size_t bytes) {
  return refusal_at(name, bytes, "the payload ends here, in the middle; it was cut off");
}

Error followed(std::string_view name, std::size_t at, std::size_t bytes) {
  return refusal_at(name, at, fmt::format("{} bytes follow its end", bytes - at));
}

/// More room behind what a stream has written. False: there is none, by the limit.
bool make_room(std::string& out, std::size_t used) {
  if (used < out.size()) return true;
  if (out.size() > core::payload_bytes_max) return false;
  // One byte more than allowed, so that a stream shows that it is too long.
  out.resize(std::min(std::max(first_bytes, out.size() * 2), core::payload_bytes_max + 1));
  return true;
}

/// 0..63; 64: a character of padding; 65: white space; 66: none.
constexpr std::array<std::uint8_t, 256> base64_values = [] {
  std::array<std::uint8_t, 256> table{};
  table.fill(66);
  std::uint8_t value = 0;
  for (const char c :
       std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))
    table[static_cast<std::uint8_t>(c)] = value++;
  table['-'] = table['+'];
  table['_'] = table['/'];
  table['='] = 64;
  for (const char c : std::string_view(" \t\r\n")) table[static_cast<std::uint8_t>(c)] = 65;
  return table;
}();

Result<void> unpack_base64(std::string_view bytes, std::string& out) {
  constexpr std::string_view name = "base64";
  out.clear();
  std::uint32_t group = 0;
  std::size_t count = 0;    // characters of the open group
  std::size_t padding = 0;  // characters
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::uint8_t value = base64_values[static_cast<std::uint8_t>(bytes[i])];
    if (value == 65) continue;
    if (value == 66)
      return refusal_at(name, i, shown(bytes.substr(i, 1)) + " is no character of it");
    if (value == 64) {
      ++padding;
      continue;
    }
    if (padding != 0) return refusal_at(name, i, "something follows the padding");
    group = group << 6 | value;
    if (++count < 4) continue;
    for (const int shift : {16, 8, 0}) out.push_back(static_cast<char>(group >> shift & 0xFFu));
    group = 0;
    count = 0;
  }
  if (count == 1) return cut_off(name, bytes.size());
  if (padding != 0 && (count == 0 || padding != 4 - count))
    return refusal_at(name, bytes.size(), fmt::format("{} characters of padding", padding));
  if (count != 0) {
    const std::uint32_t left = group << (24 - 6 * count);
    if ((left & (0xFFFFu >> (8 * (count - 2)))) != 0)
      return refusal_at(name, bytes.size(),
                        "the last character has bits of a byte that is not there: it was cut off");
    for (std::size_t i = 0; i + 1 < count; ++i)
      out.push_back(static_cast<char>(left >> (16 - 8 * i) & 0xFFu));
  }
  return {};
}

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

Result<void> unpack_hex(std::string_view bytes, std::string& out) {
  constexpr std::string_view name = "hex";
  out.clear();
  std::size_t at = 0;
  while (at < bytes.size() && is_white(bytes[at])) ++at;
  if (bytes.substr(at).starts_with("0x") || bytes.substr(at).starts_with("0X")) at += 2;
  while (at < bytes.size()) {
    if (is_white(bytes[at])) {
      ++at;
      continue;
    }
    for (std::size_t i = at; i < at + 2; ++i) {
      if (i == bytes.size()) return cut_off(name, i);
      if (hex_digit(bytes[i]) < 0)
        return refusal_at(name, i, shown(bytes.substr(i, 1)) + " is no hexadecimal digit");
    }
    out.push_back(static_cast<char>(hex_digit(bytes[at]) << 4 | hex_digit(bytes[at + 1])));
    at += 2;
  }
  return {};
}

Result<void> unpack_json_text(std::string_view bytes, std::string& out) {
  constexpr std::string_view name = "json_text";
  core::JsonPull pull(bytes);
  if (pull.next() != core::JsonToken::string)
    return refusal_at(name, pull.offset(), "a JSON string must stand here, with its quotes");
  const std::string_view raw = pull.text();
  if (pull.next() != core::JsonToken::end) return followed(name, pull.offset(), bytes.size());
  out.resize(raw.size());
  out.resize(core::json_unescape(raw, out));
  return {};
}

}  // namespace

std::optional<Packing> packing_of(std::string_view name) noexcept {
  const auto found = std::find(packing_names.begin(), packing_names.end(), name);
  if (found == packing_names.end()) return {};
  return static_cast<Packing>(found - packing_names.begin());
}

struct Unpacker::Streams {
  Streams() = default;
  Streams(const Streams&) = delete;
  Streams& operator=(const Streams&) = delete;
  ~Streams() {
    if (has_zlib) inflateEnd(&zlib);
    ZSTD_freeDCtx(zstd);
  }

  Result<void> inflate_all(std::string_view name, int window, std::string_view bytes,
                           std::string& out);
  Result<void> decompress(std::string_view bytes, std::string& out);

  z_stream zlib{};
  bool has_zlib = false;
  ZSTD_DCtx* zstd = nullptr;
};

Result<void> Unpacker::Streams::inflate_all(std::string_view name, int window,
                                            std::string_view bytes, std::string& out) {
  if ((has_zlib ? inflateReset2(&zlib, window) : inflateInit2(&zlib, window)) != Z_OK)
    return Error{Errc::internal, fmt::format("{}: no memory", name)};
  has_zlib = true;
  std::size_t used = 0;
  out.resize(first_bytes);  // whatever was there before, the same steps
  zlib.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  zlib.avail_in = static_cast<uInt>(bytes.size());
  for (;;) {
    if (!make_room(out, used)) return over_limit(name);
    zlib.next_out = reinterpret_cast<Bytef*>(out.data() + used);
    zlib.avail_out = static_cast<uInt>(out.size() - used);
    const int result = inflate(&zlib, Z_NO_FLUSH);
    used = out.size() - zlib.avail_out;
    const std::size_t at = bytes.size() - zlib.avail_in;
    if (result == Z_STREAM_END) {
      if (zlib.avail_in == 0) break;
      // Members of gzip in a row are one, as for gzip -d.
      if (window != gzip_window || bytes[at] != '\x1f') return followed(name, at, bytes.size());
      inflateReset(&zlib);
      continue;
    }
    if (result == Z_BUF_ERROR || (result == Z_OK && zlib.avail_in == 0 && zlib.avail_out != 0))
      return cut_off(name, bytes.size());
    if (result == Z_NEED_DICT) return refusal_at(name, at, "it needs a dictionary");
    if (result != Z_OK)
      return refusal_at(name, at, zlib.msg != nullptr ? zlib.msg : "it is damaged");
  }
  if (used > core::payload_bytes_max) return over_limit(name);
  out.resize(used);
  return {};
}

Result<void> Unpacker::Streams::decompress(std::string_view bytes, std::string& out) {
  constexpr std::string_view name = "zstd";
  if (zstd == nullptr) {
    zstd = ZSTD_createDCtx();
    if (zstd == nullptr) return Error{Errc::internal, "zstd: no memory"};
    ZSTD_DCtx_setParameter(zstd, ZSTD_d_windowLogMax, zstd_window_log_max);
  }
  const std::size_t first = ZSTD_initDStream(zstd);
  std::size_t wanted = first;
  std::size_t used = 0;
  ZSTD_inBuffer in{bytes.data(), 0, 0};
  out.resize(first_bytes);  // whatever was there before, the same steps
  for (;;) {                // frames in a row are one, as for zstd -d
    if (!make_room(out, used)) return over_limit(name);
    // A block at a time: at an error, zstd does not say how far it had come.
    in.size = std::min(bytes.size(), in.pos + wanted);
    ZSTD_outBuffer to{out.data(), out.size(), used};
    const std::size_t left = ZSTD_decompressStream(zstd, &to, &in);
    used = to.pos;
    if (ZSTD_isError(left) != 0) {
      ZSTD_ErrorCode code = ZSTD_getErrorCode(left);
      if (code == ZSTD_error_frameParameter_windowTooLarge)
        return refusal_at(name, in.pos,
                          fmt::format("it needs a window of more than {} bytes; pack it without "
                                      "--long and --ultra",
                                      core::payload_bytes_max));
      // What a block of a wrong size is called depends on the windows of earlier frames.
      if (code == ZSTD_error_dstSize_tooSmall) code = ZSTD_error_corruption_detected;
      return refusal_at(name, in.pos, ZSTD_getErrorString(code));
    }
    if (left == 0 && in.pos == bytes.size()) break;
    if (in.pos == bytes.size() && to.pos < to.size) return cut_off(name, bytes.size());
    wanted = left == 0 ? first : left;
  }
  if (used > core::payload_bytes_max) return over_limit(name);
  out.resize(used);
  return {};
}

Unpacker::Unpacker() : streams_(std::make_unique<Streams>()) {}
Unpacker::~Unpacker() = default;

Result<void> Unpacker::unpack(Packing packing, std::string_view bytes, std::string& out) {
  switch (packing) {
    case Packing::gzip:
      return streams_->inflate_all("gzip", gzip_window, bytes, out);
    case Packing::zlib:
      return streams_->inflate_all("zlib", zlib_window_log, bytes, out);
    case Packing::zstd:
      return streams_->decompress(bytes, out);
    case Packing::base64:
      return unpack_base64(bytes, out);
    case Packing::hex:
      return unpack_hex(bytes, out);
    case Packing::json_text:
      return unpack_json_text(bytes, out);
  }
  return {};
}

}  // namespace telemetry::forms
