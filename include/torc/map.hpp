// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <torc/detail/chunked_loop.hpp>
#include <torc/detail/operation.hpp>

namespace torc {

namespace detail {
template <class F, class Range>
auto for_each_of(F f, indexed<Range> range, chunk c) {
  return operation([f = std::move(f), elements = std::move(range), c]() mutable {
    chunked_loop loop(
        [&](std::size_t begin, std::size_t end) {
          for (std::size_t i = begin; i < end; ++i) {
            static_cast<void>(apply_to(f, elements[i]));
          }
        },
        elements.size(), c);
    loop.run(0, elements.size());
  });
}
} // namespace detail

/// Calls `f(x)` for every element, in parallel. `f` is a function or coroutine function; it is
/// called on one object from several workers at once.
///
/// This and the next two are operations: `co_await torc::for_each(...)` in a coroutine,
/// `torc::for_each(...).get()` in a plain function. An lvalue range must live until then. After an
/// exception no further chunk starts, and the one at the lowest position is thrown. This one stays
/// in the process, as it is there for what `f` does to the elements.
template <class F, std::ranges::forward_range Range>
auto for_each(F f, Range&& range, chunk c = {}) {
  return detail::for_each_of(std::move(f), detail::indexed<Range>(std::forward<Range>(range)), c);
}

/// The same for `f(x, y, ...)` and the elements of several ranges, as far as the shortest reaches:
/// `for_each(f, xs, ys)`, `for_each(f, xs, ys, chunk{n})`.
template <class F, class First, class Second, class... More>
requires(detail::are_ranges<First, Second, More...>() && !detail::is_chunk<Second>) //
    auto for_each(F f, First&& first, Second&& second, More&&... more) {
  return detail::with_zipped(
      [&f](auto elements, chunk c) {
        return detail::for_each_of(detail::spread<F>{std::move(f)}, std::move(elements), c);
      },
      std::forward<First>(first), std::forward<Second>(second), std::forward<More>(more)...);
}

namespace detail {

/// The results of f for all elements, in the slots.
template <class F, class Range, class R>
void map_into(std::vector<std::optional<R>>& slots, F& f, indexed<Range>& elements, chunk c);

/// A part of a `map` on another rank.
template <class F, class X, class R>
struct map_part {
  batch<R> operator()(F f, batch<X> part, std::size_t grain) const {
    indexed<std::vector<X>&> elements(part.values);
    std::vector<std::optional<R>> slots(elements.size());
    map_into<F, std::vector<X>&, R>(slots, f, elements, {grain});
    return {unwrap(slots)};
  }
  static std::vector<R> unwrap(std::vector<std::optional<R>>& slots) {
    std::vector<R> results;
    results.reserve(slots.size());
    for (auto& slot : slots) {
      results.push_back(std::move(*slot));
    }
    return results;
  }
};

template <class F, class Range, class R>
void map_into(std::vector<std::optional<R>>& slots, F& f, indexed<Range>& elements, chunk c) {
  const auto body = [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      slots[i].emplace(apply_to(f, elements[i]));
    }
  };
  if constexpr (loop_travels<F, Range, R>) {
    using travel = loop_travel<map_part<F, element_value<Range>, R>, Range, R, F>;
    chunked_loop loop(body, elements.size(), c, travel{{f}, elements, slots, false});
    loop.run(0, elements.size());
  } else {
    chunked_loop loop(body, elements.size(), c);
    loop.run(0, elements.size());
  }
}

template <class F, class Range>
auto map_of(F f, indexed<Range> range, chunk c) {
  using R = std::remove_cvref_t<element_result<F, Range>>;
  static_assert(!std::is_void_v<R>, "torc::map: f returns nothing; use torc::for_each");
  return operation([f = std::move(f), elements = std::move(range), c]() mutable {
    std::vector<std::optional<R>> slots(elements.size());
    map_into<F, Range, R>(slots, f, elements, c);
    return map_part<F, int, R>::unwrap(slots);
  });
}

} // namespace detail

