// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstdint>

namespace torc::simulation {

/// Pseudo-random numbers that are the same with every compiler and library, unlike the
/// distributions of the standard library. Steele et al., "Fast splittable pseudorandom number
/// generators", OOPSLA 2014 (SplitMix64).
class generator {
public:
  explicit generator(std::uint64_t seed) : state_(seed) {}

  std::uint64_t operator()() noexcept {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  /// 0, ..., n - 1.
  std::int64_t below(std::int64_t n) noexcept {
    return static_cast<std::int64_t>((*this)() % static_cast<std::uint64_t>(n));
  }
  /// a, ..., b.
  int between(int a, int b) noexcept { return a + static_cast<int>(below(b - a + 1)); }
  /// Above 0, below 1.
  double uniform() noexcept { return (static_cast<double>((*this)() >> 11) + 0.5) * 0x1p-53; }
  double normal() noexcept {
    return std::sqrt(-2 * std::log(uniform())) * std::cos(2 * 3.141592653589793 * uniform());
  }

private:
  std::uint64_t state_;
};

} // namespace torc::simulation
