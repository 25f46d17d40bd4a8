// SPDX-License-Identifier: MIT
#pragma once

// What a loop goes over: the elements of one range, or of several at the same position.

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <ranges>
#include <torc/detail/closure.hpp>
#include <tuple>
#include <vector>

namespace torc {

/// How many elements of a range are taken at a time. 0: one, but more of a random-access range of
/// thousands; in a loop that may leave the process an eighth of a worker's share.
struct chunk {
  std::size_t size = 0;
};

namespace detail {

/// The grain of a loop whose chunks are elements.
using single_elements = std::integral_constant<std::ptrdiff_t, 1>;

/// A size that can be added to a length; no range is longer.
inline std::size_t size_of(chunk c) noexcept {
  return std::min<std::size_t>(c.size, PTRDIFF_MAX / 2);
}

/// Calls `loop(grain)`. Without a size up to some thousand elements are chunks of their own, as in
/// a recursion; more are put together, so that what chunks cost stays below some microseconds.
template <class Range, class Loop>
[[gnu::always_inline]] inline decltype(auto) with_grain(chunk c, Range& range, Loop loop) {
  if (c.size != 0) {
    return loop(static_cast<std::ptrdiff_t>(size_of(c)));
  }
  if constexpr (std::ranges::random_access_range<Range>) {
    const auto n = static_cast<std::ptrdiff_t>(std::ranges::distance(range));
    if (n >= 4096) {
      return loop(n / 2048);
    }
  }
  return loop(single_elements());
}

/// Several input ranges, read once and together, as far as the shortest reaches: a range of tuples
/// of values.
template <class... Ranges>
class zipped_input {
public:
  explicit zipped_input(Ranges&&... ranges) : ranges_(std::forward<Ranges>(ranges)...) {}

  struct iterator {
    using value_type = std::tuple<std::ranges::range_value_t<Ranges>...>;
    using difference_type = std::ptrdiff_t;
    zipped_input* from;

    value_type operator*() const {
      return std::apply([](auto&... p) { return value_type(*p...); }, *from->positions_);
    }
    iterator& operator++() {
      std::apply([](auto&... p) { (static_cast<void>(++p), ...); }, *from->positions_);
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return from->at_end(); }
  };
  iterator begin() {
    std::apply([this](auto&... r) { positions_.emplace(std::ranges::begin(r)...); }, ranges_);
    return {this};
  }
  std::default_sentinel_t end() const noexcept { return {}; }

private:
  bool at_end() {
    return [this]<std::size_t... I>(std::index_sequence<I...>) {
      return ((std::get<I>(*positions_) == std::ranges::end(std::get<I>(ranges_))) || ...);
    }
    (std::index_sequence_for<Ranges...>());
  }

  std::tuple<Ranges...> ranges_;
  std::optional<std::tuple<std::ranges::iterator_t<Ranges>...>> positions_;
};

/// The elements of a forward range by position, or so many of the first of them. Refers to the
/// range, which must stay where it is, as iterators may point into it.
template <class Range>
class indexed {
public:
  explicit indexed(Range& range, std::size_t limit = PTRDIFF_MAX) : range_(range), size_(limit) {
    if constexpr (std::ranges::sized_range<Range> && std::ranges::random_access_range<Range>) {
      size_ = std::min(limit, static_cast<std::size_t>(std::ranges::size(range_)));
    } else {
      auto i = std::ranges::begin(range_);
      for (size_ = 0; size_ < limit && i != std::ranges::end(range_); ++i, ++size_) {
        if constexpr (!std::ranges::random_access_range<Range>) {
          positions_.push_back(i);
        }
      }
    }
  }
  std::size_t size() const noexcept { return size_; }
  decltype(auto) operator[](std::size_t i) {
    if constexpr (std::ranges::random_access_range<Range>) {
      return std::ranges::begin(range_)[static_cast<std::ranges::range_difference_t<Range>>(i)];
    } else {
      return *positions_[i];
    }
  }

private:
  Range& range_;
  std::vector<std::ranges::iterator_t<Range>> positions_;
  std::size_t size_ = 0;
};

/// Several ranges as one of tuples, as long as the shortest. Keeps rvalues, refers to lvalues.
template <class... Ranges>
struct zipped {
  std::tuple<Ranges...> ranges;
};
template <class... Ranges>
class indexed<zipped<Ranges...>> {
public:
  explicit indexed(zipped<Ranges...>& z)
      : parts_(std::apply(
            [](auto&... r) {
              const std::size_t limit = limit_of(r...);
              return parts(indexed<std::remove_reference_t<Ranges>>(r, limit)...);
            },
            z.ranges)) {}
  std::size_t size() const noexcept {
    return std::apply([](const auto&... p) { return std::min({p.size()...}); }, parts_);
  }
  auto operator[](std::size_t i) {
    return std::apply([i](auto&... p) { return std::tuple<decltype(p[i])...>(p[i]...); }, parts_);
  }

private:
  using parts = std::tuple<indexed<std::remove_reference_t<Ranges>>...>;

