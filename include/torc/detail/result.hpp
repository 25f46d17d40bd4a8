// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <type_traits>
#include <utility>
#include <variant>

namespace torc::detail {

/// Room for a task's result of type R (also `void` or a reference), filled and emptied by hand:
/// whether it is full is known from the descriptor's `outcome`.
template <class R>
class result_slot {
  static_assert(std::is_move_constructible_v<R>,
                "torc: the result of a task must be movable, or a reference");

public:
  result_slot() noexcept {}
  ~result_slot() {}
  template <class F>
  void fill(F&& f) {
    std::construct_at(std::addressof(value_), std::forward<F>(f)());
  }
  void assign(auto&& v) { std::construct_at(std::addressof(value_), std::forward<decltype(v)>(v)); }
  R take() {
    struct emptier {
      result_slot& slot;
      ~emptier() { slot.empty(); }
    } e{*this};
    return std::move(value_);
  }
  R& get() noexcept { return value_; }
  const R& get() const noexcept { return value_; }
  void empty() noexcept { std::destroy_at(std::addressof(value_)); }

private:
  union {
    R value_;
  };
};

template <class R>
class result_slot<R&> {
public:
  template <class F>
  void fill(F&& f) {
    value_ = std::addressof(std::forward<F>(f)());
  }
  void assign(R& v) noexcept { value_ = std::addressof(v); }
  R& take() noexcept { return *value_; }
  R& get() noexcept { return *value_; }
  void empty() noexcept {}

private:
  R* value_;
};

template <>
class result_slot<void> {
public:
  template <class F>
  void fill(F&& f) {
    std::forward<F>(f)();
  }
  void take() noexcept {}
  void get() noexcept {}
  void empty() noexcept {}
};

/// `void` as an object, for tuples of results.
template <class R>
using object_of = std::conditional_t<std::is_void_v<R>, std::monostate, R>;

} // namespace torc::detail
