// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <string>
#include <vector>

namespace torc::detail {

struct stop_scope;
struct submitted;

/// Where work comes from when this process has none, as the workers see it: the other ranks
/// (src/ranks). None of these blocks.
class work_source {
public:
  /// Looks at what other ranks want or bring. A worker calls it after it has served a request.
  virtual void poll() noexcept = 0;
  /// The same, and asks other ranks for work. An idle worker calls it again and again, between
  /// these two.
  virtual void seek() noexcept = 0;
  virtual void search_begins() noexcept = 0;
  virtual void search_ends() noexcept = 0;
  /// There has been no answer for a while.
  virtual void insist() noexcept = 0;
  /// Other ranks wait until there is something for them.
  virtual bool wanted() const noexcept = 0;
  /// Something is under way that gets on only if somebody polls.
  virtual bool moving() const noexcept = 0;
  /// This process dies of that signal: says so, once. In a signal handler.
  virtual void dying(const char* signal) noexcept = 0;
  /// Sends a submitted task to worker `q` of another rank; -1: any worker there.
  virtual void ship(submitted& s, int rank, int q) = 0;
  /// Tells other ranks what has been stopped of the tasks they have from this one.
  virtual void spread_stop() noexcept = 0;
  /// Whether the rank a task is from has said that it is stopped.
  virtual bool stopped_at_home(stop_scope& of_task) noexcept = 0;

protected:
  ~work_source() = default;
};

/// This process among the ranks, and its workers among all workers.
struct position {
  int rank = 0;
  std::string host = {};          ///< empty: there is no other rank
  std::vector<int> first_workers; ///< by rank, and the number of all workers

  /// For the begin of a line: "rank 1 on n2: ".
  std::string who() const {
    return host.empty() ? "" : "rank " + std::to_string(rank) + " on " + host + ": ";
  }

  int ranks() const noexcept { return static_cast<int>(first_workers.size()) - 1; }
  int first_worker() const noexcept { return first_workers[static_cast<std::size_t>(rank)]; }
  int all_workers() const noexcept { return first_workers.back(); }
  /// The rank that has worker `q`.
  int rank_of(int q) const noexcept {
    const auto next = std::upper_bound(first_workers.begin(), first_workers.end(), q);
    return static_cast<int>(next - first_workers.begin()) - 1;
  }
};

} // namespace torc::detail
