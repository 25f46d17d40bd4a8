// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

namespace torc::detail {

class baton;

/// Posts batons at given times, from a thread that exists once the first is set.
class timers {
public:
  using clock = std::chrono::steady_clock;
  using alarm = std::multimap<clock::time_point, baton*>::iterator;

  static timers& get();
  alarm set(clock::time_point when, baton& b);
  /// Afterwards the baton is not touched any more.
  void cancel(alarm a);
  ~timers();

private:
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::multimap<clock::time_point, baton*> alarms_;
  bool ending_ = false;
  std::thread thread_;
};

} // namespace torc::detail
