// SPDX-License-Identifier: MIT
// expect: a pointer cannot be sent to another rank
#include <torc/torc.hpp>

int x = 0;

void g() {
#ifdef TORC_CONTROL
  torc::broadcast(x).get();
#else
  torc::broadcast(&x).get();
#endif
}
