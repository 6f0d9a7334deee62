// SPDX-License-Identifier: Apache-2.0
#include "packer.hpp"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <new>
#include <optional>
#include <stdexcept>

namespace telemetry::http {
namespace {

constexpr int level = 1;  // the network waits for more than it saves
constexpr int gzip_window = 15 + 16, gzip_memory = 8;
// 256 KB of window and tables in the place of 2 MB: what repeats in messages is near.
constexpr int zstd_window_log = 18, zstd_hash_log = 15, zstd_chain_log = 15;

/// Whether the header takes this coding. Source: RFC 9110, 12.5.3.
bool takes(std::string_view accepted, std::string_view coding) {
  while (!accepted.empty()) {
    std::string_view one = accepted.substr(0, accepted.find(','));
    accepted.remove_prefix(std::min(one.size() + 1, accepted.size()));
    std::string_view weight = one.substr(std::min(one.find(';'), one.size()));
    one = one.substr(0, one.size() - weight.size());
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (one != coding) continue;
    const std::size_t value = weight.find("q=");
    return value == weight.npos || weight.find_first_of("123456789", value) != weight.npos;
  }
  return false;
}

}  // namespace

struct Packer::State {
  struct Free {
    void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
  };
  ~State() {
    if (!zstd) deflateEnd(&gzip);
  }
  std::unique_ptr<ZSTD_CCtx, Free> zstd;  // null: gzip
  z_stream gzip{};
  std::string packed;
};

Packer::Packer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Packer::~Packer() = default;

std::unique_ptr<Packer> Packer::for_client(std::string_view accepted) {
  const bool has_zstd = takes(accepted, "zstd");
  if (!has_zstd && !takes(accepted, "gzip")) return nullptr;
  auto state = std::make_unique<State>();
  if (has_zstd) {
    state->zstd.reset(ZSTD_createCCtx());
    if (!state->zstd) throw std::bad_alloc();
    ZSTD_CCtx* const zstd = state->zstd.get();
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_windowLog, zstd_window_log);
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_hashLog, zstd_hash_log);
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_chainLog, zstd_chain_log);
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
  } else if (deflateInit2(&state->gzip, level, Z_DEFLATED, gzip_window, gzip_memory,
                          Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();
  }
  return std::unique_ptr<Packer>(new Packer(std::move(state)));
}

std::string_view Packer::coding() const noexcept { return state_->zstd ? "zstd" : "gzip"; }

void Packer::pack(std::string& bytes, bool last) {
  State& s = *state_;
  std::string& out = s.packed;
  std::size_t used = 0;
  ZSTD_inBuffer zstd_in{bytes.data(), bytes.size(), 0};
  s.gzip.next_in = reinterpret_cast<Bytef*>(bytes.data());
  s.gzip.avail_in = static_cast<uInt>(bytes.size());
  for (bool done = false; !done;) {
    out.resize(used + std::max<std::size_t>(bytes.size() / 4, 4096));
    if (s.zstd) {
      ZSTD_outBuffer zstd_out{out.data(), out.size(), used};
      const std::size_t left = ZSTD_compressStream2(s.zstd.get(), &zstd_out, &zstd_in,
                                                    last ? ZSTD_e_end : ZSTD_e_continue);
      if (ZSTD_isError(left) != 0) throw std::runtime_error(ZSTD_getErrorName(left));
      used = zstd_out.pos;
      done = last ? left == 0 : zstd_in.pos == zstd_in.size;
    } else {
      s.gzip.next_out = reinterpret_cast<Bytef*>(out.data() + used);
      s.gzip.avail_out = static_cast<uInt>(out.size() - used);
      const int result = deflate(&s.gzip, last ? Z_FINISH : Z_NO_FLUSH);
      used = out.size() - s.gzip.avail_out;
      done = last ? result == Z_STREAM_END : s.gzip.avail_out > 0;
    }
  }
  out.resize(used);
  bytes.swap(out);
}

bool takes_gzip(std::string_view accepted) { return takes(accepted, "gzip"); }

std::string unpacked_gzip(std::string_view bytes) {
  z_stream stream{};
  if (inflateInit2(&stream, gzip_window) != Z_OK) throw std::bad_alloc();
  const std::unique_ptr<z_stream, decltype(&inflateEnd)> guard(&stream, &inflateEnd);
  std::string packed(bytes), out;
  stream.next_in = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  int result = Z_OK;
  for (std::size_t used = 0; result == Z_OK; used = out.size() - stream.avail_out) {
    out.resize(used + std::max<std::size_t>(4 * packed.size(), 1024));
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + used);
    stream.avail_out = static_cast<uInt>(out.size() - used);
    result = inflate(&stream, Z_NO_FLUSH);
  }
  if (result != Z_STREAM_END) throw std::runtime_error("a file of the dashboard is no gzip");
  out.resize(out.size() - stream.avail_out);
  return out;
}

}  // namespace telemetry::http
