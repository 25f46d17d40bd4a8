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
    const std::lock_guard locked(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void timers::add(alarm* a) {
  if (!thread_.joinable()) {
    thread_ = std::thread([this] { run(); });
  }
  const auto place = alarms_.emplace(a->when, a).first;
  if (place == alarms_.begin()) {
    changed_.notify_one();
  }
}

alarm* timers::set(clock::time_point when, std::function<void()> action) {
  auto* const a = new alarm{when, std::move(action), current_scheduler()};
  const std::lock_guard locked(mutex_);
  add(a);
  return a;
}

void timers::pause(stop_scope& s, clock::time_point when, std::function<void()> go_on) {
  auto* const a = new alarm{when, std::move(go_on), current_scheduler(), &s};
  const std::lock_guard locked(mutex_);
  if (is_stopped(&s)) { // perhaps too early for `spread_stop` to see it
    a->when = clock::time_point::min();
  }
  add(a);
}

void timers::spread_stop() noexcept {
  const std::lock_guard locked(mutex_);
  for (auto next = alarms_.begin(); next != alarms_.end();) {
    const auto here = next++;
    alarm* const a = here->second;
    if (a->paused != nullptr && a->session == current_scheduler() && find_stopped(a->paused)) {
      auto moved = alarms_.extract(here);
      moved.value().first = a->when = clock::time_point::min();
      alarms_.insert(std::move(moved));
      changed_.notify_one();
    }
  }
}

void timers::cancel(alarm* a) noexcept {
  std::unique_lock lock(mutex_);
  if (alarms_.erase({a->when, a}) == 0) {
    called_.wait(lock, [=, this] { return running_ != a; });
  }
  delete a;
}

void timers::finish(const scheduler& session) noexcept {
  std::unique_lock lock(mutex_);
  called_.wait(lock, [&] { return running_ == nullptr || running_->session != &session; });
}

bool timers::idle() noexcept {
  const std::lock_guard locked(mutex_);
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
    if (a->paused != nullptr) {
      delete a;
    }
    called_.notify_all();
  }
}

} // namespace torc::detail
