// SPDX-License-Identifier: MIT
#include "../runtime/torc.hpp"
#include "config.hpp"

namespace {

long fib(long n) {
  if (n < 2) return n;
  auto a = torc::spawn(fib, n - 1);
  const long b = fib(n - 2);
  return a.get() + b;
}

} // namespace

int main(int argc, char** argv) {
  bench::init(argc, argv, "torc_function");
  bench::add("fib", [](auto& state) { fibonacci::measure(state, fibonacci::n, fib); });
  return bench::run();
}
