// SPDX-License-Identifier: MIT

// The programs that are executed in every possible way. Thread 0 is worker 0, the owner of the
// children; the others are thieves.

#include <cstdio>
#include <cstring>
#include <ctime>
#include <string>
#include <torc/detail/chunked_loop.hpp>
#include <torc/spawn.hpp>
#include <vector>

#include "explorer.hpp"
#include "scheduler/scheduler.hpp"

using model::sleepers;
using namespace torc::detail;

struct big_position;
template <>
inline constexpr bool torc::detail::moves_atomically<big_position> = false;

namespace {

constexpr int max_children = 4;

struct item;

/// All that a scenario uses. On its heap.
struct {
  scheduler* s;
  item* slots;           ///< places for children; reused
  int* runs;             ///< how often each child has been run
  std::uint32_t* served; ///< children run by thieves
} world;

worker& worker_of(std::size_t i) { return *world.s->workers[i]; }

using body = int (*)(item&);

int failing(item&) { return 0; }

/// What `torc::spawn` makes, but the tester watches its life, argument and result.
struct item : descriptor {
  item(int n, body f, descriptor* parent)
      : descriptor(table), number(n), parent_(parent), f_(f), argument(n + 1) {}
  static void run(descriptor& d) noexcept {
    auto& self = static_cast<item&>(d);
    if (self.seen.load(std::memory_order_relaxed) == visibility::published &&
        self.shared.parent != self.parent_) {
      model::fail("a child has got a wrong parent");
    }
    self.result = self.call();
    self.ended = self.f_ == failing ? outcome::error : outcome::value;
  }
  int call() {
    if (world.runs[number]++ != 0) {
      model::fail("a child is run twice");
    }
    const int x = argument;
    return f_ != nullptr ? f_(*this) + x : x;
  }
  /// As in spawn.hpp.
  int get() {
    int r;
    if (torc::detail::claim(*this_front(), *this)) {
      r = call();
      if (!leave(*this)) {
        leave_slow(*this);
      }
    } else {
      if (ended == outcome::skipped) { // by a thief, because a sibling had failed
        enter(*this_front(), *this);
        run(*this);
        leave_unwinding(*this);
      }
      r = result;
    }
    if (f_ == nullptr && r != number + 1) {
      model::fail("a wrong result");
    }
    return r;
  }

