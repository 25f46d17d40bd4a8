// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <torc/detail/loop_travel.hpp>
#include <torc/detail/operation.hpp>

namespace torc {

namespace detail {

/// Elements that something is done with, without a sum.
template <class Body>
struct each {
  using sum = nothing;
  Body body;

  template <class It>
  sum start(It at) {
    body(*at);
    return {};
  }
  template <class It>
  void add(sum&, It at) {
    body(*at);
  }
  sum combine(sum, sum) noexcept { return {}; }
};

/// `body(x)` for all elements of a range, in parallel.
template <class Range, class Grain, class Body, class Travel = stays_here>
void run_each(Range& range, Grain grain, Body body, Travel travel = {}) {
  const auto first = std::ranges::begin(range);
  const auto last = std::ranges::next(first, std::ranges::end(range));
  if (first != last) {
    using It = std::ranges::iterator_t<Range>;
    chunked_loop<It, each<Body>, Grain, Travel> loop(grain, {std::move(body)}, std::move(travel));
    loop.run({}, first, last);
  }
}

template <class F, class Range>
void call_for_each(F& f, Range& range, chunk c) {
  const auto body = [&f](auto&& x) {
    static_cast<void>(apply_to(f, std::forward<decltype(x)>(x)));
  };
  with_grain(c, range, [&](auto grain) { run_each(range, grain, body); });
}

} // namespace detail

/// Calls `f(x)` for every element, in parallel. `f` is a function or coroutine function; it is
/// called on one object from several workers at once.
///
/// This and the next two are operations: `co_await torc::for_each(...)` in a coroutine,
/// `torc::for_each(...).get()` in a plain function. An lvalue range must live until then. After an
/// exception no further chunk starts, and the one at the lowest position is thrown. Iterators must
/// not throw when they are copied. This one stays in the process, as it is there for what `f` does
/// to the elements.
template <class F, std::ranges::forward_range Range>
auto for_each(F f, Range&& range, chunk c = {}) {
  return detail::operation([f = std::move(f),
                            elements = std::tuple<Range>(std::forward<Range>(range)),
                            c]() mutable { detail::call_for_each(f, std::get<0>(elements), c); });
}

/// The same for `f(x, y, ...)` and the elements of several ranges, as far as the shortest reaches:
/// `for_each(f, xs, ys)`, `for_each(f, xs, ys, chunk{n})`.
template <class F, class First, class Second, class... More>
requires(detail::are_ranges<First, Second, More...>() && !detail::is_chunk<Second>) //
    auto for_each(F f, First&& first, Second&& second, More&&... more) {
  return detail::with_zipped(
      [&f](auto zipped, chunk c) {
        return detail::operation([f = detail::spread<F>{std::move(f)}, elements = std::move(zipped),
                                  c]() mutable {
          auto call = [&](std::size_t i) { static_cast<void>(detail::apply_to(f, elements[i])); };
          auto positions = detail::positions(elements.size());
          detail::call_for_each(call, positions, c);
        });
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
  const auto fill = [&](std::size_t i) { slots[i].emplace(apply_to(f, elements[i])); };
  auto all = positions(elements.size());
  if constexpr (loop_travels<F, Range, R>) {
    using travel = loop_travel<map_part<F, element_value<Range>, R>, Range, R, F>;
    const std::size_t grain = travelling_grain(c, elements.size());
    run_each(all, static_cast<std::ptrdiff_t>(grain), fill, travel{{f}, elements, slots, grain});
  } else {
    with_grain(c, all, [&](auto grain) { run_each(all, grain, fill); });
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

/// Sums of f(x).
template <class F, class Combine, class T>
struct summed {
  using sum = T;
  F& f;
  Combine& plus;

  template <class It>
  sum start(It at) {
    sum s(apply_to(f, *at));
    return s;
  }
  template <class It>
  void add(sum& s, It at) {
    s = plus(std::move(s), apply_to(f, *at));
  }
  sum combine(sum left, sum right) { return plus(std::move(left), std::move(right)); }
};

/// The sums of the chunks of a range.
template <class F, class Range, class T, class Combine>
std::vector<std::optional<T>> sums_of_chunks(F& f, indexed<Range>& elements, Combine& combine,
                                             std::size_t size);

/// A part of a `reduce` on another rank: the sums of its chunks, as the order of summation is that
/// of one rank.
template <class F, class X, class T, class Combine>
struct reduce_part {
  batch<T> operator()(F f, Combine combine, batch<X> part, std::size_t size) const {
    indexed<std::vector<X>&> elements(part.values);
    auto sums = sums_of_chunks<F, std::vector<X>&, T, Combine>(f, elements, combine, size);
    return {map_part<F, X, T>::unwrap(sums)};
  }
};

template <class F, class Range, class T, class Combine>
std::vector<std::optional<T>> sums_of_chunks(F& f, indexed<Range>& elements, Combine& combine,
                                             std::size_t size) {
  std::vector<std::optional<T>> sums((elements.size() + size - 1) / size);
  const auto sum_up = [&](std::size_t chunk) {
    std::size_t i = chunk * size;
    const std::size_t end = std::min(i + size, elements.size());
    T sum(apply_to(f, elements[i]));
    while (++i < end) {
      sum = combine(std::move(sum), apply_to(f, elements[i]));
    }
    sums[chunk].emplace(std::move(sum));
  };
  auto chunks = positions(sums.size());
  if constexpr (loop_travels<F, Range, T, Combine>) {
    using part = reduce_part<F, element_value<Range>, T, Combine>;
    using travel = loop_travel<part, Range, T, F, Combine>;
    run_each(chunks, single_elements(), sum_up, travel{{f, combine}, elements, sums, size, size});
  } else {
    run_each(chunks, single_elements(), sum_up);
  }
  return sums;
}

/// `init` and the sums of chunks of a given size.
template <class F, class Range, class T, class Combine>
T sum_of_chunks(F& f, Range& range, T init, Combine& combine, chunk c) {
  indexed<Range&> elements(range);
  constexpr bool travels = loop_travels<F, Range, T, Combine>;
  const std::size_t size = travels ? travelling_grain(c, elements.size()) : size_of(c);
  for (auto& sum : sums_of_chunks<F, Range&, T, Combine>(f, elements, combine, size)) {
    init = combine(std::move(init), std::move(*sum));
  }
  return init;
}

/// `init` and the sum of all elements, as parts of the loop happen to be shared out.
template <class F, class Range, class T, class Combine>
[[gnu::always_inline]] inline T sum_of_all(F& f, Range& range, T init, Combine& combine) {
  const auto first = std::ranges::begin(range);
  const auto last = std::ranges::next(first, std::ranges::end(range));
  if (first == last) {
    return init;
  }
  return with_grain({}, range, [&](auto grain) {
    using It = std::ranges::iterator_t<Range>;
    chunked_loop<It, summed<F, Combine, T>, decltype(grain)> loop(grain, {f, combine});
    return loop.run(std::move(init), first, last);
  });
}

} // namespace detail

/// `init (+) f(x0) (+) f(x1) (+) ...` with `combine` as (+), which must be associative; the order
/// is kept. With a fixed chunk size the grouping, and so the rounding of floating-point sums, is
/// the same for any number of workers and ranks. Travels as `map` does.
template <class F, std::ranges::forward_range Range, class T, class Combine = std::plus<>>
auto reduce(F f, Range&& range, T init, Combine combine = {}, chunk c = {}) {
  return detail::operation(
      [f = std::move(f), elements = std::tuple<Range>(std::forward<Range>(range)),
       init = std::move(init), combine = std::move(combine), c]() mutable -> T {
        auto& all = std::get<0>(elements);
        if constexpr (!detail::loop_travels<F, Range, T, Combine>) {
          if (c.size == 0) {
            return detail::sum_of_all(f, all, std::move(init), combine);
          }
        }
        return detail::sum_of_chunks(f, all, std::move(init), combine, c);
      });
}

} // namespace torc
