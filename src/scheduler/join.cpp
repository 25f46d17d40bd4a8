// SPDX-License-Identifier: MIT

// The slow paths of the owner's side: somebody wants work, or a child is no longer ours.

#include <cstdio>
#include <mutex>
#include <stdexcept>
#include <torc/group.hpp>
#include <torc/spawn.hpp>
#include <typeinfo>

#include "scheduler/baton.hpp"
#include "scheduler/code_name.hpp"
#include "scheduler/exception_view.hpp"
#include "scheduler/scheduler.hpp"
#include "scheduler/stop.hpp"
#include "scheduler/submit_counter.hpp"
#include "scheduler/worker.hpp"

namespace torc::detail {
namespace {

/// Takes `d` out of the middle of the stack. Publishers walk the stack with the lock held. It is
/// not there if it has been spawned before this thread has become a worker.
void unlink(worker& w, descriptor& d) noexcept {
  descriptor* above = nullptr;
  for (descriptor* e = w.own.head.load(std::memory_order_relaxed); e != &d; e = e->prev) {
    if (e == nullptr) {
      return;
    }
    above = e;
  }
  if (above != nullptr) {
    above->prev = d.prev;
  } else {
    w.own.head.store(d.prev, std::memory_order_release);
  }
}

/// `action(home)` for the queue that holds a published child, with its lock held. False: a thief
/// has the child.
template <class Action>
bool with_home(descriptor& d, Action action) noexcept {
  for (;;) {
    queue* home = d.shared.home.load(std::memory_order_acquire);
    if (home == nullptr) {
      return false;
    }
    const std::lock_guard locked(home->lock);
    if (d.shared.home.load(std::memory_order_relaxed) == home) {
      action(*home);
      return true;
    }
  }
}

/// Takes a published child back. False: a thief has it.
bool take_back(descriptor& d) noexcept {
  return with_home(d, [&d](queue& home) { home.take(home.children, &d); });
}

/// The newest task that runs, from this entry on.
descriptor& running_entry(descriptor* d) noexcept {
  while (d->submits || d->claim.load(std::memory_order_relaxed) != claim_state::running) {
    d = d->prev;
  }
  return *d;
}

/// Waits until a stolen child has ended.
void wait_for_thief(descriptor& d) noexcept {
  if (d.shared.waiter.load(std::memory_order_acquire) != nullptr) {
    return;
  }
  baton done;
  void* expected = nullptr;
  if (d.shared.waiter.compare_exchange_strong(expected, &done, std::memory_order_acq_rel)) {
    done.wait("its child", code_of(d));
  }
}

} // namespace

void serve_slow(front& f) noexcept {
  if (f.self != nullptr) {
    f.self->serve(); // above all: wait until nobody walks over an entry that is about to die
  }
}

void leave_slow(descriptor& d) {
  if (this_front()->head.load(std::memory_order_relaxed) == d.prev) { // it is off the stack already
    serve_slow(*this_front());
    return;
  }
  std::exception_ptr error = join_submitted();
  if (error) {
    child_threw(d, error);
  }
  retire(*this_front(), d);
  if (error) {
    d.fail(std::move(error));
    rethrow_failure(d);
  }
}

bool claim_slow(descriptor& d) noexcept {
  worker* w = this_worker();
  if (w == nullptr) {
    return true; // outside: run it in place
  }
  w->serve(); // a publisher at work ends first; afterwards `seen` is final
  if (d.seen.load(std::memory_order_relaxed) != visibility::published || take_back(d)) {
    if (!is_stopped(this_scope())) [[likely]] {
      return true;
    }
    d.ended = outcome::skipped;
    pop(*this_front(), d);
    d.claim.store(claim_state::joined, std::memory_order_relaxed);
    return false;
  }
  wait_for_thief(d);
  pop(*this_front(), d);
  d.claim.store(claim_state::joined, std::memory_order_relaxed);
  return false;
}

bool claim_any(descriptor& d) noexcept {
  if (d.claim.load(std::memory_order_relaxed) != claim_state::pending) {
    return false; // joined before, by sync()
  }
  worker* w = this_worker();
  if (w == nullptr) {
    d.claim.store(claim_state::running, std::memory_order_relaxed);
    return true;
  }
  // Younger siblings are pending above it. Publish them all, since no publisher looks below an
  // entry that has been seen, make this one the newest, and go on as usual.
  {
    const std::lock_guard locked(w->shared.lock);
    w->shared.publish(w->own);
    unlink(*w, d);
    enter(w->own, d);
  }
  return claim_slow(d);
}

bool keep_pending(descriptor& d) noexcept {
  worker* w = this_worker();
  if (w == nullptr) {
    return true; // outside: nobody else could
  }
  if (d.claim.load(std::memory_order_relaxed) != claim_state::pending) {
    return false; // run in place, by sync()
  }
  if (w->own.guard.load(std::memory_order_acquire)) {
    w->serve(); // as in claim_slow
    if (is_stopped(this_scope())) {
      return false;
    }
  }
  if (d.seen.load(std::memory_order_relaxed) != visibility::published) {
    return true;
  }
  // Ours alone again, unless somebody is about to take it.
  const bool hide = !w->owner.anybody_wants() && w->own.head.load(std::memory_order_relaxed) == &d;
  return with_home(d, [w, &d, hide](queue& home) {
    if (hide && &home == &w->shared) { // with the lock of those who would publish it
      home.take(home.children, &d);
      d.seen.store(visibility::owner_only, std::memory_order_relaxed);
    }
  });
}

void finish_child(descriptor& d) noexcept {
  if (d.ended == outcome::error) {
    descriptor& parent = *d.shared.parent;
    parent.child_failed.store(true, std::memory_order_relaxed);
    if (group_scope* const g = as_group(parent)) {
      g->fail(d.error, nullptr);
    }
  }
  // From the exchange on the parent may go on, and `d` die with it.
  void* waiter = d.shared.waiter.exchange(descriptor::finished(), std::memory_order_acq_rel);
  if (waiter != nullptr) {
    static_cast<baton*>(waiter)->post();
  }
}

void settle(descriptor& d, bool skip) noexcept {
  // Unless it has been joined before, by sync().
  bool run =
      d.claim.load(std::memory_order_relaxed) == claim_state::pending && claim(*this_front(), d);
  if (!run && d.ended == outcome::skipped && !skip && !is_stopped(this_scope())) {
    // A sibling had failed, but now this one is asked for. Nobody has walked below it here.
    d.seen.store(visibility::owner_only, std::memory_order_relaxed);
    enter(*this_front(), d);
    run = true;
  }
  if (run) {
    if (skip) {
      d.ended = outcome::skipped;
      pop(*this_front(), d);
    } else {
      d.type->run(d);
      if (d.ended == outcome::error) {
        child_threw(d, d.error);
      }
      leave_unwinding(d);
    }
    d.claim.store(claim_state::joined, std::memory_order_relaxed);
    d.seen.store(visibility::passed,
                 std::memory_order_relaxed); // so that its owner looks at `claim`
  }
}

std::coroutine_handle<> serve_and_resume(promise_base& next) noexcept {
  serve_slow(*this_front());
  return next.handle();
}

std::coroutine_handle<> start_slow(promise_base& parent, promise_base& oldest,
                                   promise_base& last) noexcept {
  if (oldest.prev != &parent) { // also on a thread that is no worker
    oldest.awaited_as = await_kind::above_others;
    oldest.parent = &parent;
  }
  return serve_and_resume(last);
}

std::coroutine_handle<> next_slow(promise_base& first) noexcept {
  promise_base& parent = first.awaiting();
  for (promise_base* next = &first;;) {
    if (claim_slow(*next)) {
      if (!parent.child_failed.load(std::memory_order_relaxed)) {
        return next->handle();
      }
      next->ended = outcome::skipped;
      pop(*this_front(), *next);
    }
    if (next->ended != outcome::value) {
      parent.child_failed.store(true, std::memory_order_relaxed);
    }
    if (!next->is_after_older()) {
      return parent.handle();
    }
    next = &next->below();
    next->claim.store(claim_state::running, std::memory_order_relaxed);
  }
}

descriptor& running_task() noexcept {
  return running_entry(this_front()->head.load(std::memory_order_relaxed));
}

descriptor* join_children(descriptor& parent) noexcept {
  for (descriptor* failed = nullptr;;) {
    descriptor* d = this_front()->head.load(std::memory_order_relaxed);
    if (d->submits) {
      d = d->prev;
    }
    if (d == &parent) {
      return failed;
    }
    settle(*d, failed != nullptr || parent.child_failed.load(std::memory_order_relaxed));
    if (d->ended == outcome::error) {
      failed = d;
    }
  }
}

void forget_failure() noexcept {
  if (this_worker() != nullptr) {
    running_task().child_failed.store(false, std::memory_order_relaxed);
  }
}

namespace {
/// Throws the failure of a child of the running task.
[[noreturn]] void throw_to_parent(std::exception_ptr error) {
  if (this_worker() != nullptr) {
    descriptor& parent = running_task();
    parent.child_failed.store(false, std::memory_order_relaxed);
    if (group_scope* const g = as_group(parent)) {
      g->tell(error);
    }
  }
  std::rethrow_exception(std::move(error));
}
} // namespace

void rethrow_failure(descriptor& d) {
  if (d.ended == outcome::skipped) {
    d.ended = outcome::none;
    throw_if_stopped();
    throw cancelled();
  }
  std::exception_ptr error = d.take_error();
  if (is_cancelled(error)) {
    throw_if_stopped(); // perhaps for a better reason
  }
  throw_to_parent(std::move(error));
}

void throw_taken() { throw std::logic_error("torc::child: its result has been taken before"); }

void child_threw(descriptor& d, const std::exception_ptr& e) noexcept {
  if (this_worker() == nullptr || this_scope()->is != stop_scope::kind::group) {
    return;
  }
  if (group_scope* const g = as_group(running_entry(d.prev))) {
    g->fail(e, nullptr);
  }
}

void leave_failing(descriptor& d) {
  std::exception_ptr error = std::current_exception();
  child_threw(d, error);
  leave_unwinding(d);
  d.fail(std::move(error));
  rethrow_failure(d);
}

bool is_cancelled(const std::exception_ptr& error) noexcept {
  return error && *error.__cxa_exception_type() == typeid(cancelled);
}

namespace {
/// Whether a group that the calling code is in is to tell of it.
bool is_known(const std::exception_ptr& error) noexcept {
  for (stop_scope* s = this_scope(); s != nullptr && s->is == stop_scope::kind::group;
       s = s->parent) {
    if (static_cast<group_scope*>(s)->knows(error)) {
      return true;
    }
  }
  return false;
}
} // namespace

void report_lost(const std::exception_ptr& error, const void* place) noexcept {
  const session_use session; // a future may outlive it
  if (is_cancelled(error) || is_known(error)) {
    return; // whoever stopped the task, or the group, tells
  }
  const scheduler* const here = current_scheduler();
  std::fprintf(stderr, "torc: %san exception of a child task reached nobody: %s%s\n",
               here != nullptr ? here->place.who().c_str() : "", text_of(error).c_str(),
               submitted_in(place_offset(place)).c_str());
}

} // namespace torc::detail

namespace torc {

void sync() {
  using namespace detail;
  if (this_worker() == nullptr) {
    return; // outside a task children run when they are asked for
  }
  descriptor& parent = running_task();
  descriptor* const failed = join_children(parent);
  std::exception_ptr error = join_submitted();
  parent.child_failed.store(false, std::memory_order_relaxed);
  if (failed != nullptr) {
    failed->ended = outcome::thrown;
    if (error) {
      report_lost(error);
    }
    error = failed->error;
  }
  if (!error || is_cancelled(error)) {
    stop_point();
  }
  if (error) {
    throw_to_parent(std::move(error));
  }
}

} // namespace torc
