// SPDX-License-Identifier: MIT
// expect: torc::spawn[(]f, args...[)]: f cannot be called with these arguments
#include <string>
#include <torc/torc.hpp>

int f(int x) { return x; }

int g() {
#ifdef TORC_CONTROL
  auto a = torc::spawn(f, 1);
#else
  auto a = torc::spawn(f, std::string("one"));
#endif
  return a.get();
}
