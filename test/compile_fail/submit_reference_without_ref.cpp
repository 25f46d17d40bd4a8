// SPDX-License-Identifier: MIT
// expect: std::ref[(]x[)] passes a reference
#include <functional>
#include <torc/torc.hpp>

void increment(int& x) { ++x; }

void g(int& x) {
#ifdef TORC_CONTROL
  auto a = torc::submit(torc::here, increment, std::ref(x));
#else
  auto a = torc::submit(torc::here, increment, x);
#endif
  a.get();
}
