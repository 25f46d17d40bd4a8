// SPDX-License-Identifier: MIT
#include <torc/task.hpp>

#include <utility>

namespace torc::detail {
namespace {
thread_local void* next_coroutine = nullptr; // never across a suspension
} // namespace

void set_next_coroutine(std::coroutine_handle<> next) noexcept { next_coroutine = next.address(); }

[[gnu::noinline]] static void* take_next_coroutine() noexcept {
  return std::exchange(next_coroutine, nullptr);
}

void run_coroutine(std::coroutine_handle<> h) {
  void* next = h.address();
  do {
    std::coroutine_handle<>::from_address(next).resume();
    next = take_next_coroutine(); // perhaps on another thread than before
  } while (next != nullptr);
}

} // namespace torc::detail
