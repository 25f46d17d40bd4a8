// SPDX-License-Identifier: MIT
// expect: for text, std::string
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <torc/torc.hpp>
#include <vector>

#ifdef TORC_CONTROL
using type = std::vector<std::string>;
#else
using type = std::vector<const char*>;
#endif

void g() { torc::detail::require_shippable<type>(); }
