// SPDX-License-Identifier: MIT
#pragma once

// How a type travels, if at all.

#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>
#include <boost/serialization/serialization.hpp>
#include <concepts>
#include <torc/bytes.hpp>
#include <torc/detail/fields.hpp>
#include <type_traits>

namespace torc {

template <class T>
struct codec;

namespace detail {

/// What std_codec.hpp knows: `parts`, a type_list of what must be shippable too, `save`, `load`,
/// and perhaps `flat`.
template <class T>
struct std_codec {};

enum class kind {
  none,      ///< does not travel
  custom,    ///< the user has specialised `codec`
  standard,  ///< there is a `std_codec`
  scalar,    ///< a number or enumeration
  function,  ///< a function pointer
  boost,     ///< has a Boost `serialize`
  stateless, ///< has nothing to send
  aggregate, ///< field by field
};

// --- Boost's serialize, as a member: if it is private, only its name can be seen, in that a second
// one makes it ambiguous.

template <class T>
concept calls_member_serialize = requires(T& x, boost::archive::binary_oarchive& out,
                                          boost::archive::binary_iarchive& in) {
  x.serialize(out, 0u);
  x.serialize(in, 0u);
};
struct named_serialize {
  void serialize() {}
};
template <class T>
struct twice_serialize : T, named_serialize {};

template <class T>
consteval bool has_member_serialize() {
  if constexpr (calls_member_serialize<T>) {
    return true;
  } else if constexpr (std::is_class_v<T> && !std::is_final_v<T> && !std::is_aggregate_v<T>) {
    return !requires { &twice_serialize<T>::serialize; };
  } else {
    return false;
  }
}

// --- ... or as a free function, in the class's namespace or in Boost's. There is always the one
// that calls the member; the competing one here is as generic, so that a call is ambiguous unless
// there is a better one.

namespace competing {
template <class Archive, class T>
void serialize(Archive&, T&, const unsigned int);

template <class T>
concept calls_serialize = requires(T& x, boost::archive::binary_oarchive& out,
                                   const boost::serialization::version_type version) {
  serialize(out, x, version);
};
} // namespace competing

template <class T>
consteval kind kind_of() {
  if constexpr (!std::is_object_v<T> || std::is_array_v<T> || !std::same_as<T, std::decay_t<T>>) {
    return kind::none;
  } else if constexpr (std::is_pointer_v<T>) {
    return std::is_function_v<std::remove_pointer_t<T>> ? kind::function : kind::none;
  } else if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
    return requires { typename codec<T>::built_in; }
    ? kind::scalar : kind::custom;
  } else if constexpr (!std::is_class_v<T> || std::is_abstract_v<T>) {
    return kind::none;
  } else if constexpr (!requires { typename codec<T>::built_in; }) {
    return kind::custom;
  } else if constexpr (requires { typename std_codec<T>::parts; }) {
    return kind::standard;
  } else if constexpr (has_member_serialize<T>() || competing::calls_serialize<T>) {
    return kind::boost;
  } else if constexpr (std::is_empty_v<T>) {
    return std::is_trivially_copyable_v<T> && std::is_default_constructible_v<T> ? kind::stateless
                                                                                 : kind::none;
  } else if constexpr (std::is_aggregate_v<T>) { // constructors are not to be tried
    return field_count<T>() <= max_fields ? kind::aggregate : kind::none;
  } else {
    return kind::none;
  }
}

template <class... Fields>
inline constexpr bool has_const = (std::is_const_v<std::remove_all_extents_t<Fields>> || ...);

/// A field without what does not matter to its bytes.
template <class Field>
using field_value = std::remove_const_t<std::remove_all_extents_t<Field>>;

template <class T, class... Seen>
consteval bool ships();

template <class... Seen, class... Parts>
consteval bool all_ship(type_list<Parts...>) {
  return (ships<Parts, Seen...>() && ...);
}
template <class... Seen, class... Fields>
consteval bool fields_ship(type_list<Fields...>) {
  return (ships<field_value<Fields>, Seen...>() && ...);
}

/// Whether T can be sent if all of Seen can: a class may contain itself by way of a container.
template <class T, class... Seen>
consteval bool ships() {
  constexpr kind k = kind_of<T>();
  if constexpr ((std::same_as<T, Seen> || ...)) {
    return true;
  } else if constexpr (k == kind::custom) {
    return requires(writer & w, reader & r, const T& x) {
      codec<T>::save(w, x);
      { codec<T>::load(r) } -> std::same_as<T>;
    };
  } else if constexpr (k == kind::standard) {
    return all_ship<T, Seen...>(typename std_codec<T>::parts{});
  } else if constexpr (k == kind::boost) {
    return std::is_default_constructible_v<T> && std::is_move_constructible_v<T>;
  } else if constexpr (k == kind::aggregate) {
    return fields_ship<T, Seen...>(field_types<T>{});
  } else {
    return k != kind::none;
  }
}

template <class T>
consteval bool is_flat();

template <class T, class... Fields>
consteval bool fields_are_flat(type_list<Fields...>) {
  return !has_const<Fields...> && (is_flat<field_value<Fields>>() && ...);
}

/// Whether copying its bytes makes a T, whatever they are.
template <class T>
consteval bool is_flat() {
  constexpr kind k = kind_of<T>();
  if constexpr (!std::is_trivially_copyable_v<T> || !std::is_default_constructible_v<T>) {
    return false;
  } else if constexpr (k == kind::scalar) {
    if constexpr (std::is_enum_v<T>) {
      return !std::same_as<std::underlying_type_t<T>, bool>;
    } else {
      return !std::same_as<T, bool>;
    }
  } else if constexpr (k == kind::standard) {
    return requires { requires std_codec<T>::flat; };
  } else if constexpr (k == kind::aggregate) {
    return fields_are_flat<T>(field_types<T>{});
  } else {
    return false;
  }
}

} // namespace detail
} // namespace torc
