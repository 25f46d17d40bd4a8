// SPDX-License-Identifier: MIT
// expect: what f gives and init, the type of the sum, do not go together
#include <string>
#include <torc/torc.hpp>
#include <vector>

std::string f(int x) { return std::to_string(x); }

void g(const std::vector<int>& xs) {
#ifdef TORC_CONTROL
  static_cast<void>(torc::reduce(f, xs, std::string()).get());
#else
  static_cast<void>(torc::reduce(f, xs, 0).get());
#endif
}
