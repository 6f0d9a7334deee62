// SPDX-License-Identifier: Apache-2.0
#include "accounts/password.hpp"

#include <set>

#include "catch.hpp"

using namespace telemetry;
using namespace telemetry::accounts;

namespace {
// Of "secret".
constexpr const char* bcrypt = "$2a$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a";
}  // namespace

TEST_CASE("a password's hash is Argon2id of 12 MiB and 3 passes, and of this password alone") {
  const std::string hash = hash_password("correct horse battery").value();
  CHECK_THAT(hash, Catch::StartsWith("$argon2id$v=19$m=12288,t=3,p=1$"));
  CHECK(password_hash_problem(hash) == "");
  CHECK_FALSE(is_old_hash(hash));
  CHECK(verify_password("correct horse battery", hash).value());
  CHECK_FALSE(verify_password("correct horse batterY", hash).value());
  CHECK_FALSE(verify_password("", hash).value());
  CHECK(hash_password("correct horse battery").value() != hash);
}

TEST_CASE("hashes of Argon2id by other programs are known, and old") {
  // libsodium's crypto_pwhash_str() of "correct horse battery", 2 passes, 8 MiB.
  const std::string hash =
      "$argon2id$v=19$m=8192,t=2,p=1$Jsn/"
      "qtie1PbLjL30qcnQRA$Q3KvWFA5EHeQ8fBSAN0mWlnF6gJbXMV3bzDfr0pV7Pc";
  CHECK(password_hash_problem(hash) == "");
  CHECK(is_old_hash(hash));
  CHECK(verify_password("correct horse battery", hash).value());
  CHECK_FALSE(verify_password("correct horse", hash).value());
}

TEST_CASE("bcrypt hashes of all its names are known, and old") {
  for (const char letter : {'a', 'b', 'y'}) {
    std::string hash = bcrypt;
    hash[2] = letter;
    CHECK(password_hash_problem(hash) == "");
    CHECK(is_old_hash(hash));
    CHECK(verify_password("secret", hash).value());
    CHECK_FALSE(verify_password("secreT", hash).value());
  }
}

TEST_CASE("what is no hash, or one that is too dear, is refused and verifies nothing") {
  const std::string argon = hash_password("correct horse battery").value();
  std::vector<std::string> wrong = {
      "", "secret", "*0", "$1$abc$def", "$2a$05$", argon + "A", argon.substr(0, argon.size() - 1)};
  const auto edit = [&](std::string text, const std::string& what, const std::string& by) {
    REQUIRE(text.find(what) != std::string::npos);
    wrong.push_back(text.replace(text.find(what), what.size(), by));
  };
  edit(argon, "argon2id", "argon2i");
  edit(argon, "v=19", "v=16");
  edit(argon, "m=12288", "m=262145");
  edit(argon, "m=12288", "m=99999999999999999999999");
  edit(argon, "m=12288", "m=1");
  edit(argon, "t=3", "t=17");
  edit(argon, "t=3", "t=0");
  edit(argon, "p=1", "p=4");
  edit(bcrypt, "$05$", "$15$");
  edit(bcrypt, "$05$", "$5x$");
  edit(bcrypt, "$2a$", "$2x$");
  edit(bcrypt, "Hjl0a", "Hjl0:");
  for (const std::string& hash : wrong) {
    CAPTURE(hash);
    CHECK_THAT(password_hash_problem(hash), Catch::Contains("a hash of Argon2id"));
    CHECK_FALSE(verify_password("secret", hash).value());
    CHECK_FALSE(verify_password("", hash).value());
  }
}

TEST_CASE("passwords have 12 to 1,024 bytes and no line end") {
  CHECK(password_problem("12345678901") == "at least 12 characters");
  CHECK(password_problem("123456789012") == "");
  CHECK(password_problem(std::string(1'024, 'a')) == "");
  CHECK(password_problem(std::string(1'025, 'a')) == "at most 1024 bytes");
  CHECK(password_problem(std::string("12345678901\0x", 13)) == "one line of text");
  CHECK(password_problem("12345678901\n") == "one line of text");
  CHECK(hash_password("short").error().code == Errc::invalid_argument);
  CHECK_THAT(describe(hash_password("short").error()), !Catch::Contains("short"));
}

TEST_CASE("generated passwords are good ones, and never the same") {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string password = generate_password(system_environment());
    CHECK(password_problem(password) == "");
    CHECK(password.find_first_not_of("abcdefghijkmnpqrstuvwxyz23456789-") == password.npos);
    CHECK(password.size() == 27);
    seen.insert(password);
  }
  CHECK(seen.size() == 100);
}

TEST_CASE("a value of basic authentication is NAME:PASSWORD in Base64, or nothing") {
  CHECK(parse_basic("Basic YW5uYTphOmI=")->text() == "anna:a:b");
  CHECK(parse_basic("bAsIc YW5uYTphOmI=")->text() == "anna:a:b");
  CHECK(parse_basic("Basic  YW5uYTphOmI=")->text() == "anna:a:b");
  CHECK(parse_basic("Basic Og==")->text() == ":");
  for (const std::string& value :
       {std::string(), std::string("Basic"), std::string("Basic "), std::string("Bearer YTpi"),
        std::string("Basic YW5uYTphOmI"), std::string("Basic !!!!"), std::string("Basic YW5uYQ=="),
        std::string("Basic YTpi\0", 11), std::string("BasicYTpi"),
        "Basic " + std::string(4'000, 'A')}) {
    CAPTURE(value);
    CHECK_FALSE(parse_basic(value));
  }
}

TEST_CASE("bytes are written as digits and read again") {
  const std::string bytes("\0\x01\xfe\xff", 4);
  const std::string digits = to_hex({reinterpret_cast<const std::uint8_t*>(bytes.data()), 4});
  CHECK(digits == "0001feff");
  CHECK(from_hex(digits) == bytes);
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(equal("abc", "abc"));
  CHECK_FALSE(equal("abc", "abd"));
  CHECK_FALSE(equal("abc", "abcd"));
}
