// SPDX-License-Identifier: MIT
// expect: a lambda that captures cannot be sent to another rank: use torc::bind
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <torc/torc.hpp>
#include <vector>

inline auto make_lambda(int x) {
  return [x](int y) { return x + y; };
}
inline auto make_bound(int x) {
  return torc::bind([](int a, int b) { return a + b; }, x);
}
#ifdef TORC_CONTROL
using type = decltype(make_bound(1));
#else
using type = decltype(make_lambda(1));
#endif

void g() { torc::detail::require_shippable<type>(); }
