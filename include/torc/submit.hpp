// SPDX-License-Identifier: MIT
#pragma once

#include <torc/future.hpp>

namespace torc {

/// Where a submitted task is sent. It may be stolen from there unless it is pinned.
struct placement {
  enum class target : std::uint8_t { cyclic, worker, rank };
  target to = target::cyclic;
  bool is_pinned = false;
  int id = 0;

  /// The same, but only that worker may run it, from beginning to end.
  constexpr placement pinned() const noexcept { return {to, true, id}; }
};

/// The same for a task that does not leave the process, so that its callable and arguments may be
/// anything.
struct local_placement {
  bool is_pinned = false;
  int id = -1; ///< a worker of the process, or the one that submits

  constexpr local_placement pinned() const noexcept { return {true, id}; }
};

/// To worker 0, 1, 2, ... of all ranks in turn, with every submit of the process, beginning with
/// its own first worker; the default.
inline constexpr placement cyclic{};
/// To the worker that submits; from other threads, to some worker of the process.
inline constexpr local_placement here{};
/// To worker `id` of this process, from 0; `submit` throws std::out_of_range for others.
constexpr local_placement on_local_worker(int id) noexcept { return {false, id}; }
/// To worker `id`, 0 to num_workers() - 1; `submit` throws std::out_of_range for others.
constexpr placement on_worker(int id) noexcept { return {placement::target::worker, false, id}; }
/// To some worker of rank `id`, 0 to num_ranks() - 1; `submit` throws std::out_of_range for others.
constexpr placement on_rank(int id) noexcept { return {placement::target::rank, false, id}; }

namespace detail {
/// Where a placement leads; throws std::out_of_range.
destination resolve(placement where);
destination resolve(local_placement where);

template <class Where, class F, class... Args>
auto submit_to(Where where, F&& f, Args&&... args) {
  constexpr bool may_leave = std::is_same_v<Where, placement>;
  static_assert(std::is_invocable_v<std::decay_t<F>, std::unwrap_ref_decay_t<Args>...>,
                "torc::submit(f, args...): f cannot be called with these arguments (they are "
                "copied and passed as rvalues; write std::ref(x) to pass a reference)");
  using call = submitted_call<may_leave, std::decay_t<F>, std::unwrap_ref_decay_t<Args>...>;
  const destination target = resolve(where); // may throw
  auto* task = new call(std::forward<F>(f), std::forward<Args>(args)...);
  auto result = access::make_future<typename call::R>(*task);
  send(*task, target, where.is_pinned);
  return result;
}
} // namespace detail

/// Sends `f(args...)` to a worker, perhaps of another rank, as a child of the calling task and
/// gives a future for the result.
///
/// `f`, the arguments and the result must be shippable (torc/shippable.hpp); a task that stays in
/// the process is submitted `here`. The task is independent of its siblings: it runs even if one of
/// them fails. The parent waits for it at its end at the latest, and then throws the first
/// exception that nobody has asked a future for. Any thread may submit while the runtime is up;
/// without a runtime the task runs at once. Costs an allocation and a lock of the target's queue,
/// about 0.1 us, or a message. What saving the arguments throws is the task's exception.
template <class F, class... Args>
auto submit(placement where, F&& f, Args&&... args) {
  detail::require_shippable<std::decay_t<F>>();
  (detail::require_shippable<std::unwrap_ref_decay_t<Args>>(), ...);
  using R = detail::result_of<std::decay_t<F>, std::unwrap_ref_decay_t<Args>...>;
  if constexpr (!std::is_void_v<R>) {
    detail::require_shippable<R>();
  }
  return detail::submit_to(where, std::forward<F>(f), std::forward<Args>(args)...);
}

/// The same within the process: copies or moves `f` and the arguments, which may be anything, into
/// the task; `std::ref` passes a reference.
template <class F, class... Args>
auto submit(local_placement where, F&& f, Args&&... args) {
  return detail::submit_to(where, std::forward<F>(f), std::forward<Args>(args)...);
}

/// The same, sent cyclically.
template <class F, class... Args>
requires(!std::is_same_v<std::remove_cvref_t<F>, placement> &&
         !std::is_same_v<std::remove_cvref_t<F>, local_placement>) auto submit(F&& f,
                                                                               Args&&... args) {
  return submit(cyclic, std::forward<F>(f), std::forward<Args>(args)...);
}

} // namespace torc
