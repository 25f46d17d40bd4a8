// SPDX-License-Identifier: MIT
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>

/// What coroutines cost without tasks: no more than a call that is awaited, whose frame is the top
/// of a stack that is never checked. One thread, no exceptions.
class serial_coroutine {
public:
  struct promise_type {
    std::coroutine_handle<> caller = std::noop_coroutine();
    long result = 0;

    static void* operator new(std::size_t bytes) {
      void* const frame = top;
      top += (bytes + 15) / 16 * 16;
      return frame;
    }
    static void operator delete(void*) noexcept {}
    serial_coroutine get_return_object() noexcept {
      return serial_coroutine(handle::from_promise(*this));
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    auto final_suspend() const noexcept {
      struct to_caller {
        bool await_ready() const noexcept { return false; }
        std::coroutine_handle<>
        await_suspend(std::coroutine_handle<promise_type> ended) const noexcept {
          return ended.promise().caller;
        }
        void await_resume() const noexcept {}
      };
      return to_caller{};
    }
    void return_value(long value) noexcept { result = value; }
    [[noreturn]] void unhandled_exception() noexcept { std::terminate(); }
  };

  serial_coroutine(const serial_coroutine&) = delete;
  serial_coroutine& operator=(const serial_coroutine&) = delete;
  ~serial_coroutine() { top = static_cast<std::byte*>(coroutine_.address()); }

  long get() {
    coroutine_.resume();
    return await_resume();
  }
  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) noexcept {
    coroutine_.promise().caller = caller;
    return coroutine_;
  }
  long await_resume() const noexcept { return coroutine_.promise().result; }

private:
  using handle = std::coroutine_handle<promise_type>;
  explicit serial_coroutine(handle coroutine) noexcept : coroutine_(coroutine) {}

  alignas(16) inline static std::byte frames[1 << 16];
  inline static std::byte* top = frames;
  handle coroutine_;
};
