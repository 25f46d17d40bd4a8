// SPDX-License-Identifier: MIT
// The protocol in many small simulated worlds: messages are delayed and overtake each other, tasks
// have priorities, stealing is switched on and off. TORC_WORLDS=N for more worlds.

#include <cstdlib>
#include <gtest/gtest.h>
#include <ostream>
#include <string>
#include <torc/bytes.hpp>

#include "simulation/world.hpp"

namespace {

using namespace torc::simulation;

/// Everything that is drawn, so that it can be made smaller.
struct small_world {
  std::uint64_t seed = 0;
  int ranks = 2, per_host = 1, root = 0;
  int tasks = 1;
  int delay = 1;      ///< of a message, at most
  int priorities = 1; ///< how many there are
  int sent = 0;       ///< percent of the tasks: submitted to some rank
  int switches = 0;   ///< how often stealing is switched on or off somewhere
  int wait = 0;       ///< until the first task has children; all others are silent then
  int suspicion = 0;  ///< how often rank 0 looks for a deadlock; 0: never
  int stuck = 0;      ///< one of so many tasks waits for ever; 0: none
  bool early = false; ///< the ranks may part while tasks run
  double lost = 0;    ///< of the messages
  bool operator==(const small_world&) const = default;
};

std::ostream& operator<<(std::ostream& out, const small_world& w) {
  return out << "{.seed = " << w.seed << ", .ranks = " << w.ranks << ", .per_host = " << w.per_host
             << ", .root = " << w.root << ", .tasks = " << w.tasks << ", .delay = " << w.delay
             << ", .priorities = " << w.priorities << ", .sent = " << w.sent
             << ", .switches = " << w.switches << ", .wait = " << w.wait
             << ", .suspicion = " << w.suspicion << ", .stuck = " << w.stuck
             << ", .early = " << w.early << ", .lost = " << w.lost << "}";
}

small_world draw(std::uint64_t seed) {
  generator random(seed);
  small_world w{.seed = seed, .ranks = random.between(2, 9)};
  w.per_host = random.between(1, w.ranks);
  w.root = random.between(0, w.ranks - 1);
  w.tasks = random.between(1, 200);
  w.delay = random.below(4) == 0 ? 1 : random.between(1, 300);
  w.priorities = random.between(1, 3);
  w.sent = random.below(2) == 0 ? 0 : random.between(1, 30);
  w.switches = random.below(3) == 0 ? random.between(1, 6) : 0;
  w.early = random.below(2) == 0;
  return w;
}

/// A task has the number of tasks it and those below it are, which it splits among children.
class random_tree : public workload {
public:
  explicit random_tree(const small_world& w)
      : world_(w), random_(w.seed + 1), ran(static_cast<std::size_t>(w.tasks)) {}

