// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

namespace torc::detail {

/// Something to wait for: `co_await op` in a coroutine, `op.get()` in a plain function. Either
/// begins it, suspends the calling task (as a whole, with its fiber) while it lasts, and gives its
/// result or throws its exception. Use it once.
template <class F>
class [[nodiscard("write co_await before it, or .get() behind it")]] operation {
public:
  explicit operation(F f) : run_(std::move(f)) {}

  decltype(auto) get() { return run_(); }

  bool await_ready() const noexcept { return true; }
  void await_suspend(auto) const noexcept {}
  decltype(auto) await_resume() { return run_(); }

private:
  F run_;
};

} // namespace torc::detail
