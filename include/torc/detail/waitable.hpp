// SPDX-License-Identifier: MIT
#pragma once

// The ways to wait for several things: how each kind is begun, joined and asked, and a group of
// tasks that a coroutine awaits.

#include <cassert>
#include <concepts>
#include <ranges>
#include <torc/future.hpp>
#include <torc/result.hpp>
#include <torc/spawn.hpp>
#include <torc/task.hpp>
#include <tuple>
#include <vector>

namespace torc::detail {

// What can be waited for: task, child, future. Each is begun, joined and asked for its result.

template <class T>
struct waitable;

template <class T>
struct waitable<task<T>> {
  using value = T;
  static void begin(task<T>& t) noexcept {
    auto& p = access::promise_of(t).with_type();
    if (p.is_pending()) { // otherwise it has been skipped, and `join` runs it
      push(*this_front(), p);
    }
  }
  static bool join(task<T>& t, bool skip) noexcept {
    descriptor& d = access::promise_of(t);
    settle(d, skip);
    return d.ended != outcome::error;
  }
  static bool failed(task<T>& t) noexcept { return access::promise_of(t).ended == outcome::error; }
  static T take(task<T>& t) {
    if (access::promise_of(t).ended > outcome::value) {
      rethrow_failure(access::promise_of(t));
    }
    return access::promise_of(t).take_value();
  }
};

template <class R>
R child_result(const child<R>&);

template <class C>
requires requires(const C& c) { child_result(c); }
struct waitable<C> {
  using value = decltype(child_result(std::declval<const C&>()));
  static void begin(C&) noexcept {}
  static bool join(child<value>& c, bool skip) noexcept {
    settle(access::descriptor_of(c), skip);
    return !failed(c);
  }
  static bool failed(child<value>& c) noexcept {
    return access::descriptor_of(c).ended == outcome::error;
  }
  static value take(child<value>& c) { return access::take(c); }
};

template <class R>
struct waitable<future<R>> {
  using value = reference_to<R>;
  static void begin(future<R>&) noexcept {}
  static bool join(future<R>& f, bool) noexcept {
    if (f.valid()) {
      wait_for_one(*access::state(f));
    }
    return !failed(f);
  }
  static bool failed(future<R>& f) noexcept { // without a task `take` throws, too
    return !f.valid() || (f.done() && access::state(f)->ended == outcome::error);
  }
  static value take(future<R>& f) { return f.result(); }
};

template <class T>
using waitable_for = waitable<std::remove_cvref_t<T>>;
template <class T>
concept can_wait = !std::is_const_v<std::remove_reference_t<T>> && requires {
  typename waitable_for<T>::value;
};
template <class T>
concept can_wait_range =
    !can_wait<T> && std::ranges::forward_range<T> && can_wait<std::ranges::range_reference_t<T>>;

template <class T>
inline constexpr bool is_tuple = false;
template <class... X>
inline constexpr bool is_tuple<std::tuple<X...>> = true;
template <class T>
concept a_tuple = is_tuple<std::remove_cvref_t<T>>;

/// A future that dies with the expression gives its result away, as a reference would dangle.
template <class R>
struct temporary_future : waitable<future<R>> {
  using value = R;
  static R take(future<R>& f) {
    if constexpr (std::is_void_v<R>) {
      f.result();
    } else {
      return static_cast<R&&>(f.result());
    }
  }
};

// From here on X is as what a thing is given: `T&`, or `T` if it is a temporary.

template <class X>
struct source : waitable_for<X> {};
template <class R>
struct source<future<R>> : temporary_future<R> {};

/// An element of a range is a temporary if the range is one that owns it.
template <class Range>
using element_given =
    std::conditional_t<std::is_reference_v<Range> || std::ranges::view<Range>,
                       std::ranges::range_reference_t<Range>, std::ranges::range_value_t<Range>>;

template <class X>
auto take_object(std::remove_reference_t<X>& x) {
  using value = typename source<X>::value;
  if constexpr (std::is_void_v<value>) {
    source<X>::take(x);
    return std::monostate{};
  } else if constexpr (std::is_reference_v<value>) {
    return std::ref(source<X>::take(x));
  } else {
    return source<X>::take(x);
  }
}

/// The results of things that have ended, or the first exception in the order of the arguments.
template <class... X>
decltype(auto) results_of(std::remove_reference_t<X>&... x) {
  const auto check = [](auto& one) {
    using w = waitable_for<decltype(one)>;
    if (w::failed(one)) {
      forget_failure(); // also that of a child, if this one is a future
      w::take(one);     // throws
    }
  };
  stop_point();
  (check(x), ...);
  if constexpr ((std::is_void_v<typename source<X>::value> && ...)) {
    (source<X>::take(x), ...);
  } else if constexpr (sizeof...(X) == 1) {
    return (source<X>::take(x), ...);
  } else {
    return std::tuple<object_of<typename source<X>::value>...>{take_object<X>(x)...};
  }
}

template <class Range>
auto results_of_range(std::remove_reference_t<Range>& range) {
  using w = source<element_given<Range>>;
  stop_point();
  for (auto& x : range) {
    if (w::failed(x)) {
      w::take(x); // throws
    }
  }
  using result = typename w::value; // a reference if it stays where it is
  using value = std::remove_cvref_t<result>;
  if constexpr (!std::constructible_from<value, result>) { // also void
    static_assert(std::is_void_v<value> || std::is_reference_v<result>);
    for (auto& x : range) {
      static_cast<void>(w::take(x));
    }
  } else {
    std::vector<value> results;
    results.reserve(static_cast<std::size_t>(std::ranges::distance(range)));
    for (auto& x : range) {
      results.push_back(w::take(x));
    }
    return results;
  }
}

template <class X>
using result_for = result<typename source<X>::value>;

/// What became of a thing that has ended.
template <class X>
result_for<X> outcome_of(std::remove_reference_t<X>& x) {
  return result_for<X>::of([&x]() -> decltype(auto) { return source<X>::take(x); });
}

/// Begins everything in a range; where it all is.
template <class Range>
auto begin_all(Range& range) {
  std::vector<std::remove_reference_t<std::ranges::range_reference_t<Range>>*> elements;
  for (auto& x : range) {
    elements.push_back(&x);
  }
  for (auto* x : elements) { // nothing may throw any more
    waitable_for<decltype(*x)>::begin(*x);
  }
  return elements;
}

/// Joins that, youngest first; with `skip` without starting more after a failure.
template <class X>
void join_range(const std::vector<X*>& elements, bool skip) noexcept {
  bool failed = false;
  for (auto x = elements.rbegin(); x != elements.rend(); ++x) {
    failed |= !waitable_for<X>::join(**x, skip && failed);
  }
}

/// Calls f for each argument, from the last to the first.
template <class F, class... X>
void in_reverse(const F& f, X&... x) {
  int order = 0; // an assignment evaluates its right side first
  static_cast<void>((order = ... = (f(x), 0)));
}

/// Joins what has been begun, youngest first, without starting more after a failure.
template <class... X>
void join_all(X&... x) noexcept {
  bool failed = false;
  in_reverse([&failed]<class Y>(Y& y) { failed |= !waitable_for<Y>::join(y, failed); }, x...);
}

/// Its argument, but loaded by itself: g++ makes one vector load of two neighbours, which has to
/// wait until the two stores of what has just been returned have left the processor.
template <class T>
T& in_register(T& x) noexcept {
  T* p = &x;
  asm("" : "+r"(p));
  return *p;
}

/// Tasks that are awaited together. In a coroutine all but the last are pushed, the last is run in
/// the awaiting one's place, and whoever ends goes on with the next (`final_awaiter`).
template <class... T>
class [[nodiscard("write co_await before it, or .get() behind it")]] wait_tasks {
public:
  explicit wait_tasks(task<T> & ... tasks) noexcept
      : promises_(in_register(access::promise_of(tasks))...) {}

