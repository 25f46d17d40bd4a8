// SPDX-License-Identifier: MIT
#include "../runtime/torc.hpp"
#include "config.hpp"

namespace {

using uts::counts;
using uts::node;
using uts::tree;

counts search(const tree& t, const node& n);

/// What lies below the children i, ..., last of a node: one task for child i, and the rest.
counts search_from(const tree& t, const node& n, int i, int last) {
  const node child = uts::child(n, i);
  if (i == last) return search(t, child);
  auto below = torc::spawn([&t, &child] { return search(t, child); });
  const counts rest = search_from(t, n, i + 1, last);
  return below.get() + rest;
}

counts search(const tree& t, const node& n) {
  const int children = uts::num_children(t, n);
  const counts mine = uts::count(n, children);
  return children == 0 ? mine : mine + search_from(t, n, 0, children - 1);
}

} // namespace

int main(int argc, char** argv) {
  bench::init(argc, argv, "torc_function");
  uts::add(search);
  return bench::run();
}
