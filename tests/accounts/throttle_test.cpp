// SPDX-License-Identifier: Apache-2.0
#include "accounts/throttle.hpp"

#include "accounts/accounts_fixture.hpp"
#include "accounts/proofs.hpp"

using namespace telemetry::accounts;
using telemetry::test::second_ns;

TEST_CASE("from the fifth failure on an attempt has to wait, twice as long each time, up to 60 s") {
  Throttle throttle(10);
  std::int64_t now = 5 * second_ns;
  for (int i = 0; i < 4; ++i) {
    throttle.fail("anna", now);
    CHECK(throttle.wait_s("anna", now) == 0);
  }
  for (const std::uint32_t wait : {1U, 2U, 4U, 8U, 16U, 32U, 60U, 60U}) {
    throttle.fail("anna", now);
    CHECK(throttle.wait_s("anna", now) == wait);
    CHECK(throttle.wait_s("bob", now) == 0);
    CHECK(throttle.wait_s("anna", now + wait * second_ns - 1) == 1);
    now += wait * second_ns;
    CHECK(throttle.wait_s("anna", now) == 0);
  }
  SECTION("a success ends it") {
    throttle.forget("anna");
    throttle.fail("anna", now);
    CHECK(throttle.wait_s("anna", now) == 0);
  }
  SECTION("so does a quarter of an hour without one") {
    now += 901 * second_ns;
    throttle.fail("anna", now);
    CHECK(throttle.wait_s("anna", now) == 0);
  }
  SECTION("less does not") {
    now += 800 * second_ns;
    throttle.fail("anna", now);
    CHECK(throttle.wait_s("anna", now) == 60);
  }
}

TEST_CASE("the memory of failures is bounded, and those who failed most often stay in it") {
  Throttle throttle(100);
  std::int64_t now = second_ns;
  for (int i = 0; i < 6; ++i) throttle.fail("guesser", now);
  for (int i = 0; i < 1'000; ++i) throttle.fail("name-" + std::to_string(i), ++now);
  CHECK(throttle.size() == 100);
  CHECK(throttle.wait_s("guesser", now) == 2);
}

TEST_CASE("addresses of one guesser count as one") {
  CHECK(guesser_of("192.0.2.1") == "192.0.2.1");
  CHECK(guesser_of("192.0.2.1") != guesser_of("192.0.2.2"));
  CHECK(guesser_of("::ffff:192.0.2.1") == "192.0.2.1");
  CHECK(guesser_of("2001:db8:0:1::1") == guesser_of("2001:db8:0:1:ffff:ffff:ffff:ffff"));
  CHECK(guesser_of("2001:db8:0:1::1") != guesser_of("2001:db8:0:2::1"));
  CHECK(guesser_of("fe80::1%eth0") == guesser_of("fe80::2%eth1"));
  CHECK(guesser_of("") == "");
  CHECK(guesser_of(std::string(1'000, 'x')).size() == 64);
}

TEST_CASE("proofs are bounded, of one user and of all, and the one unused for longest goes") {
  Proofs proofs(4, 2, 100);
  std::int64_t now = 1;
  const auto add = [&](const char* hash, const char* user) {
    proofs.add(hash, {user, 1, 1'000, 0}, ++now);
  };
  add("a1", "anna");
  add("a2", "anna");
  ++now;
  proofs.find("a1", now)->used = now;
  add("a3", "anna");
  CHECK(proofs.find("a2", now) == nullptr);
  CHECK(proofs.find("a1", now) != nullptr);
  add("b1", "bob");
  add("c1", "carl");
  add("d1", "dora");
  CHECK(proofs.size() == 4);
  CHECK(proofs.find("a1", now) == nullptr);
  CHECK(proofs.find("a3", now + 99) == nullptr);
  CHECK(proofs.find("d1", now + 99) != nullptr);
  CHECK(proofs.find("d1", now + 100) == nullptr);
  proofs.add("e1", {"emil", 1, 50, 0}, 49);
  CHECK(proofs.find("e1", 49) != nullptr);
  CHECK(proofs.find("e1", 50) == nullptr);
}
