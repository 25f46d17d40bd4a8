// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <torc/detail/loop_travel.hpp>
#include <torc/detail/operation.hpp>

namespace torc {

namespace detail {

/// How a loop has a function that it calls with such arguments: a few pointers by value, for the
/// compiler to keep them in registers, anything else by reference.
template <class F, class... Args>
using held =
    std::conditional_t<std::is_trivially_copyable_v<std::remove_const_t<F>> &&
                           std::is_copy_constructible_v<F> && sizeof(F) <= 4 * sizeof(void*) &&
                           std::is_invocable_v<const F&, Args...>,
                       const F, F&>;

/// Calls of f(x), without a sum.
template <class F, class X>
struct each {
  using sum = nothing;
  held<F, X> f;

  template <class It>
  sum start(It at) {
    static_cast<void>(apply_to(f, *at));
    return {};
  }
  template <class It>
  [[gnu::always_inline]] void add(sum& s, It at) {
    s = start(at);
  }
  sum combine(sum, sum) noexcept { return {}; }
};

/// Of the elements before a filter those that it keeps.
template <class Fold, class Keep, class X>
struct filtered : Fold {
  held<const Keep, X> keep;

  template <class It>
  bool keeps(It at) {
    return std::invoke(keep, *at);
  }
};

/// f(x) where the filter keeps x, as one function of what is before it.
template <class F, class Keep, class X>
struct if_kept {
  held<F, X> f;
  held<const Keep, X> keep;

  void operator()(X x) const {
    if (std::invoke(keep, x)) {
      static_cast<void>(apply_to(f, std::forward<X>(x)));
    }
  }
};

/// `before` and all elements of a range, in parallel.
template <class Range, class Grain, class Fold, class Travel = stays_here>
[[gnu::always_inline]] inline auto run_loop(Range& range, Grain grain, Fold fold,
                                            typename Fold::sum before, Travel travel = {}) {
  const auto first = std::ranges::begin(range);
  const auto last = std::ranges::next(first, std::ranges::end(range));
  if (first == last) {
    return before;
  }
  using It = std::ranges::iterator_t<Range>;
  chunked_loop<It, Fold, Grain, Travel> loop(grain, std::move(fold), std::move(travel));
  return loop.run(std::move(before), first, last);
}

/// A filter that others than its iterators may test elements for, over a range whose iterators do
/// not need it: instead of the filter a loop halves what is before it.
template <class Range>
inline constexpr bool is_transparent_filter = false;
template <class Base, class Keep>
inline constexpr bool is_transparent_filter<std::ranges::filter_view<Base, Keep>> =
    std::ranges::borrowed_range<Base>&& std::is_copy_constructible_v<Base>&&
        std::is_invocable_v<const Keep&, std::ranges::range_reference_t<Base>>;

/// f(x) for all elements, in this process. Whoever has taken an element of a filter tests it, as f
/// may change what is tested.
template <class F, class Range>
void call_for_each(F& f, Range& range, chunk c) {
  using X = std::ranges::range_reference_t<Range>;
  if constexpr (is_transparent_filter<Range>) {
    auto all = range.base();
    using keep = std::remove_cvref_t<decltype(range.pred())>;
    const if_kept<F, keep, std::ranges::range_reference_t<decltype(all)>> g{f, range.pred()};
    call_for_each(g, all, c);
  } else {
    with_grain(c, range, [&](auto grain) { run_loop(range, grain, each<F, X>{f}, nothing()); });
  }
}

} // namespace detail

/// Calls `f(x)` for every element, in parallel. `f` is a function or coroutine function; it is
/// called from several workers at once, on one object, or on copies that live as long as the call
/// if it is small, trivially copyable and can be called if const.
///
/// This and the next two are operations: `co_await torc::for_each(...)` in a coroutine,
/// `torc::for_each(...).get()` in a plain function. An lvalue range must live until then. After an
/// exception no further chunk starts, and the one at the lowest position is thrown. Iterators must
/// not throw when they are copied. This one stays in the process, as it is there for what `f` does
/// to the elements.
template <class F, std::ranges::forward_range Range>
auto for_each(F f, Range&& range, chunk c = {}) {
  detail::require_loop<F, Range>();
  return detail::operation([f = std::move(f),
                            elements = std::tuple<Range>(std::forward<Range>(range)),
                            c]() mutable { detail::call_for_each(f, std::get<0>(elements), c); });
}

/// The same for `f(x, y, ...)` and the elements of several ranges, as far as the shortest reaches,
/// so that others need no end: `for_each(f, xs, ys)`, `for_each(f, xs, ys, chunk{n})`.
template <class F, class First, class Second, class... More>
requires(detail::are_ranges<First, Second, More...>() && !detail::is_chunk<Second>) //
    auto for_each(F f, First&& first, Second&& second, More&&... more) {
  return detail::with_zipped<F>(
      [&f](auto ranges, chunk c) {
        return detail::operation([f = detail::spread<F>{std::move(f)}, ranges = std::move(ranges),
                                  c]() mutable {
          detail::indexed elements(ranges);
          auto call = [&](std::size_t i) { static_cast<void>(detail::apply_to(f, elements[i])); };
          auto positions = detail::positions(elements.size());
          detail::call_for_each(call, positions, c);
        });
      },
      std::forward<First>(first), std::forward<Second>(second), std::forward<More>(more)...);
}

/// Anything else.
template <class F, class... Wrong>
void for_each(F&&, Wrong&&...) {
  detail::no_loop<F>();
}

namespace detail {

/// The results of f for all elements, in the slots.
template <class F, class Range, class R>
void map_into(std::vector<std::optional<R>>& slots, F& f, indexed<Range>& elements, chunk c);

/// A part of a `map` on another rank.
template <class F, class X, class R>
struct map_part {
  using calls_first_argument = void; ///< for reports
  batch<R> operator()(F f, batch<X> part, std::size_t grain) const {
    indexed elements(part.values);
    std::vector<std::optional<R>> slots(elements.size());
    map_into(slots, f, elements, {grain});
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
    run_loop(all, static_cast<std::ptrdiff_t>(grain), each<decltype(fill), std::size_t>{fill},
             nothing(), travel{{f}, elements, slots, grain});
  } else {
    call_for_each(fill, all, c);
  }
}

template <class F, class Range>
auto map_of(F f, Range&& range, chunk c) {
  using R = std::remove_cvref_t<element_result<F, std::remove_reference_t<Range>>>;
  static_assert(!std::is_void_v<R>, "torc::map: f returns nothing; use torc::for_each");
  return operation(
      [f = std::move(f), kept = std::tuple<Range>(std::forward<Range>(range)), c]() mutable {
        indexed elements(std::get<0>(kept));
        std::vector<std::optional<R>> slots(elements.size());
        map_into(slots, f, elements, c);
        return map_part<F, int, R>::unwrap(slots);
      });
}

} // namespace detail

/// The results of `f(x)` for every element as a std::vector, in order. If `f`, the elements and the
/// results are shippable, parts of the loop may run on other ranks, on copies of the elements.
template <class F, std::ranges::forward_range Range>
auto map(F f, Range&& range, chunk c = {}) {
  detail::require_loop<F, Range>();
  return detail::map_of(std::move(f), std::forward<Range>(range), c);
}

/// The same for `f(x, y, ...)` and the elements of several ranges, as far as the shortest reaches.
template <class F, class First, class Second, class... More>
requires(detail::are_ranges<First, Second, More...>() && !detail::is_chunk<Second>) //
    auto map(F f, First&& first, Second&& second, More&&... more) {
  return detail::with_zipped<F>(
      [&f](auto ranges, chunk c) {
        return detail::map_of(detail::spread<F>{std::move(f)}, std::move(ranges), c);
      },
      std::forward<First>(first), std::forward<Second>(second), std::forward<More>(more)...);
}

/// Anything else.
template <class F, class... Wrong>
void map(F&&, Wrong&&...) {
  detail::no_loop<F>();
}

namespace detail {

/// Sums of f(x).
template <class F, class X, class Combine, class T>
struct summed {
  using sum = T;
  held<F, X> f;
  held<Combine, T, T> plus;

