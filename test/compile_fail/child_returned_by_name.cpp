// SPDX-License-Identifier: MIT
// expect: deleted function|deleted constructor|deleted copy constructor|marked deleted
#include <torc/torc.hpp>

int f(int x) { return x; }

auto g() {
#ifdef TORC_CONTROL
  return torc::spawn(f, 1);
#else
  auto a = torc::spawn(f, 1);
  return a;
#endif
}
int h() {
  auto a = g();
  return a.get();
}
