// SPDX-License-Identifier: MIT
#include "runtime/statistics.hpp"

#include <cstdio>

#include "scheduler/scheduler.hpp"

namespace torc::detail {

void print_statistics(const scheduler& s) {
  std::fprintf(stderr, "torc: worker %12s %12s %12s %12s\n", "tasks run", "stolen", "suspended",
               "idle s");
  for (const auto& w : s.workers) {
    const worker_statistics& n = w->statistics;
    std::fprintf(stderr, "torc: %6d %12llu %12llu %12llu %12.3f\n", w->id,
                 static_cast<unsigned long long>(w->own.tasks_run.load(std::memory_order_relaxed)),
                 static_cast<unsigned long long>(n.stolen),
                 static_cast<unsigned long long>(n.suspended),
                 static_cast<double>(n.idle_ns) * 1e-9);
  }
}

} // namespace torc::detail
