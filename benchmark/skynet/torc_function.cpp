// SPDX-License-Identifier: MIT
#include "../runtime/torc.hpp"
#include "config.hpp"

namespace {

long node(long first, long leaves) {
  if (leaves == 1) return first;
  const long part = leaves / 10;
  const auto child = [=](long i) { return torc::spawn(node, first + i * part, part); };
  auto b = child(1), c = child(2), d = child(3), e = child(4), f = child(5);
  auto g = child(6), h = child(7), i = child(8), j = child(9);
  const long a = node(first, part);
  // The youngest child first: it is on top of the worker's deque.
  return a + j.get() + i.get() + h.get() + g.get() + f.get() + e.get() + d.get() + c.get() +
         b.get();
}

} // namespace

int main(int argc, char** argv) {
  bench::init(argc, argv, "torc_function");
  skynet::add(node);
  return bench::run();
}
