// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "telemetry/environment.hpp"
#include "telemetry/error.hpp"

namespace telemetry {

/// `audit.jsonl` beside the journal's folder, mode 0600: a line for each act that changes or
/// removes stored data, configuration or accounts. Processes take turns. docs/audit.md.
///
/// A file that cannot be written does not stop the act: deleting must work on a full disk. It is
/// logged. Thread: any.
class Audit {
 public:
  /// The file becomes audit.jsonl.1, in the place of the last one, before it grows beyond this.
  static constexpr std::uint64_t file_bytes_max = 4 * 1024 * 1024;

  struct Act {
    unsigned user = ::geteuid();
    std::string_view name = {};       ///< who it was, in the place of `user`: an account
    std::string_view address = {};    ///< of the client; empty: this machine
    std::string_view from;            ///< "socket", "command", "retention", "signal", "http"
    std::string_view what;            ///< "delete", ...
    std::string_view details = "{}";  ///< JSON, without secrets
  };

  Audit(const std::string& journal_path, Environment environment);
  /// @param outcome  JSON
  void write(const Act& act, const Result<std::string>& outcome);
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  [[nodiscard]] int open_locked(struct stat& status) const;
  [[nodiscard]] std::string append(std::string line);

  const std::string path_;
  const Environment environment_;
  std::mutex mutex_;
};

/// A text outcome as JSON.
[[nodiscard]] Result<std::string> in_json(const Result<std::string>& text);

}  // namespace telemetry