  bool await_ready() const noexcept { return false; }

  template <class U>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<promise<U>> parent) noexcept {
    return start(promise_of(parent), std::make_index_sequence<sizeof...(T) - 1>());
  }

  auto await_resume() {
    return std::apply(
        [](auto&... p) {
          if (((p.ended != outcome::value) || ...)) [[unlikely]] {
            return values_after_failure(p...);
          }
          return values_of(p...);
        },
        promises_);
  }

  auto get() {
    bool failed = false;
    const auto join = [&failed](descriptor& d) {
      settle(d, failed);
      failed |= d.ended != outcome::value;
    };
    std::apply(
        [&](auto&... p) {
          (push(*this_front(), p.with_type()), ...);
          in_reverse(join, p...);
        },
        promises_);
    return await_resume();
  }

private:
  template <std::size_t... I>
  std::coroutine_handle<> start(promise_base & parent, std::index_sequence<I...>) noexcept {
    const auto promises = promises_; // for all the compiler knows the stores below may change it
    promise_base& oldest = std::get<0>(promises);
    promise_base& last = std::get<sizeof...(I)>(promises);
    assert(
        std::apply([](auto&... p) { return (p.is_pending() && ...); }, promises_) &&
        "a torc::task is awaited once; wait(t), not wait(std::move(t)), runs one that was skipped");
    const bool quiet = push_and_enter(*this_front(), last, std::get<I>(promises).with_type()...);
    if (!quiet || oldest.prev != &parent) [[unlikely]] {
      return transfer(start_slow(parent, oldest, last));
    }
    return transfer(last.handle());
  }
  template <class U>
  static object_of<U> object_from(promise<U> & p) {
    if constexpr (std::is_void_v<U>) {
      return {};
    } else {
      return p.take_value();
    }
  }
  static auto values_of(promise<T> & ... p) {
    if constexpr ((std::is_void_v<T> && ...)) {
      return;
    } else if constexpr (sizeof...(T) == 1) {
      return (p.take_value(), ...);
    } else {
      return std::tuple<object_of<T>...>{object_from(p)...};
    }
  }
  /// Throws the first exception. If there is none, the failure that made us skip tasks was that of
  /// another child, which somebody else will ask for: run them.
  [[gnu::noinline, gnu::cold]] static auto values_after_failure(promise<T> & ... p) {
    stop_point();
    forget_failure();
    ((p.ended == outcome::error ? rethrow_failure(p) : void()), ...);
    (settle(p, false), ...);
    ((p.ended != outcome::value ? rethrow_failure(p) : void()), ...); // or stopped meanwhile
    return values_of(p...);
  }

  std::tuple<promise<T>&...> promises_;
};

} // namespace torc::detail