  /// How far to go through them: the least size that is known, as others need not have an end; if
  /// none is, that of all together.
  static std::size_t limit_of(std::remove_reference_t<Ranges>&... ranges) {
    if constexpr ((std::ranges::sized_range<Ranges> || ...)) {
      return std::min({size_if_known(ranges)...});
    } else {
      zipped_input<std::remove_reference_t<Ranges>&...> together(ranges...);
      return static_cast<std::size_t>(std::ranges::distance(together));
    }
  }
  template <class Range>
  static std::size_t size_if_known(Range& range) {
    if constexpr (std::ranges::sized_range<Range>) {
      return static_cast<std::size_t>(std::ranges::size(range));
    } else {
      return PTRDIFF_MAX;
    }
  }

  parts parts_;
};

/// Calls f with the elements of a tuple.
template <class F>
struct spread {
  F f;
  template <class Tuple>
  decltype(auto) operator()(Tuple&& elements) {
    return std::apply(f, std::forward<Tuple>(elements));
  }
};

template <class T>
inline constexpr bool is_chunk = std::is_same_v<std::remove_cvref_t<T>, chunk>;
/// Whether these are ranges, with a chunk size behind them or without.
template <class First, class... More>
consteval bool are_ranges() {
  if constexpr (sizeof...(More) == 0) {
    return std::ranges::forward_range<First> || is_chunk<First>;
  } else {
    return std::ranges::forward_range<First> && are_ranges<More...>();
  }
}

/// Fails to compile, saying why, unless F can be called for every element of a range, or of
/// several.
template <class F, class... Ranges>
consteval void require_loop() {
  static_assert(std::is_invocable_v<F&, std::ranges::range_reference_t<Ranges>...>,
                "torc: f cannot be called with an element of the range, or of each of several");
  static_assert(
      !(std::same_as<std::ranges::sentinel_t<Ranges>, std::unreachable_sentinel_t> && ...),
      "torc: the loop has no end, nor has the range (torc::lazy_map takes such a one)");
}

/// Fails to compile, saying how a loop is called; for whatever is no other loop.
template <class F>
consteval void no_loop() {
  static_assert(std::is_void_v<F>,
                "torc: a loop is given a function, then one range or several: map(f, xs), "
                "for_each(f, xs, ys), reduce(f, xs, init); ranges can be gone through twice, but "
                "for lazy_map; for a number of calls write std::views::iota(0, n)");
}

/// Calls `loop` with the ranges as one, whose elements are for F, and the chunk size.
template <class F, class Loop, class... Args>
auto with_zipped(Loop loop, Args&&... args) {
  constexpr std::size_t n = (0 + ... + (is_chunk<Args> ? 0 : 1));
  std::tuple<Args&&...> all(std::forward<Args>(args)...);
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    require_loop<F, std::tuple_element_t<I, std::tuple<Args...>>...>();
    using ranges = zipped<std::tuple_element_t<I, std::tuple<Args...>>...>;
    chunk c;
    if constexpr (n < sizeof...(Args)) {
      c = std::get<n>(all);
    }
    return loop(ranges{{std::get<I>(std::move(all))...}}, c);
  }
  (std::make_index_sequence<n>());
}

template <class Range>
struct element {
  using value = std::remove_cvref_t<std::ranges::range_reference_t<Range>>;
};
template <class... Ranges>
struct element<zipped<Ranges...>> {
  using value = std::tuple<typename element<Ranges>::value...>;
};
template <class Range>
using element_value = typename element<Range>::value;
template <class F, class Range>
using element_result = decltype(apply_to(std::declval<F&>(), std::declval<indexed<Range>&>()[0]));

} // namespace detail
} // namespace torc
