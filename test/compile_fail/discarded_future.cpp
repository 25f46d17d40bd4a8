// SPDX-License-Identifier: MIT
// expect: keep the future for its result, or cast it to void
#include <torc/torc.hpp>

int f() { return 1; }

void g() {
#ifdef TORC_CONTROL
  static_cast<void>(torc::submit(f));
#else
  torc::submit(f);
#endif
}
