// SPDX-License-Identifier: MIT
#pragma once

#include <torc/runtime.hpp>
#include <torc/spmd.hpp>

namespace torc {

namespace detail {

/// Names a value that has been broadcast: the rank that did it, and a number there; -1: there are
/// no other ranks.
struct broadcast_key {
  std::int32_t rank = -1;
  std::uint64_t number = 0;
};
using shared_value = std::shared_ptr<const void>;

broadcast_key next_broadcast_key();
/// Puts the value into this rank's table; on the rank it comes from without owning it.
void keep_broadcast(broadcast_key key, const shared_value& value, const std::type_info& type);
/// Throws `bad_message` if there is none of that type.
shared_value find_broadcast(broadcast_key key, const std::type_info& type);
/// Has all ranks take it from their tables. Does not wait.
void forget_broadcast(broadcast_key key) noexcept;

/// What every rank runs to get it.
template <class T>
struct keep_copy {
  void operator()(broadcast_key key, T value) const {
    if (key.rank != torc::rank()) {
      keep_broadcast(key, std::make_shared<const T>(std::move(value)), typeid(T));
    }
  }
};

template <class T>
struct broadcaster;

} // namespace detail

/// A value that every rank has a copy of: what `broadcast` gives. Shippable, at the cost of two
/// numbers; where it arrives it refers to the copy of that rank. May be copied and used from any
/// thread.
///
/// The copies are given up when there is no such object any more on the rank that has called
/// `broadcast`; a task that was given one counts, until its result is back. On another rank a copy
/// lives on while an object there refers to it.
template <class T>
class broadcasted {
public:
  /// This rank's copy.
  const T& get() const noexcept { return *value_; }
  const T& operator*() const noexcept { return *value_; }
  const T* operator->() const noexcept { return value_.get(); }

private:
  broadcasted(detail::broadcast_key key, std::shared_ptr<const T> value) noexcept
      : key_(key), value_(std::move(value)) {}
  friend codec<broadcasted>;
  friend detail::broadcaster<T>;

  detail::broadcast_key key_;
  std::shared_ptr<const T> value_;
};

template <class T>
struct codec<broadcasted<T>> {
  static void save(writer& w, const broadcasted<T>& x) {
    w.put(x.key_.rank);
    w.put(x.key_.number);
  }
  static broadcasted<T> load(reader& r) {
    detail::broadcast_key key;
    key.rank = r.get<std::int32_t>();
    key.number = r.get<std::uint64_t>();
    return {key, std::static_pointer_cast<const T>(detail::find_broadcast(key, typeid(T)))};
  }
};

namespace detail {

template <class T>
struct broadcaster {
  T value;

  broadcasted<T> operator()() {
    if (!has_ranks()) {
      return {{}, std::make_shared<const T>(std::move(value))};
    }
    refuse_in_spmd();
    const broadcast_key key = next_broadcast_key();
    const auto give_up = [key](const T* p) {
      delete p;
      forget_broadcast(key);
    };
    const broadcasted<T> result(key, std::shared_ptr<const T>(new T(std::move(value)), give_up));
    keep_broadcast(key, result.value_, typeid(T));
    writer w;
    const inline_section no_blocks(w);
    save_remote_type(w, remote_call<keep_copy<T>, broadcast_key, T>::remote);
    save_value(w, keep_copy<T>());
    save_value(w, key);
    save_value<T>(w, result.get());
    call_everywhere(w, true);
    return result;
  }
};

} // namespace detail

/// An operation: sends `value` to all ranks and gives a `broadcasted<T>`, to be handed to tasks:
///
///     const auto table = co_await torc::broadcast(make_table());
///     auto y = co_await torc::map(torc::bind(look_up, table), xs);
///
/// Here `look_up(table, x)` uses `*table`.
///
/// `value` must be shippable. Ranks pass it on along a binary tree and look at it at once, whatever
/// their workers do; each holds it as bytes and as value meanwhile. In the body of an `spmd`, where
/// one has MPI for this: std::logic_error.
template <class T>
auto broadcast(T value) {
  detail::require_shippable<T>();
  return detail::operation(detail::broadcaster<T>{std::move(value)});
}

} // namespace torc
