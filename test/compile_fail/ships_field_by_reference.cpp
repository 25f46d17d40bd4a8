// SPDX-License-Identifier: MIT
// expect: a reference cannot be sent to another rank
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <torc/torc.hpp>
#include <vector>

struct by_value {
  int x;
  std::string text;
};
struct by_reference {
  int x;
  const std::string& text;
};
#ifdef TORC_CONTROL
using type = by_value;
#else
using type = by_reference;
#endif

void g() { torc::detail::require_shippable<type>(); }
