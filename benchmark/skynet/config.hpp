// SPDX-License-Identifier: MIT
#pragma once

#include "../main.hpp"

/// A tree in which every node makes ten children; the leaves return their number, the other nodes
/// the sum of their children's.
namespace skynet {

constexpr long leaves = 100'000'000;
constexpr long leaves_small = 1'000'000;

/// A node with that many leaves below it, of which `first` is the number of the first one.
template <class Skynet>
void measure(benchmark::State& state, long leaves_below, Skynet skynet) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(leaves_below);
    const long sum = skynet(0L, leaves_below);
    bench::check(sum == leaves_below * (leaves_below - 1) / 2, "skynet");
  }
  bench::count_tasks(state, (10 * leaves_below - 1) / 9);
}

/// Both sizes.
template <class Skynet>
void add(Skynet skynet) {
  bench::add("skynet", [=](auto& state) { measure(state, leaves, skynet); });
  bench::add("skynet_small", [=](auto& state) { measure(state, leaves_small, skynet); });
}

} // namespace skynet
