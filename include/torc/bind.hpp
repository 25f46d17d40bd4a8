// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <torc/detail/closure.hpp>
#include <torc/detail/load_save.hpp>
#include <torc/detail/std_codec.hpp>
#include <tuple>
#include <type_traits>
#include <utility>

namespace torc {

namespace detail {

template <class F, class... Captured>
struct bound {
  [[no_unique_address]] F f;
  [[no_unique_address]] std::tuple<Captured...> captured;

  template <class... Args>
  requires std::is_invocable_v<const F&, const Captured&..., Args...>
  decltype(auto) operator()(Args&&... args) const& {
    return std::apply(
        [&](const Captured&... values) -> decltype(auto) {
          return std::invoke(f, values..., std::forward<Args>(args)...);
        },
        captured);
  }
  template <class... Args>
  requires std::is_invocable_v<F, Captured..., Args...>
  decltype(auto) operator()(Args&&... args) && {
    return std::apply(
        [&](Captured&... values) -> decltype(auto) {
          return std::invoke(std::move(f), std::move(values)..., std::forward<Args>(args)...);
        },
        captured);
  }
};

template <class F, class... Captured, class... Args>
any_function code_address(const bound<F, Captured...>& b, const std::tuple<Args...>&) noexcept {
  return code_address(b.f, std::tuple());
}

template <class F, class... Captured>
struct std_codec<bound<F, Captured...>> {
  using parts = type_list<F, Captured...>;
  using values = std::tuple<Captured...>;
  static void save(writer& w, const bound<F, Captured...>& x) {
    save_value<F>(w, x.f);
    save_value<values>(w, x.captured);
  }
  static bound<F, Captured...> load(reader& r) { return {load_value<F>(r), load_value<values>(r)}; }
};

} // namespace detail

/// A function object that calls `f(captured..., args...)`: what a lambda that captures is on one
/// rank, but shippable if `f` and the captured values are. `f` may also be a coroutine function.
///
/// Copies or moves `f` and the values into the object; a call copies nothing more. Called as an
/// rvalue, as a task calls it, it hands its values over as rvalues.
template <class F, class... Captured>
[[nodiscard]] auto bind(F&& f, Captured&&... captured) {
  return detail::bound<std::decay_t<F>, std::decay_t<Captured>...>{
      std::forward<F>(f),
      std::tuple<std::decay_t<Captured>...>(std::forward<Captured>(captured)...)};
}

} // namespace torc
