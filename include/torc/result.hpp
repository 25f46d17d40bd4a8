// SPDX-License-Identifier: MIT
#pragma once

#include <exception>
#include <functional>
#include <torc/detail/result.hpp>
#include <type_traits>
#include <utility>
#include <variant>

namespace torc {

/// What became of a task: its result of type T (also `void`, or a reference), or the exception it
/// ended with, `cancelled` among them. What `wait_all` gives.
template <class T>
class [[nodiscard("it may hold an exception that nobody else will see")]] result {
  static constexpr bool is_reference = std::is_reference_v<T>;
  using kept = std::conditional_t<is_reference, std::reference_wrapper<std::remove_reference_t<T>>,
                                  detail::object_of<std::remove_cv_t<T>>>;

public:
  using value_type = T;

  /// What `f()` gives or throws.
  template <class F>
  static result of(F && f) noexcept {
    try {
      if constexpr (std::is_void_v<T>) {
        std::forward<F>(f)();
        return result(std::in_place_index<0>);
      } else {
        return result(std::in_place_index<0>, std::forward<F>(f)());
      }
    } catch (...) {
      return result(std::in_place_index<1>, std::current_exception());
    }
  }

  bool has_value() const noexcept { return what_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  /// The result; throws the exception if there is one.
  std::add_lvalue_reference_t<T> value()& {
    check();
    if constexpr (!std::is_void_v<T>) {
      return std::get<0>(what_);
    }
  }
  T value()&& {
    check();
    if constexpr (is_reference) {
      return std::get<0>(what_);
    } else if constexpr (!std::is_void_v<T>) {
      return std::get<0>(std::move(what_));
    }
  }
  /// The exception, or null.
  std::exception_ptr error() const noexcept { return has_value() ? nullptr : std::get<1>(what_); }

private:
  template <std::size_t I, class... Args>
  explicit result(std::in_place_index_t<I> i, Args && ... args)
      : what_(i, std::forward<Args>(args)...) {}
  void check() const {
    if (!has_value()) {
      std::rethrow_exception(std::get<1>(what_));
    }
  }
  std::variant<kept, std::exception_ptr> what_;
};

} // namespace torc
