// SPDX-License-Identifier: MIT
#pragma once

#include "fiber/fiber.hpp"
#include "scheduler/queue.hpp"
#include "scheduler/stop.hpp"
#include <cstdint>
#include <thread>
#include <torc/detail/descriptor.hpp>
#include <vector>

namespace torc::detail {

class scheduler;

/// What a worker counts; written by it alone, read by others when ranks part.
struct worker_statistics {
  atomic<std::uint64_t> stolen{0};    ///< tasks taken from another worker
  atomic<std::uint64_t> suspended{0}; ///< fibers suspended
  atomic<std::uint64_t> idle_ns{0};   ///< time without a task
};

/// One thread that runs tasks. Its loop runs on whatever fiber is free; when a task suspends, its
/// fiber is put aside and the loop goes on with another one.
struct worker {
  worker(scheduler& s, int number, front& f) : own(f), owner(s), id(number) { own.self = this; }

  front& own; ///< in memory of its own kind: other processes of the host may set its guard
  queue shared;

  // The owner's alone.
  alignas(64) scheduler& owner;
  const int id;
  fiber* native = nullptr;      ///< the thread's own stack; the loop returns there at the end
  fiber* left = nullptr;        ///< during a switch: the fiber left ...
  after_switch then;            ///< ... and what to do with it
  std::vector<worker*> victims; ///< nearest first, if workers are bound
  std::size_t forced_next = 0;  ///< of the victims, which one is to be forced
  bool has_found = false;       ///< in `search`: a task, which is about to begin here

  // Also others'.
  worker_statistics statistics;
  watch_list watches;
  fiber* ready_first = nullptr; ///< fibers to resume here, under `shared.lock`
  fiber* ready_last = nullptr;
  atomic<std::uint32_t> asleep{0}; ///< futex
  std::thread thread;

  /// Owner: lets others have what they wait for, after a look at the guard said so.
  void serve() noexcept;
  /// Owner: suspends the running fiber; `then` runs when it is saved.
  void suspend(after_switch then) noexcept;
  /// Adds `f` to the ready fibers. Any thread; the caller wakes the worker.
  void add_ready(fiber& f) noexcept;

  /// Runs tasks until the scheduler stops. Never returns; may be left and entered on any thread.
  [[noreturn]] static void loop();

private:
  void execute(descriptor& d, bool pinned) noexcept;
  fiber* next_ready() noexcept;
  descriptor* next_own() noexcept;
  descriptor* next_pinned() noexcept;
  /// A task from elsewhere, or null when there may be something of our own. Sleeps if need be.
  descriptor* search() noexcept;
  descriptor* search_seeded() noexcept;
  descriptor* steal() noexcept;
  /// Has them publish what they keep to themselves when they look at their guards.
  void ask_victims() noexcept;
  /// Asks other ranks for work, and looks at their messages. Whether a large one is on its way.
  bool seek_elsewhere() noexcept;
};

/// What threads that are no workers have as their front. Its guard is never lowered, so they always
/// take the slow paths, which see that there is no worker. Many of them may store to `head`; it is
/// never followed.
extern constinit front outside_front;

/// The worker that runs this code, or null.
inline worker* this_worker() noexcept { return this_front()->self; }

/// Runs a task that nobody has started here and now, as on a thread that is no worker: what this
/// thread is in the midst of is not its parent.
void run_outside(descriptor& d) noexcept;
/// ... and finishes it.
void run_at_once(descriptor& d) noexcept;
/// The task whose code runs here: the newest entry that has been claimed.
descriptor& running_task() noexcept;
/// Joins its spawned children, all that is above it, youngest first; the eldest that failed.
descriptor* join_children(descriptor& running) noexcept;

/// Where in the program a task is, for reports: its function, or what runs its function object.
std::uintptr_t code_of(const descriptor& d) noexcept;

/// Makes a suspended fiber run again: on its worker if it is tied, otherwise soon and anywhere.
void make_ready(fiber& f) noexcept;

} // namespace torc::detail
