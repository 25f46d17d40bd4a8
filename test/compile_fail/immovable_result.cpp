// SPDX-License-Identifier: MIT
// expect: torc: the result of a task must be movable, or a reference
#include <functional>
#include <mutex>
#include <torc/torc.hpp>

std::mutex f() { return std::mutex(); }
std::mutex& reference(std::mutex& m) { return m; }

void g(std::mutex& m) {
#ifdef TORC_CONTROL
  auto child = torc::spawn(reference, std::ref(m));
#else
  static_cast<void>(m);
  auto child = torc::spawn(f);
#endif
  static_cast<void>(child.get());
}
