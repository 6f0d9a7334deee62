// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "telemetry/environment.hpp"

namespace telemetry::model {

/// A clock that a test moves.
class ManualClock final : public Clock {
 public:
  std::int64_t now() noexcept override { return wall; }
  std::int64_t monotonic() noexcept override { return steady; }
  void advance(std::int64_t ns) noexcept {
    wall += ns;
    steady += ns;
  }
  std::int64_t wall = 1'800'000'000'000'000'000;
  std::int64_t steady = 1;
};

/// Files in memory that fail as disks do. Contents and names have two states: what the process
/// sees, and what a power cut leaves. sync() moves a file's contents, and sync_folder() a folder's
/// names, from one to the other; a crash keeps, drops or mixes the rest, in sectors of 512 bytes.
///
/// A failed sync leaves pages that read well and are never written: a later sync that succeeds does
/// not help them, as with real kernels. Created folders last at once. Thread: any.
class FaultFileSystem final : public FileSystem {
 public:
  static constexpr std::size_t sector_bytes = 512;

  enum class Call : std::uint8_t { open, write, truncate, sync, sync_folder, rename, remove };
  /// Asked before each call that changes something. `number` counts them from 1.
  enum class Fault : std::uint8_t {
    none,
    fail,  ///< write: part of it is there, no space; sync: nothing more will ever be; else: refused
    crash,  ///< the power goes during this call; everything fails until restart()
  };
  using Plan = std::function<Fault(std::uint64_t number, Call call, const std::string& path)>;

  /// What becomes of the unsynced part in a crash.
  enum class Unsynced : std::uint8_t { kept, lost, mixed };

  explicit FaultFileSystem(std::uint64_t seed = 1) : random_(seed) {}
  /// The same files, nothing open.
  FaultFileSystem(const FaultFileSystem& other, std::uint64_t seed);

  void set_plan(Plan plan);
  /// Calls that changed, or would have changed, something.
  [[nodiscard]] std::uint64_t calls() const;
  [[nodiscard]] bool crashed() const;
  /// As a kernel does, writes some unsynced sectors to the disk whenever it likes.
  void set_writeback(bool on);
  /// A rename is one step on the disk, as on ext4, XFS, btrfs, F2FS (not on FAT): a crash leaves
  /// the old name or the new one. Without, it may leave both, or none.
  void set_atomic_renames(bool on);
  /// Bytes that fit on the disk; ENOSPC beyond.
  void set_capacity(std::uint64_t bytes);
  /// After a crash (or instead of one: pulls the plug now): decides what is left, as a machine that
  /// starts again finds it. Handles and locks are gone.
  void restart(Unsynced unsynced);

  /// Bytes of a file as seen now; tests may change them (that counts as durable).
  [[nodiscard]] std::vector<std::uint8_t> content(const std::string& path) const;
  void set_content(const std::string& path, std::vector<std::uint8_t> bytes);
  [[nodiscard]] bool exists(const std::string& path) const;
  /// Reads of this file fail, or do no longer.
  void make_unreadable(const std::string& path, bool unreadable = true);
  /// As rm -rf: names and folders are gone, open files live on.
  void remove_all(const std::string& folder);

  Result<Handle> open_read(const std::string& path) override;
  Result<Handle> open_write(const std::string& path) override;
  Result<Handle> open_private(const std::string& path) override;
  void close(Handle file) noexcept override;
  Result<std::size_t> read(Handle file, std::uint64_t offset, std::span<std::uint8_t> out) override;
  Result<void> write(Handle file, std::uint64_t offset,
                     std::span<const std::uint8_t> bytes) override;
  Result<void> truncate(Handle file, std::uint64_t bytes) override;
  Result<void> sync(Handle file) override;
  void drop_cache(Handle file) noexcept override;
  Result<std::uint64_t> size(Handle file) override;
  Result<Status> status(Handle file) override;
  Result<void> create_folder(const std::string& path) override;
  Result<void> sync_folder(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& path) override;
  Result<Handle> lock(const std::string& path) override;
  Result<std::uint64_t> free_bytes(const std::string& path) override;

 private:
  struct File {
    std::vector<std::uint8_t> seen, durable;
    std::set<std::size_t> dirty;  // sectors that a sync would write
    bool unreadable = false;
    std::uint64_t id = 0;
    std::uint32_t mode = 0640;
  };
  using FilePtr = std::shared_ptr<File>;
  using Names = std::map<std::string, FilePtr>;
  struct Open {
    FilePtr file;
    std::string path;
    bool writable;
  };

  Fault begin(Call call, const std::string& path);
  Result<Open*> find(Handle file);
  [[nodiscard]] std::uint64_t used_bytes() const;
  bool coin() { return (random_() & 1) != 0; }
  void put(File& file, std::uint64_t offset, std::span<const std::uint8_t> bytes);
  void resize(File& file, std::uint64_t bytes);
  void settle(File& file, Unsynced unsynced);
  void write_back(File& file);
  [[nodiscard]] std::map<std::string, bool> decide_renames();

  mutable std::mutex mutex_;
  std::mt19937_64 random_;
  Plan plan_;
  std::uint64_t calls_ = 0;
  bool crashed_ = false;
  bool writeback_ = false;
  bool atomic_renames_ = false;
  std::uint64_t capacity_ = UINT64_MAX;
  std::set<std::string> folders_;
  Names seen_, durable_;                        // by full path
  std::map<std::string, std::string> renamed_;  // new name to old, not synced
  std::map<Handle, Open> open_;
  std::set<std::string> locked_;
  Handle next_handle_ = 3;
  std::uint64_t next_id_ = 1;
};

/// An environment around these; random bytes are drawn from a counter, so that runs repeat.
[[nodiscard]] Environment fault_environment(Clock& clock, FaultFileSystem& files, Log log = {});

}  // namespace telemetry::model
