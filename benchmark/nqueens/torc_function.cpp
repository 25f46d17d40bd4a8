// SPDX-License-Identifier: MIT
#include "../runtime/torc.hpp"
#include "config.hpp"

namespace {

using nqueens::board;

long solve(const board& b);

/// The solutions with the next queen in `column` or further right: one task for the first safe
/// column, and the rest.
long solve_from(const board& b, int column) {
  while (!b.safe(column))
    if (++column == nqueens::n) return 0;
  auto here = torc::spawn([&b, column] { return solve(b.with(column)); });
  const long rest = column + 1 == nqueens::n ? 0 : solve_from(b, column + 1);
  return here.get() + rest;
}

long solve(const board& b) { return b.rows == nqueens::n ? 1 : solve_from(b, 0); }

} // namespace

int main(int argc, char** argv) {
  bench::init(argc, argv, "torc_function");
  nqueens::add(solve);
  return bench::run();
}
