// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <thread>

namespace torc::detail {

/// Hears of signals while a session lives: SIGTERM, SIGINT and SIGUSR2 ask it to stop, SIGUSR1 what
/// it is doing. The program's own handlers are left alone. One at a time.
class signal_watch {
public:
  /// Calls `heard(signal)` on a thread of its own. A signal that asks to stop is heard once: a
  /// second one, half a second later or more, ends the process. With a `period`, in milliseconds,
  /// also calls `heard(0)` so often; -1: never.
  signal_watch(std::function<void(int)> heard, int period);
  ~signal_watch();
  signal_watch(const signal_watch&) = delete;
  signal_watch& operator=(const signal_watch&) = delete;

private:
  std::function<void(int)> heard_;
  int pipe_[2];
  std::thread thread_;
};

} // namespace torc::detail
