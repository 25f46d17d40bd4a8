// SPDX-License-Identifier: MIT
// expect: write co_await before it, or .get[(][)] behind it
#include <torc/torc.hpp>
#include <vector>

void f(int) {}

void g(const std::vector<int>& xs) {
#ifdef TORC_CONTROL
  torc::for_each(f, xs).get();
#else
  torc::for_each(f, xs);
#endif
}
