// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <atomic>
#include <optional>
#include <torc/detail/elements.hpp>
#include <torc/detail/remote.hpp>
#include <torc/detail/spinlock.hpp>
#include <torc/runtime.hpp>
#include <torc/spawn.hpp>
#include <vector>

namespace torc {

namespace detail {

/// Of a loop that stays in the process.
struct stays_here {
  static constexpr bool ships = false;
};

/// One parallel loop over 0 .. n-1, halved recursively. After a failure no further chunk starts;
/// of several failures the one at the lowest position is thrown. `Travel` says how a part of it
/// runs on another rank: what it becomes there, a call of `Travel::remote`, and how to write that
/// and to read its result.
template <class Body, class Travel = stays_here>
class chunked_loop {
public:
  chunked_loop(Body body, std::size_t n, chunk c, Travel travel = {})
      : body_(std::move(body)), travel_(std::move(travel)), grain_(c.size) {
    if (grain_ == 0) {
      grain_ = std::max<std::size_t>(1, n / (8 * static_cast<std::size_t>(num_workers())));
    }
  }

  std::size_t grain() const noexcept { return grain_; }

  void run(std::size_t begin, std::size_t end) {
    if (begin < end) {
      split(begin, end);
    }
    if (error_) {
      std::rethrow_exception(std::move(error_));
    }
  }

private:
  /// A spawned part. It fails only where it could not be split here: on another rank.
  class part final : public child<void> {
  public:
    part(chunked_loop& loop, std::size_t begin, std::size_t end)
        : child<void>(table), loop_(loop), begin_(begin), end_(end) {
      push(*this_front(), *this);
    }

  private:
    static void run(descriptor& d) noexcept {
      auto& self = static_cast<part&>(d);
      run_into(d, self.result_, [&self] { self.loop_.split(self.begin_, self.end_); });
    }
    static void save(const descriptor& d, writer& w) {
      const auto& self = static_cast<const part&>(d);
      self.loop_.travel_.save(w, self.begin_, self.end_, self.loop_.grain_);
    }
    static void take_result(descriptor& d, reader* r) {
      auto& self = static_cast<part&>(d);
      if (r != nullptr) {
        self.loop_.travel_.take_result(*r, self.begin_, self.end_, self.loop_.grain_);
        d.ended = outcome::value;
      }
    }
    static consteval task_type make_table() {
      if constexpr (Travel::ships) {
        return {&run, &finish_child, &Travel::remote::remote, &save, &take_result};
      } else {
        return {&run, &finish_child};
      }
    }
    static const task_type table;

    chunked_loop& loop_;
    std::size_t begin_, end_;
  };

  void split(std::size_t begin, std::size_t end) noexcept {
    if (end - begin <= grain_) {
      leaf(begin, end);
      return;
    }
    // Multiples of the grain, so that only the last chunk is smaller.
    const std::size_t chunks = (end - begin + grain_ - 1) / grain_;
    const std::size_t middle = begin + chunks / 2 * grain_;
    part right(*this, middle, end);
    split(begin, middle);
    try {
      right.get();
    } catch (...) {
      fail(middle, std::current_exception());
    }
  }

  void leaf(std::size_t begin, std::size_t end) noexcept {
    if (failed_.load(std::memory_order_relaxed)) {
      return;
    }
    try {
      body_(begin, end);
    } catch (...) {
      fail(begin, std::current_exception());
    }
  }

  void fail(std::size_t at, std::exception_ptr error) noexcept {
    failed_.store(true, std::memory_order_relaxed);
    lock_.lock();
    if (!error_ || at < failed_at_) {
      std::swap(error, error_);
      failed_at_ = at;
    }
    lock_.unlock();
    if (error) {
      report_lost(error);
    }
  }

  Body body_;
  Travel travel_;
  std::size_t grain_;
  std::atomic<bool> failed_{false};
  spinlock lock_;
  std::exception_ptr error_;
  std::size_t failed_at_ = 0;
};

template <class Body, class Travel>
constexpr task_type chunked_loop<Body, Travel>::part::table = make_table();

/// Whether parts of a loop over `Range` that gives an R for some elements may leave the process.
template <class F, class Range, class R, class... More>
inline constexpr bool
    loop_travels = shippable<F>&& shippable<element_value<Range>>&& shippable<R> &&
                   (shippable<More> && ...) && std::is_copy_constructible_v<element_value<Range>>;

/// Elements or results on their way, without blocks: they come from one place and go to another
/// while the message is written or read.
template <class T>
struct batch {
  std::vector<T> values;
};

/// How parts of a loop travel: as a call of `Work` with the rest of the arguments, the elements
/// and the grain; what comes back are the results, one for every `per` elements, into `results`.
template <class Work, class Range, class R, class... Args>
struct loop_travel {
  using X = element_value<Range>;
  static constexpr bool ships = true;
  using remote = remote_call<Work, Args..., batch<X>, std::size_t>;

  std::tuple<Args&...> args;
  indexed<Range>& elements;
  std::vector<std::optional<R>>& results;
  bool one_a_chunk; ///< otherwise one an element

  void save(writer& w, std::size_t begin, std::size_t end, std::size_t grain) const {
    batch<X> part;
    part.values.reserve(end - begin);
    for (std::size_t i = begin; i < end; ++i) {
      part.values.push_back(elements[i]);
    }
    std::apply([&w](const Args&... a) { (save_value(w, a), ...); }, args);
    save_value(w, part);
    save_value(w, grain);
  }
  void take_result(reader& r, std::size_t begin, std::size_t end, std::size_t grain) const {
    std::vector<R> values = std::move(load_value<batch<R>>(r).values);
    const std::size_t per = one_a_chunk ? grain : 1;
    if (values.size() != (end - begin + per - 1) / per) {
      throw bad_message("torc: a part of a loop came back with too few or too many results");
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
      results[begin / per + i].emplace(std::move(values[i]));
    }
  }
};

} // namespace detail

template <class T>
struct codec<detail::batch<T>> {
  static void save(writer& w, const detail::batch<T>& x) { detail::save_value(w, x.values); }
  static detail::batch<T> load(reader& r) { return {detail::load_value<std::vector<T>>(r)}; }
};

} // namespace torc
