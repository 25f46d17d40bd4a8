// SPDX-License-Identifier: MIT
// expect: torc: f cannot be called with an element of the range
#include <string>
#include <torc/torc.hpp>
#include <vector>

int f(int x) { return x; }

void g(const std::vector<int>& xs, const std::vector<std::string>& texts) {
#ifdef TORC_CONTROL
  static_cast<void>(texts);
  static_cast<void>(torc::map(f, xs).get());
#else
  static_cast<void>(xs);
  static_cast<void>(torc::map(f, texts).get());
#endif
}
