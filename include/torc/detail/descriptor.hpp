// SPDX-License-Identifier: MIT
#pragma once

// A task as the scheduler sees it, and the owner's side of work stealing.
//
// Every fiber keeps one stack of descriptors, linked through `prev` with its newest entry in
// `front::head`. It is the work queue and the task hierarchy in one: an entry is either pending
// (a spawned child nobody has started) or claimed (a task that runs on this fiber, the parent of
// the pending entries above it). A descriptor lives where its task is made, most often in the frame
// of the task that spawns.
//
// Only the owner writes `head`, without fence or atomic read-modify-write. Thieves never look at
// this stack: they take from the worker's public queue (src/scheduler/queue.hpp), and `guard`
// tells the owner that somebody wants more of it to be public. A thief that gets no answer sets
// the guard, holds the queue's lock, makes every thread pass a fence, and publishes by itself.
//
// The argument, for owner O and such a publisher P:
//   O joins d:   claimed(d) := 1;  light_barrier;  read guard, then visibility(d)
//   O leaves d:  head := prev(d);  light_barrier;  read guard      (d's frame dies afterwards)
//   P:           lock;  guard := 1;  heavy_barrier;  walk from head, publish what is unclaimed;
//                guard := 0;  unlock
// Each store of O is either before P's barrier, and P sees it, or after it, and then O's read of
// guard yields 1 and O waits for the lock, or 0 because P has finished, and then O sees what P
// made visible. So no entry is both run by O as private and published, and no entry that P reads
// dies under it. test/model checks this by exhausting the interleavings, store buffers included.

#include <cstddef>
#include <exception>
#include <memory>
#include <torc/detail/platform.hpp>

namespace torc {
class reader;
class writer;
} // namespace torc

namespace torc::detail {

struct descriptor;
struct fiber;
struct queue;
struct remote_type;
struct stop_scope;
struct worker;

/// What is known of a task statically. Three say how it runs on another rank
/// (torc/detail/remote.hpp); they are null for one that cannot leave the process.
struct task_type {
  void (*run)(descriptor&) noexcept;    ///< runs the task, stores result or exception in it
  void (*finish)(descriptor&) noexcept; ///< tells whoever waits; the descriptor may die in it
  const remote_type* remote = nullptr;  ///< what the other rank makes of it
  void (*save)(const descriptor&, writer&) = nullptr; ///< writes callable and arguments
  /// Takes the result from the other rank; without a reader: it failed there.
  void (*take_result)(descriptor&, reader*) = nullptr;
  /// The function it calls, for reports; null: a function object, which `run` stands for.
  any_function (*code)(const descriptor&) noexcept = nullptr;
};

/// How a task ended; from `error` on without a result.
enum class outcome : std::uint8_t {
  none,    ///< not yet, or its result has been taken
  value,   ///< the descriptor holds a result
  error,   ///< ... an exception
  thrown,  ///< ... an exception that sync() has thrown already
  skipped, ///< not run, because a sibling had failed or it was stopped
};

/// The owner's view of an entry.
enum class claim_state : std::uint8_t {
  pending, ///< not joined yet
  running, ///< runs on this fiber, or is being joined; in the stack, or was until it ended
  joined,  ///< out of the stack; holds an outcome
  empty,   ///< out of the stack; its outcome has been taken
};

/// How a task is awaited by a coroutine, so what runs when it has ended.
enum class await_kind : std::uint8_t {
  directly,      ///< by the entry below, or with that one if it is pending: this goes on
  after_submits, ///< the same, once the tasks it has submitted have been joined
  after_failure, ///< `directly`, with the one below, which is to be skipped as this one has failed
  above_others,  ///< by its `parent`, with other children of that in between; the parent goes on
  alone,         ///< the same, but nothing runs in parallel to it
};

/// The thieves' view of an entry.
enum class visibility : std::uint8_t {
  owner_only, ///< no other thread knows it
  published,  ///< put into a queue, and perhaps taken from there
  passed,     ///< claimed when a publisher came by: it and all older entries need no second visit
};

struct descriptor {
  const task_type* type;     ///< not set of one that is never pending
  watched<descriptor*> prev; ///< next older entry of the fiber's stack

