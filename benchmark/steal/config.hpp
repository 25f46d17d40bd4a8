// SPDX-License-Identifier: MIT
#pragma once

#include "../meeting.hpp"

/// From the spawn of a child that another, wide awake worker steals to the end of the join.
namespace steal {

/// `meet` runs the two tasks of a meeting in parallel and joins them.
template <class Meet>
void add(Meet meet) {
  bench::add_self_timed("steal", [=](benchmark::State& state) {
    bench::measure_median(state, 5000, [=] {
      bench::meeting m;
      const double start = bench::now();
      meet(m);
      return bench::now() - start;
    });
  });
}

} // namespace steal
