// SPDX-License-Identifier: MIT
#pragma once

#include <torc/detail/boost_codec.hpp>
#include <torc/detail/identity.hpp>
#include <torc/detail/kind.hpp>

namespace torc::detail {

/// Whether the codec specialised by the user lets its contents travel as blocks.
template <class T>
concept has_block_codec = requires {
  requires codec<T>::blocks;
};

template <class T>
void save_by_kind(writer& w, const T& x);
template <class T>
T load_by_kind(reader& r);

/// What all parts of values go through.
template <class T>
void save_value(writer& w, const T& x) {
  if constexpr (kind_of<T>() == kind::custom) {
    const inline_section section(w, !has_block_codec<T>);
    codec<T>::save(w, x);
  } else {
    save_by_kind<T>(w, x);
  }
}
template <class T>
T load_value(reader& r) {
  if constexpr (kind_of<T>() == kind::custom) {
    const inline_section section(r, !has_block_codec<T>);
    return codec<T>::load(r);
  } else {
    return load_by_kind<T>(r);
  }
}

/// A field is a value, or an array of them.
template <class Field, class X>
void save_field(writer& w, const X& x) {
  if constexpr (std::is_array_v<Field>) {
    for (const auto& element : x) {
      save_field<std::remove_extent_t<Field>>(w, element);
    }
  } else {
    save_value<field_value<Field>>(w, x);
  }
}

/// How many elements an array has, those of arrays within it; of another field: 1.
template <class Field>
inline constexpr std::size_t element_count = 1;
template <class Element, std::size_t N>
inline constexpr std::size_t element_count<Element[N]> = N* element_count<Element>;
template <class Element, std::size_t>
using repeated = Element;
template <class Element, std::size_t... I>
consteval type_list<repeated<Element, I>...> repeat(std::index_sequence<I...>) {
  return {};
}
template <class... As, class... Bs>
consteval type_list<As..., Bs...> operator+(type_list<As...>, type_list<Bs...>) {
  return {};
}
template <class... Fields>
consteval auto elements_of(type_list<Fields...>) {
  return (type_list<>{} + ... +
          repeat<field_value<Fields>>(std::make_index_sequence<element_count<Fields>>{}));
}

#pragma GCC diagnostic push
#ifdef __clang__
#pragma GCC diagnostic ignored "-Wmissing-braces"
#endif
/// From left to right, as they are in braces. The elements of an array need none of their own.
template <class T, class... Elements>
T load_elements(reader& r, type_list<Elements...>) {
  return T{load_value<Elements>(r)...};
}
#pragma GCC diagnostic pop

/// A constant field is copied when the aggregate moves, and a block must not be.
template <class T>
inline constexpr bool copies_fields =
    []<class... Fields>(type_list<Fields...>) { return has_const<Fields...>; }(field_types<T>{});

template <class T>
void save_by_kind(writer& w, const T& x) {
  constexpr kind k = kind_of<T>();
  static_assert(k != kind::none && k != kind::custom, "this type is not torc::shippable");
  if constexpr (k == kind::standard) {
    std_codec<T>::save(w, x);
  } else if constexpr (k == kind::function) {
    save_function(w, reinterpret_cast<any_function>(x), signature_of<T>());
  } else if constexpr (k == kind::boost) {
    save_by_boost(w, x);
  } else if constexpr (k == kind::aggregate && !is_flat<T>()) {
    const inline_section section(w, copies_fields<T>);
    with_fields(
        x, [&w]<class... Fields>(const auto&... fields) { (save_field<Fields>(w, fields), ...); });
  } else if constexpr (k == kind::scalar || k == kind::aggregate) {
    w.put(x);
  }
}

template <class T>
T load_by_kind(reader& r) {
  constexpr kind k = kind_of<T>();
  static_assert(k != kind::none && k != kind::custom, "this type is not torc::shippable");
  if constexpr (k == kind::standard) {
    return std_codec<T>::load(r);
  } else if constexpr (k == kind::function) {
    return reinterpret_cast<T>(load_function(r, signature_of<T>()));
  } else if constexpr (k == kind::boost) {
    return load_by_boost<T>(r);
  } else if constexpr (k == kind::stateless) {
    return T{};
  } else if constexpr (is_flat<T>()) {
    return r.template get<T>();
  } else if constexpr (k == kind::aggregate) {
    const inline_section section(r, copies_fields<T>);
    return load_elements<T>(r, elements_of(field_types<T>{}));
  } else {
    const auto b = r.template get<std::uint8_t>(); // bool, or an enumeration of it
    if (b > 1) {
      throw bad_message("torc: a received bool is neither true nor false");
    }
    return static_cast<T>(b);
  }
}

} // namespace torc::detail
