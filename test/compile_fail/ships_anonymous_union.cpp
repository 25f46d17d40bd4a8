// SPDX-License-Identifier: MIT
// expect: this type cannot be sent to another rank: give it a Boost
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
