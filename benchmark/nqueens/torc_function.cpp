// SPDX-License-Identifier: MIT
#include "../runtime/torc.hpp"
#include "config.hpp"

namespace {

using nqueens::board;

/// The solutions with the next queen in `column` or further right: those with it in the first safe
/// column, and the rest.
long solve_from(const board& b, int column) {
  if (b.rows == nqueens::n) return 1;
  while (column < nqueens::n && !b.safe(column))
    ++column;
  if (column == nqueens::n) return 0;
  const board next = b.with(column);
  auto here = torc::spawn([&next] { return solve_from(next, 0); });
  const long rest = solve_from(b, column + 1);
  return here.get() + rest;
}

} // namespace

int main(int argc, char** argv) {
  bench::init(argc, argv, "torc_function");
  nqueens::add([](const board& b) { return solve_from(b, 0); });
  return bench::run();
}
