// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <queue>
#include <vector>

#include "simulation/rank.hpp"

namespace torc::simulation {

enum class event_kind : std::uint8_t {
  arrives,
  queues, ///< a task of its own
  looks,
  work_ends,
  tries_again,
  stealing_on,
  stealing_off,
  leaves,
  dies,
  lost, ///< somebody notices
  suspects,
};

struct event {
  nanoseconds time;
  std::uint64_t order;
  std::int32_t rank;
  std::uint32_t message; ///< that arrives, or has the task
  event_kind kind;

  bool operator>(const event& o) const noexcept {
    return time != o.time ? time > o.time : order > o.order;
  }
};

/// What came out. Times in nanoseconds from the beginning of the first task.
struct outcome {
  nanoseconds ended = -1;      ///< the first task and all below it; -1: never
  nanoseconds closed = -1;     ///< the last rank has left; -1: never
  nanoseconds deadlocked = -1; ///< rank 0 knows that nothing will happen any more; -1: never
  nanoseconds ramp_up = -1;    ///< 90 % of the ranks work; -1: never
  double work = 0;             ///< of all tasks
  double capacity = 0;         ///< ranks, a slow one in part
  std::uint64_t run = 0, stolen_near = 0, stolen_far = 0;
  std::uint64_t requests = 0, refused = 0, lifelines = 0, messages = 0, bytes = 0, lost = 0;
  std::uint64_t events = 0;
  int lost_rank = -1;          ///< the job has ended because of it
  const char* wrong = nullptr; ///< what should not have happened

  double efficiency() const { return work / (capacity * static_cast<double>(ended)); }
  nanoseconds drain() const { return closed - ended; }
};

/// All ranks, and what happens to them one after the other.
class world {
public:
  world(const machine& m, workload& w, std::uint64_t seed, detail::policy p = {});

  /// The first task runs on `root` when the machine has started. Returns when nothing is under way
  /// any more, or after so many events.
  outcome run(int root = 0, std::uint64_t most_events = UINT64_MAX);

  /// What shall happen besides; before `run`. If `leaves` is among it, that is the only way in
  /// which ranks other than the root hear of the end.
  void at(nanoseconds time, int rank, event_kind what, std::uint32_t message = 0);

  rank& of(int r) { return ranks_[static_cast<std::size_t>(r)]; }
  int size() const noexcept { return static_cast<int>(ranks_.size()); }

private:
  friend class rank;
  friend class worker;

  void handle(const event& e);
  void first_ended();
  std::uint32_t keep(message&& m);
  message take(std::uint32_t at);
  void count_busy(int by);
  void expect(bool right, const char* otherwise) {
    if (!right) {
      outcome_.wrong = otherwise;
    }
  }
  outcome result();

  const machine machine_;
  const detail::policy policy_;
  const detail::host_map hosts_;
  workload& workload_;
  generator random_;
  nanoseconds now_ = 0;
  std::uint64_t order_ = 0;
  std::deque<rank> ranks_;
  std::priority_queue<event, std::vector<event>, std::greater<>> events_;
  std::vector<message> messages_;
  std::vector<std::uint32_t> free_messages_;
  int root_ = 0;
  bool all_hear_ = true; ///< of the end, from the root
  int busy_ = 0, open_ = 0;
  outcome outcome_;
};

} // namespace torc::simulation
