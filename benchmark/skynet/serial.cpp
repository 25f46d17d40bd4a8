// SPDX-License-Identifier: MIT
#include "../runtime/serial.hpp"
#include "config.hpp"

namespace {

long node(long first, long leaves) {
  if (leaves == 1) return first;
  const long part = leaves / 10;
  long sum = 0;
  for (long i = 0; i < 10; ++i)
    sum += node(first + i * part, part);
  return sum;
}

} // namespace

int main(int argc, char** argv) {
  bench::init(argc, argv, "serial");
  skynet::add(node);
  return bench::run();
}
