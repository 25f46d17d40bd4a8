// SPDX-License-Identifier: MIT
#pragma once

// The search of a tree by tasks, of the example `uts` and a benchmark.

#include <torc/torc.hpp>

#include "uts_tree.hpp"

namespace uts {

/// The subtree of `n`: a child for each of its children. All arguments are values, the tree by its
/// number, so that a child may run on another rank.
inline counts search(int t, node n) {
  const int children = num_children(trees[t], n);
  counts sum = count(n, children);
  if (children == 0) return sum;
  torc::children subtrees(static_cast<std::size_t>(children),
                          [](int tree, node root) { return search(tree, root); });
  for (int i = 0; i < children; ++i)
    subtrees.spawn(t, child(n, i));
  while (!subtrees.empty())
    sum = sum + subtrees.get_last();
  return sum;
}

inline counts search(const tree& t) { return search(static_cast<int>(&t - trees.data()), root(t)); }

} // namespace uts
