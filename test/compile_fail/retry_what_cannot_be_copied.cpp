// SPDX-License-Identifier: MIT
// expect: only if its callable and arguments can be copied
#include <memory>
#include <torc/torc.hpp>

void take(const std::unique_ptr<int>&) {}

void g() {
#ifdef TORC_CONTROL
  const auto where = torc::cyclic;
#else
  const auto where = torc::cyclic.retry(1);
#endif
  torc::submit(where, take, std::make_unique<int>(1)).get();
}