  template <class It>
  sum start(It at) {
    sum s(apply_to(f, *at));
    return s;
  }
  template <class It>
  [[gnu::always_inline]] void add(sum& s, It at) {
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
  using calls_first_argument = void;
  batch<T> operator()(F f, Combine combine, batch<X> part, std::size_t size) const {
    indexed elements(part.values);
    auto sums = sums_of_chunks<F, std::vector<X>, T, Combine>(f, elements, combine, size);
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
    run_loop(chunks, single_elements(), each<decltype(sum_up), std::size_t>{sum_up}, nothing(),
             travel{{f, combine}, elements, sums, size, size});
  } else {
    call_for_each(sum_up, chunks, {1});
  }
  return sums;
}

/// `init` and the sums of chunks of a given size.
template <class F, class Range, class T, class Combine>
T sum_of_chunks(F& f, Range& range, T init, Combine& combine, chunk c) {
  indexed elements(range);
  constexpr bool travels = loop_travels<F, Range, T, Combine>;
  const std::size_t size = travels ? travelling_grain(c, elements.size()) : size_of(c);
  for (auto& sum : sums_of_chunks<F, Range, T, Combine>(f, elements, combine, size)) {
    init = combine(std::move(init), std::move(*sum));
  }
  return init;
}

/// `init` and the sum of all elements, as parts of the loop happen to be shared out. Of a filter
/// more than one worker may test an element, but one takes it.
template <class F, class Range, class T, class Combine>
[[gnu::always_inline]] inline T sum_of_all(F& f, Range& range, T init, Combine& combine) {
  using fold = summed<F, std::ranges::range_reference_t<Range>, Combine, T>;
  if constexpr (is_transparent_filter<Range>) {
    auto all = range.base();
    using keep = std::remove_cvref_t<decltype(range.pred())>;
    using X = std::ranges::range_reference_t<decltype(all)>;
    return with_grain({}, all, [&](auto grain) {
      const filtered<fold, keep, X> kept{{f, combine}, range.pred()};
      return run_loop(all, grain, kept, std::move(init));
    });
  } else {
    return with_grain({}, range, [&](auto grain) {
      return run_loop(range, grain, fold{f, combine}, std::move(init));
    });
  }
}

} // namespace detail

/// `init (+) f(x0) (+) f(x1) (+) ...` with `combine` as (+), which must be associative; the order
/// is kept. With a fixed chunk size the grouping, and so the rounding of floating-point sums, is
/// the same for any number of workers and ranks. Travels as `map` does.
template <class F, std::ranges::forward_range Range, class T, class Combine = std::plus<>>
auto reduce(F f, Range&& range, T init, Combine combine = {}, chunk c = {}) {
  detail::require_loop<F, Range>();
  using summand = detail::result_of<F&, std::ranges::range_reference_t<Range>>;
  static_assert(
      std::is_convertible_v<summand, T> && std::is_invocable_v<Combine&, T, summand>,
      "torc::reduce(f, range, init, combine): what f gives and init, the type of the sum, "
      "do not go together");
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

/// Anything else.
template <class F, class... Wrong>
void reduce(F&&, Wrong&&...) {
  detail::no_loop<F>();
}

} // namespace torc
