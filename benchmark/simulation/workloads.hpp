// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "settings.hpp"
#include "simulation/workload.hpp"

/// What the figures are about. Small tasks are run in batches of about 50 us of simulated time.
namespace simulated {

using namespace torc::simulation;

inline constexpr nanoseconds batch = 50'000;

class problem : public workload {
public:
  /// The end of the best schedule if nothing but the tasks took time, each started by the first
  /// free one of so many ranks; 0: simply work / ranks.
  virtual nanoseconds ideal(std::int64_t /*ranks*/) const { return 0; }
};

/// An unbalanced tree (examples/uts_tree.hpp), expanded as the simulation gets there. Settings:
/// tree (T1XL), node_ns (93).
std::unique_ptr<problem> make_uts(settings& s);
/// The recursion of examples/fib.cpp: n (50), call_ns (2.3).
std::unique_ptr<problem> make_fib(settings& s);
/// A master that has all ranks compute a population, once or for some generations, by `map` or by
/// `submit` in turn to all: tasks (of all ranks together) or tasks_a_rank, generations (1), spread
/// (map, cyclic), chunk (1), first (any, longest: submitted with a priority by length, which the
/// master knows up to a factor, guess (0) is the sigma of its logarithm), cost (constant, uniform,
/// lognormal, pareto), mean_ns (100 ms), shape (sigma 0.5 or alpha 2.5).
std::unique_ptr<problem> make_population(settings& s, std::int64_t ranks);
/// A recorded run (recording.hpp): trace=FILE.
std::unique_ptr<problem> make_trace(settings& s);

} // namespace simulated
