// SPDX-License-Identifier: MIT
#pragma once

#include "fiber/fiber.hpp"
#include "runtime/configuration.hpp"
#include "scheduler/baton.hpp"
#include "scheduler/seeded_schedule.hpp"
#include "scheduler/submit_counter.hpp"
#include "scheduler/topology.hpp"
#include "scheduler/work_source.hpp"
#include "scheduler/worker.hpp"
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <torc/detail/spinlock.hpp>
#include <vector>

namespace torc::detail {

/// The workers of this process, and who of them sleeps.
///
/// No wake-up is lost, by one rule: while anybody sleeps, either somebody is searching, or the
/// guard of every worker is set, so that its next push publishes and wakes. A searcher that finds
/// work passes the search on by waking the next sleeper; the last one that goes to sleep sets all
/// guards, passes a heavy barrier and looks once more.
class scheduler {
public:
  /// `fronts`: as many as workers, or null to use some of its own.
  explicit scheduler(const configuration& c, front* fronts = nullptr);
  ~scheduler();

  /// The calling thread becomes worker 0 and its stack a fiber that only it resumes.
  void start();
  /// On worker 0's own stack: waits for tasks that were submitted outside of tasks.
  void drain() noexcept;
  /// On worker 0's own stack: stops and joins all other workers; the thread is a worker no more.
  void stop() noexcept;

  const configuration config;
  position place; ///< among the ranks; set before `start`
  work_source* outer = nullptr;
  fiber_pool fibers;
  std::vector<std::unique_ptr<worker>> workers;

  /// Counts something in `outside`. False from the end of `drain` on: this rank may part as soon as
  /// the others let it.
  bool outside_begins() noexcept;
  bool stopping() const noexcept { return stopping_.load(std::memory_order_acquire); }

  /// Sends a submitted task to the process's worker `q`.
  void send(descriptor& d, int q, bool pinned) noexcept;
  /// Returns a spawned child that was to run on another rank.
  void put_back(descriptor& child, int q) noexcept;
  /// The one of all workers that gets the next task, beginning with our first.
  int next_cyclic() noexcept;
  /// The same of this process's workers.
  int next_local() noexcept;

  /// Work has become visible: wakes a sleeper unless somebody searches anyway.
  void wake_one() noexcept;
  /// Work for `w` alone has become visible.
  void wake(worker& w) noexcept;

  /// A fiber that became ready on a thread that is no worker.
  void add_ready(fiber& f) noexcept;
  fiber* take_ready() noexcept;

  // For searching workers.
  void search_begins() noexcept { searching_.fetch_add(1); }
  void search_ends() noexcept;
  /// Sleeps unless there is work to be found. The caller counts as searching before and after.
  void sleep(worker& w) noexcept;
  bool anybody_wants() const noexcept { return idle() > 0; }
  int idle() const noexcept { return sleeping_.load() + searching_.load(); }
  bool all_asleep() const noexcept { return sleeping_.load() == static_cast<int>(workers.size()); }
  /// Nobody runs, and no timer will make anybody run.
  bool at_rest() noexcept;
  /// How often somebody has gone to sleep.
  std::uint64_t sleeps() const noexcept { return sleeps_.load(std::memory_order_relaxed); }
  bool hungry() const noexcept { return sleeping_.load() > 0 && searching_.load() == 0; }
  /// Publishes what `victim` keeps to itself, which may sit in a long task, by force.
  void force_publication(worker& victim) noexcept;

  std::optional<seeded_schedule> seeded; ///< TORC_SEED: all workers on the calling thread

  stop_scope root;                  ///< everything
  atomic<std::uint64_t> retried{0}; ///< tasks, once for each time
  /// Something has been stopped: drops what waits and tells what runs.
  void spread_stop() noexcept;

  /// Called if everybody sleeps and nothing can wake them any more: tasks wait for each other. Of a
  /// process without others only. Set before `start`.
  std::function<void()> deadlocked;

  /// Counts detached tasks, and those of threads that are no workers.
  submit_counter outside{nullptr};

private:
  void has_more(worker& w, bool pinned) noexcept;
  void begin_thread(worker& w) noexcept;
  /// There is no thread for it, or no memory: ends the program with a message.
  [[noreturn]] void end_without(const worker& w, const std::exception& why) noexcept;
  void run_worker(worker& w) noexcept;
  void become(worker& w);
  void bind(worker& w) noexcept;
  void resign(worker& w) noexcept;
  bool anything_for(worker& w) noexcept;
  bool sweep(worker& thief) noexcept;
  bool unlist(worker& w) noexcept;

  std::mutex making_threads_; ///< no worker begins before there are all
  std::unique_ptr<front[]> own_fronts_;
  std::vector<int> cores_; ///< of each worker, if they are bound; empty: unknown
  core_set cores_before_;  ///< likewise; the caller's of `start`
  alignas(64) atomic<int> searching_{0};
  atomic<int> sleeping_{0};
  atomic<std::uint64_t> sleeps_{0};
  atomic<bool> stopping_{false}, parting_{false};
  spinlock sleep_lock_;
  std::vector<worker*> sleepers_;

  spinlock ready_lock_;
  fiber* ready_ = nullptr;
  atomic<bool> any_ready_{false};
  atomic<unsigned> cyclic_{0}, local_{0};

  descriptor primary_; ///< the running task of worker 0's own stack
};

/// The scheduler of the session the calling thread belongs to, or null.
scheduler* current_scheduler() noexcept;
/// The calling thread, where it is no worker, belongs to that session, or to none; gives the one
/// before.
scheduler* use_scheduler(scheduler* s) noexcept;

/// Keeps the session, if there is one, from ending: for what a thread that is no worker may do at
/// any time. `current_scheduler` is valid meanwhile.
class session_use {
public:
  session_use() noexcept;
  session_use(const session_use&) = delete;
  session_use& operator=(const session_use&) = delete;
  ~session_use();

private:
  const bool counted_; ///< workers and helpers end before their session
};

/// A stack overflow on a fiber of the calling thread ends with a message instead of a bare signal.
void guard_stacks();

} // namespace torc::detail
