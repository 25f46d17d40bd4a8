// SPDX-License-Identifier: MIT
#pragma once

// The search of a tree by tasks, of the example `uts` and a benchmark.

#include <torc/torc.hpp>

#include "uts_tree.hpp"

namespace uts {

inline counts search(int t, const node& n);

/// The subtrees of the children first, ..., last - 1 of `parent`, halved until one is left. All
/// arguments are values, the tree by its number, so that the spawned half may run on another rank.
inline counts search_children(int t, node parent, int first, int last) {
  if (last - first == 1) return search(t, child(parent, first));
  const int middle = first + (last - first) / 2;
  auto right = torc::spawn(search_children, t, parent, middle, last);
  const counts left = search_children(t, parent, first, middle);
  return left + right.get();
}

inline counts search(int t, const node& n) {
  const int children = num_children(trees[t], n);
  const counts self = count(n, children);
  return children == 0 ? self : self + search_children(t, n, 0, children);
}

inline counts search(const tree& t) { return search(static_cast<int>(&t - trees.data()), root(t)); }

} // namespace uts
