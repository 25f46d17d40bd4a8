// SPDX-License-Identifier: MIT
#pragma once

#include <cassert>
#include <coroutine>
#include <exception>
#include <torc/detail/descriptor.hpp>
#include <torc/detail/frame.hpp>
#include <torc/detail/result.hpp>
#include <utility>

namespace torc {

template <class T>
class task;

namespace detail {

struct access;
template <class T>
class promise;

template <class T>
inline constexpr bool is_task = false;
template <class T>
inline constexpr bool is_task<task<T>> = true;

/// Resumes a coroutine and all it transfers to, until the one that began is at its end.
void run_coroutine(std::coroutine_handle<> h);
/// What `run_coroutine` resumes when control comes back to it.
void set_next_coroutine(std::coroutine_handle<> next) noexcept;

/// Where a coroutine that suspends goes on; for `await_suspend` to return.
inline std::coroutine_handle<> transfer(std::coroutine_handle<> next) noexcept {
#if defined(__clang__) || (defined(__OPTIMIZE__) && !defined(TORC_ASAN) && !defined(TORC_TSAN))
  return next;
#else
  // g++ makes this a tail call only when it optimises and no sanitizer is on. Otherwise return to
  // the loop at the bottom, so that the stack stays flat.
  set_next_coroutine(next);
  return std::noop_coroutine();
#endif
}

// A task is some hundred instructions, of which many load what has just been stored. So what a task
// does not say is taken to be the usual, and what runs next, a sibling or whoever awaits, is the
// entry below it.
struct promise_base : descriptor {
  promise_base* parent; ///< awaits it, if that is `above_others` or `alone`

  promise_base& below() const noexcept { return static_cast<promise_base&>(*prev); }
  bool is_pending() const noexcept {
    return claim.load(std::memory_order_relaxed) == claim_state::pending;
  }
  /// Whether the entry below is the next to run, or to be skipped.
  bool is_above_next() const noexcept { return awaited_as < await_kind::above_others; }
  /// Whether that is awaited together with it.
  bool is_after_older() const noexcept { return is_above_next() && below().is_pending(); }
  /// Whoever awaits it.
  promise_base& awaiting() const noexcept {
    if (is_after_older()) {
      return below().awaiting();
    }
    return is_above_next() ? below() : *parent;
  }

