// SPDX-License-Identifier: MIT
#pragma once

#include "../../examples/uts_tree.hpp"
#include "../main.hpp"

/// Unbalanced tree search: T1 is shallow and wide, T3 deep and thin (1572 levels).
namespace uts {

/// Adds the trees. `search` gets a tree and its root.
template <class Search>
void add(Search search, const char* kind = "") {
  for (const char* name : {"T1", "T3"})
    bench::add(
        std::string("uts_") + name + kind,
        [=, &t = *find(name)](benchmark::State& state) {
          for (auto _ : state) {
            node top = root(t);
            benchmark::DoNotOptimize(top);
            bench::check(search(t, top) == t.published, "uts");
          }
          bench::count_tasks(state, static_cast<long>(t.published.nodes));
        },
        0.5);
}

} // namespace uts
