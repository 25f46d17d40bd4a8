// SPDX-License-Identifier: MIT
// expect: f cannot be called with these arguments
#include <string>
#include <string_view>
#include <torc/torc.hpp>

std::size_t size(std::string_view s) { return s.size(); }

std::size_t f(const std::string& s) {
  torc::children c(1, size);
#ifdef TORC_CONTROL
  c.spawn(s);
#else
  c.spawn(s + "x");
#endif
  return c.get_last();
}
