// SPDX-License-Identifier: MIT
#pragma once

// How parts of a loop go to other ranks and come back.

#include <algorithm>
#include <optional>
#include <ranges>
#include <torc/detail/chunked_loop.hpp>
#include <torc/detail/remote.hpp>
#include <torc/runtime.hpp>
#include <tuple>
#include <vector>

namespace torc {

namespace detail {

/// The grain of a loop of which parts travel: without a size an eighth of a worker's share.
inline std::size_t travelling_grain(chunk c, std::size_t n) {
  const std::size_t best = n / (8 * static_cast<std::size_t>(num_workers()));
  return c.size != 0 ? size_of(c) : std::max<std::size_t>(1, best);
}

/// Whether parts of a loop over `Range` that gives an R for some elements may leave the process.
template <class F, class Range, class R, class... More>
inline constexpr bool
    loop_travels = shippable<F>&& shippable<element_value<Range>>&& shippable<R> &&
                   (shippable<More> && ...) && std::is_copy_constructible_v<element_value<Range>>;

/// The positions of n elements, as a range.
inline auto positions(std::size_t n) { return std::views::iota(std::size_t{0}, n); }
using loop_position = std::ranges::iterator_t<decltype(positions(0))>;

/// Elements or results on their way, without blocks: they come from one place and go to another
/// while the message is written or read.
template <class T>
struct batch {
  std::vector<T> values;
};

/// How parts of a loop travel whose positions stand for `per` elements and a result each: as a call
/// of `Work` with the rest of the arguments, the elements and the grain.
template <class Work, class Range, class R, class... Args>
struct loop_travel {
  using X = element_value<Range>;
  static constexpr bool ships = true;
  using remote = remote_call<Work, Args..., batch<X>, std::size_t>;

  std::tuple<Args&...> args;
  indexed<Range>& elements;
  std::vector<std::optional<R>>& results;
  std::size_t grain;
  std::size_t per = 1; ///< elements

  void save(writer& w, loop_position first, loop_position last) const {
    batch<X> part;
    const std::size_t end = std::min(*last * per, elements.size());
    part.values.reserve(end - *first * per);
    for (std::size_t i = *first * per; i < end; ++i) {
      part.values.push_back(elements[i]);
    }
    std::apply([&w](const Args&... a) { (save_value(w, a), ...); }, args);
    save_value(w, part);
    save_value(w, grain);
  }
  nothing take_result(reader& r, loop_position first, loop_position last) const {
    std::vector<R> values = std::move(load_value<batch<R>>(r).values);
    if (values.size() != *last - *first) {
      throw bad_message("torc: a part of a loop came back with too few or too many results");
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
      results[*first + i].emplace(std::move(values[i]));
    }
    return {};
  }
};

} // namespace detail

template <class T>
struct codec<detail::batch<T>> {
  static void save(writer& w, const detail::batch<T>& x) { detail::save_value(w, x.values); }
  static detail::batch<T> load(reader& r) { return {detail::load_value<std::vector<T>>(r)}; }
};

} // namespace torc
