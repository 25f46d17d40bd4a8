// SPDX-License-Identifier: MIT
// Ranks work together: who they are, that they take each other's tasks, and that tasks sent to one
// of them run there.

#include <atomic>
#include <gtest/gtest.h>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "../session.hpp"
#include "programs.hpp"
#include "world.hpp"

namespace {

using test::ranks;
using test::run_launches;
using test::run_world;
using test::world;

const world uneven{.workers = {1, 3, 2}};

int rank_of_this() { return torc::rank(); }
int worker_of_this() { return torc::worker(); }

/// Occupies the calling worker until all of `n` tasks that call it do so at once.
struct meeting {
  std::atomic<int> arrived{0};
  void wait_for(int n) {
    ++arrived;
    test::spin_until(arrived, n);
  }
};
meeting all_here;

TEST(ranks, know_their_numbers) {
  run_world(uneven, [] {
    EXPECT_EQ(torc::rank(), 0);
    EXPECT_EQ(torc::num_ranks(), 3);
    EXPECT_EQ(torc::num_workers(), 6);
    EXPECT_EQ(torc::worker(), 0);
    const int first[] = {0, 1, 4, 6};
    for (int r = 0; r < 3; ++r) {
      for (int q = first[r]; q < first[r + 1]; ++q) {
        const auto ask = [](int expected_rank, int expected_worker) {
          EXPECT_EQ(torc::rank(), expected_rank);
          EXPECT_EQ(torc::worker(), expected_worker);
          const int first_here[] = {0, 1, 4, 6};
          EXPECT_EQ(torc::local_worker(), expected_worker - first_here[expected_rank]);
          EXPECT_EQ(torc::num_local_workers(),
                    first_here[expected_rank + 1] - first_here[expected_rank]);
          EXPECT_EQ(torc::num_ranks(), 3);
          EXPECT_EQ(torc::num_workers(), 6);
        };
        torc::submit(torc::on_worker(q).pinned(), ask, r, q).get();
      }
    }
  });
}

class on_ranks : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(n, on_ranks, testing::Values(1, 2, 3, 4, 8));

TEST_P(on_ranks, fib_is_exact) {
  run_world(ranks(GetParam()), [] { EXPECT_EQ(test::fib(21), 10946); });
}
TEST_P(on_ranks, fib_of_coroutines_is_exact) {
  run_world(ranks(GetParam()), [] { EXPECT_EQ(test::fib_coroutine(18).get(), 2584); });
}
TEST_P(on_ranks, queens_are_exact) {
  run_world(ranks(GetParam(), 2), [] { EXPECT_EQ(test::queens(8), 92); });
}
TEST_P(on_ranks, the_unbalanced_tree_is_exact) {
  for (const int tree : {0, 1}) {
    run_world(ranks(GetParam()), [tree] {
      const uts::tree& t = uts::trees[static_cast<std::size_t>(tree)];
      EXPECT_EQ(test::search(tree, uts::root(t)), t.published);
    });
  }
}
TEST_P(on_ranks, delays_and_hosts_change_nothing) {
  const int n = GetParam();
  world w = ranks(n);
  w.seed = 7;
  w.most_delay = 20;
  for (int r = 0; r < n; ++r) {
    w.hosts.push_back(r / 2);
  }
  run_world(w, [] {
    EXPECT_EQ(test::fib(19), 4181);
    EXPECT_EQ(test::queens(7), 40);
  });
}

void wait_for_all_ranks() { all_here.wait_for(2); }

TEST(ranks, take_a_spawned_task_from_each_other) {
  all_here.arrived = 0;
  const auto ended = run_world(ranks(2), [] {
    auto other = torc::spawn(wait_for_all_ranks); // returns only if somebody else runs it
    wait_for_all_ranks();
    other.get();
  });
  EXPECT_EQ(ended.stolen(), 1u);
}

std::atomic<int> sitting{0};
std::atomic<bool> may_rise{false};
void sit_elsewhere() {
  if (torc::rank() != 0) {
    ++sitting;
    while (!may_rise) {
    }
  }
}

/// While it runs a task a rank asks for no other one, not even when the task has just come.
TEST(ranks, take_no_more_than_they_can_run) {
  sitting = 0;
  may_rise = false;
  const auto ended = run_world(ranks(2), [] {
    auto oldest = torc::spawn(sit_elsewhere);
    {
      auto second = torc::spawn(sit_elsewhere);
      auto third = torc::spawn(sit_elsewhere);
      for (double end = torc::wtime() + 0.02; sitting == 0 || torc::wtime() < end;) {
        torc::spawn([] {}).get(); // what is asked for meanwhile is given
      }
    }
    may_rise = true;
    oldest.get();
  });
  EXPECT_EQ(ended.stolen(), 1u);
}

TEST(ranks, take_a_submitted_task_from_each_other) {
  all_here.arrived = 0;
  const auto ended = run_world(ranks(2), [] {
    auto other = torc::submit(torc::on_rank(0), wait_for_all_ranks);
    wait_for_all_ranks();
    other.get();
  });
  EXPECT_EQ(ended.stolen(), 1u);
}

TEST(ranks, run_what_is_sent_to_them) {
  run_world(uneven, [] {
    for (int r = 0; r < 3; ++r) {
      EXPECT_EQ(torc::submit(torc::on_rank(r).pinned(), rank_of_this).get(), r);
    }
    for (int q = 0; q < 6; ++q) {
      EXPECT_EQ(torc::submit(torc::on_worker(q).pinned(), worker_of_this).get(), q);
    }
  });
}

TEST(ranks, get_submitted_tasks_in_turn) {
  world w = uneven;
  w.stealing = false;
  run_world(w, [] {
    std::map<int, int> tasks;
    std::vector<torc::future<int>> futures;
    for (int i = 0; i < 60; ++i) {
      futures.push_back(torc::submit(torc::cyclic.pinned(), worker_of_this));
    }
    for (auto& f : futures) {
      ++tasks[f.get()];
    }
    for (int q = 0; q < 6; ++q) {
      EXPECT_EQ(tasks[q], 10) << "worker " << q;
    }
  });
}

std::atomic<bool> busy_there{false};
std::atomic<bool> all_are_sent{false};
std::mutex order_lock;
std::vector<int> order_there;

TEST(ranks, keep_the_levels_of_what_is_sent_to_them) {
  busy_there = all_are_sent = false;
  order_there.clear();
  run_world(ranks(2), [] {
    const auto there = torc::on_rank(1).pinned();
    const auto busy = torc::submit(there, [] {
      busy_there = true;
      test::spin_until(all_are_sent);
    });
    test::spin_until(busy_there);
    for (const int level : {0, 3, 9}) {
      const auto note = [](int l) {
        const std::lock_guard guard(order_lock);
        order_there.push_back(l);
      };
      static_cast<void>(torc::submit(there.priority(level), note, level));
    }
    // Without delays messages keep their order here: when this has come, so have the others.
    static_cast<void>(torc::submit(torc::on_rank(1), [] { all_are_sent = true; }));
    torc::sync();
  });
  EXPECT_EQ(order_there, (std::vector{9, 3, 0}));
}

TEST(ranks, get_submitted_tasks_in_turn_from_their_own_first_worker_on) {
  run_world(uneven, [] {
    for (int r = 0; r < 3; ++r) {
      const auto four = [] {
        std::vector<int> workers;
        for (int i = 0; i < 4; ++i) {
          workers.push_back(torc::submit(torc::cyclic.pinned(), worker_of_this).get());
        }
        return workers;
      };
      const std::vector<int> expected[] = {{0, 1, 2, 3}, {1, 2, 3, 4}, {4, 5, 0, 1}};
      EXPECT_EQ(torc::submit(torc::on_rank(r).pinned(), four).get(), expected[r]);
    }
  });
}

TEST_P(on_ranks, callbacks_run_on_the_rank_that_adds_them) {
  run_world(ranks(GetParam(), 2), [] {
    const auto add = [](long n) {
      std::atomic<long> sum{0};
      const int home = torc::rank();
      for (int i = 0; i < n; ++i) {
        const auto note = [&sum, home](torc::future<int>& t) {
          EXPECT_EQ(torc::rank(), home);
          sum += t.result();
        };
        auto t = torc::submit(
            torc::on_rank(i % torc::num_ranks()), [](int x) { return x; }, i);
        t.callback(note);
        t.callback(torc::here.direct(), note);
      }
      torc::sync();
      return sum.load();
    };
    EXPECT_EQ(add(200), 200L * 199);
    EXPECT_EQ(torc::submit(torc::on_rank(torc::num_ranks() - 1), add, 200L).get(), 200L * 199);
  });
}

std::atomic<bool> worker_may_go{false};

TEST(ranks, call_direct_tasks_while_their_workers_are_busy) {
  worker_may_go = false;
  const auto ended = run_world(ranks(2), [] {
    auto busy = torc::submit(torc::on_rank(1).pinned(), [] { test::spin_until(worker_may_go); });
    const auto ask = [](int x) {
      if (x < 0) throw std::range_error("direct");
      EXPECT_EQ(torc::worker(), -1);
      return x + torc::rank();
    };
    for (int i = 0; i < 20; ++i) {
      EXPECT_EQ(torc::submit(torc::on_rank(1).direct(), ask, i).get(), i + 1);
      auto at_once = torc::submit(torc::on_rank(0).direct(), ask, i);
      EXPECT_TRUE(at_once.done());
      EXPECT_EQ(at_once.get(), i);
    }
    EXPECT_THROW(torc::submit(torc::on_rank(1).direct(), ask, -1).get(), std::range_error);
    worker_may_go = true;
    busy.get();
  });
  EXPECT_EQ(ended.statistics[0].created, 1u);
  EXPECT_EQ(ended.statistics[1].created, 0u);
}

std::atomic<int> detached_ran{0};
void detach_more(int left) {
  ++detached_ran;
  if (left > 0) {
    const int next = (torc::rank() + 1) % torc::num_ranks();
    static_cast<void>(torc::submit(torc::on_rank(next).detached(), detach_more, left - 1));
    static_cast<void>(torc::submit(torc::here.detached(), detach_more, left - 1));
  }
}

std::atomic<int> late_ran{0};
void submit_late() {
  static_cast<void>(torc::submit(torc::here, [] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    ++late_ran;
  }));
}
void outlive_the_program() {
  std::this_thread::sleep_for(std::chrono::milliseconds(100)); // rank 2 wants to part by now
  torc::submit(torc::on_rank(2).direct(), submit_late).wait();
}

