// SPDX-License-Identifier: MIT

// Tasks of several ranks that wait for each other: when this rank is at rest, and when the root
// asks the others whether they are.

#include <mutex>

#include "ranks/engine.hpp"
#include "scheduler/scheduler.hpp"

namespace torc::detail {

/// With the token held, so that nothing is half done but what other threads have posted. What runs
/// in the place it arrives has ended.
std::optional<std::uint64_t> rank_engine::rest() {
  {
    const std::lock_guard locked(post_lock_);
    if (!posted_.empty()) {
      return std::nullopt;
    }
  }
  const std::uint64_t sleeps = scheduler_.sleeps();
  return !transport_.moving() && scheduler_.at_rest() ? std::optional(sleeps) : std::nullopt;
}

/// The helper of the root, again and again, and ever more seldom: a program in which it waits for
/// others for long pays for a message to and from each.
void rank_engine::suspect() {
  if (deadlocked_.load()) {
    events_.deadlocked();
  }
  const auto now = clock::now();
  if (rank != 0 || now < next_suspicion_) {
    return;
  }
  const std::uint64_t sleeps = scheduler_.sleeps();
  const bool rests = scheduler_.at_rest() && sleeps == suspected_sleeps_;
  suspected_sleeps_ = sleeps;
  const std::chrono::milliseconds first_pause = scheduler_.config.suspicion;
  suspicion_pause_ = rests ? std::min(2 * suspicion_pause_, 8 * first_pause) : first_pause;
  next_suspicion_ = now + suspicion_pause_;
  if (rests && !token_.exchange(true)) {
    protocol_.suspect();
    token_.store(false);
    progress(false);
  }
}

} // namespace torc::detail
