// SPDX-License-Identifier: Apache-2.0
#include "web/guard.hpp"

#include <initializer_list>

#include "served.hpp"
#include "web/proxies.hpp"

using namespace telemetry;
using served::Gateway;
using served::header_of;

namespace {

web::Client client_of(const std::vector<std::string>& trusted, std::string_view peer,
                      std::vector<web::Request::Header> headers) {
  auto proxies = web::Proxies::parse(trusted);
  REQUIRE(proxies);
  web::Request request;
  request.peer = peer;
  request.headers = std::move(headers);
  return proxies->client_of(request);
}

}  // namespace

TEST_CASE("A trusted proxy's word counts, up to the first address that is not trusted") {
  struct Case {
    std::vector<std::string> trusted;
    const char *peer, *forwarded, *client;
  };
  for (const Case& one : std::initializer_list<Case>{
           {{}, "127.0.0.1", "203.0.113.9", "127.0.0.1"},
           {{"127.0.0.1"}, "10.0.0.1", "203.0.113.9", "10.0.0.1"},
           {{"127.0.0.1"}, "127.0.0.1", "203.0.113.9", "203.0.113.9"},
           {{"127.0.0.1"}, "127.0.0.1", "127.0.0.1, 203.0.113.9", "203.0.113.9"},
           {{"127.0.0.1"}, "127.0.0.1", "198.51.100.1,203.0.113.9", "203.0.113.9"},
           {{"127.0.0.1", "10.0.0.0/8"}, "127.0.0.1", "198.51.100.1, 10.9.8.7", "198.51.100.1"},
           {{"127.0.0.1", "10.0.0.0/8"}, "127.0.0.1", "198.51.100.1, 11.9.8.7", "11.9.8.7"},
           {{"10.0.0.0/9"}, "10.127.0.1", "203.0.113.9", "203.0.113.9"},
           {{"10.0.0.0/9"}, "10.128.0.1", "203.0.113.9", "10.128.0.1"},
           {{"0.0.0.0/0"}, "10.0.0.1", "203.0.113.9", "203.0.113.9"},
           {{"0.0.0.0/0"}, "2001:db8::1", "203.0.113.9", "2001:db8::1"},
           {{"2001:db8::/33"}, "2001:db8:7fff::1", "[2001:db9::1]:443", "2001:db9::1"},
           {{"::1"}, "::1", "203.0.113.9:4711", "203.0.113.9"},
           {{"::1"}, "::1", "2001:db9::1", "2001:db9::1"},
           {{"::1"}, "::1", "", "unknown"},
           {{"::1"}, "::1", "198.51.100.1, unknown", "unknown"},
           {{"::1"}, "::1", "[", "unknown"},
           {{"::1"}, "::1", "fe80::1%eth0", "fe80::1"},
           {{"::1"}, "::1", "127.1", "unknown"},
           {{"::1"}, "::1", "\"127.0.0.1\"", "unknown"},
           {{"::1", "10.1.1.1"}, "::1", "evil, 10.1.1.1", "unknown"}}) {
    INFO(one.peer << " for " << one.forwarded);
    CHECK(client_of(one.trusted, one.peer, {{"X-Forwarded-For", one.forwarded}}).address ==
          one.client);
  }
  CHECK(client_of({"::1"}, "::1",
                  {{"X-Forwarded-For", "198.51.100.1"}, {"x-forwarded-for", "203.0.113.9"}})
            .address == "203.0.113.9");
}

TEST_CASE("A trusted proxy says whether the client came over TLS") {
  CHECK(client_of({"::1"}, "::1", {{"X-Forwarded-Proto", "HTTPS"}}).secure);
  CHECK_FALSE(client_of({"::1"}, "::1", {{"X-Forwarded-Proto", "https, http"}}).secure);
  CHECK_FALSE(client_of({"::1"}, "::1", {}).secure);
  CHECK_FALSE(client_of({"::1"}, "::2", {{"X-Forwarded-Proto", "https"}}).secure);
}

TEST_CASE("What is neither an address nor a network is named") {
  for (const char* text : {"", "localhost", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/8x",
                           "/8", "10.0.0/8", "10.0.0.0/-1"}) {
    const auto proxies = web::Proxies::parse({"::1", text});
    REQUIRE_FALSE(proxies);
    CHECK(proxies.error() == text);
  }
}

TEST_CASE("Without sign-in a proxy on this machine serves only this machine") {
  web::ServiceOptions options;
  options.trusted_proxies = {"127.0.0.1"};
  Gateway gateway({}, options);
  CHECK(gateway.get("/api/data").status == 200);
  for (const char* const forwarded : {"203.0.113.9", "unknown", "", "127.0.0.1, fe80::1%eth0"}) {
    gateway.request.headers.resize(1);
    gateway.request.headers.push_back({"X-Forwarded-For", forwarded});
    CHECK(gateway.get("/api/data").status == 403);
  }
}

TEST_CASE("Requests are taken with and without the path that a proxy serves") {
  web::ServiceOptions options;
  options.base_path = "/site/telemetry";
  Gateway gateway({}, options);
  CHECK(gateway.get("/site/telemetry/api/data").status == 200);
  CHECK(gateway.get("/site/telemetry/livez?").status == 200);
  CHECK(gateway.get("/api/data").status == 200);
  CHECK(gateway.get("/site/telemetryapi/data").status == 404);
  const auto moved = gateway.get("/site/telemetry");
  CHECK(moved.status == 308);
  CHECK(header_of(moved, "Location") == "/site/telemetry/");
  const auto document = gateway.json("/api/openapi.json");
  CHECK(document["servers"][0]["url"] == "/site/telemetry");
}

TEST_CASE("A gateway that drains is not ready, and answers") {
  std::atomic<bool> draining{false};
  web::ServiceOptions options;
  options.is_draining = [&] { return draining.load(); };
  Gateway gateway({}, options);
  CHECK(gateway.get("/readyz").body != "draining\n");
  draining = true;
  CHECK(gateway.get("/readyz").status == 503);
  CHECK(gateway.get("/readyz").body == "draining\n");
  CHECK(gateway.get("/livez").status == 200);
  CHECK(gateway.get("/api/data").status == 200);
}

TEST_CASE("exports under way are counted until they end") {
  web::ServiceOptions options;
  options.allow_insecure = true;
  Gateway gateway(running::some_messages(), options);
  std::vector<web::Response> open;
  for (int i = 0; i < 16; ++i) {
    const std::string peer = "192.0.2." + std::to_string(i / 6);
    gateway.request.peer = peer;
    open.push_back(gateway.get("/api/export"));
    CHECK(open.back().status == 200);
    if (i % 6 == 5) CHECK(gateway.get("/api/export").status == 429);
  }
  gateway.request.peer = "192.0.2.99";
  CHECK(gateway.get("/api/export").status == 503);
  CHECK(gateway.get("/api/data").status == 200);
  open.pop_back();
  CHECK(gateway.get("/api/export").status == 200);
  CHECK(gateway.get("/api/export").status == 200);
}
