// SPDX-License-Identifier: MIT
#include "../runtime/torc.hpp"
#include "config.hpp"

#include <ranges>

namespace {

using nqueens::board;

long solve(const board& b) {
  if (b.rows == nqueens::n) return 1;
  auto safe_columns = std::views::iota(0, nqueens::n) |
                      std::views::filter([&b](int column) { return b.safe(column); });
  return torc::reduce([&b](int column) { return solve(b.with(column)); }, safe_columns, 0L).get();
}

} // namespace

int main(int argc, char** argv) {
  bench::init(argc, argv, "torc_function");
  nqueens::add(solve);
  return bench::run();
}
