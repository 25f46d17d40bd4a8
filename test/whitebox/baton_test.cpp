// SPDX-License-Identifier: MIT
#include "scheduler/baton.hpp"

#include <atomic>
#include <chrono>
#include <gtest/gtest.h>
#include <thread>
#include <vector>

#include "../session.hpp"
#include "scheduler/scheduler.hpp"
#include "scheduler/timers.hpp"

namespace {

using namespace std::chrono_literals;
using torc::detail::baton;
using torc::detail::timers;

TEST(baton, posted_before_the_wait) {
  baton b;
  b.post();
  b.post();
  b.wait();
}

TEST(baton, wakes_a_thread) {
  for (int i = 0; i < 200; ++i) {
    baton b;
    std::thread poster([&b] { b.post(); });
    b.wait();
    poster.join();
  }
}

TEST(baton, wakes_a_task) {
  test::run([] {
    for (int i = 0; i < 500; ++i) {
      baton b;
      auto poster = torc::submit(torc::here, [&b] { b.post(); });
      b.wait();
      poster.get();
    }
  });
}

TEST(baton, a_task_wakes_a_thread_and_a_thread_a_task) {
  baton to_task;
  baton to_thread;
  std::thread thread([&] {
    to_thread.wait();
    to_task.post();
  });
  test::run([&] {
    auto task = torc::submit(torc::here, [&] {
      to_thread.post();
      to_task.wait();
    });
    task.get();
  });
  thread.join();
}

TEST(timers, post_in_time_and_not_before) {
  const auto begin = timers::clock::now();
  baton late;
  baton early;
  const auto l = timers::get().set(begin + 20ms, [&] { late.post(); });
  const auto e = timers::get().set(begin + 5ms, [&] { early.post(); });
  early.wait();
  EXPECT_GE(timers::clock::now() - begin, 5ms);
  late.wait();
  EXPECT_GE(timers::clock::now() - begin, 20ms);
  timers::get().cancel(e);
  timers::get().cancel(l);
}

TEST(timers, an_alarm_in_the_past_posts_at_once) {
  baton b;
  const auto a = timers::get().set(timers::clock::time_point::min(), [&] { b.post(); });
  b.wait();
  timers::get().cancel(a);
}

TEST(timers, a_session_ends_after_what_lets_its_tasks_go_on) {
  std::atomic<bool> begun{false}, ended{false};
  test::run([&] {
    timers::get().pause(torc::detail::current_scheduler()->root, timers::clock::now(), [&] {
      begun = true;
      std::this_thread::sleep_for(200ms);
      ended = true;
    });
    test::spin_until(begun);
  });
  EXPECT_TRUE(ended);
}

TEST(timers, cancelled_alarms_do_not_post) {
  for (int i = 0; i < 100; ++i) {
    baton b;
    timers::get().cancel(timers::get().set(timers::clock::now() + 100us, [&] { b.post(); }));
  }
  baton b;
  const auto a = timers::get().set(timers::clock::now() + 5ms, [&] { b.post(); });
  b.wait();
  timers::get().cancel(a);
}

} // namespace