/// The results of `f(x)` for every element as a std::vector, in order. If `f`, the elements and the
/// results are shippable, parts of the loop may run on other ranks, on copies of the elements.
template <class F, std::ranges::forward_range Range>
auto map(F f, Range&& range, chunk c = {}) {
  return detail::map_of(std::move(f), detail::indexed<Range>(std::forward<Range>(range)), c);
}

/// The same for `f(x, y, ...)` and the elements of several ranges, as far as the shortest reaches.
template <class F, class First, class Second, class... More>
requires(detail::are_ranges<First, Second, More...>() && !detail::is_chunk<Second>) //
    auto map(F f, First&& first, Second&& second, More&&... more) {
  return detail::with_zipped(
      [&f](auto elements, chunk c) {
        return detail::map_of(detail::spread<F>{std::move(f)}, std::move(elements), c);
      },
      std::forward<First>(first), std::forward<Second>(second), std::forward<More>(more)...);
}

namespace detail {

/// The sums of the chunks of a range.
template <class F, class Range, class T, class Combine>
std::vector<std::optional<T>> sums_of_chunks(F& f, indexed<Range>& elements, Combine& combine,
                                             chunk c);

/// A part of a `reduce` on another rank: the sums of its chunks, as the order of summation is that
/// of one rank.
template <class F, class X, class T, class Combine>
struct reduce_part {
  batch<T> operator()(F f, Combine combine, batch<X> part, std::size_t grain) const {
    indexed<std::vector<X>&> elements(part.values);
    auto sums = sums_of_chunks<F, std::vector<X>&, T, Combine>(f, elements, combine, {grain});
    return {map_part<F, X, T>::unwrap(sums)};
  }
};

template <class F, class Range, class T, class Combine>
std::vector<std::optional<T>> sums_of_chunks(F& f, indexed<Range>& elements, Combine& combine,
                                             chunk c) {
  std::vector<std::optional<T>> sums;
  std::size_t grain = 0;
  const auto body = [&](std::size_t begin, std::size_t end) {
    T sum(apply_to(f, elements[begin]));
    for (std::size_t i = begin + 1; i < end; ++i) {
      sum = combine(std::move(sum), apply_to(f, elements[i]));
    }
    sums[begin / grain].emplace(std::move(sum));
  };
  const auto run = [&](auto& loop) {
    grain = loop.grain();
    sums.resize((elements.size() + grain - 1) / grain);
    loop.run(0, elements.size());
  };
  if constexpr (loop_travels<F, Range, T, Combine>) {
    using part = reduce_part<F, element_value<Range>, T, Combine>;
    using travel = loop_travel<part, Range, T, F, Combine>;
    chunked_loop loop(body, elements.size(), c, travel{{f, combine}, elements, sums, true});
    run(loop);
  } else {
    chunked_loop loop(body, elements.size(), c);
    run(loop);
  }
  return sums;
}

} // namespace detail

/// `init (+) f(x0) (+) f(x1) (+) ...` with `combine` as (+), which must be associative; the order
/// is kept. With a fixed chunk size the grouping, and so the rounding of floating-point sums, is
/// the same for any number of workers and ranks. Travels as `map` does.
template <class F, std::ranges::forward_range Range, class T, class Combine = std::plus<>>
auto reduce(F f, Range&& range, T init, Combine combine = {}, chunk c = {}) {
  return detail::operation([f = std::move(f),
                            elements = detail::indexed<Range>(std::forward<Range>(range)),
                            init = std::move(init), combine = std::move(combine), c]() mutable {
    auto sums = detail::sums_of_chunks<F, Range, T, Combine>(f, elements, combine, c);
    T result = std::move(init);
    for (auto& sum : sums) {
      result = combine(std::move(result), std::move(*sum));
    }
    return result;
  });
}

} // namespace torc
