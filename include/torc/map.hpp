// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <iterator>
#include <optional>
#include <ranges>
#include <torc/detail/operation.hpp>
#include <torc/detail/spinlock.hpp>
#include <torc/runtime.hpp>
#include <torc/spawn.hpp>
#include <vector>

namespace torc {

/// How many elements one task takes of a range, at least. 0: about eight tasks a worker.
struct chunk {
  std::size_t size = 0;
};

namespace detail {

/// One parallel loop over 0 .. n-1, halved recursively. After a failure no further chunk starts;
/// of several failures the one at the lowest position is thrown.
template <class Body>
class chunked_loop {
public:
  chunked_loop(Body body, std::size_t n, chunk c) : body_(std::move(body)), grain_(c.size) {
    if (grain_ == 0) {
      grain_ = std::max<std::size_t>(1, n / (8 * static_cast<std::size_t>(num_workers())));
    }
  }

  std::size_t grain() const noexcept { return grain_; }

  void run(std::size_t begin, std::size_t end) {
    if (begin < end) {
      split(this, begin, end);
    }
    if (error_) {
      std::rethrow_exception(std::move(error_));
    }
  }

private:
  static void split(chunked_loop* loop, std::size_t begin, std::size_t end) {
    if (end - begin <= loop->grain_) {
      loop->leaf(begin, end);
      return;
    }
    // Multiples of the grain, so that only the last chunk is smaller.
    const std::size_t chunks = (end - begin + loop->grain_ - 1) / loop->grain_;
    const std::size_t middle = begin + chunks / 2 * loop->grain_;
    auto right = spawn(&split, loop, middle, end);
    split(loop, begin, middle);
    right.get();
  }

  void leaf(std::size_t begin, std::size_t end) noexcept {
    if (failed_.load(std::memory_order_relaxed)) {
      return;
    }
    try {
      body_(begin, end);
    } catch (...) {
      failed_.store(true, std::memory_order_relaxed);
      lock_.lock();
      std::exception_ptr lost = std::current_exception();
      if (!error_ || begin < failed_at_) {
        std::swap(lost, error_);
        failed_at_ = begin;
      }
      lock_.unlock();
      if (lost) {
        report_lost(lost);
      }
    }
  }

  Body body_;
  std::size_t grain_;
  std::atomic<bool> failed_{false};
  spinlock lock_;
  std::exception_ptr error_;
  std::size_t failed_at_ = 0;
};

/// The elements of a forward range by position. Keeps an rvalue range, refers to an lvalue.
template <class Range>
class indexed {
public:
  explicit indexed(Range&& range) : range_(std::forward<Range>(range)) {
    if constexpr (std::ranges::random_access_range<Range>) {
      size_ = static_cast<std::size_t>(std::ranges::distance(range_));
    } else {
      for (auto i = std::ranges::begin(range_); i != std::ranges::end(range_); ++i) {
        positions_.push_back(i);
      }
      size_ = positions_.size();
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
  Range range_; // a reference for an lvalue
  std::vector<std::ranges::iterator_t<Range>> positions_;
  std::size_t size_ = 0;
};

/// f(x), run to its end if it is a coroutine.
template <class F, class X>
decltype(auto) apply_to(F& f, X&& x) {
  if constexpr (is_task<std::invoke_result_t<F&, X>>) {
    return std::invoke(f, std::forward<X>(x)).get();
  } else {
    return std::invoke(f, std::forward<X>(x));
  }
}
template <class F, class Range>
using element_result =
    decltype(apply_to(std::declval<F&>(), *std::ranges::begin(std::declval<Range&>())));

} // namespace detail

/// Calls `f(x)` for every element, in parallel. `f` is a function or coroutine function; it is
/// called on one object from several workers at once.
///
/// This and the next two are operations: `co_await torc::for_each(...)` in a coroutine,
/// `torc::for_each(...).get()` in a plain function. An lvalue range must live until then. After an
/// exception no further chunk starts, and the one at the lowest position is thrown.
template <class F, std::ranges::forward_range Range>
auto for_each(F f, Range&& range, chunk c = {}) {
  return detail::operation([f = std::move(f),
                            elements = detail::indexed<Range>(std::forward<Range>(range)),
                            c]() mutable {
    detail::chunked_loop loop(
        [&](std::size_t begin, std::size_t end) {
          for (std::size_t i = begin; i < end; ++i) {
            static_cast<void>(detail::apply_to(f, elements[i]));
          }
        },
        elements.size(), c);
    loop.run(0, elements.size());
  });
}

/// The results of `f(x)` for every element as a std::vector, in order.
template <class F, std::ranges::forward_range Range>
auto map(F f, Range&& range, chunk c = {}) {
  using R = std::remove_cvref_t<detail::element_result<F, Range>>;
  static_assert(!std::is_void_v<R>, "torc::map: f returns nothing; use torc::for_each");
  return detail::operation([f = std::move(f),
                            elements = detail::indexed<Range>(std::forward<Range>(range)),
                            c]() mutable {
    std::vector<std::optional<R>> slots(elements.size());
    detail::chunked_loop loop(
        [&](std::size_t begin, std::size_t end) {
          for (std::size_t i = begin; i < end; ++i) {
            slots[i].emplace(detail::apply_to(f, elements[i]));
          }
        },
        elements.size(), c);
    loop.run(0, elements.size());
    std::vector<R> results;
    results.reserve(slots.size());
    for (auto& slot : slots) {
      results.push_back(std::move(*slot));
    }
    return results;
  });
}

/// `init (+) f(x0) (+) f(x1) (+) ...` with `combine` as (+), which must be associative; the order
/// is kept. With a fixed chunk size the grouping, and so the rounding of floating-point sums, is
/// the same for any number of workers.
template <class F, std::ranges::forward_range Range, class T, class Combine = std::plus<>>
auto reduce(F f, Range&& range, T init, Combine combine = {}, chunk c = {}) {
  return detail::operation([f = std::move(f),
                            elements = detail::indexed<Range>(std::forward<Range>(range)),
                            init = std::move(init), combine = std::move(combine), c]() mutable {
    std::vector<std::optional<T>> partial;
    std::size_t grain = 0;
    detail::chunked_loop loop(
        [&](std::size_t begin, std::size_t end) {
          T sum(detail::apply_to(f, elements[begin]));
          for (std::size_t i = begin + 1; i < end; ++i) {
            sum = combine(std::move(sum), detail::apply_to(f, elements[i]));
          }
          partial[begin / grain].emplace(std::move(sum));
        },
        elements.size(), c);
    grain = loop.grain();
    partial.resize((elements.size() + grain - 1) / grain);
    loop.run(0, elements.size());
    T result = std::move(init);
    for (auto& sum : partial) {
      result = combine(std::move(result), std::move(*sum));
    }
    return result;
  });
}

} // namespace torc
