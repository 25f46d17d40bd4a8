// SPDX-License-Identifier: MIT
// expect: deleted function|deleted constructor|deleted copy constructor|marked deleted
#include <torc/torc.hpp>

torc::task<int> f() { co_return 1; }

torc::task<> g() {
  torc::task<int> a = f();
#ifdef TORC_CONTROL
  torc::task<int>& b = a;
#else
  torc::task<int> b = a;
#endif
  co_await b;
}
