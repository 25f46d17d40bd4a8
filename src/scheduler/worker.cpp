// SPDX-License-Identifier: MIT
#include "scheduler/worker.hpp"

#include <chrono>
#include <mutex>

#include "scheduler/code_name.hpp"
#include "scheduler/scheduler.hpp"
#include "scheduler/stop.hpp"

constinit torc::detail::front torc::detail::outside_front;
[[gnu::used]] constinit thread_local torc::detail::front* torc_front = &torc::detail::outside_front;
[[gnu::used]] char torc_may_have_switched = 0;

namespace torc::detail {
namespace {

using clock = std::chrono::steady_clock;
using std::chrono::microseconds;

// A searcher first asks (and gets an answer within nanoseconds from a victim that spawns), then
// helps itself, then sleeps. Forcing costs the victim an interrupt, waking up costs about 50 us.
constexpr microseconds patience{5};
/// How long it searches, TORC_IDLE_SPIN may say otherwise.
constexpr microseconds search_time{100};
/// The same with other ranks, whose answers take longer; and when they are asked once more.
constexpr microseconds search_time_with_ranks{500}, patience_with_ranks{50};
/// Between two rounds; 20 to 50 ns each on newer processors. Then it calls the kernel, should
/// others want the core: that takes as long as a message, so with other ranks not in every round.
constexpr int pauses = 4, rounds_with_ranks = 8;
/// A large message comes in many pieces. Half a millisecond.
constexpr int most_polls = 1000;

void recycle(fiber& left, void* pool) noexcept { static_cast<fiber_pool*>(pool)->release(&left); }

} // namespace

#if !(defined(__x86_64__) && defined(__GNUC__))
[[gnu::noinline]] front* this_front() noexcept { return torc_front; }
#endif

std::uintptr_t code_of(const descriptor& d) noexcept {
  const any_function f = d.type->code != nullptr ? d.type->code(d) : nullptr;
  return program_offset(f != nullptr ? f : reinterpret_cast<any_function>(d.type->run));
}

void worker::serve() noexcept {
  if (owner.seeded) {
    if (owner.seeded->chance(2)) {
      shared.publish(own);
    }
    owner.seeded->point();
    return;
  }
  bool work = false;
  {
    const std::lock_guard locked(shared.lock);
    shared.publish(own);
    work = !shared.looks_empty();
    // With nothing to give away a request stays, and so does what a sleeper relies on.
    const bool wanted = owner.anybody_wants() || (owner.outer != nullptr && owner.outer->wanted());
    // A stopped task is to meet a stop point at its next join.
    const bool keep = owner.config.round_trip || is_stopped(own.running->scope);
    own.guard.store((!work && wanted) || keep, std::memory_order_relaxed);
  }
  if (work) {
    owner.wake_one();
  }
  if (owner.outer != nullptr) {
    owner.outer->poll();
  }
}

void worker::suspend(after_switch action) noexcept {
  bool work = false;
  {
    // The entries must be out of every publisher's sight before the fiber can run elsewhere.
    const std::lock_guard locked(shared.lock);
    shared.publish(own);
    own.running->head = own.head.load(std::memory_order_relaxed);
    own.head.store(nullptr, std::memory_order_relaxed);
    work = !shared.looks_empty();
  }
  if (work) {
    owner.wake_one();
  }
  increment(statistics.suspended);
  switch_to(*owner.fibers.acquire(), action);
}

void worker::loop() {
  for (;;) {
    worker& w = *this_worker();
    if (fiber* f = w.next_ready()) {
      if (is_stopped(f->scope)) {
        w.own.guard.store(true, std::memory_order_relaxed);
      }
      switch_to(*f, {&recycle, &w.owner.fibers});
    } else if (descriptor* own_task = w.next_own()) {
      w.execute(*own_task, false);
    } else if (descriptor* pinned_task = w.next_pinned()) {
      w.execute(*pinned_task, true);
    } else if (w.owner.stopping() && w.id != 0) {
      switch_to(*w.native, {&recycle, &w.owner.fibers});
    } else if (descriptor* task = w.search()) {
      increment(w.statistics.stolen);
      w.execute(*task, false);
    }
  }
}

/// May return on another worker than it began on.
void worker::execute(descriptor& d, bool pinned) noexcept {
  fiber& f = *own.running;
  f.tied = pinned ? this : nullptr;
  const std::uintptr_t code = code_of(d);
  own.begun.store(code, std::memory_order_relaxed);
  f.begun.store(code, std::memory_order_relaxed);
  f.scope = d.within;
  const descriptor* parent = d.shared.parent;
  if ((parent != nullptr && parent->child_failed.load(std::memory_order_relaxed)) ||
      is_stopped(f.scope)) {
    d.ended = outcome::skipped;
  } else {
    descriptor running;
    enter(own, running);
    d.type->run(d);
    if (d.uncounted) {
      pop(*this_front(), running);
    } else {
      retire(*this_front(), running);
    }
  }
  f.scope = nullptr;
  d.type->finish(d);
}

fiber* worker::next_ready() noexcept {
  if (shared.mine.load(std::memory_order_relaxed) != 0) {
    const std::lock_guard locked(shared.lock);
    if (ready_first != nullptr) {
      shared.mine.store(shared.mine.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
      return std::exchange(ready_first, ready_first->next);
    }
  }
  return owner.take_ready();
}

void worker::add_ready(fiber& f) noexcept {
  f.next = nullptr;
  const std::lock_guard locked(shared.lock);
  (ready_first != nullptr ? ready_last->next : ready_first) = &f;
  ready_last = &f;
  shared.mine.store(shared.mine.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

descriptor* worker::next_own() noexcept {
  if (shared.looks_empty()) {
    return nullptr;
  }
  const std::lock_guard locked(shared.lock);
  return shared.take_for_owner();
}

descriptor* worker::next_pinned() noexcept {
  if (shared.mine.load(std::memory_order_relaxed) == 0) {
    return nullptr;
  }
  const std::lock_guard locked(shared.lock);
  return shared.take(shared.pinned, shared.pinned.first());
}

descriptor* worker::steal() noexcept {
  for (worker* victim : victims) {
    if (victim->shared.looks_empty()) {
      continue;
    }
    if (const std::unique_lock locked(victim->shared.lock, std::try_to_lock); locked) {
      if (descriptor* const d = victim->shared.take_for_thief()) {
        return d;
      }
    }
  }
  return nullptr;
}

void worker::ask_victims() noexcept {
  for (worker* victim : victims) {
    if (victim->shared.looks_empty() && !victim->own.guard.load(std::memory_order_relaxed)) {
      victim->own.guard.store(true, std::memory_order_relaxed);
    }
  }
}

bool worker::seek_elsewhere() noexcept {
  int polls = most_polls;
  do {
    owner.outer->seek();
  } while (owner.outer->moving() && --polls > 0);
  return owner.outer->moving();
}

descriptor* worker::search() noexcept {
  if (owner.seeded) {
    return search_seeded();
  }
  own.begun.store(0, std::memory_order_relaxed);
  owner.search_begins();
  if (owner.outer != nullptr) {
    owner.outer->search_begins();
  }
  ask_victims(); // before the clock is read: what we have just ended may let its parent spawn again
  const clock::time_point begin = clock::now();
  const bool alone = owner.outer == nullptr;
  const microseconds limit =
      owner.config.idle_spin.value_or(alone ? search_time : search_time_with_ranks);
  bool forced = false, insisted = false, tired = false;
  unsigned rounds = 0; // with ranks only: else a round changes nothing, which test/model relies on
  descriptor* found = nullptr;
  for (;;) {
    if (shared.mine.load(std::memory_order_relaxed) != 0 || !shared.looks_empty() ||
        owner.stopping()) {
      break;
    }
    found = steal();
    if (found != nullptr) {
      break;
    }
    if (fiber* f = owner.take_ready()) {
      add_ready(*f);
      break;
    }
    const auto spent = clock::now() - begin;
    if (!alone && !insisted && spent > patience_with_ranks) {
      owner.outer->insist();
      insisted = true;
    }
    const bool moving = !alone && seek_elsewhere();
    if (spent > limit && !moving) {
      tired = true;
      break;
    }
    if (!forced && spent > patience && !victims.empty()) {
      owner.force_publication(*victims[forced_next++ % victims.size()]);
      forced = true;
      continue;
    }
    ask_victims();
    for (int i = 0; i < pauses; ++i) {
      pause();
    }
    if (alone || ++rounds % rounds_with_ranks == 0) {
      std::this_thread::yield();
    }
  }
  if (!alone) {
    has_found = found != nullptr;
    owner.outer->search_ends();
    has_found = false;
    if (owner.outer->wanted()) {
      own.guard.store(true, std::memory_order_relaxed); // what we spawn first is theirs
    }
  }
  if (tired) {
    owner.sleep(*this);
  }
  owner.search_ends();
  const auto idle = std::chrono::nanoseconds(clock::now() - begin);
  statistics.idle_ns.store(statistics.idle_ns.load(std::memory_order_relaxed) +
                               static_cast<std::uint64_t>(idle.count()),
                           std::memory_order_relaxed);
  return found;
}

descriptor* worker::search_seeded() noexcept {
  owner.seeded->shuffle(victims);
  descriptor* const found = steal();
  if (found == nullptr) {
    if (fiber* f = owner.take_ready()) {
      add_ready(*f);
    }
    owner.seeded->idle();
  }
  return found;
}

namespace {

/// Calls `f` as on a thread of this session that is no worker.
template <class F>
void call_outside(F f) noexcept {
  front* const before = this_front();
  scheduler* const helped = use_scheduler(current_scheduler());
  torc_front = &outside_front;
  f();
  torc_front = before;
  use_scheduler(helped);
}

void run_or_skip(descriptor& d) noexcept {
  if (is_stopped(d.within)) {
    d.ended = outcome::skipped;
  } else {
    stop_scope* const around = change_outside_scope(d.within);
    d.type->run(d);
    change_outside_scope(around);
  }
}

} // namespace

void run_outside(descriptor& d) noexcept {
  call_outside([&d] { run_or_skip(d); });
}

void run_at_once(descriptor& d) noexcept {
  call_outside([&d] {
    run_or_skip(d);
    d.type->finish(d);
  });
}

void make_ready(fiber& f) noexcept {
  worker* here = this_worker();
  if (worker* const to = f.tied) {
    to->add_ready(f); // from here on it may run, end and serve another task
    if (to != here) {
      to->owner.wake(*to);
    }
  } else if (here != nullptr && here->own.head.load(std::memory_order_relaxed) == nullptr &&
             !here->has_found && here->shared.mine.load(std::memory_order_relaxed) == 0) {
    // No task runs here, so we are about to look for something to do. Others can take what comes on
    // top, and all if a task does, as it may be a long one.
    here->add_ready(f);
  } else {
    current_scheduler()->add_ready(f);
  }
}

} // namespace torc::detail
