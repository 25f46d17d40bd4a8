// SPDX-License-Identifier: MIT
// Many small worlds, each with random ranks, delays and a random tree of tasks: every task runs
// exactly once, as do callbacks and detached tasks, and every result is right. TORC_WORLDS=N for
// more worlds, TORC_FIRST_WORLD=N to begin with another one: all that is random in a world but the
// threads follows from its number.

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <gtest/gtest.h>
#include <memory>
#include <stdexcept>
#include <string>

#include "../session.hpp"
#include "world.hpp"

namespace {

using number = std::uint64_t;

number mixed(number x) {
  x = (x ^ (x >> 31)) * 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 29)) * 0xBF58476D1CE4E5B9u;
  return x ^ (x >> 32);
}

/// A node of the tree: everything about it follows from its seed.
struct node {
  number seed;
  int id;   ///< its own; those below have the next ones
  int size; ///< nodes from here on down
  number draw(int what, number below) const {
    return mixed(seed + static_cast<number>(what) * 7919) % below;
  }
  bool fails() const { return draw(0, 10) == 0; }
};

constexpr int most_nodes = 200;
std::atomic<int> runs[most_nodes];
std::atomic<int> expected{0}, called{0}; ///< callbacks and detached tasks

struct node_failed : std::runtime_error {
  using std::runtime_error::runtime_error;
};
const torc::known_exception<node_failed> known;

/// The children of `n`: the rest of its size in random parts.
std::vector<node> children_of(const node& n) {
  std::vector<node> all;
  int next = n.id + 1, left = n.size - 1;
  while (left > 0) {
    const int what = 10 + static_cast<int>(all.size());
    const int part = 1 + static_cast<int>(n.draw(what, static_cast<number>(left)));
    all.push_back({mixed(n.seed + static_cast<number>(what)), next, part});
    next += part;
    left -= part;
  }
  return all;
}

/// What a tree gives if no task is run in parallel: failures count 1000 and take their value along.
long model(const node& n) {
  long sum = n.id;
  for (const node& c : children_of(n)) {
    const long below = model(c);
    sum += c.fails() ? 1000 : below;
  }
  return sum;
}

long run_node(node n, std::vector<int> ballast);
torc::task<long> run_coroutine(node n, std::vector<int> ballast) {
  co_return run_node(n, std::move(ballast));
}

