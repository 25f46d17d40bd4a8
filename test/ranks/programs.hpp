// SPDX-License-Identifier: MIT
#pragma once

// Recursions with known results.

#include <torc/torc.hpp>

#include "../../examples/uts_tree.hpp"

namespace test {

inline long fib(int n) {
  if (n < 2) return n;
  auto other = torc::spawn(fib, n - 2);
  const long one = fib(n - 1);
  return one + other.get();
}
inline torc::task<long> fib_coroutine(int n) {
  if (n < 2) co_return n;
  auto other = torc::spawn(fib_coroutine, n - 2);
  const long one = co_await fib_coroutine(n - 1);
  co_return one + co_await torc::wait(other);
}

/// Solutions for `n` queens, the upper ones of which attack these columns of the next row.
inline long queens(int n, unsigned columns, unsigned left, unsigned right, unsigned choices);
inline long queens_below(int n, unsigned columns, unsigned left, unsigned right) {
  const unsigned all = (1u << n) - 1;
  return columns == all ? 1 : queens(n, columns, left, right, all & ~(columns | left | right));
}
inline long queens(int n, unsigned columns, unsigned left, unsigned right, unsigned choices) {
  if (choices == 0) return 0;
  const unsigned first = choices & -choices;
  auto others = torc::spawn(queens, n, columns, left, right, choices ^ first);
  const long with = queens_below(n, columns | first, (left | first) << 1, (right | first) >> 1);
  return with + others.get();
}
inline long queens(int n) { return queens_below(n, 0, 0, 0); }

inline uts::counts search(int tree, uts::node n);
inline uts::counts search_children(int tree, uts::node parent, int first, int last) {
  if (last - first == 1) return search(tree, uts::child(parent, first));
  const int middle = first + (last - first) / 2;
  auto right = torc::spawn(search_children, tree, parent, middle, last);
  const uts::counts left = search_children(tree, parent, first, middle);
  return left + right.get();
}
inline uts::counts search(int tree, uts::node n) {
  const int children = uts::num_children(uts::trees[static_cast<std::size_t>(tree)], n);
  const uts::counts self = uts::count(n, children);
  return children == 0 ? self : self + search_children(tree, n, 0, children);
}

} // namespace test
