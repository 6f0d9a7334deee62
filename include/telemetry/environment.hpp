// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "telemetry/error.hpp"

/// Everything that the library asks of its surroundings: time, files, randomness, log. Tests put
/// their own in place; nothing else in the library calls clock_gettime, open or getrandom.
namespace telemetry {

class Clock {
 public:
  virtual ~Clock() = default;
  /// Wall clock, ns since 1970-01-01T00:00:00Z. May jump.
  [[nodiscard]] virtual std::int64_t now() noexcept = 0;
  /// Monotonic clock, ns since some start. Never goes back.
  [[nodiscard]] virtual std::int64_t monotonic() noexcept = 0;
};

/// Files as the journal needs them. Paths are as given to the operating system. A failed call says
/// errno's text in the context; ENOSPC, EDQUOT are resource_exhausted; ENOENT not_found; EACCES,
/// EPERM, EROFS permission_denied; all else unavailable.
class FileSystem {
 public:
  using Handle = int;
  struct Status {
    std::uint64_t id = 0;  ///< of the file, not of its name
    std::int64_t modified_ns = 0;
    std::uint64_t bytes = 0;
    std::uint32_t mode = 0;  ///< permission bits: 0640
    bool operator==(const Status&) const = default;
  };
  virtual ~FileSystem() = default;

  [[nodiscard]] virtual Result<Handle> open_read(const std::string& path) = 0;
  /// Opens for reading and writing; creates (mode 0640) when it does not exist.
  [[nodiscard]] virtual Result<Handle> open_write(const std::string& path) = 0;
  /// Opens an empty file for writing that only its owner may read (mode 0600), as no other process
  /// can before close(): already_exists then. What a crash left under this name is emptied. Made by
  /// root, it belongs to the owner of its folder. It may be renamed or removed while it is open.
  [[nodiscard]] virtual Result<Handle> open_private(const std::string& path) = 0;
  virtual void close(Handle file) noexcept = 0;
  /// Bytes read; fewer than asked only at the end of the file.
  [[nodiscard]] virtual Result<std::size_t> read(Handle file, std::uint64_t offset,
                                                 std::span<std::uint8_t> out) = 0;
  /// Writes all bytes or fails; after a failure any part of them may stand in the file.
  [[nodiscard]] virtual Result<void> write(Handle file, std::uint64_t offset,
                                           std::span<const std::uint8_t> bytes) = 0;
  [[nodiscard]] virtual Result<void> truncate(Handle file, std::uint64_t bytes) = 0;
  /// fdatasync. After a failure the state of the unsynced bytes is unknown for ever.
  [[nodiscard]] virtual Result<void> sync(Handle file) = 0;
  /// Lets the system begin to write what is unsynced, so that a later sync is short. A hint: it
  /// promises nothing and does not wait.
  virtual void begin_sync(Handle file) noexcept { (void)file; }
  /// After a sync(): what is read next comes from the disk, where the system can forget what it
  /// holds in memory. Bytes of a sync that failed, also in an earlier process, read well from there
  /// and never reach the disk.
  virtual void drop_cache(Handle file) noexcept { (void)file; }
  [[nodiscard]] virtual Result<std::uint64_t> size(Handle file) = 0;
  [[nodiscard]] virtual Result<Status> status(Handle file) = 0;

  /// Creates the folder and its parents (mode 0750), so that they last; existing is fine.
  [[nodiscard]] virtual Result<void> create_folder(const std::string& path) = 0;
  /// fsync of the folder, so that created, renamed and removed names last.
  [[nodiscard]] virtual Result<void> sync_folder(const std::string& path) = 0;
  /// Names (not paths) of the entries, sorted bytewise, without "." and "..".
  [[nodiscard]] virtual Result<std::vector<std::string>> list(const std::string& path) = 0;
  [[nodiscard]] virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  [[nodiscard]] virtual Result<void> remove(const std::string& path) = 0;
  /// Takes the lock file for this process until `close`; already_exists when another holds it,
  /// with that process's id in the context.
  [[nodiscard]] virtual Result<Handle> lock(const std::string& path) = 0;
  /// Bytes an unprivileged writer may still write where `path` is.
  [[nodiscard]] virtual Result<std::uint64_t> free_bytes(const std::string& path) = 0;
};

enum class LogLevel : std::uint8_t { debug, info, warn, error, off };

/// Where log lines go. The library never prints. Copies share their level. Thread: any.
class Log {
 public:
  using Write = std::function<void(LogLevel, std::string_view component, std::string_view message)>;
  Log() = default;
  Log(Write write, LogLevel level)
      : write_(std::move(write)), level_(std::make_shared<std::atomic<LogLevel>>(level)) {}

  [[nodiscard]] bool enabled(LogLevel level) const noexcept {
    return write_ && level >= level_->load(std::memory_order_relaxed);
  }
  /// Of this log and all its copies. Not for a default-made one, which writes nothing.
  void set_level(LogLevel level) const noexcept {
    if (level_ != nullptr) level_->store(level, std::memory_order_relaxed);
  }
  void operator()(LogLevel level, std::string_view component, std::string_view message) const {
    if (enabled(level)) write_(level, component, message);
  }

 private:
  Write write_;
  std::shared_ptr<std::atomic<LogLevel>> level_;
};

/// A text on one line: control characters (C0, DEL, C1) and bytes that are not UTF-8 are escaped,
/// so that a payload in a message cannot begin a line or command a terminal.
[[nodiscard]] std::string printable(std::string_view text);
/// Lines "LEVEL COMPONENT: MESSAGE" on standard error, for programs that have no log of their own.
[[nodiscard]] Log log_to_stderr(LogLevel level = LogLevel::warn);

/// Lets through the first `per_interval` events of each interval and counts the rest.
/// Thread: any.
class RateLimit {
 public:
  RateLimit(Clock& clock, std::uint32_t per_interval, std::int64_t interval_ns) noexcept
      : clock_(clock), per_interval_(per_interval), interval_ns_(interval_ns) {}
  /// True when the event may be shown. `suppressed`: those held back since the last true.
  [[nodiscard]] bool allow(std::uint64_t& suppressed) noexcept;

 private:
  Clock& clock_;
  std::uint32_t per_interval_;
  std::int64_t interval_ns_;
  std::mutex mutex_;
  std::int64_t interval_start_ = INT64_MIN;
  std::uint32_t shown_ = 0;
  std::uint64_t suppressed_ = 0;
};

/// The surroundings of one pipeline. Members outlive everything that was given a reference.
struct Environment {
  Clock& clock;
  FileSystem& files;
  /// Fills with unpredictable bytes; never fails.
  void (*random)(std::span<std::uint8_t> out);
  Log log;
};

/// The real clock, files and randomness of this machine (process-wide singletons) with this log.
[[nodiscard]] Environment system_environment(Log log = {});
/// The same with log_to_stderr(): what everything is made with that is given no environment.
[[nodiscard]] Environment default_environment();

}  // namespace telemetry
