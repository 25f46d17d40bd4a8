// SPDX-License-Identifier: MIT
#pragma once

#include "../main.hpp"

#include <sys/resource.h>

/// What a pool costs that has nothing to do: the CPU seconds (counter `cpu_seconds`) that the
/// process uses in three seconds of sleep between two bits of work.
namespace idle {

/// The CPU time that this process has used, in seconds.
inline double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// `fib(30)` is to be computed by tasks.
template <class Fib>
void add(Fib fib) {
  bench::add_self_timed("idle", [=](benchmark::State& state) {
    for (auto _ : state) {
      bench::check(fib(30L) == 832'040, "idle: before");
      const double start = bench::now(), used_before = cpu_seconds();
      std::this_thread::sleep_for(std::chrono::seconds(3));
      const double used = cpu_seconds() - used_before;
      state.SetIterationTime(bench::now() - start);
      bench::check(fib(30L) == 832'040, "idle: after");
      state.counters["cpu_seconds"] = used;
    }
  });
}

} // namespace idle
