// SPDX-License-Identifier: MIT
// Random trees of spawns, submits, coroutines, waits and throws, compared with a sequential model.
// A tree is a function of its seed alone, so a failure names the seed that repeats it.

#include <chrono>
#include <cstdint>
#include <functional>
#include <gtest/gtest.h>
#include <ranges>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "session.hpp"

namespace {

using test::counted;

/// A node of a tree: its number and how deep the tree may still grow below it.
struct node {
  std::uint64_t id;
  int depth;
  node child(unsigned i) const { return {mix(id + 0x9e3779b97f4a7c15u * (i + 1)), depth - 1}; }
  /// A number below n that depends on the node and on what it is drawn for.
  unsigned draw(unsigned what, unsigned n) const {
    return static_cast<unsigned>(mix(id ^ (0xd1b54a32d192ed03u * (what + 1))) % n);
  }
  /// The finaliser of splitmix64.
  static std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
};

enum class shape : unsigned {
  leaf,
  two_children,
  get_in_order,
  sync,
  wait_tasks,
  submit,
  drop,
  map,
  loop,
  children
};
constexpr unsigned shapes = 10;

constexpr std::uint64_t failed_below = 77; // what a node counts for children of which some failed

shape shape_of(node n) {
  return n.depth == 0 ? shape::leaf : static_cast<shape>(n.draw(0, shapes));
}
bool is_coroutine(node n) { return n.draw(1, 2) == 0; }
bool throws(node n) { return n.draw(2, 24) == 0; }
/// Whether it catches what its children throw.
bool catches(node n) { return n.draw(3, 3) != 0; }
unsigned map_size(node n) { return n.draw(4, 6); }

struct failure : std::runtime_error {
  explicit failure(node n) : std::runtime_error("failure of a node"), id(n.id) {}
  std::uint64_t id;
  counted c;
};

/// The result of a subtree; `ok` is false if it ends by an exception.
struct outcome {
  bool ok;
  std::uint64_t value;
};

unsigned children_of(node n) {
  switch (shape_of(n)) {
  case shape::leaf:
    return 0;
  case shape::map:
  case shape::loop:
    return map_size(n);
  case shape::two_children:
    return 2;
  default:
    return 3;
  }
}

std::uint64_t combine(node n, std::uint64_t sum) { return node::mix(n.id + sum); }

outcome model(node n) {
  std::uint64_t sum = 0;
  bool ok = true;
  for (unsigned i = 0; i < children_of(n); ++i) {
    const outcome o = model(n.child(i));
    ok = ok && o.ok;
    sum += o.value;
  }
  if (!ok) {
    if (!catches(n)) {
      return {false, 0};
    }
    sum = failed_below;
  }
  return throws(n) ? outcome{false, 0} : outcome{true, combine(n, sum)};
}

std::uint64_t plain(node n);
torc::task<std::uint64_t> coroutine(node n);

std::uint64_t any(node n) {
  if (is_coroutine(n)) {
    return coroutine(n).get();
  }
  if (shape_of(n) == shape::sync) { // of its own children only, so it must be a task of its own
    auto task = torc::spawn(plain, n);
    return task.get();
  }
  return plain(n);
}

/// Asks futures for their exceptions, so that those which get() did not throw are not thrown later.
struct ask_all {
  std::vector<torc::future<std::uint64_t>>& futures;
  ~ask_all() {
    for (auto& f : futures) {
      f.wait();
      static_cast<void>(f.exception());
    }
  }
};

std::uint64_t sum_of(const std::vector<std::uint64_t>& values) {
  std::uint64_t sum = 0;
  for (const std::uint64_t v : values) {
    sum += v;
  }
  return sum;
}

std::vector<node> nodes_below(node n) {
  std::vector<node> nodes;
  for (unsigned i = 0; i < children_of(n); ++i) {
    nodes.push_back(n.child(i));
  }
  return nodes;
}

std::uint64_t plain_sum(node n) {
  const counted here;
  switch (shape_of(n)) {
  case shape::leaf:
    return 0;
  case shape::two_children: {
    auto a = torc::spawn(any, n.child(0));
    const std::uint64_t b = any(n.child(1));
    return a.get() + b;
  }
  case shape::get_in_order: {
    auto a = torc::spawn(plain, n.child(0));
    auto b = torc::spawn(coroutine, n.child(1));
    auto c = torc::spawn(any, n.child(2));
    const std::uint64_t x = a.get();
    return x + b.get() + c.get();
  }
  case shape::sync: {
    auto a = torc::spawn(any, n.child(0));
    auto b = torc::submit(any, n.child(1));
    auto c = torc::spawn(any, n.child(2));
    torc::sync();
    return a.get() + b.get() + c.get();
  }
  case shape::wait_tasks: {
    auto [a, b, c] =
        torc::wait(coroutine(n.child(0)), coroutine(n.child(1)), coroutine(n.child(2))).get();
    return a + b + c;
  }
  case shape::submit: {
    std::vector<torc::future<std::uint64_t>> futures;
    const ask_all at_end{futures};
    for (const node& child : nodes_below(n)) {
      futures.push_back(torc::submit(any, child));
    }
    std::uint64_t sum = 0;
    for (auto& f : torc::as_completed(futures)) {
      sum += f.get();
    }
    return sum;
  }
  case shape::drop: {
    // Nobody asks for the third; the scope joins it.
    std::uint64_t third = 0;
    std::uint64_t sum = 0;
    {
      auto a = torc::spawn(any, n.child(0));
      auto b = torc::spawn(any, n.child(1));
      auto c = torc::spawn([&third, n] { third = any(n.child(2)); });
      sum = a.get() + b.get();
    }
    return sum + third;
  }
  case shape::map:
    return sum_of(torc::map(any, nodes_below(n), torc::chunk{1}).get());
  case shape::loop: {
    auto below =
        std::views::iota(0u, 6u) | std::views::filter([n](unsigned i) { return i < map_size(n); });
    const auto run = [n](unsigned i) { return any(n.child(i)); };
    return torc::reduce(run, below, std::uint64_t{0}).get();
  }
  case shape::children: {
    torc::children below(3, any);
    for (unsigned i = 0; i < 3; ++i) {
      below.spawn(n.child(i));
    }
    std::uint64_t sum = 0;
    while (!below.empty()) {
      sum += below.get_last();
    }
    return sum;
  }
  }
  return 0;
}

torc::task<std::uint64_t> coroutine_sum(node n) {
  const counted here;
  switch (shape_of(n)) {
  case shape::leaf:
    co_return 0;
  case shape::two_children: {
    auto [a, b] = co_await torc::wait(coroutine(n.child(0)), coroutine(n.child(1)));
    co_return a + b;
  }
  case shape::get_in_order: {
    const std::uint64_t a = co_await coroutine(n.child(0));
    auto b = torc::spawn(any, n.child(1));
    const std::uint64_t c = co_await coroutine(n.child(2));
    co_return a + b.get() + c;
  }
  case shape::sync: {
    auto a = torc::spawn(any, n.child(0));
    auto b = torc::submit(any, n.child(1));
    auto c = torc::spawn(any, n.child(2));
    co_await torc::wait();
    co_return a.get() + b.get() + c.get();
  }
  case shape::wait_tasks: {
    auto a = torc::spawn(any, n.child(0));
    std::vector<torc::future<std::uint64_t>> b;
    const ask_all at_end{b};
    b.push_back(torc::submit(any, n.child(1)));
    torc::task<std::uint64_t> c = coroutine(n.child(2));
    auto [x, y, z] = co_await torc::wait(a, b[0], c);
    co_return x + y + z;
  }
  case shape::submit: {
    std::vector<torc::future<std::uint64_t>> futures;
    const ask_all at_end{futures};
    for (const node& child : nodes_below(n)) {
      futures.push_back(torc::submit(coroutine, child));
    }
    co_return sum_of(co_await torc::wait(futures));
  }
  case shape::drop: {
    std::uint64_t third = 0;
    std::uint64_t sum = 0;
    {
      auto c = torc::spawn([&third, n] { third = any(n.child(2)); });
      auto [a, b] = co_await torc::wait(coroutine(n.child(0)), coroutine(n.child(1)));
      sum = a + b;
    }
    co_return sum + third;
  }
  case shape::map: {
    const std::vector<node> below = nodes_below(n);
    const auto add = std::plus<>{};
    co_return co_await torc::reduce(coroutine, below, std::uint64_t{0}, add, torc::chunk{2});
  }
  case shape::loop: {
    const auto run = [n](unsigned i) { return coroutine(n.child(i)); };
    co_return co_await torc::reduce(run, std::views::iota(0u, map_size(n)), std::uint64_t{0});
  }
  case shape::children: {
    torc::children below(3, any);
    for (unsigned i = 0; i < 3; ++i) {
      below.spawn(n.child(i));
    }
    co_return sum_of(co_await torc::wait(below));
  }
  }
  co_return 0;
}

/// What a node does with the sum of its children, or with the exception of one of them.
std::uint64_t end(node n, std::uint64_t sum) {
  if (throws(n)) {
    throw failure(n);
  }
  return combine(n, sum);
}

std::uint64_t plain(node n) {
  std::uint64_t sum = 0;
  try {
    sum = plain_sum(n);
  } catch (const failure&) {
    if (!catches(n)) {
      throw;
    }
    sum = failed_below;
  }
  return end(n, sum);
}

torc::task<std::uint64_t> coroutine(node n) {
  std::uint64_t sum = 0;
  try {
    sum = co_await coroutine_sum(n);
  } catch (const failure&) {
    if (!catches(n)) {
      throw;
    }
    sum = failed_below;
  }
  co_return end(n, sum);
}

/// Runs the trees of some seeds in a session and compares each with the model.
void compare(int workers, std::uint64_t first_seed, int trees, int depth) {
  // Reports of second exceptions are many; they belong to exception_test.
  test::run(workers, [=] {
    for (int i = 0; i < trees; ++i) {
      const node root{node::mix(first_seed + static_cast<std::uint64_t>(i)), depth};
      SCOPED_TRACE("seed " + std::to_string(first_seed + static_cast<std::uint64_t>(i)));
      const outcome expected = model(root);
      outcome got{false, 0};
      try {
        got = {true, any(root)};
      } catch (const failure&) {
      }
      ASSERT_EQ(got.ok, expected.ok);
      ASSERT_EQ(got.value, expected.value);
    }
  });
  EXPECT_EQ(counted::alive, 0);
}

class stress : public testing::TestWithParam<std::tuple<int, int>> {};

TEST_P(stress, random_trees) {
  const auto [workers, block] = GetParam();
  compare(workers, 1000u * static_cast<unsigned>(block), test::sanitized ? 5 : 50, 7);
}

INSTANTIATE_TEST_SUITE_P(workers, stress,
                         testing::Combine(testing::Values(1, 2, 4, 16), testing::Range(0, 6)));

TEST(stress_seeded, random_trees_in_random_schedules) {
  for (int seed = 0; seed < (test::sanitized ? 4 : 40); ++seed) {
    SCOPED_TRACE("TORC_SEED=" + std::to_string(seed));
    const test::environment e("TORC_SEED", std::to_string(seed).c_str());
    compare(1 + seed % 4, 100'000u + 10u * static_cast<unsigned>(seed), 5, 6);
    ASSERT_FALSE(testing::Test::HasFailure());
  }
}

TEST(stress, external_threads_beside_tasks) {
  const test::session s(3);
  std::atomic<int> finished{0};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 3; ++t) {
    threads.emplace_back([t, &finished] {
      for (unsigned i = 0; i < (test::sanitized ? 5 : 50); ++i) {
        const node root{node::mix(500'000 + 1000 * t + i), 4};
        const outcome expected = model(root);
        outcome got{false, 0};
        auto f = torc::submit(torc::on_worker(1), any, root);
        try {
          got = {true, f.get()};
        } catch (const failure&) {
        }
        EXPECT_EQ(got.ok, expected.ok);
        EXPECT_EQ(got.value, expected.value);
      }
      ++finished;
    });
  }
  torc::launch([&finished] {
    for (unsigned i = 0; finished < 3; ++i) {
      const node root{node::mix(600'000 + i), 4};
      try {
        any(root);
      } catch (const failure&) {
      }
    }
  });
  for (auto& t : threads) {
    t.join();
  }
}

TEST(stress, workers_that_fall_asleep_and_wake_up) {
  for (const int workers : {2, 4, 16}) {
    test::run(workers, [] {
      for (int i = 0; i < (test::sanitized ? 20 : 200); ++i) {
        std::atomic<int> ran{0};
        auto a = torc::spawn([&ran] { ++ran; });
        auto b = torc::submit(torc::on_local_worker(torc::num_workers() - 1), [&ran] { ++ran; });
        test::spin_until(ran, i % 2);
        a.get();
        b.get();
        std::this_thread::sleep_for(std::chrono::microseconds(50 * (i % 5)));
      }
    });
  }
}

} // namespace
