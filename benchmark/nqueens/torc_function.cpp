// SPDX-License-Identifier: MIT
#include "../runtime/torc.hpp"
#include "config.hpp"

#include <ranges>

namespace {

using nqueens::board;

long solve(const board& b) {
  if (b.rows == nqueens::n) return 1;
  const auto safe = [&b](int column) { return b.safe(column); };
  const auto place = [&b](int column) { return solve(b.with(column)); };
  auto columns = std::views::iota(0, nqueens::n) | std::views::filter(safe);
  return torc::reduce(place, columns, 0L).get();
}

} // namespace

int main(int argc, char** argv) {
  bench::init(argc, argv, "torc_function");
  nqueens::add(solve);
  return bench::run();
}