// What runs directly is no task, so that nothing but its rank waits for what it submits.
TEST(ranks, wait_for_what_a_direct_task_has_submitted) {
  run_world(test::ranks(3), [] {
    static_cast<void>(torc::submit(torc::on_rank(1).detached(), outlive_the_program));
  });
  EXPECT_EQ(late_ran, 1);
}

TEST_P(on_ranks, detached_tasks_end_before_the_ranks_part) {
  for (unsigned i = 0; i < 20; ++i) {
    detached_ran = 0;
    world w = ranks(GetParam());
    w.seed = i;
    w.most_delay = i % 2 * 20;
    run_world(w, [] { static_cast<void>(torc::submit(torc::cyclic.detached(), detach_more, 7)); });
    EXPECT_EQ(detached_ran, 255);
  }
}

TEST(ranks, count_what_they_create_and_execute) {
  world w = ranks(2);
  w.stealing = false;
  const auto ended = run_world(w, [] {
    std::vector<torc::future<int>> tasks;
    for (int i = 0; i < 4; ++i) {
      tasks.push_back(torc::submit(rank_of_this));
      static_cast<void>(torc::submit(torc::cyclic.uncounted(), rank_of_this));
    }
    // The uncounted ones took every other turn.
    for (auto& t : tasks) {
      EXPECT_EQ(t.get(), 0);
    }
    for (int i = 0; i < 3; ++i) {
      torc::submit(torc::on_rank(1), rank_of_this).callback([](torc::future<int>&) {});
    }
  });
  EXPECT_EQ(ended.statistics[0].created, 10u); // 7 tasks and 3 callbacks
  EXPECT_EQ(ended.statistics[0].executed, 7u);
  EXPECT_EQ(ended.statistics[1].created, 0u);
  EXPECT_EQ(ended.statistics[1].executed, 3u);
}

