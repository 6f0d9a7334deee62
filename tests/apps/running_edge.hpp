// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <csignal>

#include "apps/running.hpp"
#include "process/control.hpp"

namespace running {

/// telemetry-edge in the folder, with edge.yaml; stopped when it goes.
class Edge {
 public:
  explicit Edge(const Folder& folder) {
    child_ = fork();
    REQUIRE(child_ >= 0);
    if (child_ == 0) {
      if (chdir(folder.path("").c_str()) != 0) _exit(127);
      execl(TELEMETRY_BIN_DIR "/telemetry-edge", "telemetry-edge", "--config", "edge.yaml",
            static_cast<char*>(nullptr));
      _exit(127);
    }
    while (!telemetry::control::is_served(folder.path("data/journal"))) {
      REQUIRE(waitpid(child_, nullptr, WNOHANG) == 0);  // it has ended
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  ~Edge() {
    kill(child_, SIGTERM);
    waitpid(child_, nullptr, 0);
  }
  Edge(const Edge&) = delete;
  Edge& operator=(const Edge&) = delete;

 private:
  pid_t child_ = -1;
};

}  // namespace running
