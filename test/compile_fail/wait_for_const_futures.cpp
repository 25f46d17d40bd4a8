// SPDX-License-Identifier: MIT
// expect: or a range or tuple of them, and none that are const
#include <torc/torc.hpp>
#include <vector>

#ifdef TORC_CONTROL
using futures = std::vector<torc::future<int>>;
#else
using futures = const std::vector<torc::future<int>>;
#endif

std::vector<int> g(futures& xs) { return torc::wait(xs).get(); }
