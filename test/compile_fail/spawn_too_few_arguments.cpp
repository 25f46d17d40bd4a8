// SPDX-License-Identifier: MIT
// expect: torc::spawn[(]f, args...[)]: f cannot be called with these arguments
#include <torc/torc.hpp>

int f(int x, int y) { return x + y; }

int g() {
#ifdef TORC_CONTROL
  auto a = torc::spawn(f, 1, 2);
#else
  auto a = torc::spawn(f, 1);
#endif
  return a.get();
}
