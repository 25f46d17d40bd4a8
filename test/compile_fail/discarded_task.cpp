// SPDX-License-Identifier: MIT
// expect: co_await the task, or hand it to torc::wait
#include <torc/torc.hpp>

torc::task<int> f() { co_return 1; }

torc::task<> g() {
#ifdef TORC_CONTROL
  co_await f();
#else
  f();
  co_return;
#endif
}
