// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "catch.hpp"

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <string>

#include "telemetry/environment.hpp"

using namespace telemetry;

namespace {

/// A folder of its own that is gone after the test.
struct Folder {
  Folder() {
    char name[] = "/tmp/telemetry_environment_XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string operator/(const std::string& name) const { return path + "/" + name; }
  std::string path;
};

FileSystem& files() {
  static auto environment = system_environment();
  return environment.files;
}

std::span<const std::uint8_t> bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string content(const std::string& path) {
  auto file = files().open_read(path);
  REQUIRE(file);
  std::string text(100, '\0');
  auto n = files().read(*file, 0, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  files().close(*file);
  REQUIRE(n);
  return text.substr(0, *n);
}

}  // namespace

TEST_CASE("what is written at an offset is read back there, and reading past the end is short") {
  Folder folder;
  auto file = files().open_write(folder / "a");
  REQUIRE(file);
  REQUIRE(files().write(*file, 0, bytes("hello world")));
  REQUIRE(files().write(*file, 6, bytes("there")));
  REQUIRE(files().sync(*file));
  CHECK(*files().size(*file) == 11);
  std::uint8_t out[8];
  CHECK(*files().read(*file, 6, out) == 5);
  CHECK(out[0] == 't');
  CHECK(*files().read(*file, 100, out) == 0);
  REQUIRE(files().truncate(*file, 5));
  files().close(*file);
  CHECK(content(folder / "a") == "hello");
}

TEST_CASE("open_write keeps what is there and creates private files") {
  Folder folder;
  for (int i = 0; i < 2; ++i) {
    auto file = files().open_write(folder / "a");
    REQUIRE(file);
    REQUIRE(files().write(*file, static_cast<std::uint64_t>(i), bytes("x")));
    files().close(*file);
  }
  CHECK(content(folder / "a") == "xx");
  struct stat status {};
  REQUIRE(::stat((folder / "a").c_str(), &status) == 0);
  CHECK((status.st_mode & 0007) == 0);
}

TEST_CASE("folders are created with their parents, listed sorted, and existing is fine") {
  Folder folder;
  REQUIRE(files().create_folder(folder / "x/y/z"));
  REQUIRE(files().create_folder(folder / "x/y/z"));
  REQUIRE(files().create_folder(folder / "x/y/z/"));
  for (const char* name : {"b", "a", "C"}) {
    auto file = files().open_write(folder / ("x/y/z/" + std::string(name)));
    REQUIRE(file);
    files().close(*file);
  }
  CHECK(*files().list(folder / "x/y/z") == std::vector<std::string>{"C", "a", "b"});
  REQUIRE(files().sync_folder(folder / "x/y/z"));
  REQUIRE(files().rename(folder / "x/y/z/a", folder / "x/y/z/b"));
  REQUIRE(files().remove(folder / "x/y/z/C"));
  CHECK(*files().list(folder / "x/y/z") == std::vector<std::string>{"b"});
}

TEST_CASE("a relative folder is created where the process stands") {
  Folder folder;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path);
  CHECK(files().create_folder("r/s"));
  CHECK(files().create_folder("./t"));
  std::filesystem::current_path(before);
  CHECK(std::filesystem::is_directory(folder / "r/s"));
  CHECK(std::filesystem::is_directory(folder / "t"));
}

TEST_CASE("errors name the path, the reason and the remedy, and have the documented codes") {
  Folder folder;
  const auto missing = files().open_read(folder / "none");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == Errc::not_found);
  CHECK(missing.error().context == folder / "none" + ": cannot open: No such file or directory");
  CHECK(files().list(folder / "none").error().code == Errc::not_found);
  CHECK(files().remove(folder / "none").error().code == Errc::not_found);

  {
    auto file = files().open_write(folder / "plain");
    REQUIRE(file);
    files().close(*file);
  }
  CHECK(files().create_folder(folder / "plain").error().code == Errc::unavailable);
  CHECK(files().create_folder(folder / "plain/x").error().code == Errc::unavailable);

  auto full = files().open_write("/dev/full");
  REQUIRE(full);
  const auto refused = files().write(*full, 0, bytes("x"));
  files().close(*full);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::resource_exhausted);
  CHECK(refused.error().context ==
        "/dev/full: cannot write: No space left on device (free space on that file system)");
}

