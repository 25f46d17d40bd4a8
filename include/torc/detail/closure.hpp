// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <torc/detail/descriptor.hpp>
#include <torc/detail/result.hpp>
#include <torc/task.hpp>
#include <tuple>

namespace torc::detail {

/// What f(args...) gives: the result of its coroutine if it is one.
template <class R>
struct value_of {
  static_assert(!std::is_rvalue_reference_v<R>,
                "torc: the result is an rvalue reference, to what may be gone by then: return the "
                "value, or a reference that lasts");
  using type = std::remove_const_t<R>;
};
template <class T>
struct value_of<task<T>> {
  using type = T;
};
template <class F, class... Args>
using result_of = typename value_of<std::invoke_result_t<F, Args...>>::type;

/// Calls f(args...) with everything moved; a coroutine is run to its end.
template <class F, class Tuple>
decltype(auto) call(F& f, Tuple& args) {
  using R = decltype(std::apply(std::move(f), std::move(args)));
  if constexpr (is_task<R>) {
    return std::apply(std::move(f), std::move(args)).get();
  } else {
    return std::apply(std::move(f), std::move(args));
  }
}

/// f(x), run to its end if it is a coroutine.
template <class F, class X>
decltype(auto) apply_to(F& f, X&& x) {
  if constexpr (is_task<std::invoke_result_t<F&, X>>) {
    return std::invoke(f, std::forward<X>(x)).get();
  } else {
    return std::invoke(f, std::forward<X>(x));
  }
}

/// Runs a task's body: its result or exception, and that of its submitted children, goes into `d`.
template <class R, class Body>
void run_into(descriptor& d, result_slot<R>& result, Body&& body) noexcept {
  try {
    result.fill(body);
    d.ended = outcome::value;
  } catch (...) {
    d.fail(std::current_exception());
  }
  if (std::exception_ptr error = join_submitted()) [[unlikely]] {
    if (d.ended == outcome::value) {
      result.empty();
      d.fail(std::move(error));
    } else {
      report_lost(error);
    }
  }
}

/// What a task calls.
template <class F, class... Args>
struct closure {
  template <class G, class... As>
  explicit closure(G&& g, As&&... as) : f(std::forward<G>(g)), args(std::forward<As>(as)...) {}
  [[no_unique_address]] F f;
  [[no_unique_address]] std::tuple<Args...> args;
};

/// Where the code of a callable begins; null for an object, whose type says what it does.
template <class F, class... Args>
any_function code_address([[maybe_unused]] const F& f,
                          [[maybe_unused]] const std::tuple<Args...>& args) noexcept {
  if constexpr (std::is_pointer_v<F>) {
    return reinterpret_cast<any_function>(f);
  } else if constexpr (requires { typename F::calls_first_argument; }) {
    return code_address(std::get<0>(args), std::tuple());
  } else {
    return nullptr;
  }
}

} // namespace torc::detail
