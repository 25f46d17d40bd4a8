// SPDX-License-Identifier: MIT
#include "../runtime/serial.hpp"
#include "config.hpp"
#include "serial_coroutine.hpp"

namespace {

/// `fib/serial`: every call is made. Compilers turn one of the two recursions of fib into a loop,
/// and then half of the calls are gone; a task cannot be removed like that, so the price of a task
/// is to be compared with a call that cannot either. Hence noinline, and the empty assembly: each
/// result passes through it, so no call can be reordered, merged or made a tail call.
[[gnu::noinline]] long fib(long n) {
  if (n < 2) return n;
  long a = fib(n - 1);
  asm volatile("" : "+r"(a));
  long b = fib(n - 2);
  asm volatile("" : "+r"(b));
  return a + b;
}

/// `fib_plain/serial`: whatever the compiler makes of it.
long plain_fib(long n) { return n < 2 ? n : plain_fib(n - 1) + plain_fib(n - 2); }

/// `fib_coroutine/serial`: what coroutines cost before anything can be parallel.
serial_coroutine coroutine_fib(long n) {
  if (n < 2) co_return n;
  const long a = co_await coroutine_fib(n - 1);
  const long b = co_await coroutine_fib(n - 2);
  co_return a + b;
}

} // namespace

int main(int argc, char** argv) {
  bench::init(argc, argv, "serial");
  bench::add("fib", [](auto& state) { fibonacci::measure(state, fibonacci::n, fib); });
  if (bench::workers() > 0) return bench::run();
  bench::add("fib_plain", [](auto& state) { fibonacci::measure(state, fibonacci::n, plain_fib); });
  bench::add("fib_coroutine", [](auto& state) {
    fibonacci::measure(state, fibonacci::n, [](long n) { return coroutine_fib(n).get(); });
  });
  return bench::run();
}
