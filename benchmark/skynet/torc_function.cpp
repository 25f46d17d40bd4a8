// SPDX-License-Identifier: MIT
#include "../runtime/torc.hpp"
#include "config.hpp"

#include <array>
#include <ranges>

namespace {

long node(long first, long leaves) {
  if (leaves == 1) return first;
  const long part = leaves / 10;
  const auto child = [=](long i) { return torc::spawn(node, first + i * part, part); };
  std::array children{child(1), child(2), child(3), child(4), child(5),
                      child(6), child(7), child(8), child(9)};
  long sum = node(first, part);
  for (auto& c : children | std::views::reverse) // the youngest is on top of the worker's deque
    sum += c.get();
  return sum;
}

} // namespace

int main(int argc, char** argv) {
  bench::init(argc, argv, "torc_function");
  skynet::add(node);
  return bench::run();
}
