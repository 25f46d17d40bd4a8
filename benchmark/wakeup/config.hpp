// SPDX-License-Identifier: MIT
#pragma once

#include "../meeting.hpp"

/// From the spawn of a child to its start on another worker, after 10 ms in which there was nothing
/// to do: the other worker sleeps and must be woken.
namespace wakeup {

/// `meet` runs the two tasks of a meeting in parallel and joins them.
template <class Meet>
void add(Meet meet) {
  bench::add_self_timed("wakeup", [=](benchmark::State& state) {
    bench::measure_median(state, 100, [=] {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      bench::meeting m;
      const double start = bench::now();
      meet(m);
      return m.begun() - start;
    });
  });
}

} // namespace wakeup
