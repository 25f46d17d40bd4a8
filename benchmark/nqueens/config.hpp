// SPDX-License-Identifier: MIT
#pragma once

#include "../main.hpp"

#include <array>

/// All ways to place 14 queens on a 14 x 14 board so that none attacks another. A node of the
/// search is a board whose first rows are filled; its children are the safe squares of the next.
namespace nqueens {

constexpr int n = 14;
constexpr long solutions = 365'596;
constexpr long nodes = 27'358'553;

/// The columns of the queens in the first `rows` rows.
struct board {
  std::array<signed char, n> columns;
  int rows = 0;

  bool safe(int column) const {
    for (int row = 0; row < rows; ++row) {
      const int distance = columns[static_cast<std::size_t>(row)] - column;
      if (distance == 0 || distance == rows - row || distance == row - rows) return false;
    }
    return true;
  }

  /// This board with one queen more, in the next row.
  board with(int column) const {
    board next = *this;
    next.columns[static_cast<std::size_t>(next.rows++)] = static_cast<signed char>(column);
    return next;
  }
};

template <class Solve>
void add(Solve solve, const char* problem = "nqueens") {
  bench::add(problem, [=](benchmark::State& state) {
    for (auto _ : state) {
      board empty{};
      benchmark::DoNotOptimize(empty);
      bench::check(solve(empty) == solutions, "nqueens");
    }
    bench::count_tasks(state, nodes);
  });
}

} // namespace nqueens
