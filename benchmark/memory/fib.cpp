// SPDX-License-Identifier: MIT
#include "peak.hpp"

#include <torc/torc.hpp>

namespace {

long fib(long n) {
  if (n < 2) return n;
  auto a = torc::spawn(fib, n - 1);
  const long b = fib(n - 2);
  return a.get() + b;
}

int app() {
  const bool right = fib(32) == 2'178'309;
  print_peak_memory();
  return right ? 0 : 1;
}

} // namespace

int main() { return torc::start(app); }
