// SPDX-License-Identifier: MIT

// Stopping tasks that are elsewhere. They may be on their way, queued, running, or have been passed
// on to a third rank, so all ranks are told, by the task's home: a message lists slots and
// generations. Each rank keeps what it was told, for tasks that come later, until it sees the slot
// used again; a rank that has such a task tells those that have that task's children.

#include <algorithm>
#include <mutex>

#include "ranks/engine.hpp"
#include "scheduler/scheduler.hpp"

namespace torc::detail {
namespace {

std::uint64_t key(std::int32_t rank, std::uint32_t slot) noexcept {
  return std::uint64_t{static_cast<std::uint32_t>(rank)} << 32 | slot;
}

} // namespace

void rank_engine::spread_stop() noexcept {
  if (post_stop(away_.take_stopped())) {
    progress(false);
  }
}

/// Has all ranks stop these tasks of ours; whether there are any.
bool rank_engine::post_stop(const std::vector<task_home>& stopped) {
  if (stopped.empty()) {
    return false;
  }
  for (int to = 0; to < transport_.size(); ++to) {
    writer w;
    w.put(static_cast<std::uint64_t>(stopped.size()));
    for (const task_home& t : stopped) {
      w.put(t.slot);
      w.put(t.generation);
    }
    post(to, {.what = message_kind::stop}, std::move(w));
  }
  return true;
}

void rank_engine::accept_stop(int from, reader& r) {
  std::vector<task_home> stopped(r.count(sizeof(std::uint32_t) + sizeof(std::uint64_t)));
  for (task_home& t : stopped) {
    t.slot = r.get<std::uint32_t>();
    t.generation = r.get<std::uint64_t>();
  }
  r.expect_end();
  {
    const std::lock_guard locked(stops_lock_);
    for (const task_home& t : stopped) {
      std::uint64_t& latest = stops_[key(from, t.slot)];
      latest = std::max(latest, t.generation); // messages overtake each other
    }
  }
  anything_stopped.store(true);
  scheduler_.spread_stop();
}

bool rank_engine::stopped_at_home(stop_scope& of_task) noexcept {
  const task_home& home = static_cast<remote_task&>(of_task).home;
  const std::lock_guard locked(stops_lock_);
  const auto found = stops_.find(key(home.rank, home.slot));
  // Its home has stopped it, or a later one, so that nobody waits for this any more, or is lost.
  const bool stopped = (found != stops_.end() && found->second >= home.generation) ||
                       lost_[static_cast<std::size_t>(home.rank)].load(std::memory_order_relaxed);
  if (stopped) {
    of_task.state.store(stop_state::cancelled);
  }
  return stopped;
}

/// A task with that home has come: what was said of an earlier one is of no use, unless a copy of
/// that lives on.
void rank_engine::forget_stop(const task_home& home) {
  if (!anything_stopped.load(std::memory_order_acquire) || survive()) {
    return;
  }
  const std::lock_guard locked(stops_lock_);
  const auto found = stops_.find(key(home.rank, home.slot));
  if (found != stops_.end() && found->second < home.generation) {
    stops_.erase(found);
  }
}

} // namespace torc::detail
