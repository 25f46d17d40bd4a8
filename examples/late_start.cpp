// SPDX-License-Identifier: MIT

// A program that is not built around tasks: it starts the runtime late, uses it in the middle of a
// function, stops it, and may start it again. Without a runtime the same code runs sequentially.
//
//     late_start

#include <cstdio>
#include <torc/torc.hpp>

namespace {

long fib(long n) {
  if (n < 2) return n;
  auto a = torc::spawn(fib, n - 1);
  const long b = fib(n - 2);
  return a.get() + b;
}

} // namespace

int main() {
  std::printf("without a runtime: fib(25) = %ld, worker %d\n", fib(25), torc::worker());

  torc::init();                                          // threads start here
  torc::launch([] { std::printf("a primary task\n"); }); // any number of times, one by one
  torc::launch(nullptr); // from here on main itself is the primary task
  std::printf("with a runtime:    fib(30) = %ld, worker %d\n", fib(30), torc::worker());
  torc::shutdown();

  std::printf("after it:          fib(25) = %ld, worker %d\n", fib(25), torc::worker());

  torc::init();
  const int exit_code = torc::launch([] { return fib(30) == 832'040 ? 0 : 1; });
  torc::shutdown();
  std::printf("a second session:  %s\n", exit_code == 0 ? "right" : "wrong");
  return exit_code;
}
