// SPDX-License-Identifier: MIT
#pragma once

#include <torc/future.hpp>
#include <torc/placement.hpp>

namespace torc {

namespace detail {
template <class T>
inline constexpr bool is_placement = false;
template <>
inline constexpr bool is_placement<placement> = true;
template <>
inline constexpr bool is_placement<local_placement> = true;
template <class Where>
inline constexpr bool is_placement<keeping_input<Where>> = true;
template <class Where>
inline constexpr bool is_placement<repeating<Where>> = true;
template <class Where, class T>
inline constexpr bool is_placement<ignoring<Where, T>> = true;

template <class Where>
inline constexpr bool may_leave = std::is_same_v<Where, placement>;
template <class Where>
inline constexpr bool may_leave<repeating<Where>> = may_leave<Where>;
template <class Where>
inline constexpr bool repeats = false;
template <class Where>
inline constexpr bool repeats<repeating<Where>> = true;
template <class Where>
destination resolve(const repeating<Where>& again) {
  return resolve(again.where);
}

/// `prepare(task)` is called before the task is sent. It and `submit` are inlined, so that `send`
/// returns to the code that submits, which is how it knows that.
template <template <bool, bool, class, class...> class Call, class Where, class Prepare, class F,
          class... Args>
[[gnu::always_inline]] inline auto submit_to(Where where, const Prepare& prepare, F&& f,
                                             Args&&... args) {
  static_assert(std::is_invocable_v<std::decay_t<F>, std::unwrap_ref_decay_t<Args>...>,
                "torc::submit(f, args...): f cannot be called with these arguments (they are "
                "copied and passed as rvalues; write std::ref(x) to pass a reference)");
  if constexpr (may_leave<Where>) {
    require_shippable<std::decay_t<F>>();
    (require_shippable<std::unwrap_ref_decay_t<Args>>(), ...);
    using R = result_of<std::decay_t<F>, std::unwrap_ref_decay_t<Args>...>;
    if constexpr (!std::is_void_v<R>) {
      require_shippable<R>();
    }
  }
  using call = Call<may_leave<Where>, repeats<Where>, std::decay_t<F>, //
                    std::unwrap_ref_decay_t<Args>...>;
  const destination target = resolve(where); // may throw
  auto* task = new call(std::forward<F>(f), std::forward<Args>(args)...);
  auto result = access::make_future<typename call::R>(*task);
  task->set(where.options);
  prepare(*task);
  send(*task, target);
  return result;
}

inline constexpr auto as_it_is = [](submitted&) {};
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
[[gnu::always_inline]] inline auto submit(placement where, F&& f, Args&&... args) {
  return detail::submit_to<detail::submitted_call>(where, detail::as_it_is, std::forward<F>(f),
                                                   std::forward<Args>(args)...);
}

/// The same within the process: copies or moves `f` and the arguments, which may be anything, into
/// the task; `std::ref` passes a reference.
template <class F, class... Args>
[[gnu::always_inline]] inline auto submit(local_placement where, F&& f, Args&&... args) {
  return detail::submit_to<detail::submitted_call>(where, detail::as_it_is, std::forward<F>(f),
                                                   std::forward<Args>(args)...);
}

/// The same with `retry()` behind the placement.
template <class Where, class F, class... Args>
[[gnu::always_inline]] inline auto submit(detail::repeating<Where> where, F&& f, Args&&... args) {
  return detail::submit_to<detail::submitted_call>(where, detail::as_it_is, std::forward<F>(f),
                                                   std::forward<Args>(args)...);
}

/// The same with `keep_input()` behind the placement; the arguments must be copyable.
template <class Where, class F, class... Args>
[[gnu::always_inline]] inline auto submit(detail::keeping_input<Where> keeping, F&& f,
                                          Args&&... args) {
  return detail::submit_to<detail::keeping_call>(keeping.where, detail::as_it_is,
                                                 std::forward<F>(f), std::forward<Args>(args)...);
}

/// The same with `ignore_failure()` behind the placement.
template <class Where, class T, class F, class... Args>
[[gnu::always_inline]] inline auto submit(detail::ignoring<Where, T> ignoring, F&& f,
                                          Args&&... args) {
  const auto prepare = [&ignoring](auto& task) { task.ignore(std::move(ignoring.otherwise)); };
  return detail::submit_to<detail::ignoring_call>(ignoring.where, prepare, std::forward<F>(f),
                                                  std::forward<Args>(args)...);
}

/// The same, sent cyclically.
template <class F, class... Args>
requires(!detail::is_placement<std::remove_cvref_t<F>>)
    [[gnu::always_inline]] inline auto submit(F&& f, Args&&... args) {
  return submit(cyclic, std::forward<F>(f), std::forward<Args>(args)...);
}

} // namespace torc
