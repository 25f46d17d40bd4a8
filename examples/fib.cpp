// SPDX-License-Identifier: MIT

// Recursive Fibonacci numbers: a task does next to nothing, so what one sees is the price of a
// task. Once as an ordinary function that spawns, once as a coroutine.
//
//     fib N
//     TORC_WORKERS=2 TORC_STATS=1 fib 42

#include <cstdio>
#include <ctime>
#include <torc/torc.hpp>

#include "argument.hpp"

namespace {

long fib(long n) {
  if (n < 2) return n;
  auto a = torc::spawn(fib, n - 1); // may run on another core
  const long b = fib(n - 2);
  return a.get() + b;
}

torc::task<long> cofib(long n) {
  if (n < 2) co_return n;
  auto [a, b] = co_await torc::wait(cofib(n - 1), cofib(n - 2));
  co_return a + b;
}

/// Calls `compute` and prints what it gives and what it has cost.
template <class Compute>
void measure(const char* style, long n, Compute compute) {
  const double begin = torc::wtime();
  const std::clock_t cpu_begin = std::clock(); // of all threads together
  const long value = compute(n);
  const double cpu = static_cast<double>(std::clock() - cpu_begin) / CLOCKS_PER_SEC;
  const double elapsed = torc::wtime() - begin;

  long tasks = 1, previous = 1; // fib(n) takes 2 fib(n + 1) - 1 calls
  for (long i = 2; i <= n; ++i) {
    const long next = tasks + previous + 1;
    previous = tasks;
    tasks = next;
  }
  std::printf("%-10s fib(%ld) = %ld, %ld tasks in %.3f s, %.2f ns of CPU time per task\n", style, n,
              value, tasks, elapsed, 1e9 * cpu / static_cast<double>(tasks));
}

int app(int argc, char** argv) {
  const long n = number_argument(argc, argv, -1);
  if (n < 1 || n > 60) {
    std::fprintf(stderr, "usage: fib N        (N from 1 to 60)\n");
    return 2;
  }
  measure("functions", n, fib);
  measure("coroutines", n, [](long i) { return cofib(i).get(); });
  return 0;
}

} // namespace

int main(int argc, char** argv) { return torc::start(argc, argv, app); }
