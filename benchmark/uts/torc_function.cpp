// SPDX-License-Identifier: MIT
#include "../runtime/torc.hpp"
#include "config.hpp"

namespace {

using uts::counts;
using uts::node;
using uts::tree;

counts search(const tree& t, const node& n);

/// What lies below the children i, ..., last of a node: a task each for the first two, and the
/// rest. One a call would do as well; two take 1 to 2 % less time.
counts search_from(const tree& t, const node& n, int i, int last) {
  const node first = uts::child(n, i);
  if (i == last) return search(t, first);
  auto below_first = torc::spawn([&t, &first] { return search(t, first); });
  const node second = uts::child(n, i + 1);
  if (i + 1 == last) {
    const counts below_second = search(t, second);
    return below_first.get() + below_second;
  }
  auto below_second = torc::spawn([&t, &second] { return search(t, second); });
  const counts rest = search_from(t, n, i + 2, last);
  const counts both = below_second.get() + rest;
  return below_first.get() + both;
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
