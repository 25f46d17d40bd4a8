// SPDX-License-Identifier: MIT

// Sleeping until a message comes, and looking now and then while tasks run.

#include <algorithm>
#include <climits>
#include <linux/futex.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ranks/engine.hpp"
#include "scheduler/scheduler.hpp"

namespace torc::detail {
namespace {

/// How often the helper looks while tasks run and ranks wait for work, or there are ranks on other
/// hosts, which cannot ring; and otherwise. Each look takes 20 us of some core.
constexpr std::chrono::microseconds wanted_period{1000}, busy_period{2000};
/// How long it sleeps at most when nothing runs; those of this host ring, others do not.
constexpr std::chrono::microseconds idle_period{100'000}, idle_period_far{2'000};
/// ... and after a message; then ever longer, by this factor. MPI may have taken a message without
/// being able to deliver it yet, when its sender rings, and does not tell: it goes on when either
/// side looks again.
constexpr std::chrono::microseconds first_idle_period{100};
constexpr int longer = 4;
/// How long while large messages come or go.
constexpr std::chrono::microseconds moving_period{20};

/// The bell may be rung by another process, so these are not the private kind.
void futex_wait(atomic<std::uint32_t>& word, std::uint32_t value,
                std::chrono::nanoseconds limit) noexcept {
  const timespec t{limit.count() / 1'000'000'000, limit.count() % 1'000'000'000};
  syscall(SYS_futex, &word, FUTEX_WAIT, value, &t, nullptr, 0);
}

} // namespace

void ring(rank_page& page) noexcept {
  page.bell.fetch_add(1);
  syscall(SYS_futex, &page.bell, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

/// The helper sleeps until somebody rings, or for a period: short while tasks run, in which nobody
/// looks at messages, long when nothing runs.
void rank_engine::help() {
  use_scheduler(&scheduler_);
  prctl(PR_SET_TIMERSLACK, 1000);
  const bool one_host = host_map_.near(rank) == host_map_.ranks();
  const std::chrono::microseconds longest = one_host ? idle_period : idle_period_far;
  std::chrono::microseconds idle = longest;
  for (std::uint32_t heard = page_.bell.load(); !ending_.load(); heard = page_.bell.load()) {
    if (scheduler_.all_asleep()) {
      page_.asleep.store(1);
      progress(true); // a sender that does not see us asleep has sent before this
      idle = news_.exchange(false) ? first_idle_period : std::min(longer * idle, longest);
      if (!moving()) {
        futex_wait(page_.bell, heard, idle);
      }
      for (int polls = 1000; moving() && polls > 0; --polls) { // a message comes in many pieces
        progress(false);
      }
      std::this_thread::yield();
      page_.asleep.store(0);
    } else {
      futex_wait(page_.bell, heard,
                 moving() && page_.pollers.load() == 0 ? moving_period
                 : wanted() || !one_host               ? wanted_period
                                                       : busy_period);
    }
    if (page_.pollers.load() == 0) {
      tick();
    }
    watch();
    suspect();
  }
}

/// Workers that have not served since the last tick sit in a long task: what they keep to
/// themselves can be had by force only.
void rank_engine::tick() {
  progress(scheduler_.all_asleep());
  if (!token_.exchange(true)) {
    const bool wanted = protocol_.wanted();
    for (std::size_t i = 0; i < scheduler_.workers.size(); ++i) {
      atomic<bool>& guard = scheduler_.workers[i]->own.guard;
      forced_[i] = std::max(0, forced_[i] - 1);
      if (!guard.load(std::memory_order_relaxed)) {
        forced_[i] = 0;
        if (wanted) {
          guard.store(true, std::memory_order_relaxed);
        }
      }
    }
    token_.store(false);
    progress(false);
  }
}

} // namespace torc::detail
