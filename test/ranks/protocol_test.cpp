// SPDX-License-Identifier: MIT
// The protocol by itself, in a simulation: ranks with abstract tasks, messages that are delayed and
// overtake each other, no threads. TORC_WORLDS=N for more worlds.

#include <algorithm>
#include <cstdlib>
#include <gtest/gtest.h>
#include <memory>
#include <queue>
#include <random>
#include <torc/bytes.hpp>

#include "ranks/protocol.hpp"

namespace {

using torc::detail::header;
using torc::detail::message_kind;
using torc::detail::protocol;
using torc::detail::site;

using count = std::uint64_t;

/// A task runs for a while, then has children, and has ended when they have.
struct task {
  int budget = 0; ///< tasks below and including this one
  int home = 0;   ///< the rank that waits for it
  int parent = -1;
  int pending = 1; ///< itself and children
  int ran_at = -1;
  bool was_away = false; ///< its home waits for a message, perhaps from itself
};

struct simulation;

struct rank final : site {
  rank(simulation& s, int which, const std::vector<int>& hosts, count seed)
      : sim(s), id(which), outgoing(*this, which, hosts, seed) {}

  void send(int to, header h) override;
  int give(int to, bool answer) override;
  bool hungry() override { return tasks.empty() && !busy; }
  bool outstanding() override { return away > 0; }
  void closed() override {
    EXPECT_FALSE(has_closed);
    has_closed = true;
  }

  simulation& sim;
  const int id;
  protocol outgoing;
  std::vector<int> tasks; ///< newest last; the one that runs is the last
  bool busy = false, has_closed = false;
  int away = 0; ///< tasks of ours that others have
};

struct event {
  count time = 0, order = 0;
  int to = 0, from = 0; ///< from -1: the task that runs has ended; -2: a worker looks for work
  header h = {};
  std::vector<int> tasks = {};
  bool operator>(const event& o) const {
    return std::pair(time, order) > std::pair(o.time, o.order);
  }
};

struct simulation {
  simulation(count seed, int size) : random(seed), n(size) {
    const int per_host = draw(1, n);
    std::vector<int> hosts;
    for (int r = 0; r < n; ++r) {
      hosts.push_back(r / per_host);
    }
    most_delay = draw(0, 3) == 0 ? 1 : draw(1, 300);
    for (int r = 0; r < n; ++r) {
      all.push_back(std::make_unique<rank>(*this, r, hosts, seed));
      at(0, {.to = r, .from = -2});
    }
  }

  int draw(int a, int b) { return std::uniform_int_distribution<int>(a, b)(random); }
  task& of_task(int id) { return tasks[static_cast<std::size_t>(id)]; }
  rank& of(int r) { return *all[static_cast<std::size_t>(r)]; }
  void at(count delay, event e) {
    e.time = now + delay;
    e.order = ++events;
    queue.push(std::move(e));
  }

  void start_task(rank& r) {
    if (!r.busy && !r.tasks.empty()) {
      r.busy = true;
      at(static_cast<count>(draw(1, 100)), {.to = r.id, .from = -1});
    }
  }
  /// The running task splits its budget among children, which go to this rank or are sent away.
  void end_task(rank& r) {
    const int id = r.tasks.back();
    r.tasks.pop_back();
    r.busy = false;
    ++executed;
    of_task(id).ran_at = r.id;
    for (int left = of_task(id).budget - 1; left > 0;) {
      const int part = draw(1, left);
      left -= part;
      ++of_task(id).pending;
      send_or_keep(r, add_task(part, r.id, id));
    }
    part_done(id);
  }
  int add_task(int budget, int home, int parent) {
    tasks.push_back({.budget = budget, .home = home, .parent = parent});
    return static_cast<int>(tasks.size()) - 1;
  }
  void send_or_keep(rank& r, int id) {
    const int to = draw(0, 19) == 0 ? draw(0, n - 1) : r.id;
    if (to == r.id) {
      r.tasks.insert(r.tasks.begin() + draw(0, static_cast<int>(r.tasks.size())), id);
    } else {
      ++r.away;
      of_task(id).was_away = true;
      at(delay(), {.to = to,
                   .from = r.id,
                   .h = {.what = message_kind::submission, .count = 1},
                   .tasks = {id}});
    }
  }
  /// A task or one of its children has ended.
  void part_done(int id) {
    task& t = of_task(id);
    if (--t.pending > 0) return;
    if (t.ran_at == t.home) {
      of(t.home).away -= t.was_away;
      if (t.parent >= 0) {
        part_done(t.parent);
      } else {
        root_rank = -1;
      }
    } else {
      at(delay(),
         {.to = t.home, .from = t.ran_at, .h = {.what = message_kind::result}, .tasks = {id}});
    }
  }
  count delay() { return static_cast<count>(draw(1, most_delay)); }

