// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <iterator>
#include <optional>
#include <torc/detail/elements.hpp>
#include <torc/detail/moving_position.hpp>
#include <torc/result.hpp>
#include <torc/spawn.hpp>
#include <torc/stop.hpp>
#include <type_traits>
#include <utility>

namespace torc::detail {

/// The sum of a loop without results.
struct nothing {};

/// Of a loop that stays in the process.
struct stays_here {
  static constexpr bool ships = false;
};

/// One parallel loop over a forward range, in chunks of `grain` elements. What becomes of them is a
/// `Fold::sum`: `start(at)` makes one of an element, `add(s, at)` adds one to it on its right,
/// `combine(left, right)` makes one of two. If there is a `keeps(at)`, only those elements count.
///
/// Whoever runs a part of the loop takes chunk after chunk from its front, and all that is left is
/// one pending child: a chunk costs no more than to move the front of that. A thief halves what it
/// has got and goes through the first half likewise. So as many tasks arise as there are thieves
/// (lazy splitting: Tzannes, Caragea, Barua, Vishkin, PPoPP 2010). A loop of which parts may leave
/// the process is halved by its owner, too, down to chunks, or most of the elements would be on
/// their way. `Travel` says how a part runs on another rank: what it becomes there, a call of
/// `Travel::remote`, and how to write that and to read its sum.
///
/// After a failure no further chunk starts; of several the one at the lowest position is thrown.
template <class It, class Fold, class Grain = std::ptrdiff_t, class Travel = stays_here>
class chunked_loop {
  using sum = typename Fold::sum;
  static constexpr bool single = std::is_same_v<Grain, single_elements>;
  static constexpr bool filters = requires(Fold & f, It at) { f.keeps(at); };
  using part = std::optional<sum>; // nothing in it may count
  static_assert(!(filters && Travel::ships));

public:
  chunked_loop(Grain grain, Fold fold, Travel travel = {})
      : grain_(grain), fold_(std::move(fold)), travel_(std::move(travel)) {}

  /// `before` and all elements; there must be one.
  [[gnu::always_inline]] sum run(sum before, It first, It last) {
    if constexpr (Travel::ships) {
      return joined(std::move(before), halve(first, last));
    } else {
      rest all(*this, first, last);
      return go_through(std::move(before), all, first, last);
    }
  }

private:
  /// A pending part. Its failure is a result, as only this loop is to know of it.
  class rest final : public child<result<part>> {
  public:
    rest(chunked_loop& loop, It first, It last)
        : child<result<part>>(table), loop_(loop), last_(last), first_(first) {
      push(*this_front(), *this);
    }

    /// Owner: takes what is before `first` out of it, unless somebody has started it or the task is
    /// stopped. It need not be claimed for that: a publisher sees the move, or the owner sees the
    /// guard or that it has been published.
    bool move_front(It first) noexcept {
      first_.move(first);
      light_barrier();
      return (!is_set(this_front()->guard) && !is_set(this->seen)) || keep_pending(*this);
    }

    /// Owner: takes it off the stack, unless somebody has started it or the task is stopped.
    bool withdraw() noexcept {
      if (!claim(*this_front(), *this)) [[unlikely]] {
        return false;
      }
      pop(*this_front(), *this);
      this->released = true;
      return true;
    }

    /// Owner, whose move to `first` came late: whether somebody begins there, or has begun before.
    bool begins_at(It first) noexcept {
      return start_.exchange(start::owner_has_moved) == start::open || began_ == first;
    }

    /// Its failure, if it has not been withdrawn or asked before.
    std::exception_ptr failure() noexcept {
      return this->released ? nullptr
                            : result<part>::of([this] { return this->get().value(); }).error();
    }

