// SPDX-License-Identifier: MIT
// Stopping tasks on other ranks: queued there, on their way, running, passed on, and what they have
// started themselves.

#include <atomic>
#include <chrono>
#include <gtest/gtest.h>
#include <string>

#include "../session.hpp"
#include "failing.hpp"
#include "world.hpp"

namespace {

using namespace std::chrono_literals;
using test::converged;
using test::ranks;
using test::run_world;
using test::world;

// Of all ranks, which are threads here.
std::atomic<int> ran{0}, running{0}, stopped{0};
std::atomic<bool> released{false};

int count(int x) { return ++ran, x; }
void compute() {
  ++running;
  const std::stop_token token = torc::stop_token();
  while (!token.stop_requested()) {
    std::this_thread::yield();
  }
  ++stopped;
  torc::stop_point();
}
void wait_for_release() {
  ++running;
  test::spin_until(released);
}
void wait_until_running(int n) {
  while (running < n) {
    std::this_thread::yield();
  }
}
void fail_when_running(int n) {
  wait_until_running(n);
  throw converged("on rank " + std::to_string(torc::rank()));
}

class cancel : public testing::Test {
protected:
  cancel() {
    ran = running = stopped = 0;
    released = false;
  }
};

TEST_F(cancel, a_group_stops_what_runs_on_all_ranks) {
  run_world(ranks(3, 2), [] {
    EXPECT_THROW(
        {
          const torc::group g;
          for (const int q : {1, 2, 4}) { // one on each rank
            static_cast<void>(torc::submit(torc::on_worker(q).pinned(), compute));
          }
          static_cast<void>(torc::submit(torc::on_worker(3).pinned(), fail_when_running, 3));
        },
        converged);
    EXPECT_EQ(stopped, 3);
  });
}

TEST_F(cancel, a_queued_task_ends_though_its_worker_is_busy) {
  world w = ranks(2);
  w.stealing = false;
  run_world(w, [] {
    auto busy = torc::submit(torc::on_rank(1), wait_for_release);
    wait_until_running(1);
    auto queued = torc::submit(torc::on_rank(1), count, 1);
    auto pinned = torc::submit(torc::on_rank(1).pinned(), count, 2);
    queued.cancel();
    pinned.cancel();
    pinned.cancel();
    EXPECT_THROW(queued.get(), torc::cancelled);
    EXPECT_THROW(pinned.get(), torc::cancelled);
    EXPECT_FALSE(busy.done());
    released = true;
    EXPECT_EQ(ran, 0);
  });
}

/// On rank 1 something that itself has something computed on rank 2.
void pass_on() { torc::submit(torc::on_rank(2).pinned(), compute).get(); }

TEST_F(cancel, what_a_task_has_sent_on_stops_too) {
  run_world(ranks(3), [] {
    auto a = torc::submit(torc::on_rank(1).pinned(), pass_on);
    wait_until_running(1);
    a.cancel();
    EXPECT_THROW(a.get(), torc::cancelled);
    EXPECT_EQ(stopped, 1);
  });
}

// The message that stops a task races with the task, on all of its ways.
TEST_F(cancel, a_task_on_its_way_is_stopped) {
  for (unsigned seed = 0; seed < 30; ++seed) {
    world w = ranks(3);
    w.seed = seed;
    w.most_delay = seed % 3 * 10;
    run_world(w, [seed] {
      std::vector<torc::future<void>> all;
      for (int i = 0; i < 20; ++i) {
        auto place = torc::on_rank(i % 3);
        all.push_back(torc::submit(i % 4 == 0 ? place.pinned() : place, compute));
        if ((static_cast<unsigned>(i) + seed) % 5 == 0) {
          std::this_thread::sleep_for(std::chrono::microseconds(seed * 10));
        }
        all.back().cancel();
      }
      for (auto& f : all) {
        EXPECT_THROW(f.get(), torc::cancelled);
      }
      EXPECT_EQ(torc::submit(torc::on_rank(1), count, 3).get(), 3);
    });
    EXPECT_EQ(running, stopped);
  }
}

// A task is passed on by a rank that dies before anybody has heard of that.

std::atomic<bool> sent{false}, holding{false};
std::atomic<int> copies{0}; ///< of the task; 0: not known yet

void wait_for_holding() {
  ++running;
  test::spin_until(holding);
}
/// Run directly, with which the rank does not look at its messages: the first that it sees
/// afterwards is that its neighbour is lost.
void lose_rank_1_unheard() {
  holding = true;
  // Rank 2 asks for it, unless it has been given back to rank 0, which does not look: then it is
  // lost with rank 1.
  const auto end = std::chrono::steady_clock::now() + 1s;
  while (running < 3 && std::chrono::steady_clock::now() < end) {
    std::this_thread::yield();
  }
  copies = running < 3 ? 1 : 2;
  test::kill_victim();
  torc::detail::current_engine()->look_for_deaths();
}
void have_it_lost() {
  if (torc::rank() != 1) return; // again
  ++running;
  test::spin_until(sent);
  static_cast<void>(torc::submit(torc::on_rank(0).direct(), lose_rank_1_unheard));
  test::spin_until(released);
}

TEST_F(cancel, a_copy_nobody_knows_of_is_stopped) {
  world w = ranks(3);
  w.workers[0] = 2;
  w.hosts = {0, 1, 1}; // rank 2 asks rank 1 first
  w.victim = 1;
  const auto program = [] {
    auto busy = torc::submit(torc::on_rank(2).pinned(), wait_for_holding);
    auto victim = torc::submit(torc::on_rank(1).pinned(), have_it_lost);
    wait_until_running(2);
    auto passed_on = torc::submit(torc::on_rank(1), compute);
    std::this_thread::sleep_for(20ms); // let it arrive
    sent = true;
    while (copies == 0) {
      std::this_thread::yield();
    }
    wait_until_running(2 + copies); // on rank 2, and again here
    passed_on.cancel();
    EXPECT_THROW(passed_on.get(), torc::cancelled);
    released = true;
  };
  copies = 0;
  for (int tries = 5; tries > 0 && copies < 2; --tries) {
    ran = running = stopped = copies = 0;
    sent = holding = released = false;
    run_world(w, program);
    EXPECT_EQ(stopped, copies);
  }
  EXPECT_EQ(copies, 2);
}

/// Outlives the program; when it goes on it submits something to a worker that might be gone.
void go_on_late() {
  ++running;
  std::this_thread::sleep_for(300ms);
  static_cast<void>(torc::submit(torc::on_local_worker(0), count, 1));
  ++stopped;
}
void send_on_to_rank_2() {
  if (torc::rank() == 1) torc::submit(torc::on_worker(3).pinned(), go_on_late).wait();
}

TEST_F(cancel, a_rank_does_not_part_before_its_guests_have_ended) {
  world w = ranks(3);
  w.workers[2] = 2; // 2 and 3
  w.victim = 1;
  run_world(w, [] {
    auto sends = torc::submit(torc::on_rank(1).pinned(), send_on_to_rank_2);
    wait_until_running(1);
    test::kill_victim();
    sends.get(); // again, here
  });
  EXPECT_EQ(stopped, 1);
}

long recursion(int n) {
  if (n < 2) return n;
  auto a = torc::spawn(recursion, n - 1);
  const long b = recursion(n - 2);
  return a.get() + b;
}

TEST_F(cancel, a_recursion_over_all_ranks_stops) {
  for (int i = 0; i < 5; ++i) {
    const auto ended = run_world(ranks(3), [] {
      EXPECT_THROW(
          {
            const torc::group g(30ms);
            recursion(200);
          },
          torc::timed_out);
    });
    EXPECT_GT(ended.stolen(), 0u);
  }
}

TEST_F(cancel, a_search_that_converges_stops_alone) {
  world w = ranks(3, 2);
  w.most_delay = 5;
  run_world(w, [] { EXPECT_EQ(test::search_grid(20), 20); });
}

// The same slots are used again and again.
TEST_F(cancel, what_was_said_of_earlier_tasks_does_not_matter) {
  run_world(ranks(2), [] {
    for (int i = 0; i < 200; ++i) {
      auto a = torc::submit(torc::on_rank(1).pinned(), compute);
      a.cancel();
      EXPECT_THROW(a.get(), torc::cancelled);
      EXPECT_EQ(torc::submit(torc::on_rank(1).pinned(), count, i).get(), i);
    }
  });
}

int fail_on_rank_1(int x) {
  if (torc::rank() == 1) throw converged("here");
  return x;
}

TEST_F(cancel, a_failed_task_is_tried_on_another_rank) {
  world w = ranks(3);
  w.stealing = false;
  const auto ended = run_world(w, [] {
    EXPECT_EQ(torc::submit(torc::on_rank(1).retry(1), fail_on_rank_1, 5).get(), 5);
    EXPECT_THROW(torc::submit(torc::on_rank(1).pinned().retry(2), fail_on_rank_1, 5).get(),
                 converged);
  });
  EXPECT_EQ(ended.statistics[0].retried, 3u);
}

TEST_F(cancel, a_time_limit_holds_on_another_rank) {
  run_world(ranks(3), [] {
    EXPECT_THROW(torc::submit(torc::on_rank(1).pinned().time_limit(5ms), compute).get(),
                 torc::timed_out);
    EXPECT_THROW(torc::submit(torc::on_rank(1).time_limit(5ms), pass_on).get(), torc::timed_out);
    EXPECT_EQ(stopped, running);
    EXPECT_GE(running, 1); // the one passed on may not have begun
  });
}

} // namespace
