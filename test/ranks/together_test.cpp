// SPDX-License-Identifier: MIT
// What all ranks do together: spmd, and to allow and forbid stealing.

#include <atomic>
#include <gtest/gtest.h>
#include <ranges>
#include <thread>

#include "../session.hpp"
#include "programs.hpp"
#include "world.hpp"

namespace {

using test::ranks;
using test::run_world;
using test::world;

struct known_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};
const torc::known_exception<known_error> known_error_is_known;

std::atomic<int> runs[8];
std::atomic<int> inside{0};
std::atomic<bool> all_may_go{false};

/// Counts its runs by rank; all ranks are inside at the same time.
void body(int ranks_there_are) {
  EXPECT_EQ(torc::num_ranks(), ranks_there_are);
  ++runs[torc::rank()];
  ++inside;
  test::spin_until(inside, ranks_there_are);
}

int runs_of(int rank) { return runs[rank].exchange(0); }

class on_ranks : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(n, on_ranks, testing::Values(1, 2, 3, 4, 8));

TEST_P(on_ranks, spmd_runs_once_on_each) {
  const int n = GetParam();
  run_world(ranks(n), [n] {
    for (int i = 0; i < 20; ++i) {
      inside = 0;
      torc::spmd(body, n).get();
      for (int r = 0; r < n; ++r) {
        EXPECT_EQ(runs_of(r), 1);
      }
    }
  });
}

TEST(together, spmd_runs_on_the_first_worker) {
  run_world({.workers = {1, 3, 2}}, [] {
    torc::spmd([] {
      const int first[] = {0, 1, 4};
      EXPECT_EQ(torc::worker(), first[torc::rank()]);
      EXPECT_EQ(test::fib(10), 55);
    }).get();
  });
}

std::atomic<int> present{-1}; ///< whose turn it is
std::atomic<int> bodies{0};
void claim_turn(int number) {
  if (torc::rank() == 0) {
    int nobody = -1;
    EXPECT_TRUE(present.compare_exchange_strong(nobody, number)) << "two at a time";
  }
  ++inside;
  while (present != number) {
    std::this_thread::yield();
  }
  while (inside % 3 != 0) {
    std::this_thread::yield();
  }
  if (torc::rank() == 0) {
    test::spin_until(bodies, 2);
    bodies = 0;
    present = -1;
  } else {
    ++bodies;
  }
}
void call_spmd(int number) { torc::spmd(claim_turn, number).get(); }

TEST(together, spmds_of_several_tasks_run_one_after_the_other) {
  inside = 0;
  bodies = 0;
  present = -1;
  world w = ranks(3, 2);
  w.most_delay = 5;
  run_world(w, [] {
    std::vector<torc::future<void>> calls;
    for (int i = 0; i < 30; ++i) {
      calls.push_back(torc::submit(torc::on_rank(i % 3), call_spmd, i));
    }
    torc::wait(calls).get();
  });
  EXPECT_EQ(inside, 90);
}

void fails_on(int rank) {
  if (torc::rank() == rank) throw known_error("rank " + std::to_string(rank));
}

TEST_P(on_ranks, an_exception_on_one_reaches_the_caller_of_spmd) {
  const int n = GetParam();
  run_world(ranks(n), [n] {
    for (int r = 0; r < n; ++r) {
      try {
        torc::spmd(fails_on, r).get();
        ADD_FAILURE() << "nothing is thrown";
      } catch (const known_error& e) {
        EXPECT_EQ(e.what(), "rank " + std::to_string(r));
      }
    }
    torc::spmd(fails_on, -1).get();
    const auto all = [] { throw known_error("all"); };
    EXPECT_THROW(torc::spmd(all).get(), known_error);
  });
}

TEST_P(on_ranks, spmd_inside_spmd_is_refused) {
  const int n = GetParam();
  run_world(ranks(n), [n] {
    inside = 0;
    torc::spmd([] {
      EXPECT_THROW(torc::spmd(fails_on, -1).get(), std::logic_error);
      ++inside;
    }).get();
    EXPECT_EQ(inside, n);
  });
}

