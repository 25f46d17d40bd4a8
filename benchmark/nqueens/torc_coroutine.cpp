// SPDX-License-Identifier: MIT
#include "../runtime/torc.hpp"
#include "config.hpp"

namespace {

using nqueens::board;

/// The solutions with the next queen in `column` or further right: those with it in the first safe
/// column, and the rest. The board is in the frame of a caller, which waits.
torc::task<long> solve_from(const board& b, int column) {
  if (b.rows == nqueens::n) co_return 1;
  while (column < nqueens::n && !b.safe(column))
    ++column;
  if (column == nqueens::n) co_return 0;
  const board next = b.with(column);
  auto [here, rest] = co_await torc::wait(solve_from(next, 0), solve_from(b, column + 1));
  co_return here + rest;
}

} // namespace

int main(int argc, char** argv) {
  bench::init(argc, argv, "torc_coroutine");
  nqueens::add([](const board& b) { return solve_from(b, 0).get(); });
  return bench::run();
}