  /// What the engine does after each look at the messages.
  void settle(rank& r) {
    start_task(r);
    if (leaving && r.id != root_rank) r.outgoing.leave();
    if (r.outgoing.wanted()) r.outgoing.offer();
    if (r.hungry()) {
      r.outgoing.hungry();
    }
  }

  void handle(const event& e) {
    rank& r = of(e.to);
    if (e.from == -1) {
      end_task(r);
    } else if (e.from >= 0) {
      if (e.h.what == message_kind::result) {
        --r.away;
        if (const int parent = of_task(e.tasks.front()).parent; parent >= 0) {
          part_done(parent);
        } else {
          root_rank = -1;
        }
      } else {
        r.tasks.insert(r.tasks.begin(), e.tasks.begin(), e.tasks.end());
      }
      if (e.h.what == message_kind::request) {
        EXPECT_LE(++requests_to[static_cast<std::size_t>(e.from)], 1);
      }
      if (r.has_closed) {
        EXPECT_EQ(e.h.what, message_kind::lifeline) << "after the end, and no hint";
        return;
      }
      r.outgoing.received(e.from, e.h);
    }
    settle(r);
  }

  /// Until nothing is under way.
  void run() {
    while (!queue.empty()) {
      const event e = queue.top();
      queue.pop();
      now = e.time;
      handle(e);
      ASSERT_LT(events, 2'000'000u) << "it does not end";
    }
  }
  bool all_closed() const {
    return std::all_of(all.begin(), all.end(), [](const auto& r) { return r->has_closed; });
  }