TEST(together, spmd_of_a_task_on_another_rank) {
  run_world(ranks(3), [] {
    inside = 0;
    const auto call = [] {
      EXPECT_EQ(torc::rank(), 2);
      torc::spmd(body, 3).get();
      EXPECT_EQ(runs_of(0) + runs_of(1) + runs_of(2), 3);
      EXPECT_THROW(torc::spmd(fails_on, 1).get(), known_error);
    };
    torc::submit(torc::on_rank(2).pinned(), call).get();
  });
}

TEST(together, spmd_while_others_work) {
  run_world(ranks(3, 2), [] {
    auto work = torc::spawn(test::fib, 18);
    for (int i = 0; i < 20; ++i) {
      inside = 0;
      torc::spmd(body, 3).get();
      EXPECT_EQ(runs_of(0) + runs_of(1) + runs_of(2), 3);
    }
    EXPECT_EQ(work.get(), 2584);
  });
}

TEST(together, spmd_of_a_thread_that_belongs_to_no_session_runs_there) {
  inside = 0;
  torc::spmd(body, 1).get();
  EXPECT_EQ(runs_of(0), 1);
}

std::atomic<int> elsewhere{0};
void note_rank() {
  if (torc::rank() != 0) ++elsewhere;
}

TEST(together, nothing_is_stolen_while_that_is_forbidden) {
  world w = ranks(3);
  w.stealing = false;
  const auto ended = run_world(w, [] { EXPECT_EQ(test::fib(20), 6765); });
  EXPECT_EQ(ended.stolen(), 0u);
  EXPECT_EQ(ended.statistics[1].executed, 0u);
}

std::atomic<int> meeting{0};
void meet() {
  ++meeting;
  test::spin_until(meeting, 3);
}

TEST(together, stealing_is_forbidden_and_allowed) {
  run_world(ranks(3), [] {
    for (int i = 0; i < 5; ++i) {
      torc::disable_stealing();
      elsewhere = 0;
      for (int k = 0; k < 100; ++k) {
        auto a = torc::spawn(note_rank);
        auto b = torc::submit(torc::on_rank(0), note_rank);
        torc::submit(torc::here, [] { std::this_thread::yield(); }).get();
      }
      EXPECT_EQ(elsewhere, 0);
      torc::enable_stealing();
      meeting = 0;
      auto a = torc::spawn(meet); // these need three workers
      auto b = torc::spawn(meet);
      meet();
    }
  });
}

TEST(together, stealing_starts_where_it_was_forbidden_at_first) {
  world w = ranks(3);
  w.stealing = false;
  w.most_delay = 10;
  run_world(w, [] {
    torc::submit(torc::on_rank(2).pinned(), [] { torc::enable_stealing(); }).get();
    meeting = 0;
    auto a = torc::spawn(meet);
    auto b = torc::spawn(meet);
    meet();
  });
}

