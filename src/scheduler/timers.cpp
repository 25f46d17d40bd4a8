// SPDX-License-Identifier: MIT
#include "scheduler/timers.hpp"

#include "scheduler/scheduler.hpp"

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

alarm* timers::set(clock::time_point when, std::function<void()> action, bool for_good) {
  const std::lock_guard guard(mutex_);
  if (!thread_.joinable()) {
    thread_ = std::thread([this] { run(); });
  }
  auto* const a = new alarm{when, std::move(action), current_scheduler(), for_good};
  const auto place = alarms_.emplace(when, a).first;
  if (place == alarms_.begin()) {
    changed_.notify_one();
  }
  return a;
}

void timers::cancel(alarm* a) noexcept {
  std::unique_lock lock(mutex_);
  if (alarms_.erase({a->when, a}) == 0) {
    called_.wait(lock, [=, this] { return running_ != a; });
  }
  delete a;
}

bool timers::idle() noexcept {
  const std::lock_guard guard(mutex_);
  return alarms_.empty() && running_ == nullptr;
}

void timers::run() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    if (alarms_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const auto [when, a] = *alarms_.begin();
    if (when > clock::now()) {
      changed_.wait_until(lock, when);
      continue;
    }
    alarms_.erase(alarms_.begin());
    running_ = a;
    lock.unlock();
    use_scheduler(a->session);
    a->action();
    use_scheduler(nullptr);
    lock.lock();
    running_ = nullptr;
    if (a->for_good) {
      delete a;
    }
    called_.notify_all();
  }
}

} // namespace torc::detail
