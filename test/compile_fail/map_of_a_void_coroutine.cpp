// SPDX-License-Identifier: MIT
// expect: torc::map: f returns nothing; use torc::for_each
#include <torc/torc.hpp>
#include <vector>

torc::task<> f(int) { co_return; }

void g(const std::vector<int>& xs) {
#ifdef TORC_CONTROL
  torc::for_each(f, xs).get();
#else
  static_cast<void>(torc::map(f, xs).get());
#endif
}
