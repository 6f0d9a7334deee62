// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <latch>
#include <stdexcept>
#include <thread>

#include "catch.hpp"
#include "conformance/temporary_folder.hpp"
#include "process/control.hpp"

using namespace telemetry;
using telemetry::test::TemporaryFolder;

namespace {

control::Handlers handlers() {
  control::Handlers handlers;
  handlers["echo"] = [](std::string_view arguments, const control::Progress&) {
    return Result<std::string>(std::string(arguments));
  };
  handlers["count"] = [](std::string_view, const control::Progress& progress) {
    for (const char* done : {R"({"done":1})", R"({"done":2})"}) CHECK(progress(done));
    return Result<std::string>("{}");
  };
  handlers["fail"] = [](std::string_view, const control::Progress&) {
    return Result<std::string>(Error{Errc::data_loss, "segment \"7\"\nis gone"});
  };
  handlers["throw"] = [](std::string_view, const control::Progress&) -> Result<std::string> {
    throw std::runtime_error("no luck");
  };
  return handlers;
}

std::unique_ptr<control::Server> serve(const TemporaryFolder& folder,
                                       control::Handlers with = handlers()) {
  auto server = control::Server::open(folder.path(), std::move(with));
  if (!server) UNSCOPED_INFO(to_string(server.error()));
  REQUIRE(server);
  return *std::move(server);
}

}  // namespace

TEST_CASE("a command reaches the handler of its name, and the result comes back") {
  const TemporaryFolder folder;
  const auto server = serve(folder);
  const auto answer = control::call(folder.path(), "echo", R"({"path":"/a\nb","n":[1,2.5,null]})");
  REQUIRE(answer);
  CHECK(*answer == R"({"path":"/a\nb","n":[1,2.5,null]})");
}

TEST_CASE("progress comes before the result, in order") {
  const TemporaryFolder folder;
  const auto server = serve(folder);
  std::vector<std::string> seen;
  const auto answer =
      control::call(folder.path(), "count", "{}", [&](auto json) { seen.emplace_back(json); });
  REQUIRE(answer);
  CHECK(seen == std::vector<std::string>{R"({"done":1})", R"({"done":2})"});
}

TEST_CASE("an error of a handler keeps its code and its text") {
  const TemporaryFolder folder;
  const auto server = serve(folder);
  const auto failed = control::call(folder.path(), "fail");
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == Errc::data_loss);
  CHECK(failed.error().context == "segment \"7\"\nis gone");
  const auto threw = control::call(folder.path(), "throw");
  REQUIRE_FALSE(threw);
  CHECK(threw.error().code == Errc::internal);
  CHECK(threw.error().context == "throw: no luck");
  const auto unknown = control::call(folder.path(), "fly");
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().code == Errc::unimplemented);
}

TEST_CASE("where no program listens a call says so") {
  const TemporaryFolder folder;
  CHECK(control::call(folder.path(), "echo").error().code == Errc::not_found);
  CHECK(control::call(folder.path("nowhere"), "echo").error().code == Errc::not_found);
  serve(folder).reset();
  CHECK(control::call(folder.path(), "echo").error().code == Errc::not_found);
}

TEST_CASE("a socket that a killed program left behind is replaced") {
  const TemporaryFolder folder;
  { std::ofstream(folder.path("control.sock")) << "left behind"; }
  const auto server = serve(folder);
  CHECK(control::call(folder.path(), "echo"));
}

TEST_CASE("only its user and root may open the socket") {
  const TemporaryFolder folder;
  const auto server = serve(folder);
  struct stat found {};
  REQUIRE(::stat(folder.path("control.sock").c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0600);
}

TEST_CASE("each request that a handler knows is told of when it is over, with who asked") {
  const TemporaryFolder folder;
  std::string told;
  auto server = control::Server::open(folder.path(), handlers(), [&](const control::Done& done) {
    told += std::string(done.command) + " " + std::string(done.arguments) + " " +
            (done.user == ::geteuid() ? "me " : "another ") +
            (done.outcome ? *done.outcome : std::string(to_string(done.outcome.error().code))) +
            "\n";
  });
  REQUIRE(server);
  CHECK(control::call(folder.path(), "echo", R"({"n":1})"));
  CHECK_FALSE(control::call(folder.path(), "fail"));
  CHECK_FALSE(control::call(folder.path(), "throw"));
  CHECK_FALSE(control::call(folder.path(), "unknown"));
  server->reset();
  CHECK(told == "echo {\"n\":1} me {\"n\":1}\nfail {} me data_loss\nthrow {} me internal\n");
}

TEST_CASE("a folder whose path is longer than a socket address is served too") {
  const TemporaryFolder folder;
  const std::string deep = folder.path(std::string(120, 'x'));
  std::filesystem::create_directory(deep);
  auto server = control::Server::open(deep, handlers());
  REQUIRE(server);
  CHECK(control::call(deep, "echo"));
}

TEST_CASE("the end of the server stops work that asks, and the caller gets its answer") {
  const TemporaryFolder folder;
  std::latch begun(1);
  control::Handlers slow;
  slow["work"] = [&](std::string_view, const control::Progress& progress) {
    begun.count_down();
    while (progress("{}")) std::this_thread::yield();
    return Result<std::string>(Error{Errc::cancelled, "stopped"});
  };
  auto server = serve(folder, std::move(slow));
  Result<std::string> answer = std::string();
  std::jthread caller([&] { answer = control::call(folder.path(), "work"); });
  begun.wait();
  server.reset();
  caller.join();
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == Errc::cancelled);
}

TEST_CASE("callers beyond the limit are told to try again, and the others are served") {
  const TemporaryFolder folder;
  std::latch all(16);
  std::latch go(1);
  control::Handlers slow;
  slow["wait"] = [&](std::string_view, const control::Progress&) {
    all.count_down();
    go.wait();
    return Result<std::string>("{}");
  };
  const auto server = serve(folder, std::move(slow));
  std::atomic<int> served{0};
  std::vector<std::jthread> callers;
  for (int i = 0; i < 16; ++i) {
    callers.emplace_back([&] { served += control::call(folder.path(), "wait") ? 1 : 0; });
  }
  all.wait();
  CHECK(control::call(folder.path(), "wait").error().code == Errc::resource_exhausted);
  go.count_down();
  callers.clear();
  CHECK(served == 16);
}
