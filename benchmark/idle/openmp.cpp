// SPDX-License-Identifier: MIT
#include "../runtime/openmp.hpp"
#include "config.hpp"

namespace {

long fib(long n) {
  if (n < 2) return n;
  long a = 0;
#pragma omp task shared(a)
  a = fib(n - 1);
  const long b = fib(n - 2);
#pragma omp taskwait
  return a + b;
}

} // namespace

int main(int argc, char** argv) {
  bench::init(argc, argv, "openmp");
  idle::add([](long n) {
    long result = 0;
    bench::in_team([&] { result = fib(n); });
    return result;
  });
  return bench::run();
}
