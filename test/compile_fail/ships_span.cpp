// SPDX-License-Identifier: MIT
// expect: a view cannot be sent to another rank, .* send std::string or std::vector
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <torc/torc.hpp>
#include <vector>

#ifdef TORC_CONTROL
using type = std::vector<int>;
#else
using type = std::span<int>;
#endif

void g() { torc::detail::require_shippable<type>(); }
