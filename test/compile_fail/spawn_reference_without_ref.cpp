// SPDX-License-Identifier: MIT
// expect: std::ref[(]x[)] passes a reference
#include <functional>
#include <torc/torc.hpp>

void increment(int& x) { ++x; }

void g(int& x) {
#ifdef TORC_CONTROL
  auto a = torc::spawn(increment, std::ref(x));
#else
  auto a = torc::spawn(increment, x);
#endif
  a.get();
}