TEST(ranks, that_do_not_exist_are_refused) {
  run_world(ranks(2, 2), [] {
    EXPECT_THROW(static_cast<void>(torc::submit(torc::on_rank(2), rank_of_this)),
                 std::out_of_range);
    EXPECT_THROW(static_cast<void>(torc::submit(torc::on_rank(-1), rank_of_this)),
                 std::out_of_range);
    EXPECT_THROW(static_cast<void>(torc::submit(torc::on_worker(4), rank_of_this)),
                 std::out_of_range);
    EXPECT_THROW(static_cast<void>(torc::submit(torc::on_local_worker(2), rank_of_this)),
                 std::out_of_range);
  });
}

long sum_of_subtree(int depth) {
  if (depth == 0) return 1;
  auto next = torc::submit(torc::on_rank((torc::rank() + 1) % torc::num_ranks()), sum_of_subtree,
                           depth - 1);
  auto any = torc::submit(sum_of_subtree, depth - 1);
  return next.get() + any.get();
}

TEST_P(on_ranks, tasks_from_elsewhere_submit_more) {
  run_world(ranks(GetParam()), [] { EXPECT_EQ(sum_of_subtree(8), 256); });
}

int hop(int left) {
  if (left == 0) return torc::rank();
  const int next = (torc::rank() + 1) % torc::num_ranks();
  return torc::submit(torc::on_rank(next).pinned(), hop, left - 1).get();
}

TEST(ranks, pass_a_task_around) {
  run_world(ranks(3), [] { EXPECT_EQ(hop(100), 100 % 3); });
}

