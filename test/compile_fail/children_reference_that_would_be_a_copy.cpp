// SPDX-License-Identifier: MIT
// expect: they are copied, to the type of the parameter
#include <functional>
#include <torc/torc.hpp>
#include <vector>

std::size_t size(const std::vector<int>& v) { return v.size(); }

std::size_t f(const std::vector<int>& v) {
  torc::children c(1, size);
#ifdef TORC_CONTROL
  c.spawn(v);
#else
  c.spawn(std::ref(v));
#endif
  return c.get_last();
}
