// SPDX-License-Identifier: MIT
// expect: the session ends with this object
#include <torc/torc.hpp>

void g() {
#ifdef TORC_CONTROL
  torc::runtime session;
#else
  torc::runtime();
#endif
}
