// SPDX-License-Identifier: MIT
// expect: torc::submit[(]f, args...[)]: f cannot be called with these arguments
#include <torc/torc.hpp>

int f(int x) { return x; }

int g() {
#ifdef TORC_CONTROL
  auto a = torc::submit(torc::here, f, 1);
#else
  auto a = torc::submit(torc::here, f, nullptr);
#endif
  return a.get();
}
