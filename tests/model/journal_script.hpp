// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "model/fault_file_system.hpp"
#include "telemetry/journal.hpp"

namespace telemetry::model {

/// Drives a journal with a random script and keeps account of what each message was promised.
class JournalScript {
 public:
  explicit JournalScript(std::uint64_t seed);

  /// Runs the script on these files until its end or a crash. Throws nothing; broken promises while
  /// it runs are in `complaint`.
  void run(FaultFileSystem& files);
  /// Opens the journal again and compares with what was promised, appends some more, pulls the plug
  /// once more and compares again. Empty when all is well.
  [[nodiscard]] std::string verify(FaultFileSystem& files, FaultFileSystem::Unsynced unsynced);

  std::string complaint;

 private:
  enum class Promise : std::uint8_t {
    none,       ///< appended, not synced: may survive or not
    kept,       ///< synced: must be there
    withdrawn,  ///< refused or rolled back; may still show up until a segment was opened since
    found,      ///< not promised, and survived a crash
    never,      ///< refused or rolled back for good: must never be seen
  };
  struct Sent {
    std::string payload;
    std::uint64_t sequence = 0;
    Promise promise = Promise::none;
  };

  [[nodiscard]] JournalOptions options() const;
  bool open(FaultFileSystem& files);
  void close();
  void append(FaultFileSystem& files);
  void sync();
  void read();
  void rolled_back(std::uint64_t last);
  std::string payload();
  std::string state() const;
  std::string compare(bool first);
  void complain(const std::string& what);

  std::mt19937_64 random_;
  ManualClock clock_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<Journal::Reader> reader_;
  std::vector<Sent> sent_;              // in the order of append calls
  std::vector<std::size_t> window_;     // indices of the newest messages: the "state"
  std::vector<std::string> recovered_;  // the state as rebuilt at open
  std::optional<Journal::Ticket> ticket_;
  std::uint64_t cursor_ = 0;
  std::vector<std::string> seen_before_;
  std::string open_error_;
};

}  // namespace telemetry::model
