// SPDX-License-Identifier: MIT
// expect: torc::future::callback: f must take a torc::future<R>&
#include <torc/torc.hpp>

int f(int x) { return x; }

void g() {
#ifdef TORC_CONTROL
  torc::submit(f, 1).callback([](torc::future<int>&) {});
#else
  torc::submit(f, 1).callback([] {});
#endif
}