  atomic<claim_state> claim{claim_state::pending};
  atomic<visibility> seen{visibility::owner_only};
  outcome ended = outcome::none;
  await_kind awaited_as = await_kind::directly;
  atomic<bool> child_failed{false}; ///< of a running entry: do not start more of its children
  /// Of a child: its destructor has nothing to do. Of a coroutine: no other one awaits it. Not
  /// atomic, so that after an inlined `get` the compiler knows that it is true.
  bool released = false;
  bool stays = false;           ///< must not go to another rank any more
  std::uint8_t submits : 1 = 0; ///< no task, but the counter of submitted children (submit_counter)
  std::uint8_t group : 1 = 0;   ///< no task, but a group (group_scope)
  // Of submitted tasks:
  std::uint8_t level : 5 = 0; ///< its priority
  std::uint8_t uncounted : 1 = 0;
  // The above are one word, and zero at first, so that compilers initialise them by one store.

  /// Constructed when the entry is published, so that a spawn does not pay for it.
  struct shared_part {
    descriptor* older = nullptr;
    descriptor* newer = nullptr;
    descriptor* parent = nullptr;  ///< the running entry it is a child of
    atomic<queue*> home{nullptr};  ///< the queue that holds it; null once taken
    atomic<void*> waiter{nullptr}; ///< baton of the joining parent, or `finished()`
  };
  union {
    shared_part shared;
  };
  union {
    std::exception_ptr error; ///< alive if `ended` is `error` or `thrown`
    stop_scope* within;       ///< until it has ended, once published: what stops it; may be null
  };

  descriptor() noexcept {}
  explicit descriptor(const task_type& t) noexcept : type(&t) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() {}

  void fail(std::exception_ptr e) noexcept {
    std::construct_at(&error, std::move(e));
    ended = outcome::error;
  }
  std::exception_ptr take_error() noexcept {
    std::exception_ptr e = std::move(error);
    std::destroy_at(&error);
    ended = outcome::none;
    return e;
  }
  /// The value of `waiter` when the task has ended.
  static void* finished() noexcept { return reinterpret_cast<void*>(1); }
};

/// Where the stack of coroutine frames of a thread without one begins and ends.
inline constinit char no_frames = 0;

/// The part of a worker that its own fast paths touch: one cache line; and what others see of it.
struct alignas(64) front {
  atomic<descriptor*> head{nullptr};
  atomic<bool> guard{true};
  char* frame_top = &no_frames;   ///< coroutine frames of the running fiber: next free byte,
  char* frame_limit = &no_frames; ///< and the end of their stack
  fiber* running = nullptr;
  worker* self = nullptr;             ///< null: this thread is no worker
  atomic<std::uint64_t> tasks_run{0}; ///< for the statistics

