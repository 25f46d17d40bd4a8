// SPDX-License-Identifier: MIT

// The machine and the operating system that the simulated threads see, in place of the C library's
// functions of these names, and what replaces the few sources of the library that need the real
// ones.

#include <algorithm>
#include <chrono>
#include <cstdarg>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>

#include "explorer.hpp"
#include "scheduler/scheduler.hpp"
#include "scheduler/topology.hpp"

extern "C" long syscall(long number, ...) noexcept {
  va_list arguments;
  va_start(arguments, number);
  if (number == SYS_membarrier) {
    if (va_arg(arguments, int) == MEMBARRIER_CMD_PRIVATE_EXPEDITED) {
      model::full_barrier();
    }
  } else if (number == SYS_futex) {
    const auto* word = va_arg(arguments, std::uint32_t*);
    const int operation = va_arg(arguments, int);
    const auto value = va_arg(arguments, std::uint32_t);
    operation == FUTEX_WAIT_PRIVATE ? model::futex_wait(word, value) : model::futex_wake(word);
  } else {
    model::fail("a system call that the model does not know");
  }
  va_end(arguments);
  return 0;
}

/// Time has passed as the explorer likes. A searching worker either finds with its first looks at
/// the clock that it may go on asking, that it may force a publication, and that it should sleep;
/// or the last at once. A search begins just after its `searching_.fetch_add`.
std::chrono::steady_clock::time_point std::chrono::steady_clock::now() noexcept {
  static constexpr microseconds times[] = {microseconds(0), microseconds(1), microseconds(50),
                                           microseconds(200)};
  unsigned& passed = model::thread_clock();
  if (model::last_was_update()) {
    passed = model::next_step(model::op::step, nullptr, 2) == 0 ? 0 : 2;
    return time_point();
  }
  passed = std::min(passed + 1, 3u);
  return time_point(times[passed]);
}

namespace torc::detail {

void order_victims(const std::vector<std::unique_ptr<worker>>& workers, const std::vector<int>&) {
  for (const auto& w : workers) {
    for (std::size_t i = 1; i < workers.size(); ++i) {
      w->victims.push_back(workers[(static_cast<std::size_t>(w->id) + i) % workers.size()].get());
    }
  }
}
core_set allowed_cores() noexcept { return {}; }
bool bind_to(const core_set&) noexcept { return true; }
std::vector<int> share_out_cores(std::size_t, std::size_t) { return {}; }
void guard_stacks() {}

} // namespace torc::detail
