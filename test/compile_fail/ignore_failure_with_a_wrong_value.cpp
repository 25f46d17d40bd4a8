// SPDX-License-Identifier: MIT
// expect: torc: ignore_failure\(value\): the value is no result of the task
#include <string>
#include <torc/torc.hpp>

std::string f(int) { return ""; }

void g() {
#ifdef TORC_CONTROL
  static_cast<void>(torc::submit(torc::cyclic.ignore_failure("none"), f, 1));
#else
  static_cast<void>(torc::submit(torc::cyclic.ignore_failure(2), f, 1));
#endif
}
