// SPDX-License-Identifier: MIT
#pragma once

#include "../main.hpp"

/// The n-th Fibonacci number by its definition: nothing but calls, so all that is measured is the
/// price of a task.
namespace fibonacci {

constexpr long n = 37;

/// OpenMP's tasks are so slow on more than one thread that a smaller problem must do: what is
/// compared is the time per task.
constexpr long n_openmp = 29;

constexpr long value(long i) {
  long a = 0, b = 1;
  for (; i > 0; --i)
    b += std::exchange(a, b);
  return a;
}

/// The calls that fib(i) makes, its own included.
constexpr long calls(long i) { return 2 * value(i + 1) - 1; }

template <class Fib>
void measure(benchmark::State& state, long i, Fib fib) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(i);
    bench::check(fib(i) == value(i), "fib");
  }
  bench::count_tasks(state, calls(i));
}

} // namespace fibonacci