  /// Where in the program the task is that it has begun last, other than in the place of a join; 0:
  /// it looks for one.
  alignas(64) atomic<std::uintptr_t> begun{0};
};

// The slow paths (src/scheduler/join.cpp).
void serve_slow(front& f) noexcept;
bool claim_slow(descriptor& d) noexcept;
bool claim_any(descriptor& d) noexcept;
void leave_slow(descriptor& d);

/// Owner: keeps the child `d`, which need not be the newest entry, pending, and makes it private
/// again if nobody wants work. False: somebody has started it, or its task is stopped. What the
/// owner has stored before the call is what a thief will find.
bool keep_pending(descriptor& d) noexcept;

/// Waits for the children that the running task has submitted; null or the first exception.
std::exception_ptr join_submitted() noexcept;

/// Joins `d`, if that has not been done, and keeps its outcome in it. With `skip` a child that
/// nobody has started is not run; otherwise one that has been skipped is.
void settle(descriptor& d, bool skip) noexcept;

/// Throws what the joined child `d`, which has no result, ended with.
[[noreturn]] void rethrow_failure(descriptor& d);

/// Throws the error of who asks a child twice.
[[noreturn]] void throw_taken();

/// The child `d` that runs on its parent's fiber has failed with `e`.
void child_threw(descriptor& d, const std::exception_ptr& e) noexcept;

/// In a handler of what the child `d` has thrown that was run in place: ends it, and throws that to
/// the parent.
[[noreturn]] void leave_failing(descriptor& d);

/// The failure of a child of the running task has been told: children may start again.
void forget_failure() noexcept;

/// One line on stderr for an exception that nobody can catch any more; `place`: the code that has
/// submitted the task, if that is known.
void report_lost(const std::exception_ptr& error, const void* place = nullptr) noexcept;

/// The exception of tasks that did not run.
const std::exception_ptr& cancelled_error() noexcept;
bool is_cancelled(const std::exception_ptr& error) noexcept;

/// Tells the parent, which may destroy `d` at once, that a spawned child has ended.
void finish_child(descriptor& d) noexcept;

// Where it says so, compilers would make calls of these in programs with many callers, which take
// longer than what they do.

/// Owner: makes `d` the newest pending child of the running task.
[[gnu::always_inline]] inline void push(front& f, descriptor& d) noexcept {
  d.prev = f.head.load(std::memory_order_relaxed);
  f.head.store(address_here(d), std::memory_order_release); // a publisher then sees all of d
  light_barrier();
  if (is_set(f.guard)) [[unlikely]] {
    serve_slow(f);
  }
}

/// Owner: makes the newest entry the running task, unless it is no longer private or somebody
/// wants work. In that case `claim_slow` decides.
inline bool claim_newest(front& f, descriptor& d) noexcept {
  d.claim.store(claim_state::running, std::memory_order_relaxed);
  light_barrier();
  static_assert(visibility::owner_only == visibility{});
  return !is_set(f.guard) && !is_set(d.seen);
}

/// Owner, joining `d`. True: nobody has started it; it is now the running task, so run it and then
/// `leave` it. False: it has been run elsewhere, has ended and is out of the stack. May suspend.
inline bool claim(front& f, descriptor& d) noexcept {
  if (f.head.load(std::memory_order_relaxed) != address_here(d)) [[unlikely]] {
    return claim_any(*address_here(d));
  }
  if (!claim_newest(f, d)) [[unlikely]] {
    return claim_slow(*address_here(d));
  }
  return true;
}

/// Owner: starts to run `d`, which was never pending.
inline void enter(front& f, descriptor& d) noexcept {
  d.prev = f.head.load(std::memory_order_relaxed);
  d.claim.store(claim_state::running, std::memory_order_relaxed);
  f.head.store(&d, std::memory_order_release);
}

/// Owner: makes `children` the newest pending children of the running task and starts to run
/// `last`, their youngest sibling. As `push` for each and `enter`, but others see it at once.
/// False: somebody wants work; call `serve_slow`.
template <class... D>
inline bool push_and_enter(front& f, descriptor& last, D&... children) noexcept {
  descriptor* newest = f.head.load(std::memory_order_relaxed);
  ((children.prev = newest, newest = &children), ...);
  last.prev = newest;
  last.claim.store(claim_state::running, std::memory_order_relaxed);
  f.head.store(&last, std::memory_order_release);
  light_barrier();
  return !is_set(f.guard);
}

/// Owner: takes the newest entry off the stack. False: somebody wants work; `d` may die only after
/// `serve_slow`.
[[gnu::always_inline]] inline bool pop_newest(front& f, descriptor& d) noexcept {
  f.head.store(d.prev, std::memory_order_release);
  light_barrier();
  return !is_set(f.guard);
}

/// Owner: takes the newest entry off the stack; it may die afterwards.
[[gnu::always_inline]] inline void pop(front& f, descriptor& d) noexcept {
  if (!pop_newest(f, d)) [[unlikely]] {
    serve_slow(f);
  }
}

/// Owner: the running task `d` has ended and joined its children.
[[gnu::always_inline]] inline void retire(front& f, descriptor& d) noexcept {
  increment(f.tasks_run);
  pop(f, d);
}

/// Owner: the running task has ended, and `next` is the pending entry below it. As `retire` and
/// `claim_newest`, with one look at the guard for both; if false, nothing may die before
/// `claim_slow` has decided.
inline bool retire_and_claim(front& f, descriptor& next) noexcept {
  increment(f.tasks_run);
  f.head.store(&next, std::memory_order_release);
  return claim_newest(f, next);
}

/// Owner: ends the running task `d`. False: it has submitted children to be joined, or somebody
/// wants work; call `leave_slow`, which throws the first exception of these children.
[[gnu::always_inline]] inline bool leave(descriptor& d) noexcept {
  front& f = *this_front();
  if (f.head.load(std::memory_order_relaxed) != address_here(d)) [[unlikely]] {
    return false;
  }
  increment(f.tasks_run);
  return pop_newest(f, d);
}

/// The same while an exception leaves `d`.
inline void leave_unwinding(descriptor& d) noexcept {
  if (this_front()->head.load(std::memory_order_relaxed) != &d) {
    if (std::exception_ptr error = join_submitted()) {
      report_lost(error);
    }
  }
  retire(*this_front(), d);
}

} // namespace torc::detail