  task first() override { return {.what = {0, static_cast<std::uint32_t>(world_.tasks)}}; }
  nanoseconds run(const task& t, worker& w) override {
    const auto [number, size] = std::pair(t.what[0], t.what[1]);
    ++ran[number];
    if (number == 0 && size > 1 && world_.wait > 0 && !waited_) {
      --ran[0];
      waited_ = true;
      w.then(t);
      return world_.wait;
    }
    if (world_.stuck > 0 && number % static_cast<unsigned>(world_.stuck) == 0) {
      w.wait_for_ever();
    }
    std::uint32_t next = number + 1;
    for (std::uint32_t left = size - 1; left > 0;) {
      const auto part = world_.wait > 0 ? 1 : 1 + static_cast<std::uint32_t>(random_.below(left));
      task child{.what = {next, part}};
      if (random_.below(100) < world_.sent) {
        child.priority = static_cast<std::uint8_t>(random_.below(world_.priorities));
        child.pinned = random_.below(4) == 0;
        w.submit(random_.between(0, world_.ranks - 1), child);
      } else {
        w.spawn(child);
      }
      next += part;
      left -= part;
    }
    return 1 + random_.below(100);
  }

private:
  const small_world world_;
  generator random_;
  bool waited_ = false;

public:
  std::vector<int> ran; ///< by task
};

machine machine_of(const small_world& w) {
  const torc::simulation::link at_once{1, 0, 0, 0};
  return {.ranks = w.ranks,
          .per_host = w.per_host,
          .near = at_once,
          .far = at_once,
          .jitter = w.delay - 1,
          .lost = w.lost,
          .answer_fine = 1,
          .answer_long = 1,
          .tick = 1 + w.delay % 50,
          .tick_far = 1 + w.delay % 70,
          .answer_idle = 0,
          .search = 100,
          .wake = 5,
          .tick_idle = 20,
          .start = 0,
          .pack = 0};
}

/// What is wrong with the world; empty if nothing is.
std::string fault(const small_world& w) {
  random_tree tree(w);
  generator random(w.seed + 2);
  world sim(machine_of(w), tree, w.seed);
  for (int i = 0; i < w.switches; ++i) {
    sim.at(random.below(2000), random.between(0, w.ranks - 1),
           random.below(2) == 0 ? event_kind::stealing_on : event_kind::stealing_off);
  }
  for (int r = 0; w.early && r < w.ranks; ++r) {
    if (r != w.root) {
      sim.at(random.below(500), r, event_kind::leaves);
    }
  }
  for (nanoseconds at = w.suspicion, i = 0; w.suspicion > 0 && i < 100; ++i, at += w.suspicion) {
    sim.at(at, 0, event_kind::suspects);
  }
  // A rank gives up after eight attempts, until it is given something; parting takes two a rank.
  const int most_messages = (40 + (w.suspicion > 0 ? 200 : 0)) * (w.ranks + w.tasks);
  outcome out;
  try {
    out = sim.run(w.root, 100u * static_cast<unsigned>(w.ranks + w.tasks + 10));
  } catch (const torc::bad_message& e) {
    return e.what();
  }
  if (w.stuck > 0) {
    return out.ended >= 0 || out.deadlocked < 0 ? "a deadlock is not found" : "";
  }
  if (out.deadlocked >= 0) return "a deadlock is found where there is none";
  for (const int times : tree.ran) {
    if (times != 1) {
      return "a task ran " + std::to_string(times) + " times";
    }
  }
  if (out.wrong != nullptr) return out.wrong;
  if (out.ended < 0) return "the first task does not end";
  if (out.closed < out.ended) return "the ranks do not part";
  if (out.messages > static_cast<unsigned>(most_messages)) return "too many messages";
  for (int r = 0; r < w.ranks; ++r) {
    rank& one = sim.of(r);
    if (one.busy() || one.has_tasks() || one.away() != 0 || one.state_machine().asked() >= 0) {
      return "rank " + std::to_string(r) + " still has something to do";
    }
    if (w.wait > 0 && one.run < 5) { // of a hundred
      return "rank " + std::to_string(r) + " has starved";
    }
  }
  return {};
}

/// The smallest world like `w` that is still wrong.
small_world shrink(small_world w) {
  for (bool smaller = true; smaller;) {
    smaller = false;
    const auto try_one = [&](small_world other) {
      if (!(other == w) && !fault(other).empty()) {
        w = other;
        smaller = true;
      }
    };
    for (int small_world::*number :
         {&small_world::tasks, &small_world::delay, &small_world::priorities, &small_world::sent,
          &small_world::switches, &small_world::per_host}) {
      const int least = number == &small_world::sent || number == &small_world::switches ? 0 : 1;
      for (int value : {least, w.*number / 2, w.*number - 1}) {
        small_world other = w;
        other.*number = std::max(value, least);
        try_one(other);
      }
    }
    small_world fewer = w;
    fewer.ranks = std::max(2, w.ranks - 1);
    fewer.root = std::min(w.root, fewer.ranks - 1);
    try_one(fewer);
    small_world late = w;
    late.early = false;
    try_one(late);
  }
  return w;
}

std::uint64_t worlds(std::uint64_t usual) {
  const char* const n = std::getenv("TORC_WORLDS");
  return n != nullptr ? std::strtoull(n, nullptr, 10) : usual;
}

void expect_right(const small_world& w) {
  if (const std::string wrong = fault(w); !wrong.empty()) {
    const small_world least = shrink(w);
    ADD_FAILURE() << wrong << " in the world " << w << "\n"
                  << fault(least) << " in the smaller world " << least;
  }
}

TEST(protocol, keeps_every_task_and_ends) {
  for (std::uint64_t seed = 1; seed <= worlds(2'000) && !HasFailure(); ++seed) {
    expect_right(draw(seed));
  }
}

/// While one rank has plenty, no other one stays without for long, even if all had given up before.
TEST(protocol, lets_nobody_starve) {
  for (std::uint64_t seed = 1; seed <= worlds(2'000) / 5 && !HasFailure(); ++seed) {
    small_world w = draw(seed);
    w.tasks = 100 * w.ranks;
    w.sent = w.switches = 0;
    w.delay = std::min(w.delay, 50);
    w.early = false;
    w.wait = 20'000;
    expect_right(w);
  }
}

/// However often it looks, and while messages are on their way.
TEST(protocol, finds_no_deadlock_where_there_is_none) {
  for (std::uint64_t seed = 1; seed <= worlds(2'000) && !HasFailure(); ++seed) {
    small_world w = draw(seed);
    w.suspicion = 1 + static_cast<int>(seed % 700);
    expect_right(w);
  }
}

/// Wherever tasks wait for ever, be it the first one alone, when all others have ended.
TEST(protocol, finds_every_deadlock) {
  for (std::uint64_t seed = 1; seed <= worlds(2'000) && !HasFailure(); ++seed) {
    small_world w = draw(seed);
    w.stuck = 1 + static_cast<int>(seed % 50);
    w.suspicion = 5'000;
    w.early = false;
    expect_right(w);
  }
}

TEST(protocol, is_simulated_alike_again) {
  const auto run = [] {
    small_world w = draw(7);
    random_tree tree(w);
    return world(machine_of(w), tree, w.seed).run(w.root);
  };
  const outcome a = run(), b = run();
  EXPECT_EQ(a.ended, b.ended);
  EXPECT_EQ(a.closed, b.closed);
  EXPECT_EQ(a.events, b.events);
  EXPECT_EQ(a.messages, b.messages);
}

/// With messages lost something is wrong soon, and fewer tasks will do to show it.
TEST(protocol, worlds_that_fail_shrink) {
  small_world w = draw(3);
  w.lost = 0.2;
  ASSERT_NE(fault(w), "");
  const small_world least = shrink(w);
  EXPECT_NE(fault(least), "");
  EXPECT_LT(least.tasks, 20);
  EXPECT_LE(least.ranks, w.ranks);
  EXPECT_EQ(fault(least), fault(least)) << "and replays";
}

/// Wherever a rank dies, that is what the job ends with, and not much later.
TEST(protocol, a_dead_rank_ends_the_job) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    small_world w = draw(seed);
    w.wait = 1000;
    random_tree tree(w);
    machine m = machine_of(w);
    m.detect = 5000;
    world sim(m, tree, w.seed);
    const int dead = static_cast<int>(seed % static_cast<unsigned>(w.ranks));
    sim.at(500, dead, event_kind::dies);
    const outcome out = sim.run(w.root, 1'000'000);
    EXPECT_EQ(out.lost_rank, dead);
    EXPECT_LT(out.events, 100'000u);
  }
}

} // namespace
