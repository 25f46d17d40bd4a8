// SPDX-License-Identifier: MIT
#pragma once

// The standard library's types as bytes. Each specialisation has: `parts`, the types that must be
// shippable too, `save` and `load`; `flat` where its bytes may be copied as they are.

#include <array>
#include <bitset>
#include <chrono>
#include <complex>
#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <torc/detail/container_codec.hpp>
#include <torc/detail/load_save.hpp>
#include <tuple>
#include <utility>
#include <variant>

namespace torc::detail {

template <class T, std::size_t N>
struct std_codec<std::array<T, N>> {
  using parts = type_list<T>;
  static constexpr bool flat = is_flat<T>();
  static void save(writer& w, const std::array<T, N>& x) {
    if constexpr (flat) {
      w.put(x);
    } else {
      for (const T& element : x) {
        save_value<T>(w, element);
      }
    }
  }
  static std::array<T, N> load(reader& r) {
    if constexpr (flat) {
      return r.template get<std::array<T, N>>();
    } else {
      return [&r]<std::size_t... I>(std::index_sequence<I...>) {
        return std::array<T, N>{(static_cast<void>(I), load_value<T>(r))...};
      }
      (std::make_index_sequence<N>{});
    }
  }
};

template <class T>
struct std_codec<std::complex<T>> {
  using parts = type_list<T>;
  static constexpr bool flat = std::is_trivially_copyable_v<std::complex<T>>;
  static void save(writer& w, const std::complex<T>& x) {
    save_value<T>(w, x.real());
    save_value<T>(w, x.imag());
  }
  static std::complex<T> load(reader& r) {
    const T re = load_value<T>(r);
    const T im = load_value<T>(r);
    return {re, im};
  }
};

template <class Rep, class Period>
struct std_codec<std::chrono::duration<Rep, Period>> {
  using parts = type_list<Rep>;
  static constexpr bool flat = is_flat<Rep>();
  static void save(writer& w, const std::chrono::duration<Rep, Period>& x) {
    save_value<Rep>(w, x.count());
  }
  static std::chrono::duration<Rep, Period> load(reader& r) {
    return std::chrono::duration<Rep, Period>(load_value<Rep>(r));
  }
};

template <class Clock, class Duration>
struct std_codec<std::chrono::time_point<Clock, Duration>> {
  using parts = type_list<Duration>;
  static constexpr bool flat = is_flat<Duration>();
  static void save(writer& w, const std::chrono::time_point<Clock, Duration>& x) {
    save_value<Duration>(w, x.time_since_epoch());
  }
  static std::chrono::time_point<Clock, Duration> load(reader& r) {
    return std::chrono::time_point<Clock, Duration>(load_value<Duration>(r));
  }
};

/// std::filesystem::path, without its header.
template <class Path>
requires std::same_as<decltype(std::declval<const Path&>().native()),
                      const typename Path::string_type&> &&
    std::same_as<decltype(std::declval<const Path&>().filename()), Path>
struct std_codec<Path> {
  using parts = type_list<typename Path::string_type>;
  static void save(writer& w, const Path& x) {
    save_value<typename Path::string_type>(w, x.native());
  }
  static Path load(reader& r) { return load_value<typename Path::string_type>(r); }
};

template <std::size_t N>
struct std_codec<std::bitset<N>> {
  using parts = type_list<>;
  static void save(writer& w, const std::bitset<N>& x) { save_bits(w, x); }
  static std::bitset<N> load(reader& r) {
    std::bitset<N> x;
    load_bits(r, x);
    return x;
  }
};

template <class A, class B>
struct std_codec<std::pair<A, B>> {
  using parts = type_list<std::remove_const_t<A>, std::remove_const_t<B>>;
  static constexpr bool copies = has_const<A, B>; // as in aggregates: no blocks
  static void save(writer& w, const std::pair<A, B>& x) {
    const inline_section section(w, copies);
    save_value<std::remove_const_t<A>>(w, x.first);
    save_value<std::remove_const_t<B>>(w, x.second);
  }
  static std::pair<A, B> load(reader& r) {
    const inline_section section(r, copies);
    return std::pair<A, B>{load_value<std::remove_const_t<A>>(r),
                           load_value<std::remove_const_t<B>>(r)};
  }
};

template <class... Ts>
struct std_codec<std::tuple<Ts...>> {
  using parts = type_list<std::remove_const_t<Ts>...>;
  static constexpr bool copies = has_const<Ts...>;
  static void save(writer& w, const std::tuple<Ts...>& x) {
    const inline_section section(w, copies);
    std::apply([&](const Ts&... xs) { (save_value<std::remove_const_t<Ts>>(w, xs), ...); }, x);
  }
  static std::tuple<Ts...> load([[maybe_unused]] reader& r) {
    const inline_section section(r, copies);
    return std::tuple<Ts...>{load_value<std::remove_const_t<Ts>>(r)...};
  }
};

template <class T>
struct std_codec<std::optional<T>> {
  using parts = type_list<T>;
  static void save(writer& w, const std::optional<T>& x) {
    save_value<bool>(w, x.has_value());
    if (x) {
      save_value<T>(w, *x);
    }
  }
  static std::optional<T> load(reader& r) {
    if (!load_value<bool>(r)) {
      return std::nullopt;
    }
    return std::optional<T>(std::in_place, load_value<T>(r));
  }
};

template <class... Ts>
struct std_codec<std::variant<Ts...>> {
  using parts = type_list<Ts...>;
  using index = std::conditional_t<(sizeof...(Ts) < 256), std::uint8_t, std::uint32_t>;
  static void save(writer& w, const std::variant<Ts...>& x) {
    if (x.valueless_by_exception()) {
      throw std::bad_variant_access();
    }
    w.put(static_cast<index>(x.index()));
    std::visit([&w]<class T>(const T& value) { save_value<T>(w, value); }, x);
  }
  static std::variant<Ts...> load(reader& r) {
    return load_alternative<0>(r, r.template get<index>());
  }

private:
  template <std::size_t I>
  static std::variant<Ts...> load_alternative(reader& r, std::size_t i) {
    if constexpr (I == sizeof...(Ts)) {
      throw bad_message("torc: a received variant has no such alternative");
    } else if (i != I) {
      return load_alternative<I + 1>(r, i);
    } else {
      return std::variant<Ts...>(std::in_place_index<I>,
                                 load_value<std::variant_alternative_t<I, std::variant<Ts...>>>(r));
    }
  }
};

// Not of a class that may have derived ones: which it is would be lost.
template <class T>
requires(!std::is_array_v<T> && !std::is_const_v<T> &&
         (!std::is_polymorphic_v<T> || std::is_final_v<T>)) struct std_codec<std::unique_ptr<T>> {
  using parts = type_list<T>;
  static void save(writer& w, const std::unique_ptr<T>& x) {
    save_value<bool>(w, x != nullptr);
    if (x) {
      const nesting<std::length_error> level(w);
      save_value<T>(w, *x);
    }
  }
  static std::unique_ptr<T> load(reader& r) {
    if (!load_value<bool>(r)) {
      return nullptr;
    }
    const nesting<bad_message> level(r);
    return std::unique_ptr<T>(new T(load_value<T>(r)));
  }
};

} // namespace torc::detail
