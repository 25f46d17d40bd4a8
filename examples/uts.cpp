// SPDX-License-Identifier: MIT

// Unbalanced Tree Search: counts the nodes of a tree that unfolds from 20 bytes. Subtrees differ
// wildly in size and nobody knows by how much, so only work stealing keeps all cores busy.
//
//     uts [TREE]                TREE: T1-mini (default), T1, T3, T1L, T3L, ...
//     TORC_STATS=1 uts T1
//     mpirun -n 4 uts T1L

#include <cstdio>
#include <torc/torc.hpp>

#include "uts_search.hpp"

namespace {

using uts::counts;
using uts::tree;

int usage() {
  std::fprintf(stderr, "usage: uts [TREE]        (one of");
  for (const tree& t : uts::trees)
    std::fprintf(stderr, " %.*s", static_cast<int>(t.name.size()), t.name.data());
  std::fprintf(stderr, ")\n");
  return 2;
}

int app(int argc, char** argv) {
  const tree* t = argc <= 2 ? uts::find(argc == 2 ? argv[1] : "T1-mini") : nullptr;
  if (t == nullptr) return usage();

  const double begin = torc::wtime();
  const counts found = uts::search(*t);
  const double elapsed = torc::wtime() - begin;

  const bool right = found == t->published;
  std::printf("%.*s: %llu nodes, depth %d, %llu leaves\n", static_cast<int>(t->name.size()),
              t->name.data(), static_cast<unsigned long long>(found.nodes), found.depth,
              static_cast<unsigned long long>(found.leaves));
  std::printf("%.3f s, %.2f million nodes per second\n", elapsed,
              1e-6 * static_cast<double>(found.nodes) / elapsed);
  std::printf("%s\n", right ? "equal to the published counts" : "NOT the published counts");
  return right ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) { return torc::start(argc, argv, app); }
