// SPDX-License-Identifier: MIT
// expect: torc::children::spawn[(]args...[)]: f cannot be called with these arguments
#include <string>
#include <torc/torc.hpp>

int f(int x) { return x; }

int g() {
  torc::children c(1, f);
#ifdef TORC_CONTROL
  c.spawn(1);
#else
  c.spawn(std::string("one"));
#endif
  return c.get_last();
}
