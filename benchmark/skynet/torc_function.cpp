// SPDX-License-Identifier: MIT
#include "../runtime/torc.hpp"
#include "config.hpp"

namespace {

long node(long first, long leaves) {
  if (leaves == 1)
    return first;
  const long part = leaves / 10;
  const auto child = [=](long i) { return torc::spawn(node, first + i * part, part); };
  torc::child<long> children[] = {child(1), child(2), child(3), child(4), child(5),
                                  child(6), child(7), child(8), child(9)};
  long sum = node(first, part);
  for (int i = 8; i >= 0; --i) // the last one first: it is on top of the worker's deque
    sum += children[i].get();
  return sum;
}

} // namespace

int main(int argc, char **argv) {
  bench::init(argc, argv, "torc_function");
  skynet::add(node);
  return bench::run();
}
