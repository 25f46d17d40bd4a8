// SPDX-License-Identifier: MIT
#include "../runtime/torc.hpp"
#include "config.hpp"

#include <functional>

namespace {

double solve(const integrate::interval& i) {
  const integrate::halves h = integrate::split(i);
  if (h.accurate) return h.area();
  auto second = torc::spawn(solve, std::cref(h.second));
  const double first = solve(h.first);
  return first + second.get();
}

} // namespace

int main(int argc, char** argv) {
  bench::init(argc, argv, "torc_function");
  integrate::add(solve);
  return bench::run();
}
