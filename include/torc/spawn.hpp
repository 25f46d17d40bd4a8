// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <torc/detail/operation.hpp>
#include <torc/detail/remote.hpp>
#include <torc/stop.hpp>

namespace torc {

namespace detail {
struct access;
template <class F, class... Args>
class spawned;
} // namespace detail

/// A spawned child with a result of type R: what `spawn` returns (with the callable's type added).
///
/// Lives in the frame of the task that spawns it and cannot be moved. It may start at any time on
/// any worker; `get` runs it in place if nobody has started it. Leaving its scope joins it:
/// normally, and then the destructor throws the child's exception if `get` has not; or by an
/// exception, and then a child that has not started is skipped and a second exception is reported
/// on stderr.
template <class R>
class [[nodiscard("a child is joined where its object dies: keep it in a variable")]] child
    : protected detail::descriptor {
public:
  child(const child&) = delete;
  child& operator=(const child&) = delete;

  /// Joins the child and gives its result, or throws its exception. Call it once, from the task
  /// that spawned it; a second time it throws std::logic_error. If the child was stolen and still
  /// runs, the calling task is suspended and its worker goes on with other work; the task may go on
  /// on another thread.
  R get() {
    detail::settle(*this, false);
    return take();
  }

  /// `co_await c`: the same as `c.get()`.
  auto operator co_await() {
    return detail::operation([this]() -> R { return get(); });
  }

  ~child() noexcept(false) {
    if (!released) [[unlikely]] {
      detail::address_here(*this)->discard();
    }
  }

protected:
  explicit child(const detail::task_type& t) noexcept : descriptor(t) {}

  /// The outcome of a settled child.
  R take() {
    using detail::outcome;
    released = true;
    claim.store(detail::claim_state::empty, std::memory_order_relaxed);
    if (ended == outcome::none) {
      detail::throw_taken();
    }
    if (ended > outcome::value) {
      detail::rethrow_failure(*this);
    }
    ended = outcome::none;
    return result_.take();
  }

  detail::result_slot<R> result_;

private:
  /// The destructor's rare half: not joined, or joined and not asked.
  void discard() {
    using detail::outcome;
    const bool unwinding = std::uncaught_exceptions() > 0;
    const bool first_join = claim.load(std::memory_order_relaxed) == detail::claim_state::pending;
    detail::settle(*this, unwinding || !first_join);
    if (ended == outcome::value) {
      result_.empty();
    } else if (ended == outcome::thrown) {
      take_error();
    } else if (ended == outcome::error) {
      if (first_join && !unwinding) {
        detail::rethrow_failure(*this);
      }
      detail::report_lost(take_error());
      detail::forget_failure();
    }
    const bool missing = std::exchange(ended, outcome::none) == outcome::skipped;
    if (missing && first_join && !unwinding) {
      stop_point(); // what relies on it must not go on
    }
  }

  friend struct detail::access;
};

namespace detail {

/// One store where all ways out of `get` meet, for the compiler to see.
struct asking {
  bool& released;
  ~asking() { released = true; }
};

// The closure comes first: it must be complete before there is a child to be joined, and live until
// the child's destructor has joined it.
template <class F, class... Args>
class spawned final : closure<F, Args...>, public child<result_of<F, Args...>> {
  using R = result_of<F, Args...>;

public:
  template <class G, class... As>
  explicit spawned(G&& g, As&&... as)
      : closure<F, Args...>(std::forward<G>(g), std::forward<As>(as)...), child<R>(table) {
    push(*this_front(), *this);
  }

  /// `child::get`, with the call visible to the compiler.
  [[gnu::always_inline]] R get() {
    const asking mark{this->released};
    if (claim(*this_front(), *this)) [[likely]] {
      if constexpr (std::is_void_v<R>) {
        call_here();
        if (!leave(*this)) [[unlikely]] {
          leave_slow(*this);
        }
        return;
      } else {
        R result = call_here();
        if (!leave(*this)) [[unlikely]] {
          if constexpr (std::is_trivially_copyable_v<R> && sizeof(R) <= 2 * sizeof(void*)) {
            return leave_with(result);
          }
          leave_slow(*this);
        }
        return result;
      }
    }
    return get_settled();
  }

private:
  R call_here() {
    try {
      return call(this->f, this->args);
    } catch (...) {
      leave_failing(*address_here(*this));
    }
  }
  /// The result passes through, so that no register is saved for it across `leave_slow`.
  [[gnu::noinline, gnu::cold]] object_of<R> leave_with(object_of<R> result) {
    leave_slow(*this);
    return result;
  }
  [[gnu::noinline, gnu::cold]] R get_settled() { return child<R>::get(); }

  static void run(descriptor& d) noexcept {
    auto& self = static_cast<spawned&>(d);
    run_into(d, self.result_, [&self]() -> R { return call(self.f, self.args); });
  }
  static void save(const descriptor& d, writer& w) {
    save_closure(static_cast<const spawned&>(d), w);
  }
  static void take_result(descriptor& d, reader* r) {
    if (r != nullptr) {
      load_result(static_cast<spawned&>(d).result_, *r);
      d.ended = outcome::value;
    }
  }
  static any_function code(const descriptor& d) noexcept {
    const auto& what = static_cast<const spawned&>(d);
    return code_address(what.f, what.args);
  }
  static constexpr bool may_leave = travels<F, Args...>;
  static constexpr task_type table = table_of<spawned, may_leave, F, Args...>(&finish_child);
  friend consteval task_type
  table_of<spawned, may_leave, F, Args...>(void (*)(descriptor&) noexcept);
};

} // namespace detail

/// Starts `f(args...)` as a child of the calling task, possibly in parallel to it.
///
/// `f` is a function, function object or coroutine function (returning `task<R>`). It and the
/// arguments are copied or moved into the child; write `std::ref` to pass a reference, which is
/// safe as the child cannot outlive the scope of the object returned. Costs a few stores; nothing
/// is allocated. Outside a task the child runs when it is joined.
template <class F, class... Args>
[[nodiscard("a child is joined where its object dies: keep it in a variable")]] auto
spawn(F&& f, Args&&... args) {
  static_assert(std::is_invocable_v<std::decay_t<F>, std::unwrap_ref_decay_t<Args>...>,
                "torc::spawn(f, args...): f cannot be called with these arguments: write "
                "spawn(f, x) and not spawn(f(x)), and all arguments; they are copied and passed as "
                "rvalues, std::ref(x) passes a reference");
  return detail::spawned<std::decay_t<F>, std::unwrap_ref_decay_t<Args>...>(
      std::forward<F>(f), std::forward<Args>(args)...);
}

/// Joins all children of the calling task, spawned and submitted. Throws the first exception in
/// spawn order; after one failure, spawned children that have not started are skipped. Suspends
/// as `child::get` does.
void sync();

} // namespace torc
