// SPDX-License-Identifier: MIT
#include "../runtime/tbb.hpp"
#include "config.hpp"

#include <oneapi/tbb/task_group.h>

namespace {

long node(long first, long leaves) {
  if (leaves == 1) return first;
  const long part = leaves / 10;
  long sums[10];
  oneapi::tbb::task_group group;
  for (long i = 1; i < 10; ++i)
    group.run([=, &sum = sums[i]] { sum = node(first + i * part, part); });
  sums[0] = node(first, part);
  group.wait();
  long sum = 0;
  for (long s : sums)
    sum += s;
  return sum;
}

} // namespace

int main(int argc, char** argv) {
  bench::init(argc, argv, "tbb");
  skynet::add(node);
  return bench::run();
}
