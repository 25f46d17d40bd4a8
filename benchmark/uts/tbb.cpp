// SPDX-License-Identifier: MIT
#include "../runtime/tbb.hpp"
#include "config.hpp"

#include <oneapi/tbb/task_group.h>

namespace {

uts::counts search(const uts::tree& t, const uts::node& n) {
  const int children = uts::num_children(t, n);
  uts::counts sum = uts::count(n, children);
  if (children == 0) return sum;
  std::vector<uts::counts> below(static_cast<std::size_t>(children));
  oneapi::tbb::task_group group;
  for (int i = 0; i < children; ++i)
    group.run([&t, &n, i, &result = below[static_cast<std::size_t>(i)]] {
      result = search(t, uts::child(n, i));
    });
  group.wait();
  for (const uts::counts& c : below)
    sum = sum + c;
  return sum;
}

} // namespace

int main(int argc, char** argv) {
  bench::init(argc, argv, "tbb");
  uts::add(search);
  return bench::run();
}
