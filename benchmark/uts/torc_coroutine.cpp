// SPDX-License-Identifier: MIT
#include "../runtime/torc.hpp"
#include "config.hpp"

#include <ranges>

namespace {

using uts::counts;
using uts::node;
using uts::tree;

/// The subtree of a node with so many children. Leaves are counted where they are found.
torc::task<counts> search(const tree& t, const node n, int children) {
  const auto subtree = [&](int i) {
    const node below = uts::child(n, i);
    const int its_children = uts::num_children(t, below);
    return its_children == 0 ? uts::count(below, 0) : search(t, below, its_children).get();
  };
  co_return co_await torc::reduce(subtree, std::views::iota(0, children), uts::count(n, children));
}

} // namespace

int main(int argc, char** argv) {
  bench::init(argc, argv, "torc_coroutine");
  uts::add([](const tree& t, const node& root) {
    return search(t, root, uts::num_children(t, root)).get();
  });
  return bench::run();
}
