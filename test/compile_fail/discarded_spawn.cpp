// SPDX-License-Identifier: MIT
// expect: a child is joined where its object dies: keep it in a variable
#include <torc/torc.hpp>

void f() {}

void g() {
#ifdef TORC_CONTROL
  auto a = torc::spawn(f);
#else
  torc::spawn(f);
#endif
}
