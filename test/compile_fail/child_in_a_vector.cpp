// SPDX-License-Identifier: MIT
// expect: deleted function|no viable conversion|construct_at|constructible
#include <torc/torc.hpp>
#include <vector>

int f(int x) { return x; }

void g() {
#ifdef TORC_CONTROL
  std::vector<torc::future<int>> v;
  v.push_back(torc::submit(f, 1));
#else
  std::vector<decltype(torc::spawn(f, 1))> v;
  v.push_back(torc::spawn(f, 1));
#endif
}
