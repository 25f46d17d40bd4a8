// SPDX-License-Identifier: MIT
#include "runtime/statistics.hpp"

#include <cstdio>

#include "ranks/engine.hpp"
#include "scheduler/scheduler.hpp"

namespace torc::detail {

void print_statistics(const scheduler& s) {
  std::fprintf(stderr, "torc: worker %12s %12s %12s %12s\n", "tasks run", "stolen", "suspended",
               "idle s");
  for (const auto& w : s.workers) {
    const worker_statistics& n = w->statistics;
    const std::uint64_t stolen = n.stolen, suspended = n.suspended, idle_ns = n.idle_ns;
    std::fprintf(stderr, "torc: %6d %12llu %12llu %12llu %12.3f\n", w->id,
                 static_cast<unsigned long long>(w->own.tasks_run.load(std::memory_order_relaxed)),
                 static_cast<unsigned long long>(stolen),
                 static_cast<unsigned long long>(suspended), static_cast<double>(idle_ns) * 1e-9);
  }
}

void print_statistics(const std::vector<rank_statistics>& ranks) {
  using number = unsigned long long;
  std::fprintf(stderr, "torc: rank workers %10s %10s %10s %9s %9s %9s %9s %10s %9s\n", "created",
               "executed", "in process", "near", "far", "requests", "refused", "bytes", "idle s");
  for (const rank_statistics& s : ranks) {
    std::fprintf(stderr,
                 "torc: %4d %7d %10llu %10llu %10llu %9llu %9llu %9llu %9llu %10llu %9.3f\n",
                 s.rank, s.workers, number{s.created}, number{s.executed}, number{s.stolen_here},
                 number{s.stolen_near}, number{s.stolen_far}, number{s.requests}, number{s.refused},
                 number{s.bytes}, s.idle);
  }
}

} // namespace torc::detail
