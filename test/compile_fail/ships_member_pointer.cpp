// SPDX-License-Identifier: MIT
// expect: a pointer to member cannot be sent to another rank
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <torc/torc.hpp>
#include <vector>

struct point {
  int x;
};
int x_of(point p) { return p.x; }
#ifdef TORC_CONTROL
using type = decltype(&x_of);
#else
using type = decltype(&point::x);
#endif

void g() { torc::detail::require_shippable<type>(); }