  /// Promises begin with this base, so their frames are found from it alike.
  std::coroutine_handle<> handle() noexcept {
    return std::coroutine_handle<promise_base>::from_promise(*this);
  }
  void must_be_new() noexcept { assert(!handle().done() && "a torc::task is awaited once"); }
  /// There is something in the frame to destroy.
  void destroy_by_its_code() noexcept {
    void* frame = handle().address();
    asm("" : "+r"(frame)); // for clang a promise is a local variable, with nothing before it
    plain_end(frame) = nullptr;
  }
  /// The frame and what is in it.
  TORC_CALLEE_SAVES void destroy() noexcept { handle().destroy(); }
  static void* operator new(std::size_t bytes) { return allocate_frame(bytes); }
  static void operator delete(void* frame, std::size_t bytes) noexcept { free_frame(frame, bytes); }
  std::suspend_always initial_suspend() const noexcept { return {}; }
};

/// The promise of the coroutine that suspends. clang would have its address in a register from
/// where that was resumed on, and save one more; from a frame that it does not know it computes it.
template <class P>
P& promise_of(std::coroutine_handle<P> running) noexcept {
#ifdef __clang__
  void* frame = running.address();
  asm("" : "+r"(frame));
  running = std::coroutine_handle<P>::from_address(frame);
#endif
  return running.promise();
}

// The rare ways on, each a call that gives the handle of what runs next: nothing has to be kept in
// registers across it, so a coroutine that is resumed saves few.

/// Goes on with `next` once whoever wants work has been served.
std::coroutine_handle<> serve_and_resume(promise_base& next) noexcept;

/// Goes on with `last` of tasks that have just been made pending, when somebody wants work or the
/// `oldest` is not directly above `parent`.
std::coroutine_handle<> start_slow(promise_base& parent, promise_base& oldest,
                                   promise_base& last) noexcept;

/// Goes on from the claimed child `next`, which is not ours any more, or may have to be skipped, or
/// somebody wants work. Suspends the fiber while a stolen child runs.
std::coroutine_handle<> next_slow(promise_base& next) noexcept;

/// Takes the ended task off the stack; `next` goes on.
inline std::coroutine_handle<> end_before(front& f, promise_base& p, promise_base& next) noexcept {
  increment(f.tasks_run);
  return pop_newest(f, p) ? next.handle() : serve_and_resume(next);
}

/// The same for the entry below, which may be a pending sibling.
[[gnu::always_inline]] inline std::coroutine_handle<> end_directly(front& f,
                                                                   promise_base& p) noexcept {
  promise_base& below = p.below();
  if (below.is_pending()) {
    return retire_and_claim(f, below) ? below.handle() : next_slow(below);
  }
  return end_before(f, p, below);
}

/// What runs next. A sibling is skipped if one has failed: this one, or a stolen one, and then all
/// have been seen.
struct final_awaiter {
  bool await_ready() const noexcept { return false; }
  template <class T>
  [[gnu::always_inline]] std::coroutine_handle<>
  await_suspend(std::coroutine_handle<promise<T>> ended) const noexcept {
    promise<T>& p = promise_of(ended);
    front& f = *this_front();
    if (!p.released) [[likely]] { // otherwise its owner may be about to write `awaited_as`
      if (p.awaited_as == await_kind::directly) [[likely]] {
        return transfer(end_directly(f, p));
      }
      if (p.awaited_as == await_kind::alone && f.head.load(std::memory_order_relaxed) == &p) {
        return transfer(end_before(f, p, *p.parent));
      }
    }
    return transfer(end_slow(p));
  }
  void await_resume() const noexcept {}

private:
  template <class T>
  [[gnu::noinline]] static std::coroutine_handle<> end_slow(promise<T>& p) noexcept {
    if (p.released) {
      return std::noop_coroutine(); // back to whoever has called run_coroutine
    }
    p.settle_submitted();
    front& f = *this_front();
    if (!p.is_above_next()) {
      return end_before(f, p, *p.parent);
    }
    if (p.awaited_as != await_kind::after_failure) {
      return end_directly(f, p);
    }
    retire_and_claim(f, p.below());
    return next_slow(p.below());
  }
};

template <class T>
class promise_result : public promise_base {
public:
  /// A result that need not be destroyed is taken to be there unless the task fails.
  static constexpr bool presumed = std::is_trivially_destructible_v<T>;
  template <class U>
  void return_value(U&& value) {
    result.assign(std::forward<U>(value));
    if constexpr (!presumed) {
      ended = outcome::value;
    }
  }
  result_slot<T> result;
};

template <>
class promise_result<void> : public promise_base {
public:
  static constexpr bool presumed = true;
  void return_void() noexcept {}
  result_slot<void> result;
};

template <class T>
class promise : public promise_result<T> {
public:
  static_assert(alignof(promise_result<T>) <= 16, "torc::task<T>: T must not be over-aligned");
  /// The compiler offers the coroutine's parameters.
  template <class... Parameters>
  explicit promise(const Parameters&...) noexcept {
    // Since the frame was allocated its parameters have been moved there, which must not have
    // allocated others. What cannot be moved is a reference.
    constexpr bool plain = presumed && (std::is_trivially_destructible_v<Parameters> && ...) &&
                           ((std::is_trivially_move_constructible_v<Parameters> ||
                             !std::is_move_constructible_v<Parameters>)&&...);
    if constexpr (!plain) {
      this->destroy_by_its_code();
    }
    presume();
  }
  ~promise() {
    if (this->ended == outcome::value) {
      this->result.empty();
    } else if (this->ended == outcome::error) [[unlikely]] {
      lose_error();
    }
  }

  task<T> get_return_object() noexcept;
  final_awaiter final_suspend() noexcept { return {}; }
  [[gnu::noinline, gnu::cold]] void unhandled_exception() noexcept {
    replace_by(std::current_exception());
  }