TEST(ranks, keep_pinned_tasks_and_those_with_references) {
  run_world(ranks(3), [] {
    std::atomic<int> here{0};
    const auto count = [](std::atomic<int>& n) { n += torc::rank() == 0; };
    std::vector<torc::future<void>> futures;
    for (int i = 0; i < 300; ++i) {
      futures.push_back(torc::submit(torc::here, count, std::ref(here)));
      futures.push_back(torc::submit(torc::here.pinned(), count, std::ref(here)));
      auto child = torc::spawn(count, std::ref(here));
      torc::submit(torc::here, [] { EXPECT_EQ(torc::rank(), 0); }).get();
    }
    torc::wait(futures).get();
    EXPECT_EQ(here, 900);
    std::vector<torc::future<int>> pinned;
    for (int i = 0; i < 300; ++i) {
      pinned.push_back(torc::submit(torc::on_worker(i % 3).pinned(), worker_of_this));
    }
    for (int i = 0; i < 300; ++i) {
      EXPECT_EQ(pinned[static_cast<std::size_t>(i)].get(), i % 3);
    }
  });
}

std::atomic<int> dropped{0};
int count_dropped(int x) { return ++dropped, x; }

TEST(ranks, run_tasks_whose_futures_are_dropped) {
  dropped = 0;
  run_world(ranks(3), [] {
    for (int i = 0; i < 100; ++i) {
      static_cast<void>(torc::submit(torc::on_rank(i % 3), count_dropped, i));
    }
    torc::sync();
    EXPECT_EQ(dropped, 100);
  });
}

TEST(ranks, finish_what_was_submitted_last) {
  dropped = 0;
  run_world(ranks(3), [] {
    for (int i = 0; i < 100; ++i) {
      static_cast<void>(torc::submit(torc::on_rank(i % 3), count_dropped, i));
    }
  });
  EXPECT_EQ(dropped, 100);
}

std::atomic<bool> released{false};
int when_released(int x) {
  test::spin_until(released);
  return x;
}

TEST(ranks, are_waited_for_by_all_means) {
  run_world(ranks(3), [] {
    using namespace std::chrono_literals;
    released = false;
    auto slow = torc::submit(torc::on_rank(1).pinned(), when_released, 1);
    auto fast = torc::submit(torc::on_rank(2).pinned(), rank_of_this);
    EXPECT_EQ(torc::wait_any(slow, fast).get(), 1u);
    EXPECT_FALSE(torc::wait_for(1ms, slow, fast).get());
    released = true;
    EXPECT_TRUE(torc::wait_for(1h, slow, fast).get());
    EXPECT_EQ(slow.get(), 1);

    std::vector<torc::future<int>> futures;
    for (int i = 0; i < 50; ++i) {
      futures.push_back(torc::submit(torc::on_rank(i % 3), when_released, i));
    }
    std::set<int> seen;
    auto stream = torc::as_completed(futures);
    while (auto* f = stream.next().get()) {
      seen.insert(f->get());
    }
    EXPECT_EQ(seen.size(), 50u);
  });
}

TEST(ranks, launch_several_times) {
  std::vector<test::application> applications;
  for (int i = 0; i < 50; ++i) {
    applications.push_back([i] {
      EXPECT_EQ(torc::submit(torc::on_rank(i % 3), test::fib, 7).get(), 13);
      return i;
    });
  }
  world w = ranks(3);
  w.most_delay = 10;
  const auto ended = run_launches(w, applications);
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(ended.exit_codes[static_cast<std::size_t>(i)], std::vector<int>(3, i));
  }
}

TEST(ranks, launch_quickly_one_after_the_other) {
  std::vector<test::application> applications;
  for (int i = 0; i < 200; ++i) {
    applications.push_back([i] { return i; });
  }
  world w = ranks(4);
  w.most_delay = 50;
  const auto ended = run_launches(w, applications);
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(ended.exit_codes[static_cast<std::size_t>(i)], std::vector<int>(4, i));
  }
}

TEST(ranks, end_when_the_primary_task_throws) {
  const auto ended =
      run_launches(ranks(3), {[]() -> int {
                                static_cast<void>(torc::submit(torc::on_rank(1), test::fib, 10));
                                throw std::runtime_error("primary");
                              },
                              [] { return 7; }});
  EXPECT_EQ(ended.exit_codes[0], (std::vector<int>{-1, 1, 1}));
  EXPECT_EQ(ended.exit_codes[1], (std::vector<int>{7, 7, 7}));
  EXPECT_THROW(std::rethrow_exception(ended.errors[0]), std::runtime_error);
}

} // namespace
