// SPDX-License-Identifier: MIT
// expect: this aggregate cannot be sent to another rank, as it has a base class, an anonymous union
#include <torc/torc.hpp>

struct numbers {
  int a;
#ifdef TORC_CONTROL
  float b;
#else
  union {
    int b;
    float c;
  };
#endif
};

void g() { torc::detail::require_shippable<numbers>(); }
