// SPDX-License-Identifier: MIT
#include <torc/group.hpp>

#include <mutex>
#include <stdexcept>

#include "scheduler/scheduler.hpp"
#include "scheduler/stop.hpp"
#include "scheduler/timers.hpp"

namespace torc::detail {

group_scope* as_group(descriptor& d) noexcept {
  return d.group ? static_cast<group_scope*>(&d) : nullptr;
}

group_scope* outside_group() noexcept {
  stop_scope* const s = outside_scope();
  return s != nullptr && s->is == stop_scope::kind::group ? static_cast<group_scope*>(s) : nullptr;
}

group_scope::group_scope() noexcept : stop_scope(this_scope(), kind::group) {
  descriptor::group = 1;
}

void group_scope::open(clock::time_point deadline) {
  worker* const w = this_worker();
  if (w == nullptr) {
    if (current_scheduler() != nullptr) {
      throw std::logic_error("torc::group: opened on a thread that is no worker; groups are for "
                             "tasks");
    }
    set_alarm(deadline);
    change_outside_scope(this);
    return;
  }
  set_alarm(deadline);
  opener = this_fiber();
  // What is pending so far belongs to the outer scope: publishers are to see that before the inner
  // one begins.
  {
    const std::lock_guard locked(w->shared.lock);
    w->shared.publish(w->own);
  }
  enter(w->own, *this);
  opener->scope = this;
}

void group_scope::set_alarm(clock::time_point deadline) {
  const auto ring = [this] {
    fail(std::make_exception_ptr(timed_out("torc::group: the deadline has passed")), nullptr);
  };
  if (deadline <= clock::now()) {
    ring();
  } else if (deadline != clock::time_point::max()) {
    alarm_ = timers::get().set(deadline, ring);
  }
}

void group_scope::fail(std::exception_ptr why, submitted* by) noexcept {
  if (is_cancelled(why) && is_stopped(parent)) {
    return; // we are stopped anyway, and there is a better reason
  }
  {
    const std::lock_guard locked(lock_);
    if (std::exchange(failed_, true)) {
      return;
    }
    told_ = !why;
    cause_ = std::move(why);
    if (by != nullptr) {
      retain(*by);
      culprit_ = by;
    }
  }
  stop(*this, stop_state::cancelled);
}

bool group_scope::knows(const std::exception_ptr& failure) noexcept {
  const std::lock_guard locked(lock_);
  return cause_ == failure;
}

void group_scope::tell(const std::exception_ptr& failure) {
  bool others = false;
  {
    const std::lock_guard locked(lock_);
    others = cause_ && cause_ != failure;
  }
  if (others) {
    report_lost(failure);
    rethrow();
  }
  if (knows(failure)) {
    told();
  }
}

void group_scope::told() noexcept {
  {
    const std::lock_guard locked(lock_);
    told_ = true;
  }
  if (culprit_ != nullptr) {
    culprit_->asked.store(true, std::memory_order_relaxed);
  }
}

void group_scope::rethrow() {
  told();
  if (cause_) {
    std::rethrow_exception(cause_);
  }
  throw cancelled();
}

void group_scope::wait() {
  if (opener != nullptr && (this_worker() == nullptr || &running_task() != this)) {
    throw std::logic_error(
        "torc::group::wait: called in another task, or inside of an inner group");
  }
  sync();
  stop_point();
}

void group_scope::close(bool unwinding) {
  if (unwinding) {
    fail(nullptr, nullptr);
  }
  std::exception_ptr other; // of a task that has failed after the group has
  if (opener != nullptr) {
    join_children(*this);
    other = join_submitted();
  }
  if (alarm_ != nullptr) {
    timers::get().cancel(alarm_);
  }
  if (opener != nullptr) {
    opener->scope = parent;
    pop(*this_front(), *this);
  } else {
    change_outside_scope(parent);
  }
  const bool news = cause_ && !told_;
  told();
  if (other && other != cause_) {
    report_lost(other);
  }
  const std::exception_ptr cause = std::move(cause_);
  if (culprit_ != nullptr) {
    release(*culprit_);
  }
  if (unwinding) {
    if (news) {
      report_lost(cause);
    }
    return;
  }
  if (news) {
    std::rethrow_exception(cause);
  }
  stop_point();
}

} // namespace torc::detail
