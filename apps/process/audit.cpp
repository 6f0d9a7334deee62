// SPDX-License-Identifier: Apache-2.0
#include "process/audit.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <filesystem>

#include "telemetry/core/time.hpp"
#include "telemetry/export.hpp"

namespace telemetry {
namespace {

/// What an error says of a file with many mistakes may be long.
constexpr std::size_t message_bytes_max = 4'096;

std::string beside(const std::string& journal_path) {
  auto folder = std::filesystem::path(journal_path).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();  // "data/journal/"
  return (folder.parent_path() / "audit.jsonl").string();
}

std::string json_text(std::string_view text) {
  std::string out;
  append_json_string(text, out);
  return out;
}

std::string name_of(unsigned user) {
  std::array<char, 4'096> room;
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(user, &entry, room.data(), room.size(), &found) != 0 || found == nullptr) {
    return std::to_string(user);
  }
  return found->pw_name;
}

std::string time_text(std::int64_t time) {
  std::array<char, core::time_text_bytes_max> text;
  return {text.data(), core::format_time(time, text)};
}

std::string outcome_text(const Result<std::string>& outcome) {
  if (outcome) return *outcome;
  std::string message = describe(outcome.error());
  if (message.size() > message_bytes_max) message.resize(message_bytes_max);
  return fmt::format(R"({{"error":"{}","message":{}}})", to_string(outcome.error().code),
                     json_text(message));
}

}  // namespace

Audit::Audit(const std::string& journal_path, Environment environment)
    : path_(beside(journal_path)), environment_(std::move(environment)) {}

void Audit::write(const Act& act, const Result<std::string>& outcome) {
  const std::string who = act.name.empty() ? name_of(act.user) : std::string(act.name);
  const std::string uid = act.name.empty() ? std::to_string(act.user) : "null";
  const std::string address =
      act.address.empty() ? "" : fmt::format(R"("address":{},)", json_text(act.address));
  const std::string wrong = append(fmt::format(
      R"({{"time":"{}","who":{},"uid":{},"from":{},{}"what":{},"details":{},"result":{}}})"
      "\n",
      time_text(environment_.clock.now()), json_text(who), uid, json_text(act.from), address,
      json_text(act.what), act.details, outcome_text(outcome)));
  if (wrong.empty()) return;
  environment_.log(LogLevel::error, "audit",
                   fmt::format("{}: {}: {} by {} is not noted there", path_, wrong, act.what, who));
}

/// Another process may have renamed the file before it is locked. @returns -1 with errno
int Audit::open_locked(struct stat& status) const {
  for (;;) {
    const auto open = [&] {
      return ::open(path_.c_str(),
                    O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    };
    int file = open();
    // What a command refuses may be the first that comes.
    if (file < 0 && errno == ENOENT &&
        environment_.files.create_folder(std::filesystem::path(path_).parent_path().string()))
      file = open();
    status = {};
    if (file < 0 || ::fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) return file;
    if (::flock(file, LOCK_EX) != 0) return file;  // a file system without locks
    struct stat named {};
    if (::fstat(file, &status) == 0 && ::stat(path_.c_str(), &named) == 0 &&
        named.st_ino == status.st_ino) {
      // Of root's commands, too: the program that runs as its own user goes on with it.
      const std::string folder = std::filesystem::path(path_).parent_path().string();
      if (::geteuid() == 0 && status.st_size == 0 &&
          ::stat(folder.empty() ? "." : folder.c_str(), &named) == 0)
        (void)!::fchown(file, named.st_uid, named.st_gid);
      return file;
    }
    ::close(file);
  }
}

/// @returns what is wrong.
std::string Audit::append(std::string line) {
  const std::lock_guard lock(mutex_);
  struct stat status {};
  int file = open_locked(status);
  if (file >= 0 && static_cast<std::uint64_t>(status.st_size) + line.size() > file_bytes_max &&
      ::rename(path_.c_str(), (path_ + ".1").c_str()) == 0) {
    ::close(file);
    file = open_locked(status);
  }
  if (file < 0) return errno_text(errno);
  std::string wrong;
  if (!S_ISREG(status.st_mode)) {
    wrong = "it is no file";
  } else {
    if ((status.st_mode & 077) != 0) (void)::fchmod(file, 0600);
    // What a power cut left of the last line ends there.
    char last = '\n';
    if (status.st_size > 0) (void)!::pread(file, &last, 1, status.st_size - 1);
    if (last != '\n') line.insert(0, 1, '\n');
    const ssize_t written = ::write(file, line.data(), line.size());
    if (written < 0 || ::fdatasync(file) != 0) {
      wrong = errno_text(errno);
    } else if (static_cast<std::size_t>(written) < line.size()) {
      wrong = errno_text(ENOSPC);
    }
  }
  ::close(file);
  return wrong;
}

Result<std::string> in_json(const Result<std::string>& text) {
  if (!text) return text.error();
  return fmt::format(R"({{"text":{}}})", json_text(*text));
}

}  // namespace telemetry
