// SPDX-License-Identifier: MIT
// expect: torc: a loop is given a function, then one range
#include <ranges>
#include <torc/torc.hpp>
#include <vector>

int f(int x) { return x; }

void g([[maybe_unused]] const std::vector<int>& xs) {
#ifdef TORC_CONTROL
  torc::for_each(f, std::views::iota(0, 100)).get();
#else
  torc::for_each(f, 100).get();
#endif
}
