// SPDX-License-Identifier: MIT
// expect: torc: ignore_failure\(\) needs a result that has a default value
#include <torc/torc.hpp>

struct number {
  explicit number(int v) : value(v) {}
  int value;
};
number f(int x) { return number(x); }

void g() {
#ifdef TORC_CONTROL
  static_cast<void>(torc::submit(torc::here.ignore_failure(number(2)), f, 1));
#else
  static_cast<void>(torc::submit(torc::here.ignore_failure(), f, 1));
#endif
}
