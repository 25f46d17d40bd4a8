// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>

#include "simulation/machine.hpp"
#include "simulation/random.hpp"

namespace torc::simulation {

/// A task that has not started. It ends when it and its children have ended; then its home hears.
struct task {
  std::array<std::uint32_t, 7> what{}; ///< the workload's
  std::int32_t home = -1;              ///< the rank that waits for it; -1: it is the first one
  std::uint32_t job = 0;               ///< ... with this
  std::uint8_t priority = 0;           ///< among submitted tasks
  bool submitted = false;
  bool pinned = false;
  bool away = false; ///< has been sent; its home waits for a message
};

class rank;

/// What a task can do while it runs.
class worker {
public:
  explicit worker(rank& r) : rank_(r) {}

  int id() const noexcept;
  /// A child, which others may steal.
  void spawn(task t);
  /// The child spawned last, back from the queue, to be run by its parent itself.
  bool take_back(task& t);
  /// A child, which rank `to` is to run, or whoever steals it.
  void submit(int to, task t);
  /// What this task does when its children have ended: it is not over before. To be called before
  /// there are any.
  void then(task t);
  /// It waits for something that never comes.
  void wait_for_ever();

private:
  rank& rank_;
};

/// What is computed. Tasks are started in the order of simulated time.
class workload {
public:
  virtual ~workload() = default;

  virtual task first() = 0;
  /// Runs `t`, or a batch of small tasks that it unfolds to; how long that takes. Children are
  /// there for others from the beginning of that time.
  virtual nanoseconds run(const task& t, worker& w) = 0;
  /// Whether tasks spawn or end every few microseconds, so that a worker soon sees that it is
  /// wanted.
  virtual bool fine() const { return false; }
  /// How long the task is as a message, and its result.
  virtual std::int64_t bytes(const task&) const { return 64; }
  virtual std::int64_t result_bytes(const task&) const { return 32; }
};

} // namespace torc::simulation
