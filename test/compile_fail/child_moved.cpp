// SPDX-License-Identifier: MIT
// expect: deleted function|deleted constructor|deleted copy constructor|marked deleted
#include <torc/torc.hpp>
#include <utility>

int f(int x) { return x; }

int g() {
  auto a = torc::spawn(f, 1);
#ifdef TORC_CONTROL
  auto& b = a;
#else
  auto b = std::move(a);
#endif
  return b.get();
}
