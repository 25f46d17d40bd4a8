// SPDX-License-Identifier: MIT
// expect: this smart pointer cannot be sent to another rank
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <torc/torc.hpp>
#include <vector>

#ifdef TORC_CONTROL
using type = std::unique_ptr<int>;
#else
using type = std::shared_ptr<int>;
#endif

void g() { torc::detail::require_shippable<type>(); }
