// SPDX-License-Identifier: MIT
#include "../runtime/tbb.hpp"
#include "config.hpp"

#include <oneapi/tbb/task_group.h>

namespace {

long fib(long n) {
  if (n < 2) return n;
  long a = 0;
  oneapi::tbb::task_group group;
  group.run([n, &a] { a = fib(n - 1); });
  const long b = fib(n - 2);
  group.wait();
  return a + b;
}

} // namespace

int main(int argc, char** argv) {
  bench::init(argc, argv, "tbb");
  bench::add("fib", [](auto& state) { fibonacci::measure(state, fibonacci::n, fib); });
  return bench::run();
}
