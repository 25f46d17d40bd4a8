// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <torc/detail/frame.hpp>
#include <torc/future.hpp>
#include <torc/spawn.hpp>
#include <type_traits>
#include <utility>

namespace torc {

namespace detail {
/// What is kept of an argument: a copy, unless the parameter is a reference to what may be changed.
template <class P>
using kept = std::conditional_t<std::is_lvalue_reference_v<P> &&
                                    !std::is_const_v<std::remove_reference_t<P>>,
                                P, std::decay_t<P>>;

/// As with `spawn`, references are explicit. The argument is converted where it is spawned, so
/// neither may a view be kept of what dies there, nor a part of it.
template <class P, class Arg>
consteval bool accepts() {
  using T = std::decay_t<Arg>;
  using K = kept<P>;
  constexpr bool wrapped = !std::is_same_v<std::unwrap_reference_t<T>, T>;
  constexpr bool dangles =
      std::ranges::view<K> && std::ranges::range<T> && !std::ranges::borrowed_range<Arg>;
  constexpr bool converts =
      wrapped == std::is_reference_v<K> && !std::is_base_of_v<K, T> && !dangles;
  return std::is_convertible_v<Arg, K> && (std::is_same_v<K, T> || converts);
}

/// What `spawn(f, args...)` returns for arguments that a function takes.
template <class F, class Function>
struct spawned_for;
template <class F, class R, class... P>
struct spawned_for<F, std::function<R(P...)>> {
  using type = spawned<F, kept<P>...>;
  template <class... Args>
  static consteval bool takes_all() {
    if constexpr (sizeof...(Args) == sizeof...(P)) {
      return (accepts<P, Args>() && ...);
    } else {
      return false;
    }
  }
};
} // namespace detail

/// Children that call the same function, spawned in a loop:
///
///     torc::children subtrees(n, search); // room for n
///     for (...) subtrees.spawn(subtree);
///     while (!subtrees.empty()) sum += subtrees.get_last();
///
/// `f` is a function or an object with one `operator()`, neither overloaded nor generic, of which
/// every child has a copy. The object lives in the frame of the task that makes it and cannot be
/// moved. The children are on the fiber's stack of coroutine frames, so that their room costs an
/// addition and a comparison. Spawn in the scope, and the group, that the object was made in. The
/// end of that scope joins those that are left: normally, and then the first failure in the order
/// of spawns is thrown and others are reported on stderr; or by an exception, and then those that
/// have not started are skipped.
///
/// It is also a range of children in the order of spawns: `torc::wait(subtrees)` gives a vector of
/// their results, `subtrees[i].get()` one. Children that have been asked so stay until the end.
template <class F, class Function = decltype(std::function(std::declval<F>()))>
class children {
  using traits = detail::spawned_for<F, Function>;

public:
  using value_type = typename traits::type;

  /// Room for `capacity` children. Throws std::length_error or std::bad_alloc.
  children(std::size_t capacity, F f)
      : f_(std::move(f)), first_(allocate(capacity)), end_(first_), limit_(first_ + capacity) {}
  children(const children&) = delete;
  children& operator=(const children&) = delete;
  ~children() noexcept(false) {
    if (!empty()) [[unlikely]] {
      leave(first_, end_, limit_);
    } else {
      free(first_, limit_);
    }
  }

  /// As `torc::spawn(f, args...)`, but an argument is converted to its parameter's type at once.
  /// Throws std::length_error if there is no room for another.
  template <class... Args>
  void spawn(Args&&... args) {
    static_assert(traits::template takes_all<Args...>(),
                  "torc::children::spawn(args...): f cannot be called with these arguments (they "
                  "are copied, to the type of the parameter; write std::ref(x) for one of type T&, "
                  "and let a lambda capture what else is to be a reference)");
    if (end_ == limit_) [[unlikely]] {
      throw_full();
    }
    std::construct_at(end_, f_, std::forward<Args>(args)...);
    ++end_;
  }

  /// Removes the youngest child: joins it and gives its result, or throws its exception, as
  /// `child::get`. Throws std::logic_error if there is none. The youngest first is the order that
  /// costs least; to join one by `get` takes time for each that is pending above it.
  decltype(auto) get_last() {
    if (empty()) [[unlikely]] {
      throw_empty();
    }
    value_type& youngest = *--end_;
    const destroyer d{youngest};
    return youngest.get();
  }

  bool empty() const noexcept { return end_ == first_; }
  std::size_t size() const noexcept { return static_cast<std::size_t>(end_ - first_); }
  value_type& operator[](std::size_t i) noexcept { return first_[i]; }
  value_type* begin() noexcept { return first_; }
  value_type* end() noexcept { return end_; }

private:
  static_assert(std::is_copy_constructible_v<F>, "torc::children: every child has a copy of f");
  static_assert(alignof(value_type) <= detail::frame_alignment,
                "torc::children: arguments and results must not be over-aligned");

  struct destroyer {
    value_type& c;
    ~destroyer() { std::destroy_at(&c); } // has been joined, or an exception passes: does not throw
  };

  static value_type* allocate(std::size_t capacity) {
    if (capacity > PTRDIFF_MAX / sizeof(value_type)) [[unlikely]] {
      throw_full();
    }
    return static_cast<value_type*>(detail::allocate_frame(capacity * sizeof(value_type)));
  }
  static void free(value_type* first, value_type* limit) noexcept {
    detail::free_frame(first, static_cast<std::size_t>(limit - first) * sizeof(value_type));
  }
  [[noreturn, gnu::noinline, gnu::cold]] static void throw_full() {
    throw std::length_error("torc::children: more than there is room for");
  }

  [[noreturn, gnu::noinline, gnu::cold]] static void throw_empty() {
    throw std::logic_error("torc::children::get_last: there is none left");
  }

  // Not a function of the object, whose address so remains unknown: compilers can keep it in
  // registers.
  [[gnu::noinline]] static void leave(value_type* first, value_type* end, value_type* limit) {
    struct remains {
      value_type *first, *end, *limit;
      ~remains() {
        while (end != first) {
          std::destroy_at(--end);
        }
        free(first, limit);
      }
    };
    const remains r{first, end, limit};
    if (std::uncaught_exceptions() == 0) {
      join(first, end);
    }
  }

  static void join(value_type* first, value_type* end) {
    using namespace detail;
    descriptor* failed = nullptr;
    bool skipped = false;
    while (end != first) {
      descriptor& d = access::descriptor_of(*--end);
      if (d.claim.load(std::memory_order_relaxed) == claim_state::pending) {
        settle(d, failed != nullptr);
        skipped |= d.ended == outcome::skipped;
        failed = d.ended == outcome::error ? &d : failed;
      } // else it has been joined before, which has thrown its failure, or `~child` reports it
    }
    if (failed != nullptr) {
      rethrow_failure(*failed);
    }
    if (skipped) {
      stop_point(); // what relies on it must not go on
    }
  }

  [[no_unique_address]] F f_;
  value_type* first_;
  value_type* end_;
  value_type* limit_;
};

} // namespace torc
