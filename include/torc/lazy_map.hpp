// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <exception>
#include <optional>
#include <torc/detail/elements.hpp>
#include <torc/detail/operation.hpp>
#include <torc/detail/stream_iterator.hpp>
#include <torc/runtime.hpp>
#include <torc/submit.hpp>

namespace torc {

/// How many tasks of a `lazy_map` are under way at a time, at most. 0: four a worker.
struct in_flight {
  std::size_t tasks = 0;
};

namespace detail {

/// What a task of a `lazy_map` does.
template <class F, class X, class R>
struct lazy_part {
  std::vector<R> operator()(F f, std::vector<X> part) const {
    std::vector<R> results;
    results.reserve(part.size());
    for (auto&& x : part) {
      results.push_back(apply_to(f, std::move(x)));
    }
    return results;
  }
};

} // namespace detail

/// The results of `f` in the order of the elements, while later ones are computed. See `lazy_map`.
template <class F, class Range>
class [[nodiscard("take the results: nothing runs before")]] result_stream {
  static_assert(std::is_copy_constructible_v<F>,
                "torc::lazy_map: f is copied into each task, and cannot be");
  using X = std::ranges::range_value_t<Range>;

public:
  using value_type =
      std::remove_cvref_t<decltype(detail::apply_to(std::declval<F&>(), std::declval<X>()))>;

  result_stream(F f, Range && range, in_flight limit, chunk c)
      : f_(std::move(f)),
        range_(std::forward<Range>(range)),
        limit_(limit.tasks != 0 ? limit.tasks : 4 * static_cast<std::size_t>(num_workers())),
        size_of_part_(std::max<std::size_t>(1, c.size)) {}
  result_stream(const result_stream&) = delete;
  result_stream& operator=(const result_stream&) = delete;
  /// Cancels the tasks that are under way, and waits for those that have started.
  ~result_stream() { stop(); }

  /// An operation: the next result, valid until the one after it, or null after the last. Throws
  /// the exception of the element whose turn it is, or of the range when it should give that; then
  /// the stream is at its end.
  auto next() {
    return detail::operation([this] { return advance(); });
  }

  using iterator = detail::stream_iterator<result_stream, value_type>;
  iterator begin() { return iterator(*this); }
  std::default_sentinel_t end() const noexcept { return {}; }

private:
  friend iterator;
  using results = std::vector<value_type>;

  value_type* advance() {
    if (given_ == part_.size()) {
      given_ = 0;
      part_.clear();
      submit_more();
      if (under_way_.empty()) {
        if (failure_) {
          std::rethrow_exception(std::exchange(failure_, nullptr));
        }
        return nullptr;
      }
      try {
        part_ = std::move(under_way_.front()).get();
      } catch (...) { // an element's, or this task is stopped
        stop();
        throw;
      }
      under_way_.pop_front();
    }
    value_.emplace(std::move(part_[given_++])); // an object of its own, for vector<bool> as well
    return &*value_;
  }

  /// The next element is read only when it is wanted: it may take its time to come.
  bool read_next() {
    if (!position_) {
      position_.emplace(std::ranges::begin(range_));
    } else {
      ++*position_;
    }
    return *position_ != std::ranges::end(range_);
  }

  void submit_more() {
    while (!ended_ && under_way_.size() < limit_) {
      std::vector<X> part;
      try {
        while (part.size() < size_of_part_ && read_next()) {
          part.push_back(**position_);
        }
      } catch (...) { // at its turn, after the elements before it
        failure_ = std::current_exception();
      }
      ended_ = part.size() < size_of_part_;
      if (!part.empty()) {
        constexpr bool may_leave = shippable<F> && shippable<X> && shippable<value_type>;
        const std::conditional_t<may_leave, placement, local_placement> anywhere{};
        try {
          under_way_.push_back(
              submit(anywhere, detail::lazy_part<F, X, value_type>(), f_, std::move(part)));
        } catch (...) { // a copy of `f`, most likely: there is no result for this part
          failure_ = std::current_exception();
          ended_ = true;
        }
      }
    }
  }

  void stop() noexcept {
    ended_ = true;
    failure_ = nullptr;
    for (future<results>& x : under_way_) {
      x.cancel();
    }
    for (const future<results>& x : under_way_) {
      detail::join(*detail::access::state(x)); // `f` may refer to what dies now
      static_cast<void>(x.exception());        // nobody will ask for it
    }
    under_way_.clear();
  }

  F f_;
  Range range_; // a reference for an lvalue
  const std::size_t limit_, size_of_part_;
  std::optional<std::ranges::iterator_t<Range>> position_;
  bool ended_ = false; ///< nothing more is submitted
  std::exception_ptr
      failure_; ///< of the range, or in making a task, thrown after what is under way
  std::deque<future<results>> under_way_;
  results part_;
  std::size_t given_ = 0; ///< of the part
  std::optional<value_type> value_;
};

/// `map` for ranges that do not fit in memory, or are not known yet: calls `f(x)` for every
/// element, in parallel, and gives the results one by one, in order:
///
///     auto results = torc::lazy_map(parse, std::views::istream<record>(file));
///     for (auto& y : results) use(y);
///     while (auto* y = co_await results.next()) use(*y);
///
/// Any input range will do; it is read by whoever takes the results, when room is for more, and no
/// further. At most `limit` tasks of `c` elements each are under way or wait for their turn, on all
/// ranks if `f`, the elements and the results are shippable. `f` and the elements are copied or
/// moved into the tasks. Refers to an lvalue range and keeps an rvalue one.
template <class F, std::ranges::input_range Range>
auto lazy_map(F f, Range&& range, in_flight limit = {}, chunk c = {1}) {
  return result_stream<F, Range>(std::move(f), std::forward<Range>(range), limit, c);
}

/// The same for `f(x, y)` and the elements of two ranges, as far as the shorter reaches.
template <class F, std::ranges::input_range First, std::ranges::input_range Second>
auto lazy_map(F f, First&& first, Second&& second, in_flight limit = {}, chunk c = {1}) {
  using both = detail::zipped_input<First, Second>;
  return result_stream<detail::spread<F>, both>(
      {std::move(f)}, both(std::forward<First>(first), std::forward<Second>(second)), limit, c);
}

/// Anything else.
template <class F, class... Wrong>
void lazy_map(F&&, Wrong&&...) {
  detail::no_loop<F>();
}

} // namespace torc
