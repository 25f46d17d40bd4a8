// SPDX-License-Identifier: MIT

// The number of ways to place N queens on an N x N board so that none attacks another. A search
// tree with a spawn at every node and no cut-off: nobody has to say how small is too small.
//
//     nqueens N
//     TORC_STATS=1 nqueens 14

#include <array>
#include <bit>
#include <cstdio>
#include <torc/torc.hpp>

#include "argument.hpp"

namespace {

/// What the queens of the upper rows attack in the next row, one bit a column.
struct board {
  unsigned all = 0; ///< the columns there are
  unsigned columns = 0, diagonals = 0, antidiagonals = 0;

  unsigned free() const { return all & ~(columns | diagonals | antidiagonals); }
  board with(unsigned queen) const {
    return {all, columns | queen, (diagonals | queen) << 1, (antidiagonals | queen) >> 1};
  }
};

/// The solutions below a board: a child for each free column of the next row, but for the last one.
long solve(board b) {
  if (b.columns == b.all) return 1;
  unsigned free = b.free();
  if (free == 0) return 0;
  torc::children boards(16, [](board next) { return solve(next); });
  for (; !std::has_single_bit(free); free &= free - 1)
    boards.spawn(b.with(free & -free));
  long solutions = solve(b.with(free));
  while (!boards.empty())
    solutions += boards.get_last();
  return solutions;
}

constexpr std::array<long, 16> known{1,   0,   0,    2,     10,    4,      40,      92,
                                     352, 724, 2680, 14200, 73712, 365596, 2279184, 14772512};

int app(int argc, char** argv) {
  const long n = number_argument(argc, argv, -1);
  if (n < 1 || n > 16) {
    std::fprintf(stderr, "usage: nqueens N        (N from 1 to 16)\n");
    return 2;
  }
  const double begin = torc::wtime();
  const long solutions = solve({.all = (1U << n) - 1});
  const double elapsed = torc::wtime() - begin;
  const bool right = solutions == known[static_cast<std::size_t>(n - 1)];
  std::printf("%ld queens: %ld solutions in %.3f s, %s\n", n, solutions, elapsed,
              right ? "as known" : "WRONG");
  return right ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) { return torc::start(argc, argv, app); }
