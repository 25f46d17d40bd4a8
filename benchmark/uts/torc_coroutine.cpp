// SPDX-License-Identifier: MIT
#include "../runtime/torc.hpp"
#include "config.hpp"

namespace {

using uts::counts;
using uts::node;
using uts::tree;

/// What lies below the children first, ..., last - 1 of a node: halved until one is left. The node
/// is in the frame of a caller, which waits.
torc::task<counts> search_range(const tree& t, const node& parent, int first, int last) {
  if (last - first > 1) {
    const int middle = first + (last - first) / 2;
    auto [left, right] = co_await torc::wait(search_range(t, parent, first, middle),
                                             search_range(t, parent, middle, last));
    co_return left + right;
  }
  const node n = uts::child(parent, first);
  const int children = uts::num_children(t, n);
  counts sum = uts::count(n, children);
  if (children > 0) sum = sum + co_await search_range(t, n, 0, children);
  co_return sum;
}

} // namespace

int main(int argc, char** argv) {
  bench::init(argc, argv, "torc_coroutine");
  uts::add([](const tree& t, const node& root) {
    const int children = uts::num_children(t, root);
    return uts::count(root, children) + search_range(t, root, 0, children).get();
  });
  return bench::run();
}
