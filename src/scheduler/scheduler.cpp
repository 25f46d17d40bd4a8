// SPDX-License-Identifier: MIT
#include "scheduler/scheduler.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <linux/futex.h>
#include <new>
#include <sys/syscall.h>
#include <unistd.h>

#include "scheduler/timers.hpp"

namespace torc::detail {
namespace {

/// How long everybody has to be asleep before somebody looks whether that will last.
constexpr timespec before_a_look{1, 0};

/// Until somebody wakes us, or something else does, but not beyond the limit, if there is one.
/// Whether that has passed.
bool futex_wait(atomic<std::uint32_t>& word, std::uint32_t value, const timespec* limit) noexcept {
  return syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, value, limit, nullptr, 0) != 0 &&
         errno == ETIMEDOUT;
}
void futex_wake(atomic<std::uint32_t>& word) noexcept {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

} // namespace

scheduler::scheduler(const configuration& c, front* fronts)
    : config(c), place{.first_workers = {0, c.workers}}, fibers(c.stack_size, &worker::loop) {
  if (fronts == nullptr) {
    own_fronts_ = std::make_unique<front[]>(static_cast<std::size_t>(c.workers));
    fronts = own_fronts_.get();
  }
  for (int i = 0; i < c.workers; ++i) {
    workers.push_back(std::make_unique<worker>(*this, i, fronts[i]));
  }
  cores_ = share_out_cores(workers.size(), static_cast<std::size_t>(c.cores_taken));
  order_victims(workers, cores_);
  if (c.seed) {
    seeded.emplace(*c.seed, workers);
  }
}

scheduler::~scheduler() = default;

void scheduler::start() {
  if (config.bind) {
    cores_before_ = allowed_cores();
  }
  {
    const std::lock_guard locked(making_threads_);
    for (std::size_t i = 1; i < workers.size(); ++i) {
      if (seeded) {
        seeded->begin(*workers[i], *fibers.acquire());
      } else {
        begin_thread(*workers[i]);
      }
    }
  }
  worker& w = *workers.front();
  become(w);
  w.native->tied = &w;
  enter(w.own, primary_);
}

void scheduler::begin_thread(worker& w) noexcept {
  try {
    w.thread = std::thread([this, &w] { run_worker(w); });
  } catch (const std::exception& e) {
    end_without(w, e);
  }
}

void scheduler::end_without(const worker& w, const std::exception& why) noexcept {
  std::fprintf(stderr, "torc: %sno thread for worker %d of %zu: %s (TORC_WORKERS)\n",
               place.who().c_str(), w.id, workers.size(), why.what());
  std::fflush(nullptr);
  std::_Exit(1);
}

void scheduler::drain() noexcept {
  if (std::exception_ptr error = join_submitted()) {
    report_lost(error);
  }
  outside.wait_for_children();
  parting_.store(true);
}

bool scheduler::outside_begins() noexcept {
  outside.pending.fetch_add(1); // before the look: whoever parts looks at the count afterwards
  if (parting_.load()) {
    outside.pending.fetch_sub(1);
    return false;
  }
  return true;
}

void scheduler::stop() noexcept {
  timers::get().finish(*this);
  worker& w = *workers.front();
  pop(w.own, primary_);
  stopping_.store(true, std::memory_order_release);
  for (const auto& other : workers) {
    wake(*other);
  }
  for (const auto& other : workers) {
    if (other->thread.joinable()) {
      other->thread.join();
    } else if (other.get() != &w) {
      other->own.running->frame_top = other->own.frame_top;
      fibers.release(other->own.running);
    }
  }
  resign(w);
  if (config.bind) {
    bind_to(cores_before_);
  }
}

void scheduler::run_worker(worker& w) noexcept {
  { // What one takes another thread may lack, and then it is that of which the program is to tell.
    const std::lock_guard all_made(making_threads_);
  }
  try {
    become(w);
  } catch (const std::bad_alloc& e) {
    end_without(w, e);
  }
  switch_to(*fibers.acquire(), {});
  resign(w);
}

void scheduler::become(worker& w) {
  w.native = adopt_thread();
  fibers.add(*w.native);
  w.own.running = w.native;
  if (config.bind) {
    bind(w);
  }
  guard_stacks();
  torc_front = &w.own;
}

void scheduler::bind(worker& w) noexcept {
  if (cores_.empty()) {
    return;
  }
  const int core = cores_[static_cast<std::size_t>(w.id)];
  if (!bind_to(core_set().set(static_cast<std::size_t>(core)))) {
    std::fprintf(stderr, "torc: %sTORC_BIND=core: worker %d cannot be bound to core %d: %s\n",
                 place.who().c_str(), w.id, core, std::strerror(errno));
  }
}

void scheduler::resign(worker& w) noexcept {
  torc_front = &outside_front;
  fibers.remove(*w.native);
  release_thread(w.native);
}

int scheduler::next_cyclic() noexcept {
  const auto all = static_cast<unsigned>(place.all_workers());
  return static_cast<int>((static_cast<unsigned>(place.first_worker()) +
                           cyclic_.fetch_add(1, std::memory_order_relaxed)) %
                          all);
}

int scheduler::next_local() noexcept {
  return static_cast<int>(local_.fetch_add(1, std::memory_order_relaxed) % workers.size());
}

void scheduler::send(descriptor& d, int q, bool pinned) noexcept {
  worker& w = *workers[static_cast<std::size_t>(q)];
  {
    const std::lock_guard locked(w.shared.lock);
    w.shared.add(pinned ? w.shared.pinned : w.shared.inbox, d);
  }
  has_more(w, pinned);
}

void scheduler::put_back(descriptor& child, int q) noexcept {
  worker& w = *workers[static_cast<std::size_t>(q)];
  {
    const std::lock_guard locked(w.shared.lock);
    w.shared.put_back(child);
  }
  has_more(w, false);
}

void scheduler::has_more(worker& w, bool pinned) noexcept {
  // A worker that goes to sleep says so before it looks at its queue under the lock.
  if (w.asleep.load(std::memory_order_relaxed) != 0) {
    wake(w);
  } else if (!pinned) {
    wake_one();
  }
}

void scheduler::add_ready(fiber& f) noexcept {
  {
    const std::lock_guard locked(ready_lock_);
    f.next = std::exchange(ready_, &f);
    any_ready_.store(true, std::memory_order_relaxed);
  }
  wake_one();
}

fiber* scheduler::take_ready() noexcept {
  if (!any_ready_.load(std::memory_order_relaxed)) {
    return nullptr;
  }
  const std::lock_guard locked(ready_lock_);
  fiber* const f = ready_;
  if (f != nullptr) {
    ready_ = f->next;
    any_ready_.store(ready_ != nullptr, std::memory_order_relaxed);
  }
  return f;
}

void scheduler::wake_one() noexcept {
  if (!hungry()) {
    return;
  }
  worker* w = nullptr;
  {
    const std::lock_guard locked(sleep_lock_);
    if (sleepers_.empty()) {
      return;
    }
    w = sleepers_.back();
  }
  wake(*w);
}

void scheduler::wake(worker& w) noexcept {
  if (unlist(w)) { // from here on it counts as searching
    w.asleep.store(0, std::memory_order_release);
    futex_wake(w.asleep);
  }
}

/// Takes `w` off the list of sleepers; false if it is not there.
bool scheduler::unlist(worker& w) noexcept {
  const std::lock_guard locked(sleep_lock_);
  const auto found = std::find(sleepers_.begin(), sleepers_.end(), &w);
  if (found == sleepers_.end()) {
    return false;
  }
  sleepers_.erase(found);
  sleeping_.fetch_sub(1);
  searching_.fetch_add(1);
  return true;
}

void scheduler::search_ends() noexcept {
  searching_.fetch_sub(1);
  wake_one();
}

void scheduler::sleep(worker& w) noexcept {
  bool last = false;
  {
    const std::lock_guard locked(sleep_lock_);
    w.asleep.store(1, std::memory_order_relaxed);
    sleepers_.push_back(&w);
    sleeping_.fetch_add(1);
    sleeps_.fetch_add(1);
    last = searching_.fetch_sub(1) == 1;
  }
  if (anything_for(w) || (last && sweep(w))) {
    if (unlist(w)) {
      w.asleep.store(0, std::memory_order_relaxed);
      return;
    }
    // Somebody is just waking us: wait for that.
  }
  bool look = last && deadlocked;
  while (w.asleep.load(std::memory_order_acquire) != 0) {
    if (futex_wait(w.asleep, 1, look ? &before_a_look : nullptr)) {
      look = false;
      if (at_rest()) {
        deadlocked();
      }
    }
  }
}

bool scheduler::at_rest() noexcept {
  const std::uint64_t sleeps = sleeps_.load();
  // In this order: who is woken by a timer and sleeps again has gone to sleep in between. Who says
  // that it sleeps may still have to look whether there is something to do.
  return timers::get().idle() && all_asleep() && !stopping() &&
         std::none_of(workers.begin(), workers.end(),
                      [this](const auto& w) { return anything_for(*w); }) &&
         sleeps_.load() == sleeps;
}

/// Whether there is something that only `w`, or anybody, may do, apart from stealing.
bool scheduler::anything_for(worker& w) noexcept {
  {
    const std::lock_guard locked(w.shared.lock);
    if (w.shared.mine.load(std::memory_order_relaxed) != 0 || !w.shared.looks_empty()) {
      return true;
    }
  }
  const std::lock_guard locked(ready_lock_);
  return ready_ != nullptr || stopping();
}

/// Publishes what all workers keep to themselves and leaves their guards set; whether there is
/// anything to steal. Locks are taken in the order of the workers, and nowhere else two at a time.
bool scheduler::sweep(worker& thief) noexcept {
  for (const auto& w : workers) {
    w->shared.lock.lock();
    w->own.guard.store(true, std::memory_order_relaxed);
  }
  heavy_barrier();
  bool work = false;
  for (const auto& w : workers) {
    if (w.get() != &thief) {
      w->shared.publish(w->own);
    }
    work |= !w->shared.looks_empty();
  }
  for (const auto& w : workers) {
    w->shared.lock.unlock();
  }
  return work;
}

void scheduler::spread_stop() noexcept {
  std::vector<std::stop_source> sources;
  descriptor* dropped = nullptr;
  for (const auto& w : workers) {
    w->watches.notice(sources);
    const std::lock_guard locked(w->shared.lock);
    w->own.guard.store(true, std::memory_order_relaxed); // one that is lowering it does so before
    for (leveled_list* const list : {&w->shared.inbox, &w->shared.pinned}) {
      for (descriptor* next = list->first(); next != nullptr;) {
        descriptor* const d = std::exchange(next, list->after(*next));
        if (find_stopped(d->within)) {
          w->shared.take(*list, d);
          d->shared.older = std::exchange(dropped, d);
        }
      }
    }
  }
  while (dropped != nullptr) {
    descriptor* const d = std::exchange(dropped, dropped->shared.older);
    d->ended = outcome::skipped;
    d->type->finish(*d);
  }
  for (std::stop_source& s : sources) {
    s.request_stop();
  }
  timers::get().spread_stop();
  if (outer != nullptr) {
    outer->spread_stop();
  }
}

void scheduler::force_publication(worker& victim) noexcept {
  if (victim.own.head.load(std::memory_order_relaxed) == nullptr) {
    return;
  }
  const std::unique_lock locked(victim.shared.lock, std::try_to_lock);
  if (!locked) {
    return;
  }
  const bool asked = victim.own.guard.exchange(true, std::memory_order_relaxed); // perhaps to stop
  heavy_barrier();
  victim.shared.publish(victim.own);
  victim.own.guard.store(asked || (hungry() && victim.shared.looks_empty()),
                         std::memory_order_release);
}

} // namespace torc::detail
