// SPDX-License-Identifier: MIT
#include "../runtime/torc.hpp"
#include "config.hpp"

namespace {

using nqueens::board;
using nqueens::choices;

/// The solutions below the choices first, ..., last - 1: halved until one is left. The board and
/// its choices are in the frame of a caller, which waits.
torc::task<long> solve_range(const board &b, const choices &next, int first, int last) {
  if (last - first > 1) {
    const int middle = first + (last - first) / 2;
    auto [left, right] = co_await torc::wait(solve_range(b, next, first, middle),
                                             solve_range(b, next, middle, last));
    co_return left + right;
  }
  const board mine = b.with(next[first]);
  if (mine.rows == nqueens::n)
    co_return 1;
  const choices below(mine);
  co_return below.count == 0 ? 0 : co_await solve_range(mine, below, 0, below.count);
}

} // namespace

int main(int argc, char **argv) {
  bench::init(argc, argv, "torc_coroutine");
  nqueens::add([](const board &b) {
    const choices first_row(b);
    return solve_range(b, first_row, 0, first_row.count).get();
  });
  return bench::run();
}
