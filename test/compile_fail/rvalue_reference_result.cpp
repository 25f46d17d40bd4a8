// SPDX-License-Identifier: MIT
// expect: torc: the result is an rvalue reference
#include <string>
#include <torc/torc.hpp>

#ifdef TORC_CONTROL
std::string f(std::string& s) { return s; }
#else
std::string&& f(std::string& s) { return std::move(s); }
#endif

std::string g(std::string& s) { return torc::spawn(f, std::ref(s)).get(); }