  int number;
  descriptor* parent_;
  body f_;
  watched<int> argument;
  watched<int> result;
  static constexpr task_type table{&run, &finish_child};
};

item& make(int slot, int number, descriptor* parent, body f = nullptr) {
  item& made = *new (&world.slots[slot]) item(number, f, parent);
  push(*this_front(), made);
  return made;
}
void destroy(item& i) { model::end_life(&i); }

descriptor* primary() { return &world.s->primary_; }

// ---- what owners do

void join(item& i) {
  i.get();
  destroy(i);
}

template <int N>
void spawn_and_join() {
  for (int i = 0; i < N; ++i) {
    make(i, i, primary());
  }
  for (int i = N; i-- > 0;) {
    join(world.slots[i]);
  }
}

/// Its sibling, if stolen later, is skipped, and run after all when it is joined.
void one_fails() {
  make(0, 0, primary(), failing);
  make(1, 1, primary());
  join(world.slots[1]);
  join(world.slots[0]);
}

void reuse_the_frame() {
  join(make(0, 0, primary()));
  join(make(0, 1, primary()));
}

int one_child(item& parent) {
  item& child = make(3, 3, &parent);
  const int r = child.get();
  destroy(child);
  return r;
}
void nested() { join(make(0, 0, primary(), one_child)); }
void nested_beside() {
  make(0, 0, primary());
  make(1, 1, primary(), one_child);
  join(world.slots[1]);
  join(world.slots[0]);
}

/// As a coroutine awaits children together (task.hpp and next_slow in join.cpp).
template <std::size_t... Others>
void await_together(std::index_sequence<Others...>) {
  constexpr int last = sizeof...(Others);
  for (int i = 0; i <= last; ++i) {
    new (&world.slots[i]) item(i, nullptr, primary());
  }
  if (!push_and_enter(*this_front(), world.slots[last], world.slots[Others]...)) {
    serve_slow(*this_front());
  }
  world.slots[last].call();
  bool ours = true; // the one before
  for (int i = last; i-- > 0;) {
    item& next = world.slots[i];
    if (ours) {
      ours = retire_and_claim(*this_front(), next) || claim_slow(next);
    } else {
      next.claim.store(claim_state::running, std::memory_order_relaxed);
      ours = claim_slow(next);
    }
    if (ours) {
      next.call();
    } else if (next.result != i + 1) {
      model::fail("a wrong result");
    }
  }
  if (ours) {
    retire(*this_front(), world.slots[0]);
  }
  for (int i = 0; i <= last; ++i) {
    destroy(world.slots[i]);
  }
}
template <int N>
void await_together() {
  await_together(std::make_index_sequence<N - 1>());
}

void join_out_of_order() {
  for (int i = 0; i < 3; ++i) {
    make(i, i, primary());
  }
  for (int i : {0, 2, 1}) {
    join(world.slots[i]);
  }
}

/// The children wait until thieves have run some of them: nobody may sleep while there is work.
template <int N>
void rely_on_thieves() {
  for (int i = 0; i < N; ++i) {
    make(i, i, primary(), [](item& self) {
      if (this_worker()->id != 0) {
        ++*world.served;
      } else if (self.number == N - 1) {
        model::await(world.served);
      }
      return 0;
    });
  }
  for (int i = N; i-- > 0;) {
    join(world.slots[i]);
  }
}

/// An element of a loop.
using position = const int*;
} // namespace
/// One that is taken to be too big to be moved atomically.
struct big_position {
  using value_type = int;
  using difference_type = std::ptrdiff_t;
  const int* at;
  const int& operator*() const { return *at; }
  big_position& operator++() {
    ++at;
    return *this;
  }
  big_position operator++(int) { return {at++}; }
  bool operator==(const big_position&) const = default;
};
namespace {

/// Elements that are to be seen once, and in order.
template <class It>
struct in_order {
  using sum = int;
  sum start(It at) {
    if (world.runs[*at]++ != 0) {
      model::fail("an element is taken twice");
    }
    return *at + 1;
  }
  void add(sum& s, It at) { s = 10 * s + start(at); }
  sum combine(sum left, sum right) {
    return (right < 10 ? 10 : right < 100 ? 100 : 1000) * left + right;
  }
};

constexpr int elements[] = {0, 1, 2, 3};
constexpr int in_order_sums[] = {0, 1, 12, 123, 1234};
template <class It, int N>
void go_through() {
  chunked_loop<It, in_order<It>, single_elements> loop({}, {});
  if (loop.run(0, It{elements}, It{elements + N}) != in_order_sums[N]) {
    model::fail("a wrong sum");
  }
}
/// Of a filter's elements those that are not negative.
struct kept_in_order : in_order<position> {
  bool keeps(position at) { return *at >= 0; }
};
/// So many between two that count that the front is moved among them.
constexpr int few_elements[18] = {0,  -1, -1, -1, -1, -1, -1, -1, -1,
                                  -1, -1, -1, -1, -1, -1, -1, -1, 1};
void go_through_filtered() {
  chunked_loop<position, kept_in_order, single_elements> loop({}, {});
  if (loop.run(0, few_elements, few_elements + 18) != 12) {
    model::fail("a wrong sum");
  }
}

// ---- what thieves do

void ask() {
  for (worker* victim : this_worker()->victims) {
    if (!victim->own.guard.load(std::memory_order_relaxed)) {
      victim->own.guard.store(true, std::memory_order_relaxed);
    }
  }
}
void force() { world.s->force_publication(worker_of(0)); }
descriptor* steal() { return this_worker()->steal(); }
void run(descriptor* d) {
  if (d != nullptr) {
    this_worker()->execute(*d, false);
  }
}

void asking_thief() {
  ask();
  run(steal());
  run(steal());
}
void forcing_thief() {
  force();
  run(steal());
}
void forcing_thief_twice() {
  forcing_thief();
  forcing_thief();
}
void publisher() {
  force();
  force();
}
/// Publishes again while it holds a child whose parent may be about to wait for it.
void thief_forcing_while_it_holds_a_child() {
  force();
  descriptor* d = steal();
  force();
  run(d);
}

/// A worker's whole life: searches with real patience, sleeps, is woken, ends when all stop.
void whole_worker() { switch_to(*world.s->fibers.acquire(), {}); }
/// What scheduler::stop does, on worker 0.
void stop() {
  pop(worker_of(0).own, *primary());
  world.s->stopping_.store(true, std::memory_order_release);
  for (const auto& w : world.s->workers) {
    world.s->wake(*w);
  }
}

// ---- setting up

/// A worker's loop where worker 0 does not search while it waits for its children.
void loop_of_focused_owner() {
  for (;;) {
    worker& w = *this_worker();
    if (w.id != 0) {
      worker::loop();
    }
    model::await(reinterpret_cast<const std::uint32_t*>(&w.shared.mine));
    if (fiber* f = w.next_ready()) {
      switch_to(*f,
                {[](fiber& left, void* pool) { static_cast<fiber_pool*>(pool)->release(&left); },
                 &w.owner.fibers});
    }
  }
}

void name_descriptor(descriptor& d, const std::string& name) {
  model::add_name(&d, name);
  model::add_name(&d.prev, name + ".prev");
  model::add_name(&d.claim, name + ".claim");
  model::add_name(&d.seen, name + ".seen");
  model::add_name(&d.child_failed, name + ".child_failed");
  model::add_name(&d.shared.home, name + ".home");
  model::add_name(&d.shared.waiter, name + ".waiter");
}

void set_up(int workers, int fibers, void (*loop)()) {
  configuration c;
  c.workers = workers;
  c.stack_size = 64 << 10;
  world.s = new scheduler(c);
  scheduler& s = *world.s;
  s.sleepers_.reserve(4);
  if (loop != nullptr) {
    s.fibers.entry_ = loop;
  }
  world.slots = static_cast<item*>(operator new(max_children * sizeof(item)));
  std::memset(static_cast<void*>(world.slots), model::dead_byte, max_children * sizeof(item));
  world.runs = new int[max_children]();
  world.served = new std::uint32_t(0);
  heavy_barrier(); // registers itself the first time
  for (int i = 0; i < max_children; ++i) {
    name_descriptor(world.slots[i], "child" + std::to_string(i));
    model::add_name(&world.slots[i].argument, "child" + std::to_string(i) + ".argument");
    model::add_name(&world.slots[i].result, "child" + std::to_string(i) + ".result");
    model::add_mortal(&world.slots[i], sizeof(item));
  }
  name_descriptor(s.primary_, "primary");
  model::add_name(&s.searching_, "searching");
  model::add_name(&s.sleeping_, "sleeping");
  model::add_name(&s.stopping_, "stopping");
  model::add_name(&s.sleep_lock_, "sleep_lock");
  model::add_name(&s.ready_lock_, "ready_lock");
  model::add_name(&s.any_ready_, "any_ready");
  for (std::size_t i = 0; i < s.workers.size(); ++i) {
    worker& w = *s.workers[i];
    const std::string name = "worker" + std::to_string(i);
    model::add_name(&w.own.head, name + ".head");
    model::add_name(&w.own.guard, name + ".guard");
    model::add_name(&w.shared.lock, name + ".lock");
    model::add_name(&w.shared, name + ".queue");
    model::add_name(&w.shared.available, name + ".available");
    model::add_name(&w.shared.mine, name + ".mine");
    model::add_name(&w.asleep, name + ".asleep");
    s.become(w);
    w.native->tied = &w;
    model::set_front(i, &w.own, &w.native->context);
    w.own.guard.store(false);
  }
  enter(worker_of(0).own, s.primary_);
  std::vector<fiber*> pool;
  for (int i = 0; i < fibers; ++i) {
    fiber* f = s.fibers.acquire();
    model::add_stack(f->mapping, f->frame_base, &f->context);
    pool.push_back(f);
  }
  for (fiber* f : pool) {
    s.fibers.release(f);
  }
  model::add_constant(&s.seeded, &s.outside);
}

template <int Workers>
void focused() {
  set_up(Workers, Workers, loop_of_focused_owner);
}
template <int Workers>
void whole() {
  set_up(Workers, Workers + 1, nullptr);
}

const char* all_run_once() {
  for (int i = 0; i < max_children; ++i) {
    if (world.runs[i] > 1) {
      return "a child has been run twice";
    }
  }
  const descriptor* head = worker_of(0).own.head.value_;
  if (head != nullptr && head != primary()) {
    return "something is left on the owner's stack";
  }
  return nullptr;
}

/// Statistics change nothing.
void tidy() {
  for (const auto& w : world.s->workers) {
    for (auto* n : {&w->statistics.stolen, &w->statistics.suspended, &w->statistics.idle_ns,
                    &w->own.tasks_run}) {
      n->value_ = 0;
    }
    w->forced_next %= w->victims.size();
  }
}

} // namespace