  /// Itself, about to be made pending.
  promise& with_type() noexcept {
    this->must_be_new();
    this->type = &table;
    return *this;
  }
  /// Joins the children this task has submitted; their first exception becomes its outcome.
  void settle_submitted() noexcept {
    if (std::exception_ptr e = join_submitted()) {
      if (this->ended == outcome::error) {
        report_lost(e);
      } else {
        replace_by(std::move(e));
      }
    }
  }

  [[noreturn]] void rethrow() { std::rethrow_exception(this->take_error()); }

  T take() {
    if (this->ended == outcome::error) [[unlikely]] {
      rethrow();
    }
    return take_value();
  }
  T take_value() {
    if constexpr (!presumed) {
      this->ended = outcome::none;
    }
    return this->result.take();
  }

private:
  using promise_result<T>::presumed;
  void presume() noexcept {
    if constexpr (presumed) {
      this->ended = outcome::value;
    }
  }
  [[gnu::noinline, gnu::cold]] void lose_error() noexcept {
    report_lost(this->take_error());
    forget_failure();
  }
  void replace_by(std::exception_ptr e) noexcept {
    if (!this->released && this->awaited_as != await_kind::alone) {
      this->awaiting().child_failed.store(true, std::memory_order_relaxed);
      child_threw(*this, e);
      if (this->is_after_older()) {
        this->awaited_as = await_kind::after_failure;
      }
    }
    if (this->ended == outcome::value) {
      this->result.empty();
    }
    this->fail(std::move(e));
    this->destroy_by_its_code(); // the exception
  }
  static void run(descriptor& d) noexcept {
    auto& p = static_cast<promise&>(d);
    p.released = true;
    p.presume(); // it may have been skipped before
    run_coroutine(p.handle());
    p.settle_submitted();
  }
  static constexpr task_type table{&run, &finish_child};
};

/// `co_await f(x)`: runs one task in the awaiting one's place.
template <class T>
struct task_awaiter {
  promise<T>& p;
  bool await_ready() const noexcept { return false; }
  template <class U>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<promise<U>> parent) noexcept {
    p.must_be_new();
    p.parent = &promise_of(parent);
    p.awaited_as = await_kind::alone;
    enter(*this_front(), p);
    return transfer(p.handle());
  }
  T await_resume() { return p.take(); }
};

} // namespace detail

/// A coroutine with result T. Nothing runs until the task is awaited:
///
///     long n = co_await f(x);                              // a sequential call
///     auto [a, b] = co_await torc::wait(f(x), g(y));       // both, possibly in parallel
///     long n = f(x).get();                                 // from a plain function
///
/// A task is awaited once, in the expression that creates it or as a local variable; it cannot be
/// moved, and tasks are destroyed in reverse order of their creation. When a task ends, by return
/// or exception, it first joins its children. Exceptions go to whoever awaits. A coroutine may go
/// on on another thread after any `co_await`.
template <class T = void>
class [[nodiscard("co_await the task, or hand it to torc::wait")]] task {
public:
  using promise_type = detail::promise<T>;
  using value_type = T;

  task(const task&) = delete;
  task& operator=(const task&) = delete;
  [[gnu::always_inline]] ~task() { // where an exception passes it would be a call
    // Giving back the memory alone saves a second pass through the coroutine's code.
    if (!detail::pop_frame(promise_.handle().address())) {
      promise_.destroy();
    }
  }

  /// Runs the task to its end on the calling thread and gives its result; for plain functions.
  T get() {
    promise_.must_be_new();
    promise_.released = true;
    detail::enter(*detail::this_front(), promise_);
    detail::run_coroutine(promise_.handle());
    promise_.settle_submitted();
    detail::pop(*detail::this_front(), promise_); // not counted: a call
    return promise_.take();
  }

  detail::task_awaiter<T> operator co_await() noexcept { return {promise_}; }

private:
  explicit task(promise_type & p) noexcept : promise_(p) {}
  promise_type& promise_;
  friend promise_type;
  friend struct detail::access;
};

namespace detail {
template <class T>
task<T> promise<T>::get_return_object() noexcept {
  return task<T>(*this);
}
} // namespace detail

} // namespace torc
