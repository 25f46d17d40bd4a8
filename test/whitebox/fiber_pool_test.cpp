// SPDX-License-Identifier: MIT
#include "fiber/fiber.hpp"

#include <gtest/gtest.h>
#include <vector>

#include "../session.hpp"
#include "scheduler/scheduler.hpp"

namespace {

using namespace torc::detail;

TEST(fiber, has_stacks_of_the_size_asked_for_and_a_guard) {
  fiber* f = create_fiber(100'000, nullptr);
  EXPECT_GE(f->stack_size, 100'000u);
  EXPECT_EQ(f->stack_size % 4096, 0u);
  EXPECT_EQ(f->native_size, f->stack_size);
  EXPECT_GE(static_cast<std::size_t>(f->frame_limit - f->frame_top), 100'000u);
  volatile char* lowest = f->mapping + (static_cast<const char*>(f->native_stack) - f->mapping);
  *lowest = 1;
  EXPECT_DEATH(*(lowest - 1) = 1, "");
  destroy_fiber(f);
}

TEST(fiber_pool, reuses_the_latest) {
  fiber_pool pool(65536, nullptr);
  fiber* a = pool.acquire();
  fiber* b = pool.acquire();
  EXPECT_NE(a, b);
  EXPECT_EQ(pool.in_use(), 2u);
  pool.release(a);
  pool.release(b);
  EXPECT_EQ(pool.in_use(), 0u);
  EXPECT_EQ(pool.acquire(), b);
  EXPECT_EQ(pool.acquire(), a);
  pool.release(a);
  pool.release(b);
}

TEST(fiber_pool, gives_back_more_than_it_keeps) {
  fiber_pool pool(65536, nullptr);
  for (int round = 0; round < 2; ++round) {
    std::vector<fiber*> fibers;
    for (int i = 0; i < 1000; ++i) {
      fibers.push_back(pool.acquire());
    }
    EXPECT_EQ(pool.in_use(), 1000u);
    for (fiber* f : fibers) {
      pool.release(f);
    }
    EXPECT_EQ(pool.in_use(), 0u);
  }
}

TEST(fiber_pool, every_suspended_task_holds_one) {
  constexpr int n = 100;
  std::size_t before = 0;
  std::size_t most = 0;
  test::run([&] {
    std::atomic<int> waiting{0};
    fiber_pool& pool = current_scheduler()->fibers;
    before = pool.in_use();
    const auto gate = torc::submit(torc::on_local_worker(1).pinned(), [&] {
      test::spin_until(waiting, n);
      most = pool.in_use();
    });
    std::vector<torc::future<void>> futures;
    for (int i = 0; i < n; ++i) {
      futures.push_back(torc::submit(torc::on_local_worker(0).pinned(), [&] {
        ++waiting;
        gate.wait();
      }));
    }
    torc::wait(futures).get();
  });
  EXPECT_GE(most, before + n - 1); // the last may still be on its way
}

TEST(fiber_pool, a_recursion_on_one_worker_suspends_nothing) {
  struct tree {
    static long leaves(int depth) {
      if (depth == 0) {
        return 1;
      }
      auto a = torc::spawn(&leaves, depth - 1);
      const long b = leaves(depth - 1);
      return a.get() + b;
    }
  };
  test::run(1, [] {
    const worker& w = *this_worker();
    const std::uint64_t before = w.statistics.suspended;
    EXPECT_EQ(tree::leaves(10), 1024);
    EXPECT_EQ(w.statistics.suspended, before);
  });
}

} // namespace
