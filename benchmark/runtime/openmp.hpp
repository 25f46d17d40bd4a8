// SPDX-License-Identifier: MIT
#pragma once

#include "../main.hpp"

#include <omp.h>

namespace bench {

inline int run() {
  omp_set_num_threads(workers());
  return run_all();
}

/// Calls `f` on one thread of a team whose other threads execute the tasks it makes.
template <class F>
void in_team(F f) {
#pragma omp parallel
#pragma omp single
  f();
}

} // namespace bench
