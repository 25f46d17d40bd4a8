// SPDX-License-Identifier: MIT
// expect: deleted function|deleted constructor|deleted copy constructor|marked deleted
#include <torc/torc.hpp>
#include <utility>

int f(int x) { return x; }

int g() {
  auto a = torc::submit(f, 1);
#ifdef TORC_CONTROL
  auto b = std::move(a);
#else
  auto b = a;
#endif
  return b.get();
}
