// SPDX-License-Identifier: MIT
// expect: deleted function|deleted constructor|deleted copy constructor|marked deleted
#include <torc/torc.hpp>
#include <utility>

torc::task<int> f() { co_return 1; }

torc::task<> g() {
  torc::task<int> a = f();
#ifdef TORC_CONTROL
  co_await a;
#else
  torc::task<int> b = std::move(a);
  co_await b;
#endif
}