  private:
    static void run(descriptor& d) noexcept {
      auto& self = static_cast<rest&>(d);
      run_into(d, self.result_,
               [&self] { return self.loop_.run_stolen(self.begin(), self.last_); });
    }
    static void save(const descriptor& d, writer& w) {
      const auto& self = static_cast<const rest&>(d);
      self.loop_.travel_.save(w, self.begin(), self.last_);
    }
    static void take_result(descriptor& d, reader* r) {
      auto& self = static_cast<rest&>(d);
      if (r != nullptr) { // what cannot be read is the message's fault
        part p = self.loop_.travel_.take_result(*r, self.began_, self.last_);
        self.result_.fill([&p] { return result<part>::of([&p] { return std::move(p); }); });
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

    enum class start : std::uint8_t { open, begun, owner_has_moved };

    It begin() const noexcept {
      began_ = first_.get();
      if (start_.exchange(start::begun) == start::owner_has_moved) {
        began_ = first_.get();
      }
      return began_;
    }

    chunked_loop& loop_;
    It last_;
    moving_position<It> first_;
    mutable It began_;
    mutable atomic<start> start_{start::open};
  };

  /// `before`, a sum or a part, and the elements one chunk after the other, which are pending in
  /// `others`. In the loop's first part a failure elsewhere is that of a thief, who has taken the
  /// rest.
  template <class Sum>
  [[gnu::always_inline]] Sum go_through(Sum before, rest& others, It at, It last) {
    Fold fold = fold_; // nobody else's, so that what is in it can be in registers
    It near = some_after(at, last);
    try {
      do {
        if (std::is_same_v<Sum, part> && is_set(failed_)) [[unlikely]] {
          throw cancelled();
        }
        if (!find(fold, at, near)) [[unlikely]] {
          near = some_after(at, last);
          if (at != last ? others.move_front(at) : others.withdraw()) {
            continue;
          }
          stop_point();
          return with_others(std::move(before), others);
        }
        const It next = after_chunk(at, last);
        if (next != last) [[likely]] {
          if (!others.move_front(next)) [[unlikely]] {
            return end_with_others(std::move(before), others, at, next);
          }
        } else if (!others.withdraw()) [[unlikely]] {
          return with_others(std::move(before), others);
        }
        add_chunk(fold, before, at, next);
        at = next;
        if constexpr (!single) {
          near = some_after(at, last);
        }
      } while (at != last);
      return before;
    } catch (...) {
      fail(others);
    }
  }

  /// After a move from `at` to `next` that came late: where does whoever has the rest begin? If at
  /// `next`, the chunk before it is ours.
  template <class Sum>
  [[gnu::noinline]] Sum end_with_others(Sum before, rest& others, It at, It next) {
    stop_point();
    if (others.begins_at(next)) {
      before = joined(std::move(before), chunk(at, next));
    }
    return with_others(std::move(before), others);
  }

  /// `before`, and the part that has been taken.
  template <class Sum>
  [[gnu::noinline]] Sum with_others(Sum before, rest& others) {
    return joined(std::move(before), others.get().value());
  }

  template <class Sum>
  Sum joined(Sum left, part right) {
    if (!right) {
      return left;
    }
    if constexpr (std::is_same_v<Sum, part>) {
      if (!left) {
        return right;
      }
      return fold_.combine(std::move(*left), std::move(*right));
    } else {
      return fold_.combine(std::move(left), std::move(*right));
    }
  }

  result<part> run_stolen(It first, It last) {
    auto p = result<part>::of([this, first, last] { return halve(first, last); });
    if (!p) {
      failed_.store(true, std::memory_order_relaxed);
    }
    return p;
  }

  [[gnu::noinline]] part halve(It first, It last) {
    if (is_set(failed_)) {
      throw cancelled();
    }
    // Multiples of the grain, so that only the last chunk is smaller.
    const std::ptrdiff_t chunks = (distance(first, last) + grain_ - 1) / grain_;
    if (chunks == 1) {
      if constexpr (Travel::ships) {
        return chunk(first, last);
      } else {
        return go_on(first, last);
      }
    }
    const It middle = advanced(first, chunks / 2 * grain_);
    rest right(*this, middle, last);
    try {
      if constexpr (Travel::ships) {
        return with_others(halve(first, middle), right);
      } else {
        part left = go_on(first, middle);
        return joined(std::move(left),
                      right.withdraw() ? go_on(middle, last) : right.get().value());
      }
    } catch (...) {
      fail(right);
    }
  }

  /// A part that is not the loop's first.
  [[gnu::noinline]] part go_on(It first, It last) {
    rest all(*this, first, last);
    return go_through(part(), all, first, last);
  }

  [[gnu::noinline]] part chunk(It first, It end) {
    part p;
    add_chunk(fold_, p, first, end);
    return p;
  }

  /// Adds a chunk of which it is known that the first element counts.
  template <class Sum>
  [[gnu::always_inline]] static void add_chunk(Fold& fold, Sum& s, It first, It end) {
    if constexpr (single) {
      add(fold, s, first);
    } else {
      It at = first;
      do {
        if (at == first || keeps(fold, at)) {
          add(fold, s, at);
        }
      } while (++at != end);
    }
  }
  [[gnu::always_inline]] static void add(Fold& fold, sum& s, It at) { fold.add(s, at); }
  [[gnu::always_inline]] static void add(Fold& fold, part& p, It at) {
    if (p) [[likely]] {
      fold.add(*p, at);
    } else {
      p.emplace(fold.start(at));
    }
  }

  [[gnu::always_inline]] static bool keeps(Fold& fold, It at) {
    if constexpr (filters) {
      return fold.keeps(at);
    } else {
      return true;
    }
  }
  /// How far to look for an element that counts before the front is moved behind those that do not:
  /// most often one is near, and its chunk moves the front.
  [[gnu::always_inline]] static It some_after(It at, It last) {
    if constexpr (filters) {
      return std::ranges::next(at, 16, last);
    } else {
      return last;
    }
  }
  /// Moves `at` to the first of these elements that counts, or to their end.
  [[gnu::always_inline]] static bool find(Fold& fold, It& at, It end) {
    if constexpr (filters) {
      while (at != end && !fold.keeps(at)) {
        ++at;
      }
      return at != end;
    } else {
      return true;
    }
  }

  It after_chunk(It at, It last) const {
    if constexpr (single) {
      return ++at;
    } else if constexpr (std::random_access_iterator<It>) {
      return advanced(at, std::min<std::ptrdiff_t>(distance(at, last), grain_));
    } else {
      return std::ranges::next(at, grain_, last);
    }
  }
  // What `iota` calls a difference may be 128 bits wide.
  static std::ptrdiff_t distance(It first, It last) {
    return static_cast<std::ptrdiff_t>(std::ranges::distance(first, last));
  }
  static It advanced(It at, std::ptrdiff_t n) {
    return std::ranges::next(at, static_cast<std::iter_difference_t<It>>(n));
  }

  /// In a handler of a failure before `others`: ends them, and throws the failure that comes first.
  [[noreturn, gnu::noinline, gnu::cold]] void fail(rest& others) {
    failed_.store(true, std::memory_order_relaxed);
    std::exception_ptr error = std::current_exception();
    if (std::exception_ptr later = others.failure()) {
      if (is_cancelled(error)) { // as the loop has failed elsewhere, perhaps there
        std::swap(error, later);
      }
      report_lost(later);
    }
    if (is_cancelled(error)) {
      stop_point(); // perhaps for a better reason
    }
    std::rethrow_exception(std::move(error));
  }

  [[no_unique_address]] Grain grain_;
  Fold fold_;
  [[no_unique_address]] Travel travel_;
  atomic<bool> failed_{false};
};

template <class It, class Fold, class Grain, class Travel>
constexpr task_type chunked_loop<It, Fold, Grain, Travel>::rest::table = make_table();

} // namespace torc::detail
