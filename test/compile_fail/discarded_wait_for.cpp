// SPDX-License-Identifier: MIT
// expect: write co_await before it, or .get[(][)] behind it
#include <chrono>
#include <torc/torc.hpp>

bool g(torc::future<int>& f) {
#ifdef TORC_CONTROL
  return torc::wait_for(std::chrono::seconds(1), f).get();
#else
  torc::wait_for(std::chrono::seconds(1), f);
  return true;
#endif
}
