// SPDX-License-Identifier: MIT
#include "scheduler/baton.hpp"

#include "scheduler/worker.hpp"

namespace torc::detail {

void baton::wait(const char* what, std::uintptr_t awaited, std::uintptr_t place) noexcept {
  if (state_.load(std::memory_order_acquire) == posted) {
    return;
  }
  if (worker* w = this_worker()) {
    fiber& f = *w->own.running;
    f.awaited.store(awaited, std::memory_order_relaxed);
    f.awaited_place.store(place, std::memory_order_relaxed);
    f.waits_for.store(what, std::memory_order_release);
    w->suspend({&park, this});
    f.waits_for.store(nullptr, std::memory_order_relaxed);
    this_front()->begun.store(f.begun.load(std::memory_order_relaxed), std::memory_order_relaxed);
  } else {
    state_.wait(empty, std::memory_order_acquire);
  }
}

void baton::park(fiber& left, void* self) noexcept {
  // Posted meanwhile, or the poster finds the fiber. Until then `left` keeps the baton alive.
  std::uintptr_t expected = empty;
  if (!static_cast<baton*>(self)->state_.compare_exchange_strong(
          expected, reinterpret_cast<std::uintptr_t>(&left), std::memory_order_acq_rel)) {
    make_ready(left);
  }
}

void baton::post() noexcept {
  const std::uintptr_t before = state_.exchange(posted, std::memory_order_acq_rel);
  if (before == empty) {
    state_.notify_all(); // a thread may block; only the address is used, the baton may be gone
  } else if (before != posted) {
    make_ready(*reinterpret_cast<fiber*>(before));
  }
}

} // namespace torc::detail
