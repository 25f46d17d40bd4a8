// SPDX-License-Identifier: MIT
// expect: torc: a loop is given a function, then one range
#include <ranges>
#include <torc/torc.hpp>
#include <vector>

int f(int x) { return x; }

void g([[maybe_unused]] const std::vector<int>& xs) {
#ifdef TORC_CONTROL
  static_cast<void>(torc::map(f, xs).get());
#else
  static_cast<void>(torc::map(xs, f).get());
#endif
}
