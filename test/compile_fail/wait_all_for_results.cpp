// SPDX-License-Identifier: MIT
// expect: torc::wait_all takes tasks, children and futures
#include <ranges>
#include <torc/torc.hpp>
#include <vector>

int f(int x) { return x; }

void g([[maybe_unused]] const std::vector<int>& xs) {
#ifdef TORC_CONTROL
  auto c = torc::spawn(f, 1);
  static_cast<void>(torc::wait_all(c).get());
#else
  static_cast<void>(torc::wait_all(f(1)).get());
#endif
}
