// SPDX-License-Identifier: MIT
#include "../runtime/torc.hpp"
#include "config.hpp"

namespace {

long node(long first, long leaves);

// The sum below `children` neighbours: the first is called, the others are one task to be stolen.
long below(long first, long part, long children) {
  if (children == 1) {
    return node(first, part);
  }
  auto others = torc::spawn(below, first + part, part, children - 1);
  const long sum = node(first, part);
  return sum + others.get();
}

long node(long first, long leaves) { return leaves == 1 ? first : below(first, leaves / 10, 10); }

} // namespace

int main(int argc, char** argv) {
  bench::init(argc, argv, "torc_function");
  skynet::add(node);
  return bench::run();
}
