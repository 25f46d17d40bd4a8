// SPDX-License-Identifier: MIT
// expect: take the results: nothing runs before
#include <torc/torc.hpp>
#include <vector>

int f(int x) { return x; }

void g(const std::vector<int>& xs) {
#ifdef TORC_CONTROL
  for (const int y : torc::lazy_map(f, xs))
    static_cast<void>(y);
#else
  torc::lazy_map(f, xs);
#endif
}
