// SPDX-License-Identifier: MIT
#include "runtime/statistics.hpp"

#include <cstdio>

#include "ranks/engine.hpp"
#include "scheduler/scheduler.hpp"

namespace torc::detail {

namespace {
using number = unsigned long long;

/// The line that TORC and torcpy print.
void print_node(int rank, number created, number executed) {
  std::fprintf(stderr, "TORC: node[%d]: created=%llu, executed=%llu\n", rank, created, executed);
}

void print_retried(int rank, number retried) {
  if (retried > 0) {
    std::fprintf(stderr, "torc: rank %d: %llu times a task was tried again\n", rank, retried);
  }
}
} // namespace

void print_statistics(const scheduler& s) {
  number executed = 0;
  std::fprintf(stderr, "torc: worker %12s %12s %12s %12s\n", "tasks run", "stolen", "suspended",
               "idle s");
  for (const auto& w : s.workers) {
    const worker_statistics& n = w->statistics;
    const std::uint64_t run = w->own.tasks_run, stolen = n.stolen, suspended = n.suspended;
    const std::uint64_t idle_ns = n.idle_ns;
    executed += run;
    std::fprintf(stderr, "torc: %6d %12llu %12llu %12llu %12.3f\n", w->id, number{run},
                 number{stolen}, number{suspended}, static_cast<double>(idle_ns) * 1e-9);
  }
  print_retried(0, s.retried.load());
  print_node(0, executed, executed);
}

void print_statistics(const std::vector<rank_statistics>& ranks) {
  std::fprintf(stderr, "torc: rank workers %10s %10s %10s %9s %9s %9s %9s %9s %10s %9s\n",
               "created", "executed", "in process", "near", "far", "requests", "refused",
               "messages", "bytes", "idle s");
  for (const rank_statistics& s : ranks) {
    std::fprintf(stderr,
                 "torc: %4d %7d %10llu %10llu %10llu %9llu %9llu %9llu %9llu %9llu %10llu %9.3f\n",
                 s.rank, s.workers, number{s.created}, number{s.executed}, number{s.stolen_here},
                 number{s.stolen_near}, number{s.stolen_far}, number{s.requests}, number{s.refused},
                 number{s.messages}, number{s.bytes}, s.idle);
  }
  for (const rank_statistics& s : ranks) {
    print_retried(s.rank, s.retried);
    print_node(s.rank, s.created, s.executed);
  }
}

} // namespace torc::detail
