// SPDX-License-Identifier: MIT
// expect: give it a Boost serialize function or specialise torc::codec
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <torc/torc.hpp>
#include <vector>

#ifdef TORC_CONTROL
using type = int (*)(int);
#else
using type = std::function<int(int)>;
#endif

void g() { torc::detail::require_shippable<type>(); }
