// SPDX-License-Identifier: MIT
#include <torc/detail/submitted.hpp>

#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <torc/group.hpp>
#include <torc/submit.hpp>

#include "scheduler/code_name.hpp"
#include "scheduler/scheduler.hpp"
#include "scheduler/submit_counter.hpp"
#include "scheduler/timers.hpp"

namespace torc::detail {

void retain(submitted& s) noexcept { s.references.fetch_add(1, std::memory_order_relaxed); }

void release(submitted& s) noexcept {
  if (s.references.fetch_sub(1, std::memory_order_acq_rel) != 1) {
    return;
  }
  if (s.ended == outcome::error) {
    if (std::exception_ptr error = s.take_error(); !s.asked.load(std::memory_order_relaxed)) {
      report_lost(error, s.place);
    }
  }
  delete &s;
}

namespace {

void check_range(const char* what, int id, int there_are) {
  if (id < 0 || id >= there_are) {
    throw std::out_of_range(std::string("torc::submit: there is no ") + what + " " +
                            std::to_string(id) + "; they are 0 to " +
                            std::to_string(there_are - 1));
  }
}

} // namespace

destination resolve(placement where) {
  scheduler* const s = current_scheduler();
  const bool by_rank = where.to == placement::target::rank;
  if (by_rank) {
    check_range("rank", where.id, s != nullptr ? s->place.ranks() : 1);
  } else if (where.to == placement::target::worker) {
    check_range("worker", where.id, s != nullptr ? s->place.all_workers() : 1);
  }
  if (s == nullptr) {
    return {};
  }
  if (by_rank) {
    const bool ours = where.id == s->place.rank;
    return {where.id, ours ? s->place.first_worker() + s->next_local() : -1};
  }
  const int q = where.to == placement::target::worker ? where.id : s->next_cyclic();
  return {s->place.rank_of(q), q};
}

destination resolve(local_placement where) {
  scheduler* const s = current_scheduler();
  const bool anywhere = where.id == local_placement::submitter;
  if (!anywhere) {
    check_range("worker of this process", where.id,
                s != nullptr ? static_cast<int>(s->workers.size()) : 1);
  }
  if (s == nullptr) {
    return {};
  }
  const worker* const sender = this_worker();
  const int local = !anywhere ? where.id : sender != nullptr ? sender->id : s->next_local();
  return {s->place.rank, s->place.first_worker() + local};
}

namespace {

/// Makes `s` a child of the running task, or of nobody if it is detached or there is no task.
void count_in(submitted& s, scheduler& from) {
  const bool in_task = this_worker() != nullptr;
  if (in_task && s.options.is_detached && from.outside_begins()) {
    s.counter = &from.outside;
    s.parent = &from.root;
  } else { // what is detached while this rank parts is waited for after all
    s.counter = in_task ? &this_submit_counter() : &from.outside;
    s.counter->pending.fetch_add(1, std::memory_order_relaxed);
  }
  s.number = s.counter->count.fetch_add(1, std::memory_order_relaxed);
}

/// Of one that is sent to this process.
bool runs_at_once(const submitted& s) noexcept { return s.to.rank < 0 || s.options.is_direct; }

/// To a worker of this process.
void send_here(submitted& s) noexcept {
  if (runs_at_once(s)) {
    run_at_once(s);
  } else {
    scheduler& from = *current_scheduler();
    from.send(s, s.to.worker - from.place.first_worker(), s.options.is_pinned);
  }
}

/// A callback in the list of those who listen, which does not fire.
struct callback_entry : listener {
  explicit callback_entry(submitted& t) noexcept : task(t) {}
  submitted& task;
};

bool is_for_us(const submitted& s) noexcept {
  return s.to.rank < 0 || s.to.rank == current_scheduler()->place.rank;
}

void send_off(submitted& s) {
  if (is_for_us(s)) {
    send_here(s);
  } else {
    current_scheduler()->outer->ship(s, s.to.rank, s.to.worker);
  }
}

bool is_stopped_by_others(const submitted& s) noexcept {
  return s.state.load() == stop_state::cancelled || is_stopped(s.parent);
}

/// Makes a task that has failed as if it had not run, and runs it once more, here and now (true) or
/// elsewhere or later (false).
bool try_again(submitted& s) {
  --s.options.retries;
  s.take_error();
  s.within = &s;
  s.forget_token();
  stop_state late = stop_state::timed_out;
  s.state.compare_exchange_strong(late, stop_state::going);
  if (scheduler* const from = current_scheduler()) {
    from->retried.fetch_add(1, std::memory_order_relaxed);
    const int ranks = from->place.ranks();
    if (ranks > 1 && s.type->remote != nullptr && !s.options.is_pinned) {
      s.to.rank = (s.to.rank + 1) % ranks;
      const bool ours = s.to.rank == from->place.rank;
      s.to.worker = ours ? from->place.first_worker() + from->next_local() : -1;
    }
  }
  const std::chrono::nanoseconds pause = s.options.back_off;
  s.options.back_off = pause <= pause.max() / 2 ? 2 * pause : pause.max();
  if (pause.count() > 0 && s.to.rank >= 0) {
    s.options.is_direct = false; // the thread of the timers has others to call
    timers::get().pause(s, deadline_in(pause), [&s] {
      if (is_stopped_by_others(s)) {
        s.ended = outcome::skipped;
        finish_submitted(s);
      } else {
        send_off(s);
      }
    });
    return false;
  }
  if (!is_for_us(s) || !runs_at_once(s)) {
    send_off(s);
    return false;
  }
  std::this_thread::sleep_until(deadline_in(pause)); // without a session
  run_outside(s);
  return true;
}

} // namespace

[[gnu::noinline]] void send(submitted& s, destination to) {
  s.place = __builtin_return_address(0);
  if (scheduler* const from = current_scheduler()) {
    count_in(s, *from);
  }
  s.to = to;
  send_off(s);
}

void send_after(submitted& s, submitted& callback, destination to) {
  if (scheduler* const from = current_scheduler()) {
    count_in(callback, *from);
  }
  callback.to = to;
  auto* const entry = new callback_entry(callback);
  if (!listen(s, *entry)) {
    delete entry;
    send_here(callback);
  }
}

void finish_submitted(descriptor& d) noexcept {
  auto& s = static_cast<submitted&>(d);
  while (s.ended == outcome::error) {
    if (is_stopped_by_others(s)) { // then that is how it ends, whatever it has thrown
      report_lost(s.take_error());
      s.fail(cancelled_error());
      break;
    }
    if (s.options.retries == 0) {
      s.ignore_failure();
      break;
    }
    if (!try_again(s)) {
      return;
    }
  }
  if (s.keeps || s.ended == outcome::skipped) {
    s.drop();
  }
  if (s.ended == outcome::skipped) {
    s.fail(cancelled_error());
  }
  if (s.ended == outcome::error) {
    if (s.counter != nullptr) {
      s.counter->child_failed(s);
    } else if (group_scope* const group = outside_group()) {
      group->fail(s.error, &s);
    }
  }
  s.forget_token(); // it may outlive the scopes that it is in, and the session
  listener* callbacks = nullptr;
  {
    const std::lock_guard locked(s.lock);
    s.done.store(true, std::memory_order_release);
    while (s.listeners != nullptr) { // the newest first
      listener& l = *s.listeners;
      s.listeners = l.next;
      if (l.fire != nullptr) {
        l.fire(l); // with the lock held, so that `unlisten` returns only afterwards
      } else {
        l.next = std::exchange(callbacks, &l);
      }
    }
  }
  while (callbacks != nullptr) {
    const std::unique_ptr<callback_entry> c(static_cast<callback_entry*>(callbacks));
    callbacks = c->next;
    send_here(c->task);
  }
  if (s.counter != nullptr) {
    s.counter->child_ended(s);
  }
  release(s);
}

bool listen(submitted& s, listener& l) noexcept {
  const std::lock_guard locked(s.lock);
  if (s.done.load(std::memory_order_relaxed)) {
    return false;
  }
  l.next = s.listeners;
  l.previous = nullptr;
  if (l.next != nullptr) {
    l.next->previous = &l;
  }
  s.listeners = &l;
  return true;
}

void unlisten(submitted& s, listener& l) noexcept {
  const std::lock_guard locked(s.lock);
  if (s.done.load(std::memory_order_relaxed)) {
    return;
  }
  if (l.next != nullptr) {
    l.next->previous = l.previous;
  }
  (l.previous != nullptr ? l.previous->next : s.listeners) = l.next;
}

} // namespace torc::detail
