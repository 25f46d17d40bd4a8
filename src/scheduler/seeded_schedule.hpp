// SPDX-License-Identifier: MIT
#pragma once

#include "fiber/fiber.hpp"
#include <cstdint>
#include <memory>
#include <random>
#include <vector>

namespace torc::detail {

/// A schedule that a seed replays, for tests: all workers are simulated on one thread. Guards stay
/// set, so that every push, join and end of a task passes `point`, where the next worker to go on,
/// and what it publishes, are drawn pseudo-randomly. External threads and timers are not covered.
class seeded_schedule {
public:
  seeded_schedule(std::uint64_t seed, const std::vector<std::unique_ptr<worker>>& workers)
      : random_(seed), workers_(workers) {}

  /// `w` will begin with `f` when it is first drawn.
  void begin(worker& w, fiber& f) noexcept;
  /// Perhaps goes on as another worker.
  void point() noexcept;
  /// The same for a worker that has nothing to do.
  void idle() noexcept;
  /// True once in n times.
  bool chance(unsigned n) noexcept { return random_() % n == 0; }
  void shuffle(std::vector<worker*>& victims) noexcept;

private:
  std::mt19937_64 random_;
  const std::vector<std::unique_ptr<worker>>& workers_;
  unsigned idle_in_a_row_ = 0;
};

} // namespace torc::detail