  std::mt19937_64 random;
  const int n;
  int most_delay = 1;
  count now = 0, events = 0, executed = 0, messages = 0;
  std::vector<int> requests_to = std::vector<int>(16);
  bool leaving = false;
  int root_rank = -1; ///< waits for the first task before it leaves
  std::vector<task> tasks;
  std::vector<std::unique_ptr<rank>> all;
  std::priority_queue<event, std::vector<event>, std::greater<>> queue;
};

void rank::send(int to, header h) {
  ASSERT_NE(to, id);
  ASSERT_FALSE(has_closed && h.what != message_kind::close);
  ++sim.messages;
  if (h.what == message_kind::refusal) {
    --sim.requests_to[static_cast<std::size_t>(to)];
  }
  h.load = static_cast<std::uint8_t>(std::min<std::size_t>(tasks.size(), 30));
  sim.at(sim.delay(), {.to = to, .from = id, .h = h});
}

int rank::give(int to, bool answer) {
  const std::size_t own = busy ? 1 : 0;
  if (tasks.size() <= own) return 0;
  const int given = tasks.front();
  tasks.erase(tasks.begin());
  if (task& t = sim.of_task(given); t.home == id && !t.was_away) {
    t.was_away = true;
    ++away;
  }
  if (answer) {
    --sim.requests_to[static_cast<std::size_t>(to)];
  }
  ++sim.messages;
  sim.at(sim.delay(), {.to = to,
                       .from = id,
                       .h = {.what = message_kind::tasks,
                             .load = static_cast<std::uint8_t>(tasks.size() > own),
                             .count = 1,
                             .value = answer},
                       .tasks = {given}});
  return 1;
}

count worlds(count usual) {
  const char* const n = std::getenv("TORC_WORLDS");
  return n != nullptr ? std::strtoull(n, nullptr, 10) : usual;
}

TEST(protocol, keeps_every_task_and_ends) {
  for (count seed = 1; seed <= worlds(10'000) && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("world " + std::to_string(seed));
    simulation s(seed, 2 + static_cast<int>(seed % 8));
    const int budget = s.draw(1, 200);
    // The ranks may part while the tasks run, as those do that hear early of the launch's end.
    const bool early = s.draw(0, 1) == 0;
    const int first = s.draw(0, s.n - 1);
    s.of(first).tasks.push_back(s.add_task(budget, first, -1));
    s.root_rank = first;
    s.leaving = early;
    if (!early) {
      s.run();
      EXPECT_EQ(s.executed, static_cast<count>(budget));
      s.leaving = true;
      for (int r = 0; r < s.n; ++r) {
        s.at(static_cast<count>(s.draw(0, 1000)), {.to = r, .from = -2});
      }
    }
    s.run();
    EXPECT_EQ(s.executed, static_cast<count>(budget));
    EXPECT_TRUE(s.all_closed());
    for (auto& r : s.all) {
      EXPECT_EQ(r->away, 0);
      EXPECT_TRUE(r->tasks.empty());
    }
    // A rank gives up after eight attempts, until it is given something; parting takes two a rank.
    const auto most = static_cast<count>(s.n) * 40 + static_cast<count>(budget) * 40;
    EXPECT_LE(s.messages, most);
  }
}

/// While one rank has plenty, no other one stays without for long, even if all had given up before.
TEST(protocol, lets_nobody_starve) {
  for (count seed = 1; seed <= worlds(10'000) / 10 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("world " + std::to_string(seed));
    simulation s(seed, 2 + static_cast<int>(seed % 8));
    s.run(); // all are silent now
    const int where = s.draw(0, s.n - 1);
    rank& rich = s.of(where);
    const int leaves = 100 * s.n;
    for (int i = 0; i < leaves; ++i) {
      rich.tasks.push_back(s.add_task(1, where, -1));
    }
    s.at(0, {.to = where, .from = -2});
    std::vector<int> worked(static_cast<std::size_t>(s.n));
    while (!s.queue.empty()) {
      const event e = s.queue.top();
      s.queue.pop();
      s.now = e.time;
      worked[static_cast<std::size_t>(e.to)] += e.from == -1;
      s.handle(e);
    }
    EXPECT_EQ(s.executed, static_cast<count>(leaves));
    for (const int tasks : worked) {
      EXPECT_GT(tasks, 0);
    }
  }
}

TEST(protocol, refuses_answers_without_questions_and_wrong_partings) {
  simulation s(1, 5);
  protocol& p = s.of(1).outgoing; // below 0, above 3 and 4; its request is with somebody
  int asked = -1;
  while (!s.queue.empty() && asked < 0) {
    const event e = s.queue.top();
    s.queue.pop();
    s.handle(e);
    if (e.to == 1) asked = 0;
  }
  const auto refused = [&](int from, message_kind what, std::uint32_t value = 0) {
    try {
      p.received(from, {.what = what, .value = value});
      return false;
    } catch (const torc::bad_message&) {
      return true;
    }
  };
  int answers = 0;
  for (int from : {0, 2, 3, 4}) {
    answers += !refused(from, message_kind::tasks, 1);
  }
  EXPECT_EQ(answers, 1) << "one had been asked";
  EXPECT_FALSE(refused(2, message_kind::tasks, 0)) << "for a lifeline, at any time";
  EXPECT_TRUE(refused(0, message_kind::refusal));
  EXPECT_TRUE(refused(0, message_kind::close)) << "not parted";
  EXPECT_TRUE(refused(0, message_kind::goodbye)) << "not below";
  EXPECT_FALSE(refused(3, message_kind::goodbye));
  EXPECT_TRUE(refused(3, message_kind::goodbye)) << "twice";
}

} // namespace
