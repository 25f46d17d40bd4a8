// SPDX-License-Identifier: MIT
#include "../runtime/openmp.hpp"
#include "config.hpp"

namespace {

uts::counts search(const uts::tree& t, const uts::node& n) {
  const int children = uts::num_children(t, n);
  uts::counts sum = uts::count(n, children);
  if (children == 0) return sum;
  std::vector<uts::counts> below(static_cast<std::size_t>(children));
  for (int i = 0; i < children; ++i) {
    uts::counts* result = &below[static_cast<std::size_t>(i)];
#pragma omp task shared(t, n)
    *result = search(t, uts::child(n, i));
  }
#pragma omp taskwait
  for (const uts::counts& c : below)
    sum = sum + c;
  return sum;
}

} // namespace

int main(int argc, char** argv) {
  bench::init(argc, argv, "openmp");
  uts::add([](const uts::tree& t, const uts::node& root) {
    uts::counts sum;
    bench::in_team([&] { sum = search(t, root); });
    return sum;
  });
  return bench::run();
}
