// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <utility>
#include <variant>

namespace torc {

/// How many levels of priority there are.
inline constexpr int levels = 10;

/// How a submitted task is treated, wherever it is sent.
struct task_options {
  bool is_pinned = false;
  bool is_direct = false;
  bool is_detached = false;
  bool is_uncounted = false;
  std::uint8_t level = 0;
  int retries = 0;
  std::chrono::nanoseconds back_off{0};
  std::chrono::nanoseconds time_limit{0}; ///< 0: none
};

namespace detail {
template <class Where>
struct keeping_input;
template <class Where>
struct repeating;
template <class Where, class T>
struct ignoring;
} // namespace detail

/// The options of a placement, which are chained: `torc::on_rank(1).pinned().priority(2)`.
template <class Where>
struct with_options {
  task_options options;

  /// Only that worker may run the task, from beginning to end.
  constexpr Where pinned() const noexcept { return with(&task_options::is_pinned, true); }

  /// The function is called at once where it arrives, however busy the workers are: by the thread
  /// that submits it, that brings it to its rank, or, of a callback, that ends the other task. It
  /// may run on top of another task and runs as on a thread that is no worker. It must be short and
  /// must not wait: meanwhile that rank looks at no messages. The statistics do not count it. What
  /// is tried again after a pause is called by a worker then.
  constexpr Where direct() const noexcept { return with(&task_options::is_direct, true); }

  /// Of the submitted tasks that wait at one worker, those of a higher level begin first; within a
  /// level the oldest. From 0, the default, to 9; others: std::out_of_range. A task that has begun
  /// is not interrupted, and spawned children go before all submitted tasks.
  constexpr Where priority(int level) const {
    if (level < 0 || level >= levels) {
      throw std::out_of_range("torc: a priority is a level from 0 to 9");
    }
    return with(&task_options::level, static_cast<std::uint8_t>(level));
  }

  /// Nobody waits for the task but `shutdown`: it is no child of the one that submits it. If it
  /// fails and nobody has asked its future, that is reported on stderr when both have ended.
  constexpr Where detached() const noexcept { return with(&task_options::is_detached, true); }

  /// The statistics do not count the task, neither as created nor as executed.
  constexpr Where uncounted() const noexcept { return with(&task_options::is_uncounted, true); }

  /// If the task fails, it is tried again up to `n` times, on the next rank if it may leave this
  /// one and is not pinned; first after `back_off`, then after twice that, and so on. The last
  /// failure counts. Callable and arguments are copied for each try, and must be copyable. A task
  /// that is stopped is not tried again. Other options may follow.
  constexpr detail::repeating<Where> retry(int n, std::chrono::nanoseconds back_off = {}) const {
    if (n < 0 || back_off.count() < 0) {
      throw std::out_of_range(
          "torc: a task cannot be tried a negative number of times, or earlier");
    }
    const detail::repeating<Where> where{{options}, static_cast<const Where&>(*this)};
    return where.with(&task_options::retries, n).with(&task_options::back_off, back_off);
  }

  /// A task that runs for longer, from its beginning on whatever rank, fails with `timed_out`: it
  /// is stopped, as by `future::cancel`, and ends when it obeys. If it still runs after twice the
  /// time, stderr says so. Each try has that time.
  constexpr Where time_limit(std::chrono::nanoseconds limit) const {
    if (limit.count() <= 0) {
      throw std::out_of_range("torc: a time limit must be longer than nothing");
    }
    return with(&task_options::time_limit, limit);
  }

  /// A failure is no failure: the task's result is `otherwise` then, or without one a
  /// value-initialised one or void. Not if the task is cancelled. The last option of the chain.
  template <class T>
  constexpr detail::ignoring<Where, T> ignore_failure(T otherwise) const {
    return {options, static_cast<const Where&>(*this), std::move(otherwise)};
  }
  constexpr detail::ignoring<Where, std::monostate> ignore_failure() const {
    return ignore_failure(std::monostate());
  }

  /// A copy of the arguments is kept for `future::input`. The last option of the chain.
  constexpr detail::keeping_input<Where> keep_input() const noexcept {
    return {options, static_cast<const Where&>(*this)};
  }

  template <class T>
  constexpr Where with(T task_options::*option, T value) const noexcept {
    Where where = static_cast<const Where&>(*this);
    where.options.*option = value;
    return where;
  }
};

/// Where a submitted task is sent. It may be stolen from there unless it is pinned.
struct placement : with_options<placement> {
  enum class target : std::uint8_t { cyclic, worker, rank };
  target to = target::cyclic;
  int id = 0;
};

/// The same for a task that does not leave the process, so that its callable and arguments may be
/// anything.
struct local_placement : with_options<local_placement> {
  static constexpr int submitter = std::numeric_limits<int>::min();
  int id = submitter; ///< a worker of the process, or the one that submits
};

// Types of their own, so that only what they need must be copyable. The options of `where` itself
// do not count.
namespace detail {
template <class Where>
struct repeating : with_options<repeating<Where>> {
  Where where;
};
template <class Where>
struct keeping_input {
  task_options options;
  Where where;
};
template <class Where, class T>
struct ignoring {
  task_options options;
  Where where;
  T otherwise;
};
} // namespace detail

/// To worker 0, 1, 2, ... of all ranks in turn, with every submit of the process, beginning with
/// its own first worker; the default.
inline constexpr placement cyclic{};
/// To the worker that submits; from other threads, to some worker of the process.
inline constexpr local_placement here{};
/// To worker `id` of this process, from 0; `submit` throws std::out_of_range for others.
constexpr local_placement on_local_worker(int id) noexcept { return {{}, id}; }
/// To worker `id`, 0 to num_workers() - 1; `submit` throws std::out_of_range for others.
constexpr placement on_worker(int id) noexcept { return {{}, placement::target::worker, id}; }
/// To some worker of rank `id`, 0 to num_ranks() - 1; `submit` throws std::out_of_range for others.
constexpr placement on_rank(int id) noexcept { return {{}, placement::target::rank, id}; }

} // namespace torc
