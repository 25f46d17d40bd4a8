// SPDX-License-Identifier: MIT
#pragma once

// The sentence that the compiler prints for a type that cannot travel.

#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <torc/detail/kind.hpp>

namespace torc::detail {

template <class T>
inline constexpr bool is_view = false;
template <class C, class Traits>
inline constexpr bool is_view<std::basic_string_view<C, Traits>> = true;
template <class T, std::size_t N>
inline constexpr bool is_view<std::span<T, N>> = true;

template <class T>
inline constexpr bool is_reference_wrapper = false;
template <class T>
inline constexpr bool is_reference_wrapper<std::reference_wrapper<T>> = true;

template <class T>
inline constexpr bool is_smart_pointer = false;
template <class T, class Deleter>
inline constexpr bool is_smart_pointer<std::unique_ptr<T, Deleter>> = true;
template <class T>
inline constexpr bool is_smart_pointer<std::shared_ptr<T>> = true;
template <class T>
inline constexpr bool is_smart_pointer<std::weak_ptr<T>> = true;

/// Compilers write the type of a lambda as "<lambda(...)>" or "(lambda at ...)".
template <class T>
consteval bool is_lambda() {
  const std::string_view name = __PRETTY_FUNCTION__;
  return name.find("<lambda") != name.npos || name.find("(lambda") != name.npos;
}

/// Fails to compile, saying what to do, unless T is shippable. Looks into containers and aggregates
/// for the culprit, which is the T of the innermost call in the compiler's list.
template <class T, class... Seen>
consteval void require_shippable() {
  constexpr kind k = kind_of<T>();
  if constexpr (ships<T>() || (std::is_same_v<T, Seen> || ...)) {
  } else if constexpr (k == kind::standard) {
    []<class... Parts>(type_list<Parts...>) {
      (require_shippable<Parts, T, Seen...>(), ...);
    }(typename std_codec<T>::parts{});
  } else if constexpr (k == kind::aggregate) {
    []<class... Fields>(type_list<Fields...>) {
      (require_shippable<field_value<Fields>, T, Seen...>(), ...);
    }(field_types<T>{});
  } else if constexpr (std::is_reference_v<T>) {
    static_assert(ships<T>(), "torc: a reference cannot be sent to another rank, as what it refers "
                              "to stays behind: send the value");
  } else if constexpr (std::is_member_pointer_v<T>) {
    static_assert(ships<T>(), "torc: a pointer to member cannot be sent to another rank: send a "
                              "function or captureless lambda that uses it");
  } else if constexpr (std::is_pointer_v<T> || std::is_null_pointer_v<T>) {
    static_assert(ships<T>(),
                  "torc: a pointer cannot be sent to another rank, as what it points "
                  "to stays behind: send the value or an index (for text, std::string)");
  } else if constexpr (is_smart_pointer<T>) {
    static_assert(ships<T>(), "torc: this smart pointer cannot be sent to another rank: send the "
                              "value, or a std::unique_ptr to an object of exactly its type");
  } else if constexpr (is_reference_wrapper<T>) {
    static_assert(ships<T>(), "torc: std::ref cannot be sent to another rank, as what it refers to "
                              "stays behind: send the value (spawn takes std::ref, and such a "
                              "child stays on its rank)");
  } else if constexpr (is_view<T>) {
    static_assert(ships<T>(), "torc: a view cannot be sent to another rank, as what it views stays "
                              "behind: send std::string or std::vector");
  } else if constexpr (k == kind::boost) {
    static_assert(ships<T>(), "torc: a class with a Boost serialize function can be sent to "
                              "another rank only if it has a default and a move constructor; "
                              "otherwise specialise torc::codec");
  } else if constexpr (k == kind::custom) {
    static_assert(ships<T>(), "torc: this torc::codec needs static void save(torc::writer&, const "
                              "T&) and static T load(torc::reader&)");
  } else if constexpr (is_lambda<T>()) {
    static_assert(ships<T>(), "torc: a lambda that captures cannot be sent to another rank: use "
                              "torc::bind(f, values...), or a function object with serialize, or "
                              "submit it to torc::here");
  } else if constexpr (std::is_aggregate_v<T> && std::is_class_v<T>) {
    static_assert(ships<T>(),
                  "torc: this aggregate cannot be sent to another rank, as it has a base "
                  "class, an anonymous union, or more than 16 members: give it a Boost "
                  "serialize function or specialise torc::codec");
  } else {
    static_assert(ships<T>(), "torc: this type cannot be sent to another rank: give it a Boost "
                              "serialize function or specialise torc::codec");
  }
}

} // namespace torc::detail
