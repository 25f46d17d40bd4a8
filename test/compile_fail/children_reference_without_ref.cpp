// SPDX-License-Identifier: MIT
// expect: write std::ref[(]x[)] for one of type T&
#include <functional>
#include <torc/torc.hpp>

int f(int& x) { return ++x; }

int g(int x) {
  torc::children c(1, f);
#ifdef TORC_CONTROL
  c.spawn(std::ref(x));
#else
  c.spawn(x);
#endif
  return c.get_last();
}
