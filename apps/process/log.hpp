// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "telemetry/config.hpp"
#include "telemetry/environment.hpp"

namespace telemetry {

/// The log of a program: text or JSON lines on stderr and, when `logging.file` is set, in a file
/// that is rotated at `rotation_mb`. Thread: any.
class ProcessLog {
 public:
  /// As the section `logging` says. `debug` outranks the configured level.
  /// Errors: permission_denied  the file cannot be written.
  [[nodiscard]] static Result<ProcessLog> open(const Config& config, bool debug);

  [[nodiscard]] const Log& log() const noexcept { return log_; }
  /// Takes `logging.level` and `logging.levels` again; all copies of log() follow.
  void set_levels(const Config& config) const;

 private:
  struct Levels;
  ProcessLog(Log log, std::shared_ptr<Levels> levels)
      : log_(std::move(log)), levels_(std::move(levels)) {}
  Log log_;
  std::shared_ptr<Levels> levels_;
};

}  // namespace telemetry
