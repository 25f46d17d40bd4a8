// SPDX-License-Identifier: MIT
// expect: torc::lazy_map: f is copied into each task
#include <memory>
#include <torc/torc.hpp>
#include <vector>

void g(const std::vector<int>& xs) {
  auto p = std::make_unique<int>(1);
#ifdef TORC_CONTROL
  for (int y : torc::lazy_map([p = p.get()](int x) { return x + *p; }, xs))
    static_cast<void>(y);
#else
  for (int y : torc::lazy_map([p = std::move(p)](int x) { return x + *p; }, xs)) {
    static_cast<void>(y);
  }
#endif
}
