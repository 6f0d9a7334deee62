// SPDX-License-Identifier: Apache-2.0
#include "accounts/password.hpp"

#include <crypt.h>
#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <optional>

#include "telemetry/core/time.hpp"

// Argon2id is computed from its parts and compared here: libsodium's crypto_pwhash_str_verify()
// calls it a wrong password, too, when there is no memory to compute it (1.0.18).

namespace telemetry {
namespace accounts {
namespace {

constexpr unsigned long long opslimit = 3;
constexpr std::size_t memlimit_bytes = 12ull * 1024 * 1024;
constexpr std::size_t password_bytes_min = 12;
constexpr std::size_t argon_hash_bytes = 32;

/// Nothing can be hashed or compared before.
[[maybe_unused]] const int ready = ::sodium_init();

struct Argon {
  unsigned long long passes = 0;
  std::size_t memory_kib = 0;
  std::array<unsigned char, crypto_pwhash_SALTBYTES> salt{};
  std::array<unsigned char, argon_hash_bytes> hash{};
};

bool cut_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

template <class Number>
bool cut_number(std::string_view& text, Number& number) {
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return failed == std::errc();
}

template <std::size_t bytes>
bool decode(std::string_view text, std::array<unsigned char, bytes>& out) {
  std::size_t n = 0;
  return ::sodium_base642bin(out.data(), bytes, text.data(), text.size(), nullptr, &n, nullptr,
                             sodium_base64_VARIANT_ORIGINAL_NO_PADDING) == 0 &&
         n == bytes;
}

/// $argon2id$v=19$m=KIB,t=PASSES,p=1$SALT$HASH
std::optional<Argon> parse_argon(std::string_view text) {
  Argon argon;
  if (!cut_prefix(text, "$argon2id$v=19$m=") || !cut_number(text, argon.memory_kib) ||
      !cut_prefix(text, ",t=") || !cut_number(text, argon.passes) || !cut_prefix(text, ",p=1$")) {
    return std::nullopt;
  }
  const std::size_t dollar = text.find('$');
  if (dollar == std::string_view::npos || !decode(text.substr(0, dollar), argon.salt) ||
      !decode(text.substr(dollar + 1), argon.hash)) {
    return std::nullopt;
  }
  // What a hash may cost whoever has to verify it.
  const bool dear = argon.memory_kib > 256 * 1024 || argon.passes > 16;
  if (dear || argon.memory_kib < 8 || argon.passes < 1) return std::nullopt;
  return argon;
}

/// $2b$COST$ and 53 characters; also 2a and 2y.
bool is_bcrypt(std::string_view text) {
  constexpr std::size_t bcrypt_bytes = 60;
  unsigned cost = 0;
  if (text.size() != bcrypt_bytes || !cut_prefix(text, "$2") ||
      std::string_view("aby").find(text.front()) == std::string_view::npos) {
    return false;
  }
  text.remove_prefix(1);
  std::string_view digits = text.substr(1, 2);
  if (text[0] != '$' || text[3] != '$' || !cut_number(digits, cost) || !digits.empty()) {
    return false;
  }
  return cost >= 4 && cost <= 14 && std::all_of(text.begin() + 4, text.end(), [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '/';
         });
}

bool verify_bcrypt(std::string_view password, std::string_view hash) {
  const auto data = std::make_unique<crypt_data>();  // zero, as it must be
  const Secret text{std::string(password)};
  const std::string setting(hash);
  const char* found = ::crypt_r(text.text().data(), setting.c_str(), data.get());
  const bool same = found != nullptr && equal(found, hash);
  ::sodium_memzero(data.get(), sizeof *data);
  return same;
}

Error no_memory() {
  return {Errc::resource_exhausted, "no memory to verify a password: try again later", {}, 1};
}

}  // namespace

Secret::~Secret() { ::sodium_memzero(text_.data(), text_.size()); }

Result<bool> verify_password(std::string_view password, std::string_view hash) {
  if (const auto argon = parse_argon(hash)) {
    std::array<unsigned char, argon_hash_bytes> found{};
    if (::crypto_pwhash(found.data(), found.size(), password.data(), password.size(),
                        argon->salt.data(), argon->passes, argon->memory_kib * 1024,
                        crypto_pwhash_ALG_ARGON2ID13) != 0) {
      return no_memory();
    }
    return ::sodium_memcmp(found.data(), argon->hash.data(), found.size()) == 0;
  }
  return is_bcrypt(hash) && verify_bcrypt(password, hash);
}

bool is_old_hash(std::string_view hash) {
  const auto argon = parse_argon(hash);
  return !argon || argon->passes != opslimit || argon->memory_kib != memlimit_bytes / 1024;
}

Result<std::string> nobodys_hash(const Environment& environment) {
  return hash_password(random_text<32>(environment));
}

std::string to_hex(std::span<const std::uint8_t> bytes) {
  return fmt::format("{:02x}", fmt::join(bytes, ""));
}

std::string from_hex(std::string_view digits) {
  std::string bytes(digits.size() / 2, '\0');
  ::sodium_hex2bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), digits.data(),
                   digits.size(), nullptr, nullptr, nullptr);
  return bytes;
}

