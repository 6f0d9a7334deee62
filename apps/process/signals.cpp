// SPDX-License-Identifier: Apache-2.0
#include "process/signals.hpp"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

namespace telemetry {
namespace {

sigset_t heard() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  sigaddset(&set, SIGUSR2);  // by which the destructor wakes its thread
  return set;
}

}  // namespace

StopSignals::StopSignals(std::function<void(int)> on_stop, std::function<void()> on_reload) {
  const sigset_t set = heard();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  thread_ =
      std::thread([this, set, on_stop = std::move(on_stop), on_reload = std::move(on_reload)] {
        bool stopping = false;
        for (int number = 0; sigwait(&set, &number) == 0;) {
          if (number == SIGUSR2 && ending_) return;
          if (number == SIGUSR2) continue;  // from outside
          if (number == SIGHUP) {
            if (!stopping) on_reload();
            continue;
          }
          if (stopping) _exit(1);
          stopping = true;
          on_stop(number);
        }
      });
}

StopSignals::~StopSignals() {
  ending_ = true;
  pthread_kill(thread_.native_handle(), SIGUSR2);
  thread_.join();
}

}  // namespace telemetry
