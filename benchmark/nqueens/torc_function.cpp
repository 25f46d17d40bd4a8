// SPDX-License-Identifier: MIT
#include "../runtime/torc.hpp"
#include "config.hpp"

#include <functional>

namespace {

using nqueens::board;
using nqueens::choices;

long solve(const board &b);

/// The solutions below the choices first, ..., last - 1: halved until one is left.
long solve_range(const board &b, const choices &next, int first, int last) {
  if (last - first == 1)
    return solve(b.with(next[first]));
  const int middle = first + (last - first) / 2;
  auto right = torc::spawn(solve_range, std::cref(b), std::cref(next), middle, last);
  const long left = solve_range(b, next, first, middle);
  return left + right.get();
}

long solve(const board &b) {
  if (b.rows == nqueens::n)
    return 1;
  const choices next(b);
  return next.count == 0 ? 0 : solve_range(b, next, 0, next.count);
}

} // namespace

int main(int argc, char **argv) {
  bench::init(argc, argv, "torc_function");
  nqueens::add(solve);
  return bench::run();
}
