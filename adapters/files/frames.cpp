// SPDX-License-Identifier: Apache-2.0
#include "frames.hpp"

#define ZLIB_CONST  // its input is const
#include <fmt/format.h>
#include <lz4frame.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <new>
#include <utility>

namespace telemetry::files {
namespace {

constexpr int gzip_window = 15 + 16;  // 32 KiB, and zlib writes and reads gzip's header and CRC
constexpr int gzip_memory = 8;
constexpr int gzip_level = 6;
// Level 3 with tables that fit frames of 64 KiB: 0.45 instead of 0.65 MB, the same size.
constexpr int zstd_level = 3;
constexpr int zstd_hash_log = 15;
constexpr int zstd_chain_log = 14;

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* state) const noexcept {
    (void)Free(state);
  }
};

const Bytef* zlib_input(const void* bytes) { return static_cast<const Bytef*>(bytes); }

unsigned zlib_size(std::size_t bytes) {
  return static_cast<unsigned>(std::min<std::size_t>(bytes, 1u << 30));
}

Error refused(const char* library, const char* reason) {
  return {Errc::internal, fmt::format("{} cannot pack: {}", library, reason)};
}

}  // namespace

struct Packer::State {
  explicit State(FileCompression chosen) : compression(chosen) {
    if (compression == FileCompression::gzip &&
        deflateInit2(&gzip, gzip_level, Z_DEFLATED, gzip_window, gzip_memory, Z_DEFAULT_STRATEGY) !=
            Z_OK) {
      throw std::bad_alloc();
    }
    if (compression != FileCompression::zstd) return;
    zstd.reset(ZSTD_createCCtx());
    if (!zstd) throw std::bad_alloc();
    const std::pair<ZSTD_cParameter, int> parameters[] = {{ZSTD_c_compressionLevel, zstd_level},
                                                          {ZSTD_c_hashLog, zstd_hash_log},
                                                          {ZSTD_c_chainLog, zstd_chain_log},
                                                          {ZSTD_c_checksumFlag, 1}};
    for (const auto& [parameter, value] : parameters) {
      ZSTD_CCtx_setParameter(zstd.get(), parameter, value);
    }
  }
  ~State() {
    if (compression == FileCompression::gzip) deflateEnd(&gzip);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  Result<std::size_t> pack(std::string_view text, std::span<std::uint8_t> out);
  [[nodiscard]] std::size_t bound(std::size_t bytes);
  [[nodiscard]] static LZ4F_preferences_t lz4_preferences(std::size_t bytes) {
    LZ4F_preferences_t preferences{};
    preferences.frameInfo.blockSizeID = LZ4F_max64KB;
    preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
    preferences.frameInfo.contentSize = bytes;
    return preferences;
  }

  FileCompression compression;
  z_stream gzip{};
  std::unique_ptr<ZSTD_CCtx, Freed<ZSTD_freeCCtx>> zstd;
};

std::size_t Packer::State::bound(std::size_t bytes) {
  const auto lz4 = lz4_preferences(bytes);
  switch (compression) {
    case FileCompression::gzip:
      deflateReset(&gzip);  // first: of a stream that has ended the bound is 12 bytes too small
      return deflateBound(&gzip, bytes);
    case FileCompression::zstd:
      return ZSTD_compressBound(bytes);
    case FileCompression::lz4:
      return LZ4F_compressFrameBound(bytes, &lz4);
    case FileCompression::none:
      break;
  }
  return bytes;
}

Result<std::size_t> Packer::State::pack(std::string_view text, std::span<std::uint8_t> out) {
  if (compression == FileCompression::gzip) {
    gzip.next_in = zlib_input(text.data());
    gzip.avail_in = zlib_size(text.size());
    gzip.next_out = out.data();
    gzip.avail_out = zlib_size(out.size());
    if (deflate(&gzip, Z_FINISH) == Z_STREAM_END) return out.size() - gzip.avail_out;
    return refused("zlib", gzip.msg == nullptr ? "no reason given" : gzip.msg);
  }
  if (compression == FileCompression::zstd) {
    const std::size_t size =
        ZSTD_compress2(zstd.get(), out.data(), out.size(), text.data(), text.size());
    if (ZSTD_isError(size) == 0) return size;
    return refused("zstd", ZSTD_getErrorName(size));
  }
  if (compression == FileCompression::lz4) {
    const auto preferences = lz4_preferences(text.size());
    const std::size_t size =
        LZ4F_compressFrame(out.data(), out.size(), text.data(), text.size(), &preferences);
    if (LZ4F_isError(size) == 0) return size;
    return refused("lz4", LZ4F_getErrorName(size));
  }
  std::copy(text.begin(), text.end(), out.begin());
  return text.size();
}

Packer::Packer(FileCompression compression) : state_(std::make_unique<State>(compression)) {}
Packer::~Packer() = default;

Result<void> Packer::pack(std::string_view text, std::vector<std::uint8_t>& out) {
  const std::size_t before = out.size();
  out.resize(before + state_->bound(text.size()));
  const auto size = state_->pack(text, std::span(out).subspan(before));
  out.resize(before + (size ? *size : 0));
  if (!size) return size.error();
  return {};
}

struct Unpacker::State {
  explicit State(FileCompression chosen) : compression(chosen) {
    if (compression == FileCompression::gzip && inflateInit2(&gzip, gzip_window) != Z_OK) {
      throw std::bad_alloc();
    }
    if (compression == FileCompression::zstd) zstd.reset(ZSTD_createDCtx());
    if (compression == FileCompression::lz4) {
      LZ4F_dctx* made = nullptr;
      if (LZ4F_isError(LZ4F_createDecompressionContext(&made, LZ4F_VERSION)) != 0) {
        throw std::bad_alloc();
      }
      lz4.reset(made);
    }
  }
  ~State() {
    if (compression == FileCompression::gzip) inflateEnd(&gzip);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  FileCompression compression;
  z_stream gzip{};
  std::unique_ptr<ZSTD_DCtx, Freed<ZSTD_freeDCtx>> zstd;
  std::unique_ptr<LZ4F_dctx, Freed<LZ4F_freeDecompressionContext>> lz4;
};

Unpacker::Unpacker(FileCompression compression) : state_(std::make_unique<State>(compression)) {}
Unpacker::~Unpacker() = default;

Unpacker::Step Unpacker::step(std::span<const std::uint8_t> in, std::span<char> out) {
  if (state_->compression == FileCompression::gzip) {
    z_stream& gzip = state_->gzip;
    gzip.next_in = zlib_input(in.data());
    gzip.avail_in = zlib_size(in.size());
    gzip.next_out = reinterpret_cast<Bytef*>(out.data());
    gzip.avail_out = zlib_size(out.size());
    const int code = inflate(&gzip, Z_NO_FLUSH);
    const std::size_t consumed = in.size() - gzip.avail_in;
    const std::size_t produced = out.size() - gzip.avail_out;
    if (code == Z_STREAM_END) {
      inflateReset(&gzip);
      return {Outcome::frame_end, consumed, produced};
    }
    const bool goes_on = code == Z_OK || code == Z_BUF_ERROR;
    return {goes_on ? Outcome::more : Outcome::damaged, consumed, produced};
  }
  if (state_->compression == FileCompression::zstd) {
    ZSTD_inBuffer input{in.data(), in.size(), 0};
    ZSTD_outBuffer output{out.data(), out.size(), 0};
    const std::size_t left = ZSTD_decompressStream(state_->zstd.get(), &output, &input);
    if (ZSTD_isError(left) != 0) return {Outcome::damaged, input.pos, output.pos};
    return {left == 0 ? Outcome::frame_end : Outcome::more, input.pos, output.pos};
  }
  std::size_t consumed = in.size();
  std::size_t produced = out.size();
  const std::size_t left =
      LZ4F_decompress(state_->lz4.get(), out.data(), &produced, in.data(), &consumed, nullptr);
  if (LZ4F_isError(left) != 0) return {Outcome::damaged, consumed, produced};
  return {left == 0 ? Outcome::frame_end : Outcome::more, consumed, produced};
}

}  // namespace telemetry::files
