// SPDX-License-Identifier: Apache-2.0
#include "process/notify.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstring>

#include "apps/running.hpp"
#include "process/watchdog.hpp"

using namespace telemetry;
using running::Folder;

namespace {

/// A service manager: its socket, and what it sets in the environment.
class ServiceManager {
 public:
  /// @param address  a path, or @ and an abstract name
  explicit ServiceManager(const std::string& address)
      : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    REQUIRE(address.size() < sizeof at.sun_path);
    std::memcpy(at.sun_path, address.data(), address.size());
    if (address[0] == '@') at.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size());
    REQUIRE(::bind(socket_, reinterpret_cast<const sockaddr*>(&at), size) == 0);
    ::setenv("NOTIFY_SOCKET", address.c_str(), 1);
  }
  ~ServiceManager() {
    ::close(socket_);
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) ::unsetenv(name);
  }
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;

  void watch(const std::string& microseconds, int process) {
    ::setenv("WATCHDOG_USEC", microseconds.c_str(), 1);
    ::setenv("WATCHDOG_PID", std::to_string(process).c_str(), 1);
  }
  /// Waits for the next message.
  std::string hear() {
    char text[512];
    const ssize_t got = ::recv(socket_, text, sizeof text, 0);
    REQUIRE(got >= 0);
    return {text, static_cast<std::size_t>(got)};
  }
  /// Waits for the first message that is another one.
  std::string hear_other_than(const std::string& heard) {
    std::string text = hear();
    while (text == heard) text = hear();
    return text;
  }

 private:
  int socket_;
};

}  // namespace

TEST_CASE("the service manager hears a state at a path and at an abstract name") {
  const Folder folder;
  const bool is_abstract = GENERATE(false, true);
  ServiceManager manager(is_abstract ? "@telemetry-test-" + std::to_string(::getpid())
                                     : folder.path("notify"));
  notify_service_manager("READY=1\nSTATUS=all is up");
  CHECK(manager.hear() == "READY=1\nSTATUS=all is up");
  notify_reloading();
  CHECK(manager.hear().starts_with("RELOADING=1\nMONOTONIC_USEC="));
}

TEST_CASE("a service manager that is gone, or whose address is none, does no harm") {
  const Folder folder;
  for (const std::string& address :
       {folder.path("gone"), std::string("relative"), std::string(), std::string(200, '/')}) {
    ::setenv("NOTIFY_SOCKET", address.c_str(), 1);
    notify_service_manager("READY=1");
  }
  ::unsetenv("NOTIFY_SOCKET");
  notify_service_manager("READY=1");
}

TEST_CASE("the watchdog is told nothing while a loop does not go round") {
  const Folder folder;
  std::atomic<bool> stands{false}, rests{false};
  std::atomic<std::uint64_t> rounds{0}, lines{0};
  std::jthread watchdog;  // ends after the manager, who would not read what it sends any more
  ServiceManager manager(folder.path("notify"));
  manager.watch("4000", ::getpid());
  const Log log([&](LogLevel, std::string_view, std::string_view) { ++lines; }, LogLevel::info);
  watchdog = watch_loops(
      {{"one", [&] { return std::optional<std::uint64_t>(++rounds); }},
       {"two",
        [&, seen = std::uint64_t{0}]() mutable -> std::optional<std::uint64_t> {
          if (rests) return std::nullopt;
          return stands ? seen : ++seen;
        }}},
      [] { return "1 of 1"; }, log);
  const std::string alive = "WATCHDOG=1\nSTATUS=1 of 1";
  CHECK(manager.hear() == alive);
  CHECK(manager.hear() == alive);
  stands = true;
  const std::string stuck =
      "STATUS=two has not gone round for 0.002 s; if that lasts, the service manager restarts this";
  CHECK(manager.hear_other_than(alive) == stuck);
  CHECK(manager.hear() == stuck);
  CHECK(lines == 1);
  rests = true;
  CHECK(manager.hear_other_than(stuck) == alive);
  CHECK(manager.hear() == alive);
  rests = false;
  CHECK(manager.hear_other_than(alive) == stuck);
  stands = false;
  CHECK(manager.hear_other_than(stuck) == alive);
  CHECK(lines == 2);
}

TEST_CASE("without a watchdog, or with one of another process, nothing is watched") {
  const Folder folder;
  ServiceManager manager(folder.path("notify"));
  const auto watch = [] {
    return watch_loops(
               {}, [] { return ""; }, Log())
        .joinable();
  };
  CHECK_FALSE(watch());
  manager.watch("1000000", ::getpid() + 1);
  CHECK_FALSE(watch());
  for (const char* none : {"", "0", "-1", "soon"}) {
    manager.watch(none, ::getpid());
    CHECK_FALSE(watch());
  }
  manager.watch("1000000", ::getpid());
  CHECK(watch());
}
