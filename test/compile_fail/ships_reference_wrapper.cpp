// SPDX-License-Identifier: MIT
// expect: std::ref cannot be sent to another rank
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <torc/torc.hpp>
#include <vector>

#ifdef TORC_CONTROL
using type = int;
#else
using type = std::reference_wrapper<int>;
#endif

void g() { torc::detail::require_shippable<type>(); }
