// SPDX-License-Identifier: MIT
#pragma once

#include <torc/detail/platform.hpp>

namespace torc::detail {

struct fiber;

/// Lets one waiter sleep until somebody posts; for one use. A task that waits is suspended and its
/// worker goes on with other work; a thread that is no worker blocks.
class baton {
public:
  baton() = default;
  baton(const baton&) = delete;
  baton& operator=(const baton&) = delete;

  /// `what`, and where in the program the awaited task's code is and where that was submitted, are
  /// for reports.
  void wait(const char* what = "something", std::uintptr_t awaited = 0,
            std::uintptr_t place = 0) noexcept;
  /// Any number of times, from any thread. The baton may die during the first call's wake-up.
  void post() noexcept;

private:
  static constexpr std::uintptr_t empty = 0, posted = 1; // otherwise: the suspended fiber
  static void park(fiber& left, void* self) noexcept;
  atomic<std::uintptr_t> state_{empty};
};

} // namespace torc::detail
