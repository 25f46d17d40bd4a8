// SPDX-License-Identifier: MIT
#include "../runtime/serial.hpp"
#include "config.hpp"

namespace {

/// `uts_T1/serial`: every call is made, as with tasks; see nqueens.
[[gnu::noinline]] uts::counts search(const uts::tree& t, const uts::node& n) {
  const int children = uts::num_children(t, n);
  uts::counts sum = uts::count(n, children);
  for (int i = 0; i < children; ++i)
    sum = sum + search(t, uts::child(n, i));
  return sum;
}

/// `uts_T1_plain/serial`: whatever the compiler makes of it.
uts::counts plain_search(const uts::tree& t, const uts::node& n) {
  const int children = uts::num_children(t, n);
  uts::counts sum = uts::count(n, children);
  for (int i = 0; i < children; ++i)
    sum = sum + plain_search(t, uts::child(n, i));
  return sum;
}

} // namespace

int main(int argc, char** argv) {
  bench::init(argc, argv, "serial");
  uts::add(search);
  if (bench::workers() == 0) uts::add(plain_search, "_plain");
  return bench::run();
}