torc::detail::scheduler* torc::detail::current_scheduler() noexcept { return world.s; }
torc::detail::scheduler* torc::detail::use_scheduler(scheduler*) noexcept { return nullptr; }
torc::detail::session_use::session_use() noexcept : counted_(false) {}
torc::detail::session_use::~session_use() = default;

namespace {

struct entry : model::scenario {
  bool big; ///< only with --long
};

entry small(const char* name, const char* about, void (*owner)(), void (*thief)(),
            void (*third)() = nullptr, bool big = false) {
  if (third != nullptr) {
    return {{name, about, focused<3>, {owner, thief, third}, all_run_once, sleepers::no, tidy},
            big};
  }
  return {{name, about, focused<2>, {owner, thief}, all_run_once, sleepers::no, tidy}, big};
}
entry idle(const char* name, const char* about, void (*setup)(), void (*owner)(),
           bool big = false) {
  return {{name, about, setup, {owner, whole_worker}, all_run_once, sleepers::yes, tidy}, big};
}

std::vector<entry> scenarios() {
  return {
      small("ask1", "1 child; a thief asks, steals twice", spawn_and_join<1>, asking_thief),
      small("ask2", "2 children; the same", spawn_and_join<2>, asking_thief),
      small("ask3", "3 children; the same", spawn_and_join<3>, asking_thief),
      small("force1", "1 child; a thief forces and steals, twice", spawn_and_join<1>,
            forcing_thief_twice),
      small("force2", "2 children; the same", spawn_and_join<2>, forcing_thief_twice),
      small("force3", "3 children; the same", spawn_and_join<3>, forcing_thief_twice),
      small("reuse", "a child dies, another takes its place; the same", reuse_the_frame,
            forcing_thief_twice),
      small("nested", "a child and its child; the same", nested, forcing_thief_twice),
      small("beside", "a child beside a nested one; the same", nested_beside, forcing_thief_twice),
      small("await2", "2 children awaited together; a thief asks, steals twice", await_together<2>,
            asking_thief),
      small("await3", "3 children awaited together; a thief forces and steals, twice",
            await_together<3>, forcing_thief_twice),
      small("order", "3 children joined out of order; the same", join_out_of_order,
            forcing_thief_twice),
      small("fails", "a child fails, its sibling may be skipped; the same", one_fails,
            forcing_thief_twice),
      small("loop2", "a loop over 2 elements; a thief asks, steals twice", go_through<position, 2>,
            asking_thief),
      small("loop3", "a loop over 3 elements; a thief forces and steals, twice",
            go_through<position, 3>, forcing_thief_twice),
      small("loop_big", "the same, of positions that are not atomic", go_through<big_position, 3>,
            forcing_thief_twice),
      small("filtered", "a loop over 18 elements of which 2 count; the same", go_through_filtered,
            forcing_thief_twice),
      small("suspend", "2 children; a thief steals one, forces again, runs it", spawn_and_join<2>,
            thief_forcing_while_it_holds_a_child),
      small("thieves", "1 child; one thief asks, another forces", spawn_and_join<1>, asking_thief,
            forcing_thief),
      small("walk", "1 child; a forcing thief, another only publishes", spawn_and_join<1>,
            forcing_thief, publisher),
      {{"stop",
        "the end of a session",
        whole<2>,
        {stop, whole_worker},
        all_run_once,
        sleepers::no,
        tidy},
       false},
      idle("sleep1", "1 child; the other worker searches, sleeps, wakes", focused<2>,
           spawn_and_join<1>),
      idle("wake", "2 children; one waits for a thief to run the other", focused<2>,
           rely_on_thieves<2>),
      idle("sleep2", "2 children; the other worker searches, sleeps, wakes", focused<2>,
           spawn_and_join<2>, true),
      idle("whole1", "1 child; both workers search, sleep, wake", whole<2>, spawn_and_join<1>,
           true),
      small("walk2", "2 children; a forcing thief, another only publishes", spawn_and_join<2>,
            forcing_thief, publisher, true),
      small("thieves2", "2 children; one thief asks, another forces", spawn_and_join<2>,
            asking_thief, forcing_thief, true),
  };
}

void print(const entry& s, const model::result& r, double seconds) {
  std::printf("%-9s%-55s%9zu states %9zu steps %8.1e executions %5.1f s, %s\n", s.name, s.about,
              r.states, r.steps, r.executions, seconds,
              !r.error.empty() ? "FAILED"
              : r.cycles != 0  ? "exhausted but for cycles"
              : r.complete     ? "exhausted"
                               : "NOT exhausted");
  if (!r.error.empty()) {
    std::printf("%s: %s\nreplay with: model %s '%s'\n", s.name, r.error.c_str(), s.name,
                r.choices.c_str());
  }
  std::fflush(stdout);
}

} // namespace

/// model [--all-steps] [--long | scenario [choices]]
int main(int argc, char** argv) {
  if (argc > 1 && std::strcmp(argv[1], "--all-steps") == 0) {
    model::all_steps = true;
    --argc;
    ++argv;
  }
  const std::string which = argc > 1 ? argv[1] : "";
  bool ok = true;
  for (const entry& s : scenarios()) {
    if (which == s.name || which == "--long" || (which.empty() && !s.big)) {
      const std::clock_t begin = std::clock();
      const model::result r = model::explore(s, 50'000'000);
      print(s, r, static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC);
      ok = ok && r.error.empty() && r.complete;
      if (const std::string choices = argc > 2 ? argv[2] : r.choices; !choices.empty()) {
        model::replay(s, choices);
      }
    }
  }
  return ok ? 0 : 1;
}
