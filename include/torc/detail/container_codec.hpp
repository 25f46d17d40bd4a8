// SPDX-License-Identifier: MIT
#pragma once

// The standard library's containers as bytes: their number of elements, then these.

#include <algorithm>
#include <deque>
#include <forward_list>
#include <iterator>
#include <list>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <torc/detail/load_save.hpp>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace torc::detail {

// Every element takes at least one byte, so that the length of a message bounds the number of
// elements it can claim to hold.
template <class T>
void save_element(writer& w, const T& x) {
  const std::size_t before = w.bytes().size();
  save_value<T>(w, x);
  if (w.bytes().size() == before) {
    w.put(std::byte{});
  }
}
template <class T>
T load_element(reader& r) {
  const std::size_t before = r.rest().size();
  T x = load_value<T>(r);
  if (r.rest().size() == before) {
    r.skip(1);
  }
  return x;
}

inline void save_count(writer& w, std::size_t n) { w.put(static_cast<std::uint64_t>(n)); }

template <class Container>
void save_elements(writer& w, const Container& x, std::size_t n) {
  const nesting<std::length_error> level(w);
  save_count(w, n);
  for (const auto& element : x) {
    save_element(w, element);
  }
}

/// Contiguous elements that are plain bytes.
template <class Container>
struct flat_codec {
  using element = typename Container::value_type;
  static void save(writer& w, const Container& x) {
    save_count(w, x.size());
    w.put_block(x.data(), x.size() * sizeof(element));
  }
  static Container load(reader& r) {
    Container x;
    x.resize(r.block_count(sizeof(element)));
    r.get_block(x.data(), x.size() * sizeof(element));
    return x;
  }
};

template <class C, class Traits, class A>
requires(is_flat<C>()) struct std_codec<std::basic_string<C, Traits, A>>
    : flat_codec<std::basic_string<C, Traits, A>> {
  using parts = type_list<C>;
};

template <class T, class A>
struct std_codec<std::vector<T, A>> {
  using vector = std::vector<T, A>;
  using parts = type_list<T>;
  // A growing vector copies such elements, and a block must stay where it is.
  static constexpr bool copies = !std::is_nothrow_move_constructible_v<T>;

  static void save(writer& w, const vector& x) {
    if constexpr (is_flat<T>()) {
      flat_codec<vector>::save(w, x);
    } else {
      const inline_section section(w, copies);
      save_elements(w, x, x.size());
    }
  }
  static vector load(reader& r) {
    if constexpr (is_flat<T>()) {
      return flat_codec<vector>::load(r);
    } else {
      const inline_section section(r, copies);
      const nesting<bad_message> level(r);
      const std::size_t n = r.count();
      vector x;
      x.reserve(std::min(n, 1 + r.rest().size() / sizeof(T))); // no more memory than bytes came
      for (std::size_t i = 0; i < n; ++i) {
        x.push_back(load_element<T>(r));
      }
      return x;
    }
  }
};

/// Eight elements of a vector<bool> or bitset to a byte.
template <class Bits>
void save_bits(writer& w, const Bits& x) {
  for (std::size_t i = 0; i < x.size(); i += 8) {
    unsigned byte = 0;
    for (std::size_t j = i; j < x.size() && j < i + 8; ++j) {
      byte |= static_cast<unsigned>(x[j]) << (j - i);
    }
    w.put(static_cast<std::uint8_t>(byte));
  }
}
template <class Bits>
void load_bits(reader& r, Bits& x) {
  for (std::size_t i = 0; i < x.size(); i += 8) {
    const unsigned byte = r.get<std::uint8_t>();
    for (std::size_t j = i; j < x.size() && j < i + 8; ++j) {
      x[j] = (byte >> (j - i) & 1u) != 0;
    }
  }
}

template <class A>
struct std_codec<std::vector<bool, A>> {
  using vector = std::vector<bool, A>;
  using parts = type_list<>;
  static void save(writer& w, const vector& x) {
    save_count(w, x.size());
    save_bits(w, x);
  }
  static vector load(reader& r) {
    const auto n = r.template get<std::uint64_t>();
    if (n / 8 > r.rest().size()) {
      throw bad_message("torc: a received container says to be longer than its message");
    }
    vector x(static_cast<std::size_t>(n));
    load_bits(r, x);
    return x;
  }
};