/// What is broadcast here: counts its living objects.
struct table {
  static inline std::atomic<int> alive{0};
  std::vector<int> values;
  explicit table(std::vector<int> v = {}) : values(std::move(v)) { ++alive; }
  table(table&& other) noexcept : values(std::move(other.values)) { ++alive; }
  table(const table& other) : values(other.values) { ++alive; }
  ~table() { --alive; }
};

} // namespace
template <>
struct torc::codec<table> {
  static void save(torc::writer& w, const table& t) { codec<std::vector<int>>::save(w, t.values); }
  static table load(torc::reader& r) {
    auto values = codec<std::vector<int>>::load(r);
    if (values.size() == 1) throw known_error("a table of one");
    return table(std::move(values));
  }
};
namespace {

using shared_table = torc::broadcasted<table>;

/// Copies are given up soon, but nobody waits for that.
void expect_alive(int n) {
  const double begin = torc::wtime();
  while (table::alive != n && torc::wtime() < begin + 30) {
    std::this_thread::yield();
  }
  EXPECT_EQ(table::alive, n);
}

int look_up(shared_table t, int i) { return t->values.at(static_cast<std::size_t>(i)); }
int look_up_elsewhere(shared_table t, int i) {
  const int next = (torc::rank() + 1) % torc::num_ranks();
  return torc::submit(torc::on_rank(next).pinned(), look_up, t, i).get();
}

TEST_P(on_ranks, a_broadcast_value_is_everywhere) {
  const int n = GetParam();
  world w = ranks(n);
  w.seed = 3;
  w.most_delay = 20;
  run_world(w, [n] {
    for (int k = 0; k < 5; ++k) {
      const shared_table t = torc::broadcast(table({k, k + 1, k + 2})).get();
      expect_alive(n);
      EXPECT_EQ(t.get().values[1], k + 1);
      for (int r = 0; r < n; ++r) {
        EXPECT_EQ(torc::submit(torc::on_rank(r).pinned(), look_up, t, 2).get(), k + 2);
        EXPECT_EQ(torc::submit(torc::on_rank(r).pinned(), look_up_elsewhere, t, 2).get(), k + 2);
      }
      const std::vector<int> is(500, 1);
      EXPECT_EQ(torc::map(torc::bind(look_up, t), is, torc::chunk{5}).get(),
                std::vector<int>(500, k + 1));
    }
  });
  EXPECT_EQ(table::alive, 0);
}

TEST(together, a_broadcast_value_is_given_up_by_all) {
  run_world(ranks(3), [] {
    torc::broadcast(table({1, 2})).get();
    const auto kept = torc::submit(torc::here, [] {
                        return torc::broadcast(table({1, 2})).get();
                      }).get();
    expect_alive(3);
  });
  EXPECT_EQ(table::alive, 0);
}

TEST(together, a_broadcast_by_any_rank_and_many_at_once) {
  run_world(ranks(4), [] {
    const auto share = [](int n) {
      const shared_table t = torc::broadcast(table(std::vector<int>(5, n))).get();
      int sum = 0;
      for (int r = 0; r < 4; ++r) {
        sum += torc::submit(torc::on_rank(r), look_up, t, r).get();
      }
      return sum;
    };
    std::vector<torc::future<int>> all;
    for (int i = 0; i < 40; ++i) {
      all.push_back(torc::submit(torc::on_rank(i % 4), share, i));
    }
    for (int i = 0; i < 40; ++i) {
      EXPECT_EQ(all[static_cast<std::size_t>(i)].get(), 4 * i);
    }
  });
  EXPECT_EQ(table::alive, 0);
}

TEST(together, a_broadcast_does_not_wait_for_busy_workers) {
  all_may_go = false;
  run_world(ranks(2), [] {
    auto busy = torc::submit(torc::on_rank(1).pinned(), [] { test::spin_until(all_may_go); });
    const auto t = torc::broadcast(table({1, 2})).get();
    all_may_go = true;
    busy.get();
  });
}

TEST(together, a_broadcast_that_a_rank_cannot_load_throws) {
  run_world(ranks(3), [] { EXPECT_THROW(torc::broadcast(table({1})).get(), known_error); });
  EXPECT_EQ(table::alive, 0);
}

TEST(together, no_broadcast_in_an_spmd_body) {
  run_world(ranks(2), [] {
    torc::spmd([] {
      EXPECT_THROW(static_cast<void>(torc::broadcast(1).get()), std::logic_error);
      EXPECT_THROW(torc::enable_stealing(), std::logic_error);
    }).get();
  });
}

TEST(together, a_broadcast_without_ranks) {
  EXPECT_EQ(*torc::broadcast(7).get(), 7);
  test::run([]() -> torc::task<> {
    const table value({1, 2});
    const auto t = co_await torc::broadcast(value);
    EXPECT_EQ(torc::submit(look_up, t, 1).get(), 2);
  });
  EXPECT_EQ(table::alive, 0);
}

TEST_P(on_ranks, a_lazy_map_uses_all_ranks) {
  run_world(ranks(GetParam()), [] {
    int expected = 0;
    for (const long y : torc::lazy_map([](int x) { return 2L * x; }, std::views::iota(0, 500),
                                       torc::in_flight{10}, torc::chunk{4})) {
      ASSERT_EQ(y, 2 * expected++);
    }
    EXPECT_EQ(expected, 500);
    const std::vector<int> xs(300, 3);
    EXPECT_EQ(torc::map([](int x, int y) { return x * y; }, xs, xs, torc::chunk{3}).get(),
              std::vector<int>(300, 9));
  });
}

} // namespace
