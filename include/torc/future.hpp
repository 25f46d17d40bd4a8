// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <ranges>
#include <stdexcept>
#include <torc/detail/operation.hpp>
#include <torc/detail/submitted.hpp>
#include <utility>
#include <vector>

namespace torc {

namespace detail {
template <class R>
using reference_to = std::add_lvalue_reference_t<R>;
} // namespace detail

/// The result of a submitted task, now or later. Movable; may be dropped, and then the task still
/// runs and its parent still waits for it. May be used from any thread and outlive the runtime.
template <class R>
class [[nodiscard("keep the future for its result, or cast it to void")]] future {
public:
  using value_type = R;

  future() noexcept = default;
  future(future && other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  future& operator=(future&& other) noexcept {
    future from(std::move(other)); // what we had is let go of now
    std::swap(state_, from.state_);
    return *this;
  }
  ~future() {
    if (state_ != nullptr) {
      detail::release(*state_);
    }
  }

  /// Whether there is a task: not if default-constructed or moved from. All that follows throws
  /// std::logic_error then.
  bool valid() const noexcept { return state_ != nullptr; }
  /// Whether the task has ended, by result or by exception. Never waits.
  bool done() const { return state().done.load(std::memory_order_acquire); }

  /// Waits for the task; suspends the calling task meanwhile, or blocks a thread that is no worker.
  void wait() const {
    detail::wait_for_one(state());
    stop_point();
  }

  /// Stops the task, wherever it is, with all that it has started; its result is `cancelled` then,
  /// unless it has ended already or ends well all the same. If it has not started it does not.
  /// Returns at once. Any thread, any number of times. Costs a look at all queues of the process.
  void cancel() { detail::stop(state(), detail::stop_state::cancelled); }

  /// Waits, then gives the result, valid as long as the future; or throws the task's exception.
  detail::reference_to<R> get()& {
    wait();
    return result();
  }
  R get()&& {
    wait();
    check();
    if constexpr (std::is_void_v<R>) {
      return;
    } else {
      return static_cast<R&&>(state_->result.get());
    }
  }

  /// `co_await x`: the same as `x.get()`.
  auto operator co_await()& {
    return detail::operation([this]() -> detail::reference_to<R> { return get(); });
  }
  auto operator co_await()&& {
    return detail::operation([this]() -> R { return std::move(*this).get(); });
  }

  /// The result of a task that has ended. Throws its exception, or std::logic_error if it runs.
  detail::reference_to<R> result() {
    if (!done()) {
      throw std::logic_error("torc::future::result: the task has not ended; use get or torc::wait");
    }
    check();
    return state_->result.get();
  }

  /// The exception of a task that has ended with one, otherwise null. Never waits.
  std::exception_ptr exception() const {
    if (!done() || state_->ended != detail::outcome::error) {
      return nullptr;
    }
    state_->asked.store(true, std::memory_order_relaxed);
    return state_->error;
  }

  /// What the task was called with, if it was submitted with `keep_input()`: the argument, or of
  /// several a tuple. Throws std::logic_error if it was not, or if these are not its types.
  template <class... Args>
  const auto& input() const {
    using arguments = std::tuple<Args...>;
    const auto* kept = static_cast<const arguments*>(state().input(typeid(arguments)));
    if (kept == nullptr) {
      throw std::logic_error("torc::future::input: the task was not submitted with keep_input(), "
                             "or has arguments of other types");
    }
    if constexpr (sizeof...(Args) == 1) {
      return std::get<0>(*kept);
    } else {
      return *kept;
    }
  }

  /// Has `f(x)` called on this rank when the task has ended, or now if it has; `x` is a future of
  /// the same task, with its result or exception. Gives this future back:
  ///
  ///     auto x = torc::submit(work, 3).callback([](torc::future<int>& t) { use(t.result()); });
  ///
  /// The callback is a submitted task itself, a child of the calling one, and stays on this rank,
  /// `where` it is placed; what `f` returns is dropped, and its exception is that of a child nobody
  /// has a future of. With `torc::here.direct()` the thread that ends the task calls it at once.
  template <class F>
  future& callback(local_placement where, F f)& {
    return add_callback(where, std::move(f)), *this;
  }
  template <class F>
  future&& callback(local_placement where, F f)&& {
    return add_callback(where, std::move(f)), std::move(*this);
  }
  template <class F>
  future& callback(F f)& {
    return add_callback(here, std::move(f)), *this;
  }
  template <class F>
  future&& callback(F f)&& {
    return add_callback(here, std::move(f)), std::move(*this);
  }

private:
  explicit future(detail::submitted_result<R> & s) noexcept : state_(&s) {}
  template <class F>
  void add_callback(local_placement where, F f) {
    static_assert(std::is_invocable_v<F&, future&>,
                  "torc::future::callback: f must take a torc::future<R>&, R being the result");
    auto call = [](F g, future task) { static_cast<void>(detail::apply_to(g, task)); };
    const detail::destination target = detail::resolve(where); // may throw
    detail::retain(state());
    future self(state());
    auto* const task = new detail::submitted_call<false, false, decltype(call), F, future>(
        call, std::move(f), std::move(self));
    task->set(where.options);
    detail::send_after(*state_, *task, target);
    detail::release(*task);
  }
  detail::submitted_result<R>& state() const {
    if (!valid()) [[unlikely]] {
      throw std::logic_error("torc::future: without a task: default-constructed or moved from");
    }
    return *state_;
  }
  void check() const {
    if (std::exception_ptr error = exception()) {
      std::rethrow_exception(std::move(error));
    }
  }
  detail::submitted_result<R>* state_ = nullptr;
  friend struct detail::access;
};

namespace detail {
template <class T>
inline constexpr bool is_future = false;
template <class R>
inline constexpr bool is_future<future<R>> = true;

template <class Range>
concept future_range = std::ranges::input_range<Range> &&
    is_future<std::remove_cvref_t<std::ranges::range_reference_t<Range>>>;

struct access {
  template <class R>
  static future<R> make_future(submitted_result<R>& s) noexcept {
    return future<R>(s);
  }
  template <class R>
  static submitted* state(const future<R>& f) {
    return &f.state();
  }
  template <class T>
  static promise<T>& promise_of(task<T>& t) noexcept {
    return t.promise_;
  }
  template <class R>
  static descriptor& descriptor_of(child<R>& c) noexcept {
    return c;
  }
  template <class R>
  static R take(child<R>& c) {
    return c.take();
  }
};

template <class... R>
std::vector<submitted*> states_of(const future<R>&... futures) {
  return {access::state(futures)...};
}
template <future_range Range>
std::vector<submitted*> states_of(Range&& futures) {
  std::vector<submitted*> states;
  for (auto& f : futures) {
    states.push_back(access::state(f));
  }
  return states;
}

/// Now and that much later; the end of time if that is beyond it.
template <class Rep, class Period>
std::chrono::steady_clock::time_point deadline_in(std::chrono::duration<Rep, Period> limit) {
  using clock = std::chrono::steady_clock;
  using seconds = std::chrono::duration<double>;
  const clock::time_point now = clock::now();
  if (limit <= limit.zero()) {
    return now;
  }
  if (seconds(limit) >= seconds(clock::time_point::max() - now)) {
    return clock::time_point::max();
  }
  return now + std::chrono::duration_cast<clock::duration>(limit);
}
} // namespace detail

/// Waits until one of the futures (given one by one, or as a range) is done; gives its position.
/// At least one is needed: std::invalid_argument. The calling task goes on when a worker is free
/// for it, the primary task when worker 0 is; by then others may be done, too.
template <class... Futures>
auto wait_any(Futures&&... futures) {
  return detail::operation(
      [states = detail::states_of(futures...)] { return detail::wait_for_any(states); });
}

/// Waits until all of the futures are done, but not longer than `limit`; whether they are. Goes on
/// as `wait_any` does: then, perhaps later, it looks.
template <class Rep, class Period, class... Futures>
auto wait_for(std::chrono::duration<Rep, Period> limit, Futures&&... futures) {
  return detail::operation([limit, states = detail::states_of(futures...)] {
    return detail::wait_for_all_until(states, detail::deadline_in(limit));
  });
}

} // namespace torc
