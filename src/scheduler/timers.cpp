// SPDX-License-Identifier: MIT
#include "scheduler/timers.hpp"

#include "scheduler/baton.hpp"

namespace torc::detail {

timers& timers::get() {
  static timers instance;
  return instance;
}

timers::~timers() {
  {
    const std::lock_guard guard(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) {
    thread_.join();
  }
}

timers::alarm timers::set(clock::time_point when, baton& b) {
  const std::lock_guard guard(mutex_);
  if (!thread_.joinable()) {
    thread_ = std::thread([this] { run(); });
  }
  const alarm a = alarms_.emplace(when, &b);
  if (a == alarms_.begin()) {
    changed_.notify_one();
  }
  return a;
}

void timers::cancel(alarm a) {
  const std::lock_guard guard(mutex_);
  alarms_.erase(a);
}

void timers::run() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    const clock::time_point now = clock::now();
    clock::time_point next = clock::time_point::max();
    for (auto& [when, b] : alarms_) {
      if (when > now) {
        next = when;
        break;
      }
      if (b != nullptr) {
        b->post();
        b = nullptr; // done; its owner will take it away
      }
    }
    if (next == clock::time_point::max()) {
      changed_.wait(lock);
    } else {
      changed_.wait_until(lock, next);
    }
  }
}

} // namespace torc::detail
