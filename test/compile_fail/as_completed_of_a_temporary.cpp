// SPDX-License-Identifier: MIT
// expect: torc::as_completed refers to the futures
#include <torc/torc.hpp>
#include <vector>

std::vector<torc::future<int>> f();

void g() {
#ifdef TORC_CONTROL
  auto futures = f();
  for (auto& x : torc::as_completed(futures))
    x.get();
#else
  for (auto& x : torc::as_completed(f()))
    x.get();
#endif
}
