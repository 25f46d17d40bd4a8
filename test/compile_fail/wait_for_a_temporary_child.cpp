// SPDX-License-Identifier: MIT
// expect: no matching function|cannot bind|constraints|temporary|discards|rvalue
#include <torc/torc.hpp>

int f() { return 1; }

int g() {
#ifdef TORC_CONTROL
  auto a = torc::spawn(f);
  return torc::wait(a).get();
#else
  return torc::wait(torc::spawn(f)).get();
#endif
}
