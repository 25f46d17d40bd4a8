// SPDX-License-Identifier: MIT
#pragma once

#include <torc/detail/operation.hpp>
#include <torc/detail/waitable.hpp>

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
/// references (in a tuple as well) and stay in the future.
template <class... X>
requires(sizeof...(X) > 0 && (detail::can_wait<X> && ...)) auto wait(X&&... x) {
  return detail::operation([args = std::tuple<X&...>(x...)]() -> decltype(auto) {
    return std::apply(
        [](auto&... a) -> decltype(auto) {
          (detail::waitable_for<X>::begin(a), ...);
          detail::join_all(a...);
          return detail::results_of(a...);
        },
        args);
  });
}

/// The same for a range of children, futures or tasks: a vector of results in its order; of futures
/// it holds copies, and if the results cannot be copied nothing is given: ask the futures.
template <detail::can_wait_range Range>
auto wait(Range&& range) {
  using w = detail::waitable_for<std::ranges::range_reference_t<Range>>;
  return detail::operation([&range] {
    std::vector<std::remove_reference_t<std::ranges::range_reference_t<Range>>*> elements;
    for (auto& x : range) {
      w::begin(x);
      elements.push_back(&x);
    }
    bool failed = false;
    for (auto x = elements.rbegin(); x != elements.rend(); ++x) {
      failed |= !w::join(**x, failed);
    }
    return detail::results_of_range(range);
  });
}

/// The same for a tuple of futures (or references to children, tasks).
template <class... X>
requires(detail::can_wait<X>&&...) auto wait(std::tuple<X...>& things) {
  return std::apply([](auto&... x) { return wait(x...); }, things);
}

/// Waits for all children of the calling task: `sync` as an operation.
inline auto wait() {
  return detail::operation([] { sync(); });
}

} // namespace torc
