// SPDX-License-Identifier: MIT
#include "../runtime/serial.hpp"
#include "config.hpp"

namespace {

/// `nqueens/serial`: every call is made. g++ inlines the recursion several levels deep into itself,
/// which it cannot do with tasks, whatever the runtime: hence noinline, as in fib.
[[gnu::noinline]] long solve(const nqueens::board& b) {
  if (b.rows == nqueens::n) return 1;
  long solutions = 0;
  for (int column = 0; column < nqueens::n; ++column)
    if (b.safe(column)) solutions += solve(b.with(column));
  return solutions;
}

/// `nqueens_plain/serial`: whatever the compiler makes of it.
long plain_solve(const nqueens::board& b) {
  if (b.rows == nqueens::n) return 1;
  long solutions = 0;
  for (int column = 0; column < nqueens::n; ++column)
    if (b.safe(column)) solutions += plain_solve(b.with(column));
  return solutions;
}

} // namespace

int main(int argc, char** argv) {
  bench::init(argc, argv, "serial");
  nqueens::add(solve);
  if (bench::workers() == 0) nqueens::add(plain_solve, "nqueens_plain");
  return bench::run();
}
