// SPDX-License-Identifier: MIT

// The end of a launch, which all ranks hear, and of the session, with what they tell of themselves.

#include <algorithm>
#include <mutex>

#include "ranks/engine.hpp"
#include "scheduler/scheduler.hpp"
#include "scheduler/stop.hpp"

namespace torc::detail {

void rank_engine::end_launch(int exit_code) {
  const header h{.what = message_kind::end,
                 .count = launches_++,
                 .value = static_cast<std::uint32_t>(exit_code)};
  for (int r = 0; r < transport_.size(); ++r) {
    post(r, h, writer());
  }
  progress(false);
}

int rank_engine::await_end() {
  const std::uint16_t launch = launches_++;
  for (;;) { // the next one's end may come first
    baton ended;
    {
      const std::lock_guard locked(end_lock_);
      if (const auto found = ends_.extract(launch)) {
        return found.mapped();
      }
      end_waiter_ = &ended;
    }
    ended.wait("the end of the launch");
  }
}

void rank_engine::leave() {
  wants_to_leave_.store(true);
  progress(false);
  all_left_.wait("the other ranks to part");
}

rank_statistics rank_engine::own_statistics() const {
  rank_statistics s;
  s.rank = rank;
  s.workers = static_cast<std::int32_t>(scheduler_.workers.size());
  for (const auto& w : scheduler_.workers) {
    s.executed += w->own.tasks_run.load(std::memory_order_relaxed);
    s.stolen_here += w->statistics.stolen.load(std::memory_order_relaxed);
    s.idle += static_cast<double>(w->statistics.idle_ns.load(std::memory_order_relaxed)) * 1e-9;
  }
  s.created = s.executed + sent_.load(std::memory_order_relaxed) - received_;
  s.stolen_near = near_;
  s.stolen_far = far_;
  s.requests = protocol_.statistics().requests;
  s.retried = scheduler_.retried.load(std::memory_order_relaxed);
  s.refused = protocol_.statistics().refused;
  s.messages = messages_;
  s.bytes = bytes_;
  s.again = again_;
  return s;
}

/// Nobody waits for anything any more, and to this rank it is as if all were lost. Tasks of others
/// may be here still: of a lost rank, or copies of what has run elsewhere. They are stopped.
void rank_engine::closed() {
  if (rank == 0) {
    gathered_.push_back(own_statistics());
    std::sort(gathered_.begin(), gathered_.end(),
              [](const auto& a, const auto& b) { return a.rank < b.rank; });
    sum_up_losses();
  }
  for (auto& r : lost_) {
    r.store(true, std::memory_order_relaxed);
  }
  if (guests_.load() > 0) {
    anything_stopped.store(true);
    scheduler_.spread_stop();
  }
  closing_ = true;
}

/// After each look at the messages, until they have ended. What they have sent away is stopped
/// here, too: there may be nobody left to do it.
void rank_engine::await_guests() {
  if (guests_.load() == 0) {
    closing_ = false;
    all_left_.post();
    return;
  }
  for (int r = 0; r < transport_.size(); ++r) { // an spmd is away with this rank
    for (const slots::gone& g : away_.take_gone_with(r)) {
      g.task->type->take_result(*g.task, nullptr);
      g.task->fail(cancelled_error());
      g.task->type->finish(*g.task);
    }
  }
}

} // namespace torc::detail
