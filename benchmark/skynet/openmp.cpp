// SPDX-License-Identifier: MIT
#include "../runtime/openmp.hpp"
#include "config.hpp"

namespace {

long node(long first, long leaves) {
  if (leaves == 1) return first;
  const long part = leaves / 10;
  long sums[10];
  for (long i = 1; i < 10; ++i) {
#pragma omp task shared(sums)
    sums[i] = node(first + i * part, part);
  }
  sums[0] = node(first, part);
#pragma omp taskwait
  long sum = 0;
  for (long s : sums)
    sum += s;
  return sum;
}

} // namespace

int main(int argc, char** argv) {
  bench::init(argc, argv, "openmp");
  // The large one would take a minute.
  bench::add("skynet_small", [](auto& state) {
    skynet::measure(state, skynet::leaves_small, [](long first, long leaves) {
      long sum = 0;
      bench::in_team([&] { sum = node(first, leaves); });
      return sum;
    });
  });
  return bench::run();
}