/// Containers whose elements stay where they are.
template <class Container>
struct list_codec {
  using element = typename Container::value_type;
  using parts = type_list<element>;
  static void save(writer& w, const Container& x) {
    save_elements(w, x, static_cast<std::size_t>(std::distance(x.begin(), x.end())));
  }
  static Container load(reader& r) {
    const nesting<bad_message> level(r);
    const std::size_t n = r.count();
    Container x;
    if constexpr (requires { x.before_begin(); }) {
      auto last = x.before_begin();
      for (std::size_t i = 0; i < n; ++i) {
        last = x.insert_after(last, load_element<element>(r));
      }
    } else {
      for (std::size_t i = 0; i < n; ++i) {
        x.push_back(load_element<element>(r));
      }
    }
    return x;
  }
};
template <class T, class A>
struct std_codec<std::deque<T, A>> : list_codec<std::deque<T, A>> {};
template <class T, class A>
struct std_codec<std::list<T, A>> : list_codec<std::list<T, A>> {};
template <class T, class A>
struct std_codec<std::forward_list<T, A>> : list_codec<std::forward_list<T, A>> {};

/// Sets and maps. Keys are looked at when they are inserted, so they are never blocks.
template <class Container>
struct keyed_codec {
  using key = typename Container::key_type;

  static void save(writer& w, const Container& x) {
    const nesting<std::length_error> level(w);
    save_count(w, x.size());
    for (const auto& element : x) {
      if constexpr (requires { typename Container::mapped_type; }) {
        save_key(w, element.first);
        save_value<typename Container::mapped_type>(w, element.second);
      } else {
        save_key(w, element);
      }
    }
  }
  static Container load(reader& r) {
    const nesting<bad_message> level(r);
    const std::size_t n = r.count();
    Container x;
    for (std::size_t i = 0; i < n; ++i) {
      key k = load_key(r);
      if constexpr (requires { typename Container::mapped_type; }) {
        x.emplace_hint(x.end(), std::move(k), load_value<typename Container::mapped_type>(r));
      } else {
        x.emplace_hint(x.end(), std::move(k));
      }
      if (x.size() != i + 1) { // a value that was dropped may have had blocks, too
        throw bad_message("torc: a received set or map has a key twice");
      }
    }
    return x;
  }

private:
  static void save_key(writer& w, const key& k) {
    const inline_section section(w);
    save_element(w, k);
  }
  static key load_key(reader& r) {
    const inline_section section(r);
    return load_element<key>(r);
  }
};

// Comparison and hash functions are made anew, so they must have no state.
template <class... Functions>
concept no_state = ((std::is_empty_v<Functions> &&
                     std::is_default_constructible_v<Functions>)&&...);

template <class K, class C, class A>
requires no_state<C>
struct std_codec<std::set<K, C, A>> : keyed_codec<std::set<K, C, A>> {
  using parts = type_list<K>;
};
template <class K, class C, class A>
requires no_state<C>
struct std_codec<std::multiset<K, C, A>> : keyed_codec<std::multiset<K, C, A>> {
  using parts = type_list<K>;
};
template <class K, class V, class C, class A>
requires no_state<C>
struct std_codec<std::map<K, V, C, A>> : keyed_codec<std::map<K, V, C, A>> {
  using parts = type_list<K, V>;
};
template <class K, class V, class C, class A>
requires no_state<C>
struct std_codec<std::multimap<K, V, C, A>> : keyed_codec<std::multimap<K, V, C, A>> {
  using parts = type_list<K, V>;
};
template <class K, class H, class E, class A>
requires no_state<H, E>
struct std_codec<std::unordered_set<K, H, E, A>> : keyed_codec<std::unordered_set<K, H, E, A>> {
  using parts = type_list<K>;
};
template <class K, class H, class E, class A>
requires no_state<H, E>
struct std_codec<std::unordered_multiset<K, H, E, A>>
    : keyed_codec<std::unordered_multiset<K, H, E, A>> {
  using parts = type_list<K>;
};
template <class K, class V, class H, class E, class A>
requires no_state<H, E>
struct std_codec<std::unordered_map<K, V, H, E, A>>
    : keyed_codec<std::unordered_map<K, V, H, E, A>> {
  using parts = type_list<K, V>;
};
template <class K, class V, class H, class E, class A>
requires no_state<H, E>
struct std_codec<std::unordered_multimap<K, V, H, E, A>>
    : keyed_codec<std::unordered_multimap<K, V, H, E, A>> {
  using parts = type_list<K, V>;
};

} // namespace torc::detail
