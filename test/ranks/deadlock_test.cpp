// SPDX-License-Identifier: MIT
// Tasks of several ranks that wait for each other end the job; those that merely wait long do not.

#include <atomic>
#include <chrono>
#include <gtest/gtest.h>
#include <thread>

#include "failing.hpp"
#include "world.hpp"

namespace {

using namespace std::chrono_literals;
using test::ranks;
using test::run_world;

test::world impatient(test::world w) {
  w.suspicion = 50ms;
  return w;
}

void wait_for_itself() {
  torc::future<void> x;
  std::atomic<bool> known{false};
  x = torc::submit(torc::here, [&] {
    while (!known) {
      std::this_thread::yield();
    }
    x.wait();
  });
  known = true;
  x.wait();
}

TEST(deadlock, of_two_ranks) {
  EXPECT_EXIT(run_world(impatient(ranks(2)), test::wait_in_a_circle), testing::ExitedWithCode(1),
              "torc: deadlock: nothing runs"
              "(.|\n)*rank 0 .*wait_for_first.* waits for a submitted task .*ask_rank_0"
              ".*, submitted in .*wait_in_a_circle\\(\\)\\+0x[0-9a-f]+"
              "(.|\n)*rank 1 .*ask_rank_0.* waits for a submitted task .*wait_for_first");
}

TEST(deadlock, of_a_detached_task_that_others_wait_for_to_part) {
  EXPECT_EXIT(
      run_world(
          impatient(ranks(3, 2)),
          [] { static_cast<void>(torc::submit(torc::on_rank(2).detached(), wait_for_itself)); }),
      testing::ExitedWithCode(1), "torc: deadlock: nothing runs");
}

// Longer than it takes to find a deadlock.
constexpr auto long_time = 450ms;

void sleep_long() { std::this_thread::sleep_for(long_time); }

TEST(deadlock, is_no_long_task) {
  run_world(impatient(ranks(2)), [] {
    torc::spmd([] {
      if (torc::rank() == 1) sleep_long();
    }).get();
  });
}

int fail_once() {
  static std::atomic<int> tries{0};
  if (tries++ == 0) throw std::runtime_error("not yet");
  return 3;
}

TEST(deadlock, is_no_long_pause) {
  run_world(impatient(ranks(2)), [] {
    EXPECT_EQ(torc::submit(torc::on_rank(1).retry(1, long_time), fail_once).get(), 3);
  });
}

} // namespace
