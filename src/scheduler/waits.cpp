// SPDX-License-Identifier: MIT

// Waiting for submitted tasks.

#include <array>
#include <mutex>
#include <stdexcept>
#include <torc/as_completed.hpp>

#include "scheduler/baton.hpp"
#include "scheduler/code_name.hpp"
#include "scheduler/stop.hpp"
#include "scheduler/timers.hpp"
#include "scheduler/worker.hpp"

namespace torc::detail {
namespace {

/// Counts tasks that end while it lives, and posts a baton at the n-th. Those that have ended
/// before count at once.
class countdown {
public:
  explicit countdown(submitted& s) : countdown(std::array{&s}, 1) {}
  countdown(std::span<submitted* const> tasks, std::size_t n) : left_(n), entries_(tasks.size()) {
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      entry& e = entries_[i];
      e.fire = &fire;
      e.task = tasks[i];
      e.owner = this;
      if (!listen(*e.task, e)) {
        fire(e);
      }
    }
  }
  countdown(const countdown&) = delete;
  countdown& operator=(const countdown&) = delete;
  ~countdown() {
    for (entry& e : entries_) {
      unlisten(*e.task, e);
    }
  }

  /// So many more have to end; to be asked if it counts all tasks.
  std::size_t left() const noexcept { return left_.load(std::memory_order_acquire); }
  baton reached;

private:
  struct entry : listener {
    submitted* task = nullptr;
    countdown* owner = nullptr;
  };
  static void fire(listener& l) noexcept {
    countdown& c = *static_cast<entry&>(l).owner;
    if (c.left_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      c.reached.post();
    }
  }

  atomic<std::size_t> left_;
  std::vector<entry> entries_;
};

} // namespace

std::size_t wait_for_any(std::span<submitted* const> tasks) {
  if (tasks.empty()) {
    throw std::invalid_argument("torc::wait_any: no futures to wait for");
  }
  const auto first_done = [&] {
    std::size_t i = 0;
    while (i < tasks.size() && !tasks[i]->done.load(std::memory_order_acquire)) {
      ++i;
    }
    return i;
  };
  stop_point();
  if (first_done() == tasks.size()) {
    {
      countdown any(tasks, 1);
      wait_or_stop(any.reached, "any of some tasks");
    }
    stop_point();
  }
  return first_done();
}

void wait_for_one(submitted& s) noexcept {
  if (!s.done.load(std::memory_order_acquire)) {
    countdown end(s);
    wait_or_stop(end.reached, "a submitted task", code_of(s), place_offset(s.place));
  }
}

void join(submitted& s) noexcept {
  countdown end(s);
  end.reached.wait();
}

bool wait_for_all_until(std::span<submitted* const> tasks,
                        std::chrono::steady_clock::time_point deadline) {
  bool in_time = tasks.empty();
  if (!in_time) {
    countdown all(tasks, tasks.size());
    if (all.left() > 0) {
      timers& clock = timers::get();
      alarm* const at_deadline = clock.set(deadline, [&all] { all.reached.post(); });
      wait_or_stop(all.reached, "tasks, until a deadline");
      clock.cancel(at_deadline);
    }
    in_time = all.left() == 0;
  }
  stop_point();
  return in_time;
}

void completion_queue::add(entry& e) noexcept {
  e.queue = this;
  e.fire = &on_end;
  if (!listen(*e.task, e)) {
    on_end(e);
  }
}

void completion_queue::on_end(listener& l) noexcept {
  auto& e = static_cast<entry&>(l);
  completion_queue& q = *e.queue;
  const std::lock_guard locked(q.lock_);
  (q.first_ != nullptr ? q.last_->next_done : q.first_) = &e;
  q.last_ = &e;
  baton* waiting = std::exchange(q.waiting_, nullptr);
  if (waiting != nullptr) {
    waiting->post();
  }
}

completion_queue::entry& completion_queue::next() {
  stop_point();
  baton arrived;
  std::unique_lock lock(lock_);
  if (first_ == nullptr) {
    waiting_ = &arrived;
    lock.unlock();
    wait_or_stop(arrived, "the next task to end");
    lock.lock();
    waiting_ = nullptr;
    if (first_ == nullptr) {
      lock.unlock();
      throw_if_stopped();
    }
  }
  entry& e = *first_;
  first_ = e.next_done;
  return e;
}

} // namespace torc::detail
