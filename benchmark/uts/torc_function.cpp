// SPDX-License-Identifier: MIT
#include "../runtime/torc.hpp"
#include "config.hpp"

#include <functional>

namespace {

using uts::counts;
using uts::node;
using uts::tree;

counts search(const tree &t, const node &n);

/// What lies below the children first, ..., last - 1 of a node: halved until one is left.
counts search_range(const tree &t, const node &n, int first, int last) {
  if (last - first == 1)
    return search(t, uts::child(n, first));
  const int middle = first + (last - first) / 2;
  auto right = torc::spawn(search_range, std::cref(t), std::cref(n), middle, last);
  const counts left = search_range(t, n, first, middle);
  return left + right.get();
}

counts search(const tree &t, const node &n) {
  const int children = uts::num_children(t, n);
  const counts mine = uts::count(n, children);
  return children == 0 ? mine : mine + search_range(t, n, 0, children);
}

} // namespace

int main(int argc, char **argv) {
  bench::init(argc, argv, "torc_function");
  uts::add(search);
  return bench::run();
}
