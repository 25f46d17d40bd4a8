// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <mutex>
#include <torc/detail/descriptor.hpp>
#include <torc/detail/spinlock.hpp>
#include <vector>

namespace torc::detail {

/// A coroutine frame that was freed before a newer one.
struct buried_frame {
  buried_frame* next;
  char* end;
};

/// A stack to run plain functions on, and one for the frames of coroutines. What runs on a fiber
/// is suspended and resumed as a whole. Also stands for a thread's own stack (`adopt_thread`).
struct fiber {
  void* context = nullptr;       ///< saved registers (Boost.Context), while it does not run
  descriptor* head = nullptr;    ///< its stack of tasks, while it does not run
  char* frame_base = &no_frames; ///< its stack of coroutine frames
  char* frame_top = &no_frames;
  char* frame_limit = &no_frames;
  buried_frame* buried = nullptr;
  worker* tied = nullptr; ///< if set, only this worker resumes it
  /// What stops the task that runs on it; null if only all can be stopped. Entries of the stack
  /// that no publisher has seen belong to it.
  stop_scope* scope = nullptr;
  bool collective = false; ///< runs part of an spmd
  fiber* next = nullptr;   ///< link in the pool, or in a list of ready fibers
  std::size_t number = 0;  ///< in the pool

  char* mapping = nullptr; ///< guard, native stack (downwards), frames (upwards); null: a thread
  std::size_t stack_size = 0;
  void (*entry)() = nullptr;
  struct { // what the C++ runtime keeps per thread: caught exceptions, count of uncaught ones
    void* caught = nullptr;
    unsigned uncaught = 0;
  } exceptions;

  // For reports: where in the program the task is that has begun on it, and, while it is suspended,
  // what it waits for; if that is one task, which.
  atomic<std::uintptr_t> begun{0};
  atomic<const char*> waits_for{nullptr};
  atomic<std::uintptr_t> awaited{0};
  atomic<std::uintptr_t> awaited_place{0};

  void* sanitizer_fiber = nullptr;
  void* fake_stack = nullptr;
  const void* native_stack = nullptr;
  std::size_t native_size = 0;
};

/// Below a fiber's stack, of no access: a function with up to so much of local variables cannot
/// jump over it. A multiple of every page size.
inline constexpr std::size_t guard_size = 65536;

/// Maps a new fiber that will run `entry` (which never returns). Throws std::bad_alloc.
fiber* create_fiber(std::size_t stack_size, void (*entry)());
void destroy_fiber(fiber* f) noexcept;
/// A fiber for the stack the calling thread runs on.
fiber* adopt_thread();
void release_thread(fiber* f) noexcept;

/// What to do on the new fiber once the old one is completely saved.
struct after_switch {
  void (*action)(fiber& left, void* argument) = nullptr;
  void* argument = nullptr;
};

/// Leaves the running fiber for `to`. Returns when somebody switches back, perhaps on another
/// thread: do not keep anything thread-local across it. The caller has put `head` in order.
void switch_to(fiber& to, after_switch then) noexcept;
/// Goes on as another worker of this thread, with whatever that was running: for schedules that
/// simulate all workers on one thread. Returns when somebody goes on as the present one.
void switch_worker(worker& to) noexcept;

/// From now on `f` allocates coroutine frames on the stack of `to`.
void assume_frames(front& f, const fiber& to) noexcept;

/// The running fiber of this thread.
inline fiber* this_fiber() noexcept { return this_front()->running; }

/// Idle fibers for reuse, last in first out; all suspended in the scheduler's loop.
class fiber_pool {
public:
  fiber_pool(std::size_t stack_size, void (*entry)()) : stack_size_(stack_size), entry_(entry) {}
  ~fiber_pool();
  /// An idle fiber or a new one; without memory for one, ends the program with a message.
  fiber* acquire() noexcept;
  void release(fiber* f) noexcept;
  /// `for_each` is to know a thread's own fiber too, until it ends.
  void add(fiber& f);
  void remove(fiber& f) noexcept;
  std::size_t in_use() const noexcept;
  /// Calls `f(fiber)` for all there are. Meanwhile none is made or goes away.
  template <class F>
  void for_each(F f) {
    const std::lock_guard locked(lock_);
    for (const fiber* one : all_) {
      f(*one);
    }
  }

private:
  static constexpr std::size_t keep = 256; ///< more idle ones than this go back to the system
  mutable spinlock lock_;
  fiber* idle_ = nullptr;
  std::size_t idle_count_ = 0;
  std::size_t created_ = 0;
  std::vector<fiber*> all_;
  std::size_t stack_size_;
  void (*entry_)();
};

} // namespace torc::detail
