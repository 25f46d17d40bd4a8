// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

/// Unbalanced Tree Search: a tree that is not stored anywhere. A node is 20 bytes, its children
/// follow from those bytes by SHA-1, so that nobody knows the size of a subtree before counting it.
/// After Olivier et al., "UTS: An Unbalanced Tree Search Benchmark", LCPC 2006.
namespace uts {

/// What a search counts. `a + b` joins the counts of two disjoint sets of nodes.
struct counts {
  std::uint64_t nodes = 0;
  std::uint64_t leaves = 0;
  int depth = 0;

  friend constexpr counts operator+(const counts& a, const counts& b) {
    return {a.nodes + b.nodes, a.leaves + b.leaves, std::max(a.depth, b.depth)};
  }
  friend constexpr bool operator==(const counts&, const counts&) = default;
};

/// How the number of children of a node is drawn.
enum class kind { binomial, geometric, hybrid };

/// How the expected number of children of a geometric tree changes with the depth.
enum class shape { linear, exponential, cyclic, fixed };

/// The parameters of a tree, and the counts published for it.
struct tree {
  std::string_view name;
  kind type;
  shape form;
  int depth;          ///< where a geometric tree ends, more or less
  double branching;   ///< children of the root, and expected children of a geometric node
  double probability; ///< that a binomial node has children at all
  int children;       ///< how many children it then has
  std::uint32_t seed;
  counts published;
};

/// The 20 bytes of a node as five big-endian words, and its distance from the root.
struct node {
  std::array<std::uint32_t, 5> state;
  int depth;
};

/// The standard sample trees, smallest first within their family.
inline constexpr std::array<tree, 14> trees{{
    {"T1-mini", kind::geometric, shape::fixed, 7, 4, 0, 0, 19, {63'914, 51'124, 7}},
    {"T3-mini", kind::binomial, {}, 0, 20, 0.124875, 8, 42, {6'213, 5'438, 67}},
    {"T1", kind::geometric, shape::fixed, 10, 4, 0, 0, 19, {4'130'071, 3'305'118, 10}},
    {"T2", kind::geometric, shape::cyclic, 16, 6, 0, 0, 502, {4'117'769, 2'342'762, 81}},
    {"T3", kind::binomial, {}, 0, 2000, 0.124875, 8, 42, {4'112'897, 3'599'034, 1'572}},
    {"T4", kind::hybrid, shape::linear, 16, 6, 0.234375, 4, 1, {4'132'453, 3'108'986, 134}},
    {"T5", kind::geometric, shape::linear, 20, 4, 0, 0, 34, {4'147'582, 2'181'318, 20}},
    {"T1L", kind::geometric, shape::fixed, 13, 4, 0, 0, 29, {102'181'082, 81'746'377, 13}},
    {"T2L", kind::geometric, shape::cyclic, 23, 7, 0, 0, 220, {96'793'510, 53'791'152, 67}},
    {"T3L", kind::binomial, {}, 0, 2000, 0.200014, 5, 7, {111'345'631, 89'076'904, 17'844}},
    {"T1XL", kind::geometric, shape::fixed, 15, 4, 0, 0, 29, {1'635'119'272, 1'308'100'063, 15}},
    {"T1XXL", kind::geometric, shape::fixed, 15, 4, 0, 0, 19, {4'230'646'601, 3'384'495'738, 15}},
    {"T2XXL",
     kind::binomial,
     {},
     0,
     2000,
     0.499999995,
     2,
     0,
     {10'612'052'303, 5'306'027'151, 216'370}},
    {"T3XXL",
     kind::binomial,
     {},
     0,
     2000,
     0.499995,
     2,
     316,
     {2'793'220'501, 1'396'611'250, 99'049}},
}};

/// The tree of that name, or nullptr.
constexpr const tree* find(std::string_view name) {
  for (const tree& t : trees)
    if (t.name == name) return &t;
  return nullptr;
}

namespace detail {

/// One step of SHA-1 (FIPS 180-4, 6.1.2). The five working variables stay where they are and change
/// their roles instead; `words` holds the last 16 words of the message schedule.
template <std::size_t I>
[[gnu::always_inline]] inline void sha1_step(std::array<std::uint32_t, 5>& v,
                                             std::array<std::uint32_t, 16>& words) {
  std::uint32_t &a = v[(80 - I) % 5], &b = v[(81 - I) % 5], &c = v[(82 - I) % 5];
  std::uint32_t &d = v[(83 - I) % 5], &e = v[(84 - I) % 5];
  std::uint32_t& word = words[I % 16];
  if constexpr (I >= 16)
    word = std::rotl(words[(I + 13) % 16] ^ words[(I + 8) % 16] ^ words[(I + 2) % 16] ^ word, 1);
  std::uint32_t mixed;
  if constexpr (I < 20)
    mixed = (d ^ (b & (c ^ d))) + 0x5A827999U;
  else if constexpr (I < 40)
    mixed = (b ^ c ^ d) + 0x6ED9EBA1U;
  else if constexpr (I < 60)
    mixed = ((b & c) | (d & (b | c))) + 0x8F1BBCDCU;
  else
    mixed = (b ^ c ^ d) + 0xCA62C1D6U;
  e += std::rotl(a, 5) + mixed + word;
  b = std::rotl(b, 30);
}

template <std::size_t... I>
[[gnu::always_inline]] inline void sha1_steps(std::array<std::uint32_t, 5>& v,
                                              std::array<std::uint32_t, 16>& words,
                                              std::index_sequence<I...>) {
  (sha1_step<I>(v, words), ...);
}

/// SHA-1 of a message so short (at most 55 bytes) that it is one block, given as big-endian words
/// with the padding in place. Inlined throughout: the words stay in registers, and the many that
/// are constant disappear.
[[gnu::always_inline]] inline std::array<std::uint32_t, 5>
sha1_block(std::array<std::uint32_t, 16> words) {
  constexpr std::array<std::uint32_t, 5> initial{0x67452301U, 0xEFCDAB89U, 0x98BADCFEU, 0x10325476U,
                                                 0xC3D2E1F0U};
  std::array<std::uint32_t, 5> v = initial;
  sha1_steps(v, words, std::make_index_sequence<80>{});
  for (std::size_t i = 0; i < 5; ++i)
    v[i] += initial[i];
  return v;
}

constexpr int max_children = 100;

inline int geometric_children(const tree& t, int depth, double u) {
  double expected = t.branching;
  if (depth > 0) {
    const double limit = t.depth;
    switch (t.form) {
    case shape::linear:
      expected *= 1.0 - depth / limit;
      break;
    case shape::exponential:
      expected *= std::pow(depth, -std::log(t.branching) / std::log(limit));
      break;
    case shape::cyclic:
      expected = depth > 5 * t.depth
                     ? 0.0
                     : std::pow(t.branching, std::sin(2.0 * 3.141592653589793 * depth / limit));
      break;
    case shape::fixed:
      expected = depth < t.depth ? t.branching : 0.0;
      break;
    }
  }
  if (expected <= 0.0) return 0;
  const double p = 1.0 / (1.0 + expected);
  return static_cast<int>(
      std::min<double>(max_children, std::floor(std::log(1.0 - u) / std::log(1.0 - p))));
}

} // namespace detail

/// The root: the SHA-1 of 16 zero bytes and the seed.
inline node root(const tree& t) {
  return {detail::sha1_block({0, 0, 0, 0, t.seed, 0x80000000U, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20 * 8}),
          0};
}

/// Child number `i` of a node: the SHA-1 of the node's bytes and `i`. Not inlined, so that it is
/// the same machine code wherever it is called from.
[[gnu::noinline]] inline node child(const node& parent, int i) {
  const auto& s = parent.state;
  return {detail::sha1_block({s[0], s[1], s[2], s[3], s[4], static_cast<std::uint32_t>(i),
                              0x80000000U, 0, 0, 0, 0, 0, 0, 0, 0, 24 * 8}),
          parent.depth + 1};
}

/// How many children a node has. Not inlined, as above.
[[gnu::noinline]] inline int num_children(const tree& t, const node& n) {
  const double u = (n.state[4] & 0x7FFFFFFFU) / 2147483648.0;
  if (t.type == kind::geometric || (t.type == kind::hybrid && n.depth < 0.5 * t.depth))
    return detail::geometric_children(t, n.depth, u);
  if (n.depth == 0) return static_cast<int>(t.branching);
  return u < t.probability ? t.children : 0;
}

/// What a node itself adds to the counts of its subtree.
inline counts count(const node& n, int children) { return {1, children == 0 ? 1U : 0U, n.depth}; }

} // namespace uts
