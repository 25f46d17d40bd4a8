// SPDX-License-Identifier: MIT
// expect: torc::wait takes tasks, children and futures
#include <torc/torc.hpp>

int f() { return 1; }

int g() {
  auto a = torc::spawn(f);
#ifdef TORC_CONTROL
  return torc::wait(a).get();
#else
  int b = 1;
  return torc::wait(b).get();
#endif
}
