// SPDX-License-Identifier: MIT
// expect: the application must return int, void, task<int> or task<>
#include <string>
#include <torc/torc.hpp>

#ifdef TORC_CONTROL
int app() { return 1; }
#else
std::string app() { return "1"; }
#endif

int g() { return torc::start(app); }
