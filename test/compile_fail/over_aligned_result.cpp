// SPDX-License-Identifier: MIT
// expect: must not be over-aligned
#include <torc/torc.hpp>

#ifdef TORC_CONTROL
struct vector4 {
#else
struct alignas(64) vector4 {
#endif
  double x[4];
};

torc::task<vector4> f() { co_return vector4{}; }
torc::task<> g() { static_cast<void>(co_await f()); }
