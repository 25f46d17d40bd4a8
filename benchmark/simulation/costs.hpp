// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>

#include "settings.hpp"
#include "simulation/random.hpp"

namespace simulated {

/// How long the tasks of a population take.
struct costs {
  enum class law { constant, uniform, lognormal, pareto } kind;
  double mean_ns;
  double shape;     ///< sigma of the logarithm, or the exponent of the tail
  double oversleep; ///< what a sleep of that time takes longer

  /// Of task i of a generation: the same whoever computes it, when and where.
  std::int64_t operator()(std::uint32_t generation, std::uint32_t i) const {
    torc::simulation::generator random(static_cast<std::uint64_t>(generation) << 32 | i);
    random();
    double factor = 1;
    switch (kind) {
    case law::constant:
      break;
    case law::uniform:
      factor = 2 * random.uniform();
      break;
    case law::lognormal:
      factor = std::exp(shape * random.normal() - shape * shape / 2);
      break;
    case law::pareto:
      factor = (shape - 1) / shape * std::pow(random.uniform(), -1 / shape);
      break;
    }
    return static_cast<std::int64_t>(mean_ns * factor + oversleep);
  }
};

inline costs make_costs(settings& s) {
  costs c{};
  c.kind =
      static_cast<costs::law>(s.one_of("cost", {"constant", "uniform", "lognormal", "pareto"}));
  c.mean_ns = s.number("mean_ns", 1e8);
  c.shape = s.number("shape", c.kind == costs::law::pareto ? 2.5 : 0.5);
  c.oversleep = s.number("oversleep", 0.0);
  if (c.mean_ns > 1e12 || (c.kind == costs::law::pareto && c.shape <= 1))
    throw std::invalid_argument("tasks that long do not end");
  return c;
}

} // namespace simulated