std::vector<int> ballast_for(const node& n) {
  const number kind = n.draw(1, 40);
  return std::vector<int>(kind == 0 ? 10'000 : kind < 5 ? 50 : 0, n.id);
}

torc::placement place_for(const node& n) {
  const auto ranks = static_cast<number>(torc::num_ranks());
  const auto workers = static_cast<number>(torc::num_workers());
  const torc::placement where[] = {torc::cyclic, torc::on_rank(static_cast<int>(n.draw(2, ranks))),
                                   torc::on_worker(static_cast<int>(n.draw(3, workers)))};
  const torc::placement p = where[n.draw(4, 3)].priority(static_cast<int>(n.draw(1000, 10)));
  return n.draw(5, 4) == 0 ? p.pinned() : p;
}

void note_call() { ++called; }

/// Submits it, perhaps with a callback, and perhaps something that nobody waits for.
template <class F>
torc::future<long> submit_node(F f, const node& n) {
  auto future = torc::submit(place_for(n), f, n, ballast_for(n));
  const auto note = [](torc::future<long>& x) {
    EXPECT_TRUE(x.done());
    static_cast<void>(x.exception());
    ++called;
  };
  if (n.draw(1001, 3) == 0) {
    ++expected;
    future.callback(note);
  }
  if (n.draw(1002, 3) == 0) {
    ++expected;
    future.callback(torc::here.direct(), note);
  }
  if (n.draw(1003, 3) == 0) {
    ++expected;
    static_cast<void>(torc::submit(place_for(n).detached(), note_call));
  }
  if (n.draw(1004, 6) == 0) {
    ++expected;
    static_cast<void>(torc::submit(place_for(n).direct(), note_call));
  }
  return future;
}

template <class F>
long value_or_failure(F f) {
  try {
    return f();
  } catch (const node_failed&) {
    return 1000;
  }
}

long sum_of(const std::vector<node>& children, std::size_t from) {
  if (from == children.size()) return 0;
  const node& c = children[from];
  switch (c.draw(6, 4)) {
  case 0: {
    auto child = torc::spawn(run_node, c, ballast_for(c));
    const long others = sum_of(children, from + 1);
    return others + value_or_failure([&] { return child.get(); });
  }
  case 1: {
    auto child = torc::spawn(run_coroutine, c, ballast_for(c));
    const long others = sum_of(children, from + 1);
    return others + value_or_failure([&] { return child.get(); });
  }
  case 2: {
    auto future = submit_node(run_coroutine, c);
    const long others = sum_of(children, from + 1);
    return others + value_or_failure([&] { return future.get(); });
  }
  default: {
    auto future = submit_node(run_node, c);
    const long others = sum_of(children, from + 1);
    return others + value_or_failure([&] { return future.get(); });
  }
  }
}

long run_node(node n, std::vector<int> ballast) {
  ++runs[n.id];
  EXPECT_EQ(ballast, ballast_for(n));
  const auto work = std::chrono::microseconds(n.draw(7, 8) == 0 ? n.draw(8, 200) : 0);
  for (const auto end = std::chrono::steady_clock::now() + work;
       std::chrono::steady_clock::now() < end;) {
  }
  if (n.id > 0 && n.fails() && n.draw(9, 2) == 0) {
    // Its children never run.
    for (int i = 1; i < n.size; ++i) {
      ++runs[n.id + i];
    }
    throw node_failed("at once");
  }
  const long sum = n.id + sum_of(children_of(n), 0);
  if (n.id > 0 && n.fails()) throw node_failed("afterwards");
  return sum;
}

test::world random_world(const node& root) {
  const int ranks = 2 + static_cast<int>(root.draw(100, 3));
  test::world w = test::ranks(ranks);
  for (int r = 0; r < ranks; ++r) {
    w.workers[static_cast<std::size_t>(r)] = 1 + static_cast<int>(root.draw(101 + r, 2));
    w.hosts.push_back(r / (1 + static_cast<int>(root.draw(110, 4))));
  }
  w.seed = root.seed;
  const unsigned delays[] = {0, 1, 5, 50};
  w.most_delay = delays[root.draw(111, 4)];
  w.stealing = root.draw(112, 8) != 0;
  return w;
}

number from_environment(const char* name, number usual) {
  const char* const text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : usual;
}

TEST(schedules, run_every_task_once) {
  const number first = from_environment("TORC_FIRST_WORLD", 1);
  const number worlds = from_environment("TORC_WORLDS", 300);
  for (number seed = first; seed < first + worlds && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("TORC_FIRST_WORLD=" + std::to_string(seed));
    node root{mixed(seed), 0, 0};
    root.size = 1 + static_cast<int>(root.draw(120, most_nodes));
    for (auto& r : runs) {
      r = 0;
    }
    const int launches = 1 + static_cast<int>(root.draw(121, 3));
    const auto application = [&] {
      EXPECT_EQ(run_node(root, ballast_for(root)), model(root));
      return static_cast<int>(root.draw(122, 100));
    };
    const auto ended = test::run_launches(
        random_world(root),
        std::vector<test::application>(static_cast<std::size_t>(launches), application));
    for (int i = 0; i < most_nodes; ++i) {
      EXPECT_EQ(runs[i], i < root.size ? launches : 0) << "node " << i;
    }
    EXPECT_EQ(called.exchange(0), expected.exchange(0));
    for (const auto& codes : ended.exit_codes) {
      EXPECT_EQ(codes, std::vector<int>(codes.size(), static_cast<int>(root.draw(122, 100))));
    }
  }
}

} // namespace
