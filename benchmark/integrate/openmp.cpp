// SPDX-License-Identifier: MIT
#include "../runtime/openmp.hpp"
#include "config.hpp"

namespace {

double solve(const integrate::interval& i) {
  const integrate::halves h = integrate::split(i);
  if (h.accurate) return h.area();
  double second = 0;
#pragma omp task shared(second, h)
  second = solve(h.second);
  const double first = solve(h.first);
#pragma omp taskwait
  return first + second;
}

} // namespace

int main(int argc, char** argv) {
  bench::init(argc, argv, "openmp");
  integrate::add("integrate_small", integrate::small, [](const integrate::interval& i) {
    double area = 0;
    bench::in_team([&] { area = solve(i); });
    return area;
  });
  return bench::run();
}
