// SPDX-License-Identifier: MIT
#include <torc/torc.hpp>

namespace {

long fib(long n) {
  if (n < 2) return n;
  auto a = torc::spawn(fib, n - 1);
  long b = fib(n - 2);
  return a.get() + b;
}

int app() { return fib(20) == 6765 ? 0 : 1; }

} // namespace

int main(int argc, char** argv) { return torc::start(argc, argv, app); }
