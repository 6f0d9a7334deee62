// SPDX-License-Identifier: Apache-2.0
#include "telemetry/seal.hpp"

#include <sodium.h>

#include <cstring>
#include <utility>
#include <vector>

namespace telemetry {
namespace {

constexpr int rounds = 4;  // of a Feistel network: Luby and Rackoff, 1988
constexpr int base64 = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
constexpr std::size_t sealed_max = 1024;

std::string text_of(const unsigned char* bytes, std::size_t size) {
  std::string text(sodium_base64_encoded_len(size, base64), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes, size, base64);
  text.resize(text.size() - 1);
  return text;
}

std::optional<std::vector<unsigned char>> bytes_of(std::string_view text) {
  if (text.empty() || text.size() > sealed_max) return std::nullopt;
  std::vector<unsigned char> bytes(text.size());
  std::size_t size = 0;
  const char* end = nullptr;
  const bool read = sodium_base642bin(bytes.data(), bytes.size(), text.data(), text.size(), nullptr,
                                      &size, &end, base64) == 0;
  if (!read || end != text.data() + text.size()) return std::nullopt;
  bytes.resize(size);
  return bytes;
}

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

Seal::Seal(const JournalId& journal) {
  constexpr std::string_view purpose = "libtelemetry web seal 1";
  crypto_generichash(key_.data(), key_.size(), bytes(purpose), purpose.size(), journal.data(),
                     journal.size());
}

std::uint32_t Seal::round(Kind kind, int round, std::uint32_t half) const noexcept {
  unsigned char in[6], out[crypto_shorthash_BYTES];
  std::memcpy(in, &half, sizeof half);
  in[4] = static_cast<unsigned char>(round);
  in[5] = static_cast<unsigned char>(kind);
  static_assert(crypto_shorthash_KEYBYTES <= key_bytes);
  crypto_shorthash(out, in, sizeof in, key_.data());
  std::uint32_t mixed = 0;
  std::memcpy(&mixed, out, sizeof mixed);
  return mixed;
}

std::string Seal::id(Kind kind, std::uint64_t number) const {
  auto left = static_cast<std::uint32_t>(number >> 32), right = static_cast<std::uint32_t>(number);
  for (int i = 0; i < rounds; ++i) left = std::exchange(right, left ^ round(kind, i, right));
  unsigned char out[8];
  std::memcpy(out, &left, 4);
  std::memcpy(out + 4, &right, 4);
  return text_of(out, sizeof out);
}

std::optional<std::uint64_t> Seal::number(Kind kind, std::string_view id) const {
  const auto in = bytes_of(id);
  if (!in || in->size() != 8) return std::nullopt;
  std::uint32_t left = 0, right = 0;
  std::memcpy(&left, in->data(), 4);
  std::memcpy(&right, in->data() + 4, 4);
  for (int i = rounds; i-- > 0;) right = std::exchange(left, right ^ round(kind, i, left));
  return std::uint64_t{left} << 32 | right;
}

// The nonce is a keyed hash of the text: the same text gives the same token, and no two texts share
// a nonce.
std::string Seal::seal(std::string_view text) const {
  constexpr std::size_t nonce_bytes = crypto_secretbox_NONCEBYTES;
  std::vector<unsigned char> out(nonce_bytes + crypto_secretbox_MACBYTES + text.size());
  crypto_generichash(out.data(), nonce_bytes, bytes(text), text.size(), key_.data(), key_.size());
  crypto_secretbox_easy(out.data() + nonce_bytes, bytes(text), text.size(), out.data(),
                        key_.data());
  return text_of(out.data(), out.size());
}

std::optional<std::string> Seal::open(std::string_view sealed) const {
  constexpr std::size_t nonce_bytes = crypto_secretbox_NONCEBYTES;
  constexpr std::size_t least = nonce_bytes + crypto_secretbox_MACBYTES;
  const auto in = bytes_of(sealed);
  if (!in || in->size() < least) return std::nullopt;
  std::string text(in->size() - least, '\0');
  const bool genuine = crypto_secretbox_open_easy(
                           reinterpret_cast<unsigned char*>(text.data()), in->data() + nonce_bytes,
                           in->size() - nonce_bytes, in->data(), key_.data()) == 0;
  if (!genuine) return std::nullopt;
  return text;
}

}  // namespace telemetry
