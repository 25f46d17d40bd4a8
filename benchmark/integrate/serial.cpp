// SPDX-License-Identifier: MIT
#include "../runtime/serial.hpp"
#include "config.hpp"

namespace {

double solve(const integrate::interval& i) {
  const integrate::halves h = integrate::split(i);
  return h.accurate ? h.area() : solve(h.first) + solve(h.second);
}

} // namespace

int main(int argc, char** argv) {
  bench::init(argc, argv, "serial");
  integrate::add(solve);
  return bench::run();
}
