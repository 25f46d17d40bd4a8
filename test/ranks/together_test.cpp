// SPDX-License-Identifier: MIT
// What all ranks do together: spmd, and to allow and forbid stealing.

#include <atomic>
#include <gtest/gtest.h>

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

} // namespace
