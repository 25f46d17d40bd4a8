// SPDX-License-Identifier: MIT

// The same programs under many seeded schedules: what they compute, that a seed replays, and that
// an exception at any point where a task spawns or waits arrives and leaves nothing behind.

#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

#include "session.hpp"

namespace {

using test::counted;

struct cut : std::exception {};

/// Counts the points a program passes; throws at the one asked for.
class cutter {
public:
  explicit cutter(long at) : left_(at) {}
  void point() {
    ++passed_;
    if (--left_ == 0) {
      throw cut();
    }
  }
  long passed() const { return passed_; }

private:
  long left_;
  long passed_ = 0; // one thread simulates all workers
};

long function(cutter& c, int depth, counted keep);

torc::task<long> coroutine(cutter& c, int depth, counted keep) {
  c.point();
  if (depth == 0) {
    co_return keep.value;
  }
  counted local(depth);
  auto child = torc::spawn(function, std::ref(c), depth - 1, local);
  c.point();
  auto [a, b] = co_await torc::wait(coroutine(c, depth - 1, local), coroutine(c, depth - 1, keep));
  c.point();
  co_return a + b + child.get() + local.value;
}

long function(cutter& c, int depth, counted keep) {
  c.point();
  if (depth == 0) {
    return keep.value;
  }
  const counted local(depth);
  auto a = torc::spawn(function, std::ref(c), depth - 1, keep);
  c.point();
  auto sent = torc::submit(torc::here, coroutine, std::ref(c), depth - 1, local);
  auto b = torc::spawn(coroutine, std::ref(c), depth - 1, local);
  c.point();
  const long first = a.get(); // not the youngest: taken out of order
  c.point();
  const std::vector<int> numbers{1, 2, 3};
  const long sum = torc::reduce(
                       [&](int n) {
                         c.point();
                         return n;
                       },
                       numbers, 0L, std::plus<>{}, torc::chunk{1})
                       .get();
  torc::sync();
  return first + b.get() + sent.get() + sum;
}

long model(bool is_function, int depth, long keep) {
  if (depth == 0) {
    return keep;
  }
  return is_function ? model(true, depth - 1, keep) + 2 * model(false, depth - 1, depth) + 6
                     : model(false, depth - 1, depth) + model(false, depth - 1, keep) +
                           model(true, depth - 1, depth) + depth;
}

/// Runs the program under one schedule; what it passes, or -1 if it was cut.
long run_cut(int seed, long at) {
  const test::environment schedule("TORC_SEED", std::to_string(seed).c_str());
  const test::session s(3);
  cutter c(at);
  bool thrown = false;
  try {
    torc::launch([&c] { EXPECT_EQ(function(c, 3, counted(5)), model(true, 3, 5)); });
  } catch (const cut&) {
    thrown = true;
  }
  return thrown ? -1 : c.passed();
}

TEST(schedule, every_seed_gives_the_sequential_result) {
  for (int seed = 0; seed < (test::sanitized ? 30 : 300); ++seed) {
    SCOPED_TRACE("TORC_SEED=" + std::to_string(seed));
    EXPECT_GT(run_cut(seed, 0), 0);
    ASSERT_EQ(counted::alive, 0);
  }
}

TEST(schedule, a_seed_replays) {
  const auto trace = [](int seed) {
    const test::environment schedule("TORC_SEED", std::to_string(seed).c_str());
    const test::session s(3);
    std::vector<int> workers;
    torc::launch([&workers] {
      std::vector<torc::future<void>> sent;
      for (int i = 0; i < 50; ++i) {
        sent.push_back(torc::submit(torc::here, [&workers] { workers.push_back(torc::worker()); }));
      }
    });
    return workers;
  };
  EXPECT_EQ(trace(1), trace(1));
  EXPECT_NE(trace(1), trace(2));
}

TEST(schedule, a_cut_at_any_point_arrives_and_leaves_nothing) {
  for (int seed = 0; seed < 3; ++seed) {
    const long points = run_cut(seed, 0);
    ASSERT_GT(points, 50);
    for (long at = 1; at <= points; at += test::sanitized ? 7 : 1) {
      SCOPED_TRACE("TORC_SEED=" + std::to_string(seed) + ", cut at " + std::to_string(at));
      EXPECT_EQ(run_cut(seed, at), -1);
      ASSERT_EQ(counted::alive, 0);
    }
  }
}

} // namespace
