// SPDX-License-Identifier: MIT
// expect: a pointer cannot be sent to another rank, .* send the value or an index
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
using type = int*;
#endif

void g() { torc::detail::require_shippable<type>(); }
