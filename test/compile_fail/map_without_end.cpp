// SPDX-License-Identifier: MIT
// expect: torc: the loop has no end, nor has the range
#include <ranges>
#include <torc/torc.hpp>

int f(int x) { return x; }

void g() {
#ifdef TORC_CONTROL
  static_cast<void>(torc::map(f, std::views::iota(0, 9)).get());
#else
  static_cast<void>(torc::map(f, std::views::iota(0)).get());
#endif
}
