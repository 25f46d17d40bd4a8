// SPDX-License-Identifier: MIT
// expect: this aggregate cannot be sent to another rank, as it has a base class
#include <torc/torc.hpp>

struct base {
  int x = 0;
};
#ifdef TORC_CONTROL
struct type {
  base b;
  int y = 0;
};
#else
struct type : base {
  int y = 0;
};
#endif

int f(type t) { return t.y; }
void g() { auto x = torc::submit(f, type()); }
