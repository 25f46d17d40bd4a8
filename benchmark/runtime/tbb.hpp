// SPDX-License-Identifier: MIT
#pragma once

#include "../main.hpp"

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>

namespace bench {

/// Runs everything within an arena of that many threads, the calling one included.
inline int run() {
  using oneapi::tbb::global_control;
  const auto threads = static_cast<std::size_t>(workers());
  const global_control limit(global_control::max_allowed_parallelism, threads);
  oneapi::tbb::task_arena arena(workers());
  return arena.execute(run_all);
}

} // namespace bench