TEST_CASE("a folder that this user may not write is permission_denied with who to give access") {
  Folder folder;
  REQUIRE(::chmod(folder.path.c_str(), 0555) == 0);
  // A child, because root may write everywhere and cannot come back from being nobody.
  const auto child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    if (::geteuid() == 0 && ::setuid(65534) != 0) ::_exit(2);
    const auto refused = files().open_write(folder / "a");
    const std::string remedy = "(give user id " + std::to_string(::geteuid()) + " access";
    ::_exit(!refused && refused.error().code == Errc::permission_denied &&
                    refused.error().context.find(remedy) != std::string::npos
                ? 0
                : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

TEST_CASE("a write that is cut short by the system is continued until it fails for good") {
  Folder folder;
  // A child, because the size limit is the process's.
  const auto child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{10, 10};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    auto file = files().open_write(folder / "a");
    if (!file) ::_exit(2);
    const auto written = files().write(*file, 0, bytes("0123456789abcdef"));
    ::_exit(!written && written.error().code == Errc::unavailable ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK(content(folder / "a") == "0123456789");
}

TEST_CASE("a lock is exclusive, names the process that holds it, and ends with close") {
  Folder folder;
  auto first = files().lock(folder / "lock");
  REQUIRE(first);
  const auto second = files().lock(folder / "lock");
  REQUIRE_FALSE(second);
  CHECK(second.error().code == Errc::already_exists);
  CHECK(second.error().context.find("process " + std::to_string(::getpid()) + " ") !=
        std::string::npos);
  files().close(*first);
  auto third = files().lock(folder / "lock");
  REQUIRE(third);
  files().close(*third);
}

TEST_CASE("a lock ends with its process, however that ends") {
  Folder folder;
  const auto child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    if (!files().lock(folder / "lock")) ::_exit(1);
    ::raise(SIGKILL);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  auto lock = files().lock(folder / "lock");
  REQUIRE(lock);
  files().close(*lock);
}

TEST_CASE("free space is more than nothing and names a missing path") {
  CHECK(*files().free_bytes("/tmp") > 0);
  CHECK(files().free_bytes("/nowhere/at/all").error().code == Errc::not_found);
}

TEST_CASE("a private file is its owner's alone, empty, and of one process at a time") {
  const Folder folder;
  const std::string path = folder / "secret";
  auto file = files().open_private(path);
  REQUIRE(file);
  REQUIRE(files().write(*file, 0, bytes("one")));
  const auto status = files().status(*file);
  REQUIRE(status);
  CHECK(status->mode == 0600);
  CHECK(status->bytes == 3);
  const auto second = files().open_private(path);
  REQUIRE_FALSE(second);
  CHECK(second.error().code == Errc::already_exists);
  SECTION("closed, it is emptied by the next, whatever rights it had") {
    files().close(*file);
    REQUIRE(::chmod(path.c_str(), 0644) == 0);
    file = files().open_private(path);
    REQUIRE(file);
    CHECK(content(path).empty());
    const auto again = files().status(*file);
    CHECK(again->mode == 0600);
    CHECK(again->id == status->id);
  }
  SECTION("renamed, it does not hold up the next") {
    REQUIRE(files().rename(path, folder / "public"));
    const auto next = files().open_private(path);
    REQUIRE(next);
    CHECK(files().status(*next)->id != status->id);
    CHECK(content(folder / "public") == "one");
    files().close(*next);
  }
  SECTION("root's belongs to the owner of the folder") {
    files().close(*file);
    if (::geteuid() == 0) REQUIRE(::chown(folder.path.c_str(), 12'345, 12'346) == 0);
    file = files().open_private(path);
    REQUIRE(file);
    struct stat found {
    }, around{};
    REQUIRE(::stat(path.c_str(), &found) == 0);
    REQUIRE(::stat(folder.path.c_str(), &around) == 0);
    CHECK(found.st_uid == around.st_uid);
    CHECK((::geteuid() != 0 || found.st_gid == 12'346));
  }
  files().close(*file);
}

TEST_CASE("a private file is not opened through a link or under two names") {
  const Folder folder;
  const std::string path = folder / "secret";
  const std::string other = folder / "other";
  std::FILE* out = std::fopen(other.c_str(), "w");
  REQUIRE(out != nullptr);
  std::fputs("text", out);
  std::fclose(out);
  SECTION("symbolic link") { REQUIRE(::symlink(other.c_str(), path.c_str()) == 0); }
  SECTION("hard link") { REQUIRE(::link(other.c_str(), path.c_str()) == 0); }
  CHECK_FALSE(files().open_private(path));
  CHECK(content(other) == "text");
}

TEST_CASE("the status of a file tells one that was replaced, changed or opened to others") {
  const Folder folder;
  const std::string path = folder / "file";
  const auto status = [&] {
    const auto file = files().open_read(path);
    REQUIRE(file);
    auto found = files().status(*file);
    files().close(*file);
    return found.value();
  };
  const auto file = files().open_write(path);
  REQUIRE(file);
  const auto first = status();
  CHECK(status() == first);
  REQUIRE(files().write(*file, 0, bytes("x")));
  CHECK(status() != first);
  const auto second = status();
  REQUIRE(::chmod(path.c_str(), 0600) == 0);
  CHECK(status() != second);
  files().close(*file);
  const auto next = files().open_private(folder / "new");
  REQUIRE(next);
  const auto third = status();
  REQUIRE(files().rename(folder / "new", path));
  CHECK(status().id != third.id);
  files().close(*next);
}
