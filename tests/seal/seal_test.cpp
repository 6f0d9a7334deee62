// SPDX-License-Identifier: Apache-2.0
#include "telemetry/seal.hpp"

#include <set>

#include "catch.hpp"

using telemetry::Seal;

TEST_CASE("an id is its number again, and tells nothing") {
  const Seal seal({1, 2, 3}), other({1, 2, 4});
  std::set<std::string> ids;
  constexpr std::uint64_t numbers[] = {0, 1, 2, 3, 1ULL << 32, 0xffff'ffff'ffff, ~0ULL};
  for (const std::uint64_t number : numbers) {
    const std::string id = seal.id(Seal::Kind::row, number);
    CHECK(id.size() == 11);
    CHECK(ids.insert(id).second);
    CHECK(seal.number(Seal::Kind::row, id) == number);
    CHECK(other.number(Seal::Kind::row, id) != number);
    CHECK(seal.number(Seal::Kind::letter, id) != number);
  }
  for (const char* const none : {"", "abc", "!!!!!!!!!!!", "AAAAAAAAAAAA", "AAAAAAAAAAB"})
    CHECK_FALSE(seal.number(Seal::Kind::row, none));
}

TEST_CASE("a sealed text opens, and nothing else does") {
  const Seal seal({1, 2, 3}), other({1, 2, 4});
  for (const std::string text : {"", "a", "a much longer text with a number 12345"}) {
    const std::string sealed = seal.seal(text);
    CHECK(sealed == seal.seal(text));
    CHECK(sealed.find("12345") == std::string::npos);
    CHECK(seal.open(sealed) == text);
    CHECK_FALSE(other.open(sealed));
    CHECK_FALSE(seal.open(sealed + "A"));
    for (std::size_t at = 0; at < sealed.size(); ++at) {
      std::string changed = sealed;
      changed[at] = changed[at] == 'A' ? 'B' : 'A';
      CHECK(seal.open(changed) != text);
    }
  }
  CHECK_FALSE(seal.open(std::string(100'000, 'A')));
}
