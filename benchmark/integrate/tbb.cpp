// SPDX-License-Identifier: MIT
#include "../runtime/tbb.hpp"
#include "config.hpp"

#include <oneapi/tbb/task_group.h>

namespace {

double solve(const integrate::interval& i) {
  const integrate::halves h = integrate::split(i);
  if (h.accurate) return h.area();
  double second = 0;
  oneapi::tbb::task_group group;
  group.run([&] { second = solve(h.second); });
  const double first = solve(h.first);
  group.wait();
  return first + second;
}

} // namespace

int main(int argc, char** argv) {
  bench::init(argc, argv, "tbb");
  integrate::add("integrate_small", integrate::small, solve);
  return bench::run();
}
