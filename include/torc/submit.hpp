// SPDX-License-Identifier: MIT
#pragma once

#include <torc/future.hpp>
#include <torc/placement.hpp>

namespace torc {

namespace detail {
template <class Where, class F, class... Args>
struct call_of; ///< the task that is made of a call
template <class F, class... Args>
struct call_of<placement, F, Args...> {
  using type = submitted_call<true, false, F, Args...>;
};
template <class F, class... Args>
struct call_of<local_placement, F, Args...> {
  using type = submitted_call<false, false, F, Args...>;
};
template <class Where, class F, class... Args>
struct call_of<repeating<Where>, F, Args...> {
  using type = submitted_call<call_of<Where, F, Args...>::type::travels, true, F, Args...>;
};
template <class Where, class F, class... Args>
struct call_of<keeping_input<Where>, F, Args...> {
  using type = keeping_call<typename call_of<Where, F, Args...>::type>;
};
template <class Where, class T, class F, class... Args>
struct call_of<ignoring<Where, T>, F, Args...> {
  using type = ignoring_call<typename call_of<Where, F, Args...>::type>;
};

/// Where a placement with such an option leads.
template <class Where>
requires requires(const Where& w) { resolve(w.where); }
destination resolve(const Where& w) { return resolve(w.where); }

template <class T>
concept placing = requires(const T& where) {
  detail::resolve(where);
};
} // namespace detail

/// Sends `f(args...)` to a worker, perhaps of another rank, as a child of the calling task and
/// gives a future for the result.
///
/// `f` and the arguments are copied or moved into the task; `std::ref` passes a reference. They and
/// the result must be shippable (torc/shippable.hpp), unless `where` is in the process (`here`,
/// `on_local_worker`), and copyable where an option behind it says so. The task is independent of
/// its siblings: it runs even if one of them fails. The parent waits for it at its end at the
/// latest, and then throws the first exception that nobody has asked a future for. Any thread may
/// submit while the runtime is up; without a runtime the task runs at once. Costs an allocation and
/// a lock of the target's queue, about a quarter of a microsecond, or a message. What saving the
/// arguments throws is the task's exception.
// Inlined, so that `send` returns to the code that submits, which is how it knows that.
template <detail::placing Where, class F, class... Args>
[[gnu::always_inline]] inline auto submit(Where where, F&& f, Args&&... args) {
  static_assert(std::is_invocable_v<std::decay_t<F>, std::unwrap_ref_decay_t<Args>...>,
                "torc::submit(f, args...): f cannot be called with these arguments: write "
                "submit(f, x) and not submit(f(x)), and all arguments; they are copied and passed "
                "as rvalues, std::ref(x) passes a reference");
  using call = typename detail::call_of<Where, std::decay_t<F>, //
                                        std::unwrap_ref_decay_t<Args>...>::type;
  if constexpr (call::travels) {
    detail::require_shippable<std::decay_t<F>>();
    (detail::require_shippable<std::unwrap_ref_decay_t<Args>>(), ...);
    if constexpr (!std::is_void_v<typename call::R>) {
      detail::require_shippable<typename call::R>();
    }
  }
  const detail::destination target = detail::resolve(where); // may throw
  auto* task = new call(std::forward<F>(f), std::forward<Args>(args)...);
  auto result = detail::access::make_future<typename call::R>(*task);
  task->set(where.options);
  if constexpr (requires { where.otherwise; }) {
    task->ignore(std::move(where.otherwise));
  }
  detail::send(*task, target);
  return result;
}

/// The same, sent cyclically.
template <class F, class... Args>
requires(!detail::placing<std::remove_cvref_t<F>>)
    [[gnu::always_inline]] inline auto submit(F&& f, Args&&... args) {
  return submit(cyclic, std::forward<F>(f), std::forward<Args>(args)...);
}

} // namespace torc
