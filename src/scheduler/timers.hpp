// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

namespace torc::detail {

class scheduler;

struct stop_scope;

/// What is to be done at some time.
struct alarm {
  std::chrono::steady_clock::time_point when;
  std::function<void()> action;
  scheduler* session;           ///< of the thread that has set it
  stop_scope* paused = nullptr; ///< what goes on then, if that is what it is for
};

/// Calls functions at given times, from a thread that exists once the first is set. They must be
/// short.
class timers {
public:
  using clock = std::chrono::steady_clock;

  static timers& get();
  alarm* set(clock::time_point when, std::function<void()> action);
  /// Calls `go_on` then, or as soon as `s` has been stopped. Not to be cancelled.
  void pause(stop_scope& s, clock::time_point when, std::function<void()> go_on);
  /// Something of this session has been stopped: ends the pauses of what has been.
  void spread_stop() noexcept;
  /// To be called once for each. Afterwards the function is not running and will not be called.
  void cancel(alarm* a) noexcept;
  /// Waits for the function of this session that is being called, if there is one: the task it lets
  /// go on may have ended the session by now.
  void finish(const scheduler& session) noexcept;
  /// Nothing is to be called, nor is being called.
  bool idle() noexcept;
  ~timers();

private:
  void add(alarm* a);
  void run();

  std::mutex mutex_;
  std::condition_variable changed_, called_;
  std::set<std::pair<clock::time_point, alarm*>> alarms_;
  alarm* running_ = nullptr;
  bool ending_ = false;
  std::thread thread_;
};

} // namespace torc::detail
