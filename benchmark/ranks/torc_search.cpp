// SPDX-License-Identifier: MIT

// Three recursions whose tasks can all be stolen by other ranks: what two ranks of one worker cost
// beside one rank of two workers.

#include "../../examples/uts_search.hpp"
#include "../main.hpp"

#include <torc/torc.hpp>

namespace {

/// What the queens of the upper rows attack in the next row, one bit a column.
struct board {
  unsigned all = 0, columns = 0, diagonals = 0, antidiagonals = 0;

  board with(unsigned queen) const {
    return {all, columns | queen, (diagonals | queen) << 1, (antidiagonals | queen) >> 1};
  }
};

long solve(board b);

long solve_each(board b, unsigned choices) {
  if (choices == 0) return 0;
  const unsigned first = choices & -choices, others = choices ^ first;
  if (others == 0) return solve(b.with(first));
  auto with_others = torc::spawn(solve_each, b, others);
  const long with_first = solve(b.with(first));
  return with_first + with_others.get();
}

long solve(board b) {
  return b.columns == b.all ? 1
                            : solve_each(b, b.all & ~(b.columns | b.diagonals | b.antidiagonals));
}

long fib(long n) {
  if (n < 2) return n;
  auto a = torc::spawn(fib, n - 1);
  const long b = fib(n - 2);
  return a.get() + b;
}

/// Adds a problem of which one solution is measured.
template <class Solve>
void add(const char* problem, Solve solve) {
  bench::add_self_timed(problem, [=](benchmark::State& state) {
    for (auto _ : state) {
      const double begin = bench::now();
      bench::check(solve(), problem);
      state.SetIterationTime(bench::now() - begin);
    }
  });
}

} // namespace

int main(int argc, char** argv) {
  bench::init(argc, argv, "torc_search");
  add("uts_T1L", [] {
    const uts::tree* t = uts::find("T1L");
    return uts::search(*t) == t->published;
  });
  add("nqueens_14", [] { return solve({.all = (1U << 14) - 1}) == 365'596; });
  add("fib_40", [] { return fib(40) == 102'334'155; });
  return torc::start(bench::run_all);
}
