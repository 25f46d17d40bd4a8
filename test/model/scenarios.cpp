// SPDX-License-Identifier: MIT

// The programs that are executed in every possible way. Thread 0 is worker 0, the owner of the
// children; the others are thieves.

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <torc/spawn.hpp>

#include "explorer.hpp"
#include "scheduler/scheduler.hpp"

using model::sleepers;
using namespace torc::detail;

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

/// What `torc::spawn` makes, but the tester watches its life, argument and result.
struct item : descriptor {
  item(int n, body f, descriptor* parent)
      : descriptor(table), number(n), parent_(parent), f_(f), argument(n + 1) {
    push(*this_front(), *this);
  }
  static void run(descriptor& d) noexcept {
    auto& self = static_cast<item&>(d);
    if (self.seen.load(std::memory_order_relaxed) == visibility::published &&
        self.shared.parent != self.parent_) {
      model::fail("a child has got a wrong parent");
    }
    self.result = self.call();
    self.ended = outcome::value;
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
      leave(*this);
    } else {
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
  return *new (&world.slots[slot]) item(number, f, parent);
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
  force();
  run(steal());
  force();
  run(steal());
}
/// Publishes again while it holds a child whose parent may be about to wait for it.
void thief_forcing_while_it_holds_a_child() {
  force();
  descriptor* d = steal();
  force();
  run(d);
}
void patient_thief() { run(steal()); }

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

/// What a fiber of worker 0 does in a scenario where only the children it waits for bring it work.
void wait_for_ready_fibers() {
  for (;;) {
    worker& w = *this_worker();
    model::await(reinterpret_cast<const std::uint32_t*>(&w.shared.mine));
    if (fiber* f = w.next_ready()) {
      switch_to(*f, {[](fiber& left, void* pool) { static_cast<fiber_pool*>(pool)->release(&left); },
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
  set_up(Workers, 1, wait_for_ready_fibers);
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
void forget_statistics() {
  for (const auto& w : world.s->workers) {
    w->statistics = {};
    w->random %= w->victims.size();
  }
}

} // namespace

torc::detail::scheduler* torc::detail::current_scheduler() noexcept { return world.s; }

namespace {

const std::vector<model::scenario>& scenarios() {
  static const std::vector<model::scenario> all = {
      {"ask1", "1 child, thief asks", focused<2>, {spawn_and_join<1>, asking_thief}, all_run_once, sleepers::no, forget_statistics},
      {"ask2", "2 children, thief asks", focused<2>, {spawn_and_join<2>, asking_thief}, all_run_once, sleepers::no, forget_statistics},
      {"ask3", "3 children, thief asks", focused<2>, {spawn_and_join<3>, asking_thief}, all_run_once, sleepers::no, forget_statistics},
      {"force1", "1 child, thief forces", focused<2>, {spawn_and_join<1>, forcing_thief_twice}, all_run_once, sleepers::no, forget_statistics},
      {"force2", "2 children, thief forces", focused<2>, {spawn_and_join<2>, forcing_thief_twice}, all_run_once, sleepers::no, forget_statistics},
      {"force3", "3 children, thief forces", focused<2>, {spawn_and_join<3>, forcing_thief_twice}, all_run_once, sleepers::no, forget_statistics},
      {"reuse", "a frame dies, another is made at the same place", focused<2>, {reuse_the_frame, forcing_thief_twice}, all_run_once, sleepers::no, forget_statistics},
      {"nested", "", focused<2>, {nested, forcing_thief_twice}, all_run_once, sleepers::no, forget_statistics},
      {"nested2", "", focused<2>, {nested_beside, forcing_thief_twice}, all_run_once, sleepers::no, forget_statistics},
      {"order", "", focused<2>, {join_out_of_order, forcing_thief_twice}, all_run_once, sleepers::no, forget_statistics},
      {"suspend", "", focused<2>, {spawn_and_join<2>, thief_forcing_while_it_holds_a_child}, all_run_once, sleepers::no, forget_statistics},
      {"stop", "", whole<2>, {stop, whole_worker}, all_run_once, sleepers::no, forget_statistics},
      {"whole1", "", whole<2>, {spawn_and_join<1>, whole_worker}, all_run_once, sleepers::yes, forget_statistics},
      {"wake", "", whole<2>, {rely_on_thieves<2>, whole_worker}, all_run_once, sleepers::yes, forget_statistics},
      {"whole2", "", whole<2>, {spawn_and_join<2>, whole_worker}, all_run_once, sleepers::yes, forget_statistics},
      {"thieves", "", focused<3>, {spawn_and_join<1>, asking_thief, forcing_thief}, all_run_once, sleepers::no, forget_statistics},
  };
  return all;
}

} // namespace

int main(int argc, char** argv) {
  bool ok = true;
  for (const model::scenario& s : scenarios()) {
    if (argc > 1 && std::strcmp(argv[1], s.name) != 0) {
      continue;
    }
    if (argc > 2) {
      model::replay(s, argv[2]);
      continue;
    }
    const std::clock_t begin = std::clock();
    const model::result r = model::explore(s, 20'000'000);
    std::printf("%-10s %9zu states %10zu steps %8zu final %zu cycles %zu restarts  %.2g executions %6.2f s %s\n",
                s.name, r.states, r.steps, r.final_states, r.cycles, r.restarts, r.executions,
                static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC,
                r.complete ? "" : "INCOMPLETE");
    std::fflush(stdout);
    if (!r.error.empty()) {
      std::printf("%s: %s\n  choices %s\n", s.name, r.error.c_str(), r.choices.c_str());
      model::replay(s, r.choices);
      ok = false;
    }
  }
  return ok ? 0 : 1;
}
