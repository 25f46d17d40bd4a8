// SPDX-License-Identifier: MIT
#include "../runtime/serial.hpp"
#include "config.hpp"

namespace {

long solve(const nqueens::board& b) {
  if (b.rows == nqueens::n) return 1;
  long solutions = 0;
  for (int column = 0; column < nqueens::n; ++column)
    if (b.safe(column)) solutions += solve(b.with(column));
  return solutions;
}

} // namespace

int main(int argc, char** argv) {
  bench::init(argc, argv, "serial");
  nqueens::add(solve);
  return bench::run();
}
