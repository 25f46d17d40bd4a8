// SPDX-License-Identifier: MIT
// A rank is lost in the middle of a program, and the others finish it.

#include <atomic>
#include <chrono>
#include <gtest/gtest.h>
#include <memory>
#include <random>
#include <thread>

#include "../session.hpp"
#include "programs.hpp"
#include "world.hpp"

namespace {

/// Of those that have come from another rank.
struct counted {
  std::shared_ptr<int> arrived = nullptr;
};
std::shared_ptr<int> arrived = std::make_shared<int>();

} // namespace

template <>
struct torc::codec<counted> {
  static void save(writer&, const counted&) {}
  static counted load(reader&) { return {arrived}; }
};

namespace {

using test::ranks;
using test::world;

long fib_of(int n) { return test::fib(n); }

void search_and_submit(int ranks) {
  const uts::tree& t = uts::trees[0];
  std::vector<torc::future<long>> sent;
  for (int n = 0; n < 60; ++n) {
    const auto where = torc::on_rank(n % ranks);
    sent.push_back(torc::submit(n % 3 == 0 ? where.pinned() : where, fib_of, 10 + n % 5));
  }
  EXPECT_EQ(test::search(0, uts::root(t)), t.published);
  for (int n = 0; n < 60; ++n) {
    EXPECT_EQ(sent[static_cast<std::size_t>(n)].get(), test::fib(10 + n % 5));
  }
}

class losses : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(seed, losses, testing::Range(1, 9));

TEST_P(losses, change_no_result) {
  std::mt19937 random(static_cast<unsigned>(GetParam()));
  const int n = 2 + GetParam() % 4;
  world w = ranks(n, 1 + GetParam() % 2);
  w.victim = 1 + static_cast<int>(random() % static_cast<unsigned>(n - 1));
  w.seed = random();
  w.most_delay = GetParam() % 3 == 0 ? 5 : 0;
  for (int r = 0; r < n && GetParam() % 2 == 0; ++r) {
    w.hosts.push_back(r / 2);
  }
  test::run_world(w, [&] {
    const test::death d(std::chrono::microseconds(random() % 20'000));
    for (int i = 0; i < 3; ++i) {
      search_and_submit(n);
    }
  });
}

TEST(losses, of_another_host_end_the_job_soon) {
  world w = ranks(2);
  w.hosts = {0, 1};
  w.victim = 1;
  w.survives = false;
  w.beat = std::chrono::milliseconds(200); // by default five times as long
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EXIT(test::run_world(w,
                              [] {
                                torc::submit(torc::on_rank(1).pinned(), fib_of, 10).get();
                                test::kill_victim();
                                std::this_thread::sleep_for(std::chrono::seconds(20));
                              }),
              testing::ExitedWithCode(1), "torc: rank 1 on host1 has died: the job ends");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

/// What is sent to a lost rank runs where it is sent from; all together are those that are left.
TEST(losses, are_known_from_then_on) {
  world w = ranks(3);
  w.victim = 1;
  static std::atomic<int> there;
  there = 0;
  test::run_world(w, [] {
    auto stays = torc::submit(torc::on_rank(1).pinned(), fib_of, 20);
    test::kill_victim();
    EXPECT_EQ(stays.get(), 6765); // as soon as it is seen, at the latest
    for (int i = 0; torc::submit(torc::on_rank(1).pinned(), torc::rank).get() != 0; ++i) {
      ASSERT_LT(i, 1000);
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(500)); // for the others to hear of it
    torc::spmd([] { ++there; }).get();
    EXPECT_EQ(there, 2);
    EXPECT_EQ(torc::map(fib_of, std::vector<int>(100, 10)).get(), std::vector<long>(100, 55));
  });
}

std::atomic<bool> runs_again{false}, guest_works{false};

/// On rank 1 it dies, when the others have said goodbye and rank 2 has two tasks of it.
template <void (*guest)(counted)>
void leave_tasks_behind() {
  if (runs_again.exchange(true)) return;
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  auto a = torc::submit(torc::on_rank(2).pinned(), guest, counted());
  auto b = torc::submit(
      torc::on_rank(2).pinned(), [](counted) {}, counted());
  test::spin_until(guest_works);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  test::kill_victim();
  a.get();
}

/// The others end while rank 2 is at the first of them.
template <void (*guest)(counted)>
void end_with_guest(world w = ranks(4)) {
  w.victim = 1;
  runs_again = guest_works = false;
  test::run_launches(w, {[] { // the victim, too, hears of the launch's end
                       static_cast<void>(torc::submit(torc::on_rank(1).pinned().detached(),
                                                      leave_tasks_behind<guest>));
                       return 0;
                     }});
  EXPECT_TRUE(guest_works);
  EXPECT_EQ(arrived.use_count(), 1) << "something has been left behind";
}

void work(counted) {
  guest_works = true;
  std::this_thread::sleep_for(std::chrono::seconds(1));
}
TEST(losses, a_task_of_a_lost_rank_works_at_the_end) { end_with_guest<work>(); }

void work_long(counted) {
  guest_works = true;
  std::this_thread::sleep_for(std::chrono::seconds(2));
}
TEST(losses, a_task_of_a_lost_rank_works_when_the_root_has_ended) {
  world w = ranks(4);
  w.hosts = {0, 0, 1, 1};
  w.beat = std::chrono::milliseconds(200);
  end_with_guest<work_long>(w);
}

void work_until_stopped(counted) {
  guest_works = true;
  while (!torc::stop_token().stop_requested()) {
    std::this_thread::yield();
  }
}
TEST(losses, a_task_of_a_lost_rank_works_until_the_end) { end_with_guest<work_until_stopped>(); }

void wait_for_child(counted) { torc::submit(torc::on_rank(3).pinned(), work, counted()).get(); }
TEST(losses, a_task_of_a_lost_rank_waits_for_another_rank_at_the_end) {
  end_with_guest<wait_for_child>();
}

void send_late(counted) {
  guest_works = true;
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  torc::submit(
      torc::on_rank(2).pinned(), [](counted) {}, counted())
      .get();
}
void work_and_wait_for_child(counted) {
  auto child = torc::submit(torc::on_rank(3).pinned(), send_late, counted());
  std::this_thread::sleep_for(std::chrono::seconds(1));
  child.get();
}
TEST(losses, a_task_of_a_lost_rank_sends_others_after_the_end) {
  end_with_guest<work_and_wait_for_child>();
}

void call_all_late(counted) {
  guest_works = true;
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  torc::enable_stealing();
}
TEST(losses, a_task_of_a_lost_rank_calls_all_after_the_end) { end_with_guest<call_all_late>(); }

std::atomic<bool> holds{false}, part_works{false};

/// The part of the root is suspended when nothing else keeps it from closing.
void call_all_at_the_end(counted) {
  guest_works = true;
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  const auto part = [](counted) {
    if (torc::rank() == 0) {
      part_works = true;
      torc::submit(torc::on_rank(2).pinned(), work, counted()).get();
    }
  };
  torc::spmd(part, counted()).get();
}
void hold_until_called(counted) {
  holds = true;
  test::spin_until(part_works);
}
void hold_and_leave_tasks_behind() {
  if (!runs_again) {
    static_cast<void>(
        torc::submit(torc::on_rank(3).pinned().detached(), hold_until_called, counted()));
  }
  leave_tasks_behind<call_all_at_the_end>();
}
TEST(losses, a_task_of_a_lost_rank_calls_all_at_the_end) {
  world w = ranks(4);
  w.victim = 1;
  runs_again = guest_works = holds = part_works = false;
  test::run_launches(w, {[] {
                       static_cast<void>(torc::submit(torc::on_rank(1).pinned().detached(),
                                                      hold_and_leave_tasks_behind));
                       test::spin_until(holds);
                       return 0;
                     }});
  EXPECT_TRUE(part_works);
  EXPECT_EQ(arrived.use_count(), 1) << "something has been left behind";
}

} // namespace
