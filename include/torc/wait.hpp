// SPDX-License-Identifier: MIT
#pragma once

#include <torc/detail/operation.hpp>
#include <torc/detail/waitable.hpp>
#include <torc/result.hpp>

namespace torc {

/// Runs the tasks, possibly in parallel, and gives their results: of one as it is, of several as a
/// tuple (void as std::monostate), of void ones nothing.
///
/// An operation: `co_await torc::wait(f(x), g(y))` in a coroutine, `.get()` behind it in a plain
/// function. All have stopped when it ends. If some fail, the first exception in the order of the
/// arguments is thrown, others are reported, and tasks not yet started are skipped.
template <class... T>
requires(sizeof...(T) > 0) auto wait(task<T>&&... tasks) {
  return detail::wait_tasks<T...>(tasks...);
}

/// The same for children, futures and named tasks, in any mixture. Results of futures come as
/// references (in a tuple as well) and stay in the future; those of temporary futures as values.
template <class... X>
requires(sizeof...(X) > 0 && (detail::can_wait<X> && ...)) auto wait(X&&... x) {
  return detail::operation([args = std::tuple<X&...>(x...)]() -> decltype(auto) {
    return std::apply(
        [](auto&... a) -> decltype(auto) {
          (detail::waitable_for<X>::begin(a), ...);
          detail::join_all(a...);
          return detail::results_of<X...>(a...);
        },
        args);
  });
}

/// The same for a range of children, futures or tasks: a vector of results in its order; of futures
/// it holds copies, and if the results cannot be copied nothing is given: ask the futures. A
/// temporary container of futures gives their results away.
template <detail::can_wait_range Range>
auto wait(Range&& range) {
  return detail::operation([&range] {
    detail::join_range(detail::begin_all(range), true);
    return detail::results_of_range<Range>(range);
  });
}

/// The same for a tuple of futures (or references to children, tasks).
template <detail::a_tuple Tuple>
auto wait(Tuple&& things) {
  return std::apply([](auto&&... x) { return wait(std::forward<decltype(x)>(x)...); },
                    std::forward<Tuple>(things));
}

/// Anything else.
template <class... Wrong>
void wait(Wrong&&...) {
  static_assert((std::is_void_v<Wrong> && ... && false),
                "torc::wait takes tasks, children and futures, or a range or tuple of them, and "
                "none that are const: write auto c = spawn(f, x); wait(c) and not wait(f(x)), "
                "unless f is a coroutine");
}

/// The other policy: waits for tasks, children and futures, and gives a `result` for each, as a
/// tuple in the order of the arguments. The failure of one skips none of the others. Throws only
/// if the calling task has been stopped, by its group too; of a task that was cancelled the result
/// says so. A `result` of a future refers into it, of a temporary one it is the result itself.
template <class... X>
requires(sizeof...(X) > 0 && (detail::can_wait<X> && ...)) auto wait_all(X&&... x) {
  return detail::operation([args = std::tuple<X&...>(x...)] {
    return std::apply(
        [](auto&... a) {
          (detail::waitable_for<X>::begin(a), ...);
          detail::in_reverse([]<class Y>(Y& y) { detail::waitable_for<Y>::join(y, false); }, a...);
          stop_point();
          return std::tuple<detail::result_for<X>...>{detail::outcome_of<X>(a)...};
        },
        args);
  });
}

/// The same for a range: a vector of results.
template <detail::can_wait_range Range>
auto wait_all(Range&& range) {
  return detail::operation([&range] {
    const auto elements = detail::begin_all(range);
    detail::join_range(elements, false);
    stop_point();
    using X = detail::element_given<Range>;
    std::vector<detail::result_for<X>> results;
    for (auto* x : elements) {
      results.push_back(detail::outcome_of<X>(*x));
    }
    return results;
  });
}

/// The same for a tuple.
template <detail::a_tuple Tuple>
auto wait_all(Tuple&& things) {
  return std::apply([](auto&&... x) { return wait_all(std::forward<decltype(x)>(x)...); },
                    std::forward<Tuple>(things));
}

/// Anything else.
template <class... Wrong>
void wait_all(Wrong&&...) {
  static_assert(
      (std::is_void_v<Wrong> && ... && false),
      "torc::wait_all takes tasks, children and futures, or a range or tuple of them, and none "
      "that are const");
}

/// Waits for all children of the calling task: `sync` as an operation.
inline auto wait() {
  return detail::operation([] { sync(); });
}

} // namespace torc
