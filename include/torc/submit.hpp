// SPDX-License-Identifier: MIT
#pragma once

#include <torc/future.hpp>

namespace torc {

/// Where a submitted task is sent. It may be stolen from there unless it is pinned.
struct placement {
  enum class target : std::uint8_t { cyclic, here, worker };
  target to = target::cyclic;
  bool is_pinned = false;
  int id = 0;

  /// The same, but only that worker may run it, from beginning to end.
  constexpr placement pinned() const noexcept { return {to, true, id}; }
};

/// To worker 0, 1, 2, ... in turn, with every submit of the process; the default.
inline constexpr placement cyclic{};
/// To the worker that submits; from other threads, cyclic.
inline constexpr placement here{placement::target::here, false, 0};
/// To worker `id`, 0 to num_workers() - 1; `submit` throws std::out_of_range for others.
constexpr placement on_worker(int id) noexcept { return {placement::target::worker, false, id}; }

namespace detail {
/// The id of the worker meant; -1 without a runtime.
int worker_for(placement where);
} // namespace detail

/// Sends `f(args...)` to a worker as a child of the calling task and gives a future for the result.
///
/// `f` and the arguments are copied or moved into the task, on the heap; `std::ref` passes a
/// reference. The task is independent of its siblings: it runs even if one of them fails. The
/// parent waits for it at its end at the latest, and then throws the first exception that nobody
/// has asked a future for. Any thread may submit while the runtime is up; without a runtime the
/// task runs at once. Costs an allocation and a lock of the target's queue, about 0.1 us.
template <class F, class... Args>
auto submit(placement where, F&& f, Args&&... args) {
  static_assert(std::is_invocable_v<std::decay_t<F>, std::unwrap_ref_decay_t<Args>...>,
                "torc::submit(f, args...): f cannot be called with these arguments (they are "
                "copied and passed as rvalues; write std::ref(x) to pass a reference)");
  using call = detail::submitted_call<std::decay_t<F>, std::unwrap_ref_decay_t<Args>...>;
  const int target = detail::worker_for(where); // may throw
  auto* task = new call(std::forward<F>(f), std::forward<Args>(args)...);
  auto result = detail::access::make_future<typename call::R>(*task);
  detail::send(*task, target, where.is_pinned);
  return result;
}

/// The same, sent cyclically.
template <class F, class... Args>
requires(!std::is_same_v<std::remove_cvref_t<F>, placement>) auto submit(F&& f, Args&&... args) {
  return submit(cyclic, std::forward<F>(f), std::forward<Args>(args)...);
}

} // namespace torc