std::string to_base64url(std::span<const std::uint8_t> bytes) {
  constexpr int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
  std::string text(::sodium_base64_encoded_len(bytes.size(), variant), '\0');
  ::sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), variant);
  text.pop_back();  // the NUL
  return text;
}

std::string sha256_hex(std::string_view text) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
  ::crypto_hash_sha256(hash.data(), reinterpret_cast<const unsigned char*>(text.data()),
                       text.size());
  return to_hex(hash);
}

bool equal(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && ::sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::optional<Secret> parse_basic(std::string_view authorization_value) {
  constexpr std::size_t bytes_max = 2'048;
  constexpr std::string_view scheme = "basic ";
  const bool is_basic =
      authorization_value.size() > scheme.size() && authorization_value.size() <= bytes_max &&
      std::equal(scheme.begin(), scheme.end(), authorization_value.begin(),
                 [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b - 'A' + 'a' : b); });
  if (!is_basic) return std::nullopt;
  authorization_value.remove_prefix(std::min(
      authorization_value.find_first_not_of(' ', scheme.size()), authorization_value.size()));
  std::string text(authorization_value.size(), '\0');
  std::size_t n = 0;
  if (::sodium_base642bin(reinterpret_cast<unsigned char*>(text.data()), text.size(),
                          authorization_value.data(), authorization_value.size(), nullptr, &n,
                          nullptr, sodium_base64_VARIANT_ORIGINAL) != 0) {
    return std::nullopt;
  }
  text.resize(n);
  if (text.find(':') == std::string::npos) return std::nullopt;
  return Secret(std::move(text));
}

std::string time_text(std::int64_t ns) {
  std::array<char, core::time_text_bytes_max> text{};
  return {text.data(), core::format_time(ns, text)};
}

}  // namespace accounts

std::string password_problem(std::string_view password) {
  if (password.size() < accounts::password_bytes_min) {
    return fmt::format("at least {} characters", accounts::password_bytes_min);
  }
  if (password.size() > accounts::password_bytes_max) {
    return fmt::format("at most {} bytes", accounts::password_bytes_max);
  }
  const bool has_line_end = password.find_first_of(std::string_view("\0\r\n", 3)) != password.npos;
  return has_line_end ? "one line of text" : "";
}

std::string password_hash_problem(std::string_view hash) {
  if (accounts::parse_argon(hash) || accounts::is_bcrypt(hash)) return {};
  return "a hash of Argon2id ($argon2id$v=19$m=12288,t=3,p=1$..., at most 256 MiB and 16 passes) "
         "or "
         "bcrypt ($2b$12$..., cost at most 14)";
}

Result<std::string> hash_password(std::string_view password) {
  if (std::string problem = password_problem(password); !problem.empty()) {
    return Error{Errc::invalid_argument, "the password: write " + problem};
  }
  std::array<char, crypto_pwhash_STRBYTES> hash{};
  if (::crypto_pwhash_str_alg(hash.data(), password.data(), password.size(), accounts::opslimit,
                              accounts::memlimit_bytes, crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return accounts::no_memory();
  }
  return std::string(hash.data());
}

std::string generate_password(const Environment& environment) {
  // 24 characters of 5 bits, without those that look alike.
  constexpr std::string_view alphabet = "abcdefghijkmnpqrstuvwxyz23456789";
  static_assert(alphabet.size() == 32);
  std::array<std::uint8_t, 24> random{};
  environment.random(random);
  std::string text;
  for (std::size_t i = 0; i < random.size(); ++i) {
    if (i != 0 && i % 6 == 0) text += '-';
    text += alphabet[random[i] % alphabet.size()];
  }
  return text;
}

}  // namespace telemetry
