// SPDX-License-Identifier: MIT

// The slow paths of the owner's side: somebody wants work, or a child is no longer ours.

#include <cstdio>
#include <cstdlib>
#include <cxxabi.h>
#include <torc/spawn.hpp>
#include <typeinfo>

#include "scheduler/baton.hpp"
#include "scheduler/submit_scope.hpp"
#include "scheduler/worker.hpp"

namespace torc::detail {
namespace {

/// Takes `d` out of the middle of the stack. Publishers walk the stack with the lock held.
void unlink(worker& w, descriptor& d) noexcept {
  descriptor* above = nullptr;
  for (descriptor* e = w.own.head.load(std::memory_order_relaxed); e != &d; e = e->prev) {
    above = e;
  }
  if (above != nullptr) {
    above->prev = d.prev;
  } else {
    w.own.head.store(d.prev, std::memory_order_release);
  }
}

/// Takes a published child back. False: a thief has it.
bool take_back(descriptor& d) noexcept {
  for (;;) {
    queue* home = d.shared.home.load(std::memory_order_acquire);
    if (home == nullptr) {
      return false;
    }
    home->lock.lock();
    const bool ours = d.shared.home.load(std::memory_order_relaxed) == home;
    if (ours) {
      home->take(home->children, &d);
    }
    home->lock.unlock();
    if (ours) {
      return true;
    }
  }
}

/// Waits until a stolen child has ended.
void wait_for_thief(descriptor& d) noexcept {
  if (d.shared.waiter.load(std::memory_order_acquire) != nullptr) {
    return;
  }
  baton done;
  void* expected = nullptr;
  if (d.shared.waiter.compare_exchange_strong(expected, &done, std::memory_order_acq_rel)) {
    done.wait();
  }
}

} // namespace

void push_slow(front& f) noexcept {
  if (f.self != nullptr) {
    f.self->serve();
  }
}

void pop_slow(front& f) noexcept {
  if (f.self != nullptr) {
    f.self->serve(); // above all: wait until nobody walks over the entry that is about to die
  }
}

bool claim_slow(descriptor& d) noexcept {
  worker* w = this_worker();
  if (w == nullptr) {
    return true; // outside: run it in place
  }
  w->serve(); // a publisher at work ends first; afterwards `seen` is final
  if (d.seen.load(std::memory_order_relaxed) != visibility::published || take_back(d)) {
    return true;
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
  w->shared.lock.lock();
  w->shared.publish(w->own);
  unlink(*w, d);
  enter(w->own, d);
  w->shared.lock.unlock();
  return claim_slow(d);
}

void finish_child(descriptor& d) noexcept {
  if (d.ended == outcome::error) {
    d.shared.parent->child_failed.store(true, std::memory_order_relaxed);
  }
  // From the exchange on the parent may go on, and `d` die with it.
  void* waiter = d.shared.waiter.exchange(descriptor::finished(), std::memory_order_acq_rel);
  if (waiter != nullptr) {
    static_cast<baton*>(waiter)->post();
  }
}

void settle(descriptor& d, bool skip) noexcept {
  if (d.claim.load(std::memory_order_relaxed) != claim_state::pending) {
    return;
  }
  bool run = claim(*this_front(), d);
  if (!run && d.ended == outcome::skipped && !skip) {
    enter(*this_front(), d); // a sibling had failed, but now this one is asked for
    run = true;
  }
  if (run) {
    if (skip) {
      d.ended = outcome::skipped;
      pop(*this_front(), d);
    } else {
      d.type->run(d);
      leave_unwinding(d);
    }
    d.claim.store(claim_state::joined, std::memory_order_relaxed);
  }
}

std::coroutine_handle<> next_slow(awaiting& group, promise_base& first) noexcept {
  for (promise_base* next = &first;;) {
    if (claim_slow(*next)) {
      // A thief may have seen a sibling fail.
      const bool doomed = next->seen.load(std::memory_order_relaxed) == visibility::published &&
                          next->shared.parent->child_failed.load(std::memory_order_relaxed);
      if (!group.failed && !doomed) {
        next->group = &group;
        return next->handle();
      }
      next->ended = outcome::skipped;
      pop(*this_front(), *next);
    }
    group.failed |= next->ended != outcome::value;
    if (group.pending == 0) {
      return group.parent;
    }
    --group.pending;
    next = static_cast<promise_base*>(this_front()->head.load(std::memory_order_relaxed));
    next->claim.store(claim_state::running, std::memory_order_relaxed);
  }
}

void run_skipped(descriptor& d) noexcept {
  if (d.ended == outcome::skipped) {
    enter(*this_front(), d);
    d.type->run(d);
    leave_unwinding(d);
  }
}

descriptor& running_task() noexcept {
  descriptor* d = this_front()->head.load(std::memory_order_relaxed);
  while (d->submits || d->claim.load(std::memory_order_relaxed) != claim_state::running) {
    d = d->prev;
  }
  return *d;
}

void forget_failure() noexcept {
  if (this_worker() != nullptr) {
    running_task().child_failed.store(false, std::memory_order_relaxed);
  }
}

void report_lost(const std::exception_ptr& error) noexcept {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    int status = 0;
    char* name = abi::__cxa_demangle(typeid(e).name(), nullptr, nullptr, &status);
    std::fprintf(stderr, "torc: an exception of a child task reached nobody: %s: %s\n",
                 name != nullptr ? name : typeid(e).name(), e.what());
    std::free(name);
  } catch (...) {
    std::fprintf(stderr, "torc: an exception of a child task reached nobody\n");
  }
}

} // namespace torc::detail

namespace torc {

void sync() {
  using namespace detail;
  if (this_worker() == nullptr) {
    return; // outside a task children run when they are asked for
  }
  descriptor& parent = running_task();
  descriptor* failed = nullptr; // the eldest that failed
  for (;;) {
    descriptor* d = this_front()->head.load(std::memory_order_relaxed);
    if (d->submits) {
      d = d->prev;
    }
    if (d == &parent) {
      break;
    }
    settle(*d, failed != nullptr || parent.child_failed.load(std::memory_order_relaxed));
    if (d->ended == outcome::error) {
      failed = d;
    }
  }
  std::exception_ptr error = join_submitted();
  parent.child_failed.store(false, std::memory_order_relaxed);
  if (failed != nullptr) {
    if (error) {
      report_lost(error);
    }
    failed->ended = outcome::thrown;
    std::rethrow_exception(failed->error);
  }
  if (error) {
    std::rethrow_exception(std::move(error));
  }
}

} // namespace torc
