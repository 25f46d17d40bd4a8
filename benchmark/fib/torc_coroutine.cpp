// SPDX-License-Identifier: MIT
#include "../runtime/torc.hpp"
#include "config.hpp"

namespace {

// inline: g++ then makes the frame of a task where it is awaited, without a call.
inline torc::task<long> fib(long n) {
  if (n < 2) co_return n;
  auto [a, b] = co_await torc::wait(fib(n - 1), fib(n - 2));
  co_return a + b;
}

} // namespace

int main(int argc, char** argv) {
  bench::init(argc, argv, "torc_coroutine");
  bench::add("fib", [](auto& state) {
    fibonacci::measure(state, fibonacci::n, [](long n) { return fib(n).get(); });
  });
  return bench::run();
}
