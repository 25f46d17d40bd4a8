// SPDX-License-Identifier: MIT
#include "../runtime/openmp.hpp"
#include "config.hpp"

namespace {

long solve(const nqueens::board& b) {
  if (b.rows == nqueens::n) return 1;
  std::array<long, nqueens::n> solutions;
  std::size_t children = 0;
  for (int column = 0; column < nqueens::n; ++column)
    if (b.safe(column)) {
      long* result = &solutions[children++];
#pragma omp task shared(b)
      *result = solve(b.with(column));
    }
#pragma omp taskwait
  long sum = 0;
  for (std::size_t i = 0; i < children; ++i)
    sum += solutions[i];
  return sum;
}

} // namespace

int main(int argc, char** argv) {
  bench::init(argc, argv, "openmp");
  nqueens::add([](const nqueens::board& b) {
    long solutions = 0;
    bench::in_team([&] { solutions = solve(b); });
    return solutions;
  });
  return bench::run();
}
