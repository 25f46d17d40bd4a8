// SPDX-License-Identifier: MIT
// expect: write co_await before it, or .get[(][)] behind it
#include <torc/torc.hpp>

torc::task<> f() { co_return; }

void g() {
#ifdef TORC_CONTROL
  torc::wait(f(), f()).get();
#else
  torc::wait(f(), f());
#endif
}
