// SPDX-License-Identifier: MIT
#include "../runtime/tbb.hpp"
#include "config.hpp"

#include <oneapi/tbb/task_group.h>

namespace {

long solve(const nqueens::board& b) {
  if (b.rows == nqueens::n) return 1;
  std::array<long, nqueens::n> solutions;
  std::size_t children = 0;
  oneapi::tbb::task_group group;
  for (int column = 0; column < nqueens::n; ++column)
    if (b.safe(column))
      group.run([&b, column, &result = solutions[children++]] { result = solve(b.with(column)); });
  group.wait();
  long sum = 0;
  for (std::size_t i = 0; i < children; ++i)
    sum += solutions[i];
  return sum;
}

} // namespace

int main(int argc, char** argv) {
  bench::init(argc, argv, "tbb");
  nqueens::add(solve);
  return bench::run();
}
