// SPDX-License-Identifier: MIT
#pragma once

// The fields of an aggregate, found without its help: how many there are by trying how many
// initialisers it takes (the idea of Boost.PFR), and then by structured bindings.

#include <cstddef>
#include <cstdlib>
#include <type_traits>
#include <utility>

namespace torc::detail {

template <class... Ts>
struct type_list {};

inline constexpr std::size_t max_fields = 16;
inline constexpr std::size_t max_initialisers = 128; // each element of an array takes one

/// Initialises a field of any type; in unevaluated code only.
struct any_value {
  template <class U>
  operator U() const { // NOLINT
    std::abort();
  }
};
/// The same for all but T itself.
template <class T, std::size_t = 0>
struct any_other {
  template <class U>
  requires(!std::is_same_v<U, T>) operator U() const { // NOLINT
    std::abort();
  }
};
/// Initialises a base of T only.
template <class T>
struct any_base_of {
  template <class U>
  requires(std::is_base_of_v<U, T> && !std::is_same_v<U, T>) operator U() const { // NOLINT
    std::abort();
  }
};

/// Initialises a union only, with or without a name.
struct any_union {
  template <class U>
  requires(std::is_union_v<U>) operator U() const { // NOLINT
    std::abort();
  }
};

template <std::size_t>
using any_at = any_value;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#ifdef __clang__
#pragma GCC diagnostic ignored "-Wmissing-braces"
#endif

/// Whether T{any × before, {any × inner}, any × after} is valid; without the braces if inner = 0.
template <class T, std::size_t Before, std::size_t Inner = 0, std::size_t After = 0>
consteval bool takes() {
  return []<std::size_t... B, std::size_t... I, std::size_t... A>(
      std::index_sequence<B...>, std::index_sequence<I...>, std::index_sequence<A...>) {
    if constexpr (Inner == 0) {
      return requires { T{any_at<B>{}..., any_at<A>{}...}; };
    } else {
      return requires { T{any_at<B>{}..., {any_at<I>{}...}, any_at<A>{}...}; };
    }
  }
  (std::make_index_sequence<Before>{}, std::make_index_sequence<Inner>{},
   std::make_index_sequence<After>{});
}
/// Whether T(any × n) is valid, in which no element of an array takes an initialiser.
template <class T, std::size_t N>
consteval bool takes_in_parentheses() {
  return []<std::size_t... I>(std::index_sequence<I...>) {
    return requires { T(any_other<T, I>{}...); };
  }
  (std::make_index_sequence<N>{});
}
/// Whether T{any × before, X, any × after} is valid.
template <class T, class X, std::size_t Before, std::size_t After>
consteval bool takes_between() {
  return
      []<std::size_t... B, std::size_t... A>(std::index_sequence<B...>, std::index_sequence<A...>) {
    return requires { T{any_at<B>{}..., X{}, any_at<A>{}...}; };
  }
  (std::make_index_sequence<Before>{}, std::make_index_sequence<After>{});
}

#pragma GCC diagnostic pop

/// The most initialisers that T takes. The numbers it takes are without gaps, but need not begin
/// with 0.
template <class T, std::size_t N = 0, bool Found = false>
consteval std::size_t count_initialisers() {
  if constexpr (N > max_initialisers) {
    return N;
  } else if constexpr (takes<T, N>()) {
    return count_initialisers<T, N + 1, true>();
  } else if constexpr (Found) {
    return N - 1;
  } else {
    return count_initialisers<T, N + 1, false>();
  }
}

/// How many initialisers the field takes that the one at Position begins: more than one if it is an
/// array. (A class can be written with braces too, but then leaves room for one more behind it.)
template <class T, std::size_t Total, std::size_t Position, std::size_t Inner = 2>
consteval std::size_t width_at() {
  if constexpr (Position + Inner > Total) {
    return 1;
  } else if constexpr (takes<T, Position, Inner, Total - Position - Inner>() &&
                       !takes<T, Position, Inner, Total - Position - Inner + 1>()) {
    return Inner;
  } else {
    return width_at<T, Total, Position, Inner + 1>();
  }
}

/// Whether a field is a union, which structured bindings refuse if it has no name.
template <class T, std::size_t Total>
consteval bool has_union() {
  return []<std::size_t... I>(std::index_sequence<I...>) {
    return (takes_between<T, any_union, I, Total - 1 - I>() || ...);
  }
  (std::make_index_sequence<Total>{});
}

template <class T, std::size_t Total, std::size_t Position = 0>
consteval std::size_t count_fields() {
  if constexpr (Position >= Total) {
    return 0;
  } else {
    return 1 + count_fields<T, Total, Position + width_at<T, Total, Position>()>();
  }
}

/// The number of fields of the aggregate T; more than `max_fields` if it is not to be taken apart.
template <class T>
consteval std::size_t field_count() {
  constexpr std::size_t total = count_initialisers<T>();
  if constexpr (total > max_initialisers) {
    return max_fields + 1;
  } else if constexpr (total > 0 && takes_between<T, any_base_of<T>, 0, total - (total > 0)>()) {
    return max_fields + 1; // structured bindings cannot look into a base and the class
  } else if constexpr (has_union<T, total>()) {
    return max_fields + 1; // nobody knows what is in it
  } else if constexpr (takes_in_parentheses<T, total>()) {
    return total; // no arrays
  } else {
    return count_fields<T, total>();
  }
}

/// visit.operator()<types of the fields...>(fields...)
template <class T, class Visit>
constexpr decltype(auto) with_fields(T& x, Visit&& visit) {
  constexpr std::size_t fields = field_count<std::remove_const_t<T>>();
  static_assert(fields <= max_fields);
  if constexpr (fields == 0) {
    return visit.template operator()<>();
  } else if constexpr (fields == 1) {
    auto& [a] = x;
    return visit.template operator()<decltype(a)>(a);
  } else if constexpr (fields == 2) {
    auto& [a, b] = x;
    return visit.template operator()<decltype(a), decltype(b)>(a, b);
  } else if constexpr (fields == 3) {
    auto& [a, b, c] = x;
    return visit.template operator()<decltype(a), decltype(b), decltype(c)>(a, b, c);
  } else if constexpr (fields == 4) {
    auto& [a, b, c, d] = x;
    return visit.template operator()<decltype(a), decltype(b), decltype(c), decltype(d)>(a, b, c,
                                                                                         d);
  } else if constexpr (fields == 5) {
    auto& [a, b, c, d, e] = x;
    return visit.template
    operator()<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e)>(a, b, c, d, e);
  } else if constexpr (fields == 6) {
    auto& [a, b, c, d, e, f] = x;
    return visit.template operator()<decltype(a), decltype(b), decltype(c), decltype(d),
                                     decltype(e), decltype(f)>(a, b, c, d, e, f);
  } else if constexpr (fields == 7) {
    auto& [a, b, c, d, e, f, g] = x;
    return visit.template operator()<decltype(a), decltype(b), decltype(c), decltype(d),
                                     decltype(e), decltype(f), decltype(g)>(a, b, c, d, e, f, g);
  } else if constexpr (fields == 8) {
    auto& [a, b, c, d, e, f, g, h] = x;
    return visit.template operator()<decltype(a), decltype(b), decltype(c), decltype(d),
                                     decltype(e), decltype(f), decltype(g), decltype(h)>(
        a, b, c, d, e, f, g, h);
  } else if constexpr (fields == 9) {
    auto& [a, b, c, d, e, f, g, h, i] = x;
    return visit.template
    operator()<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e), decltype(f),
               decltype(g), decltype(h), decltype(i)>(a, b, c, d, e, f, g, h, i);
  } else if constexpr (fields == 10) {
    auto& [a, b, c, d, e, f, g, h, i, j] = x;
    return visit.template
    operator()<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e), decltype(f),
               decltype(g), decltype(h), decltype(i), decltype(j)>(a, b, c, d, e, f, g, h, i, j);
  } else if constexpr (fields == 11) {
    auto& [a, b, c, d, e, f, g, h, i, j, k] = x;
    return visit.template
    operator()<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e), decltype(f),
               decltype(g), decltype(h), decltype(i), decltype(j), decltype(k)>(a, b, c, d, e, f, g,
                                                                                h, i, j, k);
  } else if constexpr (fields == 12) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l] = x;
    return visit.template
    operator()<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e), decltype(f),
               decltype(g), decltype(h), decltype(i), decltype(j), decltype(k), decltype(l)>(
        a, b, c, d, e, f, g, h, i, j, k, l);
  } else if constexpr (fields == 13) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m] = x;
    return visit.template operator()<
        decltype(a), decltype(b), decltype(c), decltype(d), decltype(e), decltype(f), decltype(g),
        decltype(h), decltype(i), decltype(j), decltype(k), decltype(l), decltype(m)>(
        a, b, c, d, e, f, g, h, i, j, k, l, m);
  } else if constexpr (fields == 14) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n] = x;
    return visit.template operator()<
        decltype(a), decltype(b), decltype(c), decltype(d), decltype(e), decltype(f), decltype(g),
        decltype(h), decltype(i), decltype(j), decltype(k), decltype(l), decltype(m), decltype(n)>(
        a, b, c, d, e, f, g, h, i, j, k, l, m, n);
  } else if constexpr (fields == 15) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o] = x;
    return visit.template
    operator()<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e), decltype(f),
               decltype(g), decltype(h), decltype(i), decltype(j), decltype(k), decltype(l),
               decltype(m), decltype(n), decltype(o)>(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o);
  } else if constexpr (fields == 16) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = x;
    return visit.template
    operator()<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e), decltype(f),
               decltype(g), decltype(h), decltype(i), decltype(j), decltype(k), decltype(l),
               decltype(m), decltype(n), decltype(o), decltype(p)>(a, b, c, d, e, f, g, h, i, j, k,
                                                                   l, m, n, o, p);
  }
}

/// The declared types of the fields, references included, as a type_list.
template <class T>
using field_types = decltype(with_fields(
    std::declval<T&>(), []<class... Fields>(const auto&...) { return type_list<Fields...>{}; }));

} // namespace torc::detail
