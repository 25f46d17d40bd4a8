// SPDX-License-Identifier: MIT
// Sizes at which things break if they grow where they should not.

#include <csignal>
#include <gtest/gtest.h>
#include <memory>
#include <sys/resource.h>
#include <vector>

#include "session.hpp"

namespace {

using test::run;
using test::sanitized;

TEST(limits, one_million_submits_before_a_wait) {
  static constexpr int n = sanitized ? 50'000 : 1'000'000;
  run([] {
    std::atomic<int> ran{0};
    for (int i = 0; i < n; ++i) {
      static_cast<void>(
          torc::submit(torc::here, [&ran] { ran.fetch_add(1, std::memory_order_relaxed); }));
    }
    torc::sync();
    EXPECT_EQ(ran, n);
  });
}

TEST(limits, one_million_futures) {
  static constexpr int n = sanitized ? 50'000 : 1'000'000;
  run([]() -> torc::task<> {
    std::vector<torc::future<int>> futures;
    for (int i = 0; i < n; ++i) {
      futures.push_back(torc::submit(torc::here, [i] { return i; }));
    }
    const std::vector<int> results = co_await torc::wait(futures);
    for (int i = 0; i < n; ++i) {
      EXPECT_EQ(results[static_cast<std::size_t>(i)], i);
    }
  });
}

long leaves(long begin, long end) {
  if (end - begin == 1) {
    return 1;
  }
  const long middle = begin + (end - begin) / 2;
  auto right = torc::spawn(leaves, middle, end);
  const long left = leaves(begin, middle);
  return left + right.get();
}

torc::task<long> coleaves(long begin, long end) {
  if (end - begin == 1) {
    co_return 1;
  }
  const long middle = begin + (end - begin) / 2;
  auto [left, right] = co_await torc::wait(coleaves(begin, middle), coleaves(middle, end));
  co_return left + right;
}

TEST(limits, ten_million_tasks_in_a_recursion) {
  static constexpr long n = sanitized ? 200'000 : 10'000'000;
  run([] { EXPECT_EQ(leaves(0, n), n); });
  run([]() -> torc::task<> { EXPECT_EQ(co_await coleaves(0, n), n); });
}

long depth_by_spawns(long n) {
  if (n == 0) {
    return 0;
  }
  auto a = torc::spawn(depth_by_spawns, n - 1);
  return a.get() + 1;
}

torc::task<long> depth_by_calls(long n) {
  if (n == 0) {
    co_return 0;
  }
  co_return co_await depth_by_calls(n - 1) + 1;
}

torc::task<long> depth_by_waits(long n) {
  if (n == 0) {
    co_return 0;
  }
  auto [a, b] = co_await torc::wait(depth_by_waits(n - 1), depth_by_waits(0));
  co_return a + b + 1;
}

constexpr long deep = sanitized ? 10'000 : 100'000;

TEST(limits, recursion_depth_through_spawns) {
  for (const int workers : {1, 2, 4}) {
    run(workers, [] { EXPECT_EQ(depth_by_spawns(deep), deep); });
  }
}

TEST(limits, recursion_depth_through_coroutines) {
  for (const int workers : {1, 2, 4}) {
    run(workers, []() -> torc::task<> {
      EXPECT_EQ(co_await depth_by_calls(deep), deep);
      EXPECT_EQ(co_await depth_by_waits(deep), deep);
    });
  }
}

TEST(limits, many_pending_children) {
  static constexpr int n = 10'000;
  using child = decltype(torc::spawn(depth_by_spawns, 0));
  struct list {
    std::unique_ptr<list> next;
    child c = torc::spawn(depth_by_spawns, 1);
  };
  run([] {
    std::unique_ptr<list> first;
    for (int i = 0; i < n; ++i) {
      auto l = std::make_unique<list>();
      l->next = std::move(first);
      first = std::move(l);
    }
    torc::sync();
    long sum = 0;
    while (first != nullptr) {
      sum += first->c.get();
      first = std::move(first->next);
    }
    EXPECT_EQ(sum, n);
  });
}

TEST(limits, ten_thousand_fibers_suspended_at_once) {
  // ThreadSanitizer has a limit of its own.
  static constexpr int n = sanitized ? 500 : 10'000;
  run([] {
    std::atomic<int> waiting{0};
    const auto gate = torc::submit(torc::on_local_worker(1).pinned(),
                                   [&waiting] { test::spin_until(waiting, n); });
    std::vector<torc::future<void>> futures;
    for (int i = 0; i < n; ++i) {
      futures.push_back(torc::submit(torc::on_local_worker(0).pinned(), [&waiting, &gate] {
        ++waiting;
        gate.wait();
      }));
    }
    torc::wait(futures).get();
    EXPECT_EQ(waiting, n);
  });
}

TEST(limits, a_chain_of_suspended_fibers) {
  // Each waits for a task that is sent to the other worker.
  struct chain {
    static int length(int n) {
      if (n == 0) {
        return 0;
      }
      return torc::submit(torc::on_worker(n % 2).pinned(), &length, n - 1).get() + 1;
    }
  };
  static constexpr int n = sanitized ? 500 : 5'000;
  run([] { EXPECT_EQ(chain::length(n), n); });
}

TEST(limits, small_stacks_suffice_for_small_tasks) {
  const test::environment e("TORC_STACK_SIZE", sanitized ? "256K" : "32K");
  run(4, [] { EXPECT_EQ(leaves(0, 10'000), 10'000); });
  run(4, []() -> torc::task<> { EXPECT_EQ(co_await coleaves(0, 10'000), 10'000); });
}

TEST(limits, frames_beyond_the_stack_size_come_from_the_heap) {
  const test::environment e("TORC_STACK_SIZE", "64K");
  run([]() -> torc::task<> { EXPECT_EQ(co_await depth_by_calls(2'000), 2'000); });
}

// The sanitizers report overflows in their own words.
#if !defined(TORC_ASAN) && !defined(TORC_TSAN)

[[gnu::noinline]] int overflow(int n) {
  volatile char local[1000] = {};
  local[0] = static_cast<char>(n);
  return n <= 0 ? 0 : overflow(n - 1) + local[0];
}

TEST(limits, too_few_threads_are_told) {
  const test::environment workers("TORC_WORKERS", "400"), stacks("TORC_STACK_SIZE", "16K");
  const rlimit little{1'500'000'000, 1'500'000'000}; // of the address space
  EXPECT_EXIT(
      {
        setrlimit(RLIMIT_AS, &little);
        torc::init();
      },
      testing::ExitedWithCode(1), "torc: no thread for worker .* of 400: .*TORC_WORKERS");
}

TEST(stack_overflow, ends_with_a_message_that_names_the_variable) {
  const test::environment e("TORC_STACK_SIZE", "256K");
  EXPECT_DEATH(torc::start([] { return overflow(100'000); }), "stack overflow.*TORC_STACK_SIZE");
  EXPECT_DEATH(torc::start([] {
                 return torc::submit(torc::on_worker(1).pinned(), overflow, 100'000).get();
               }),
               "stack overflow.*worker 1.*256 KiB.*TORC_STACK_SIZE");
}

TEST(stack_overflow, by_one_large_frame) {
  const test::environment e("TORC_STACK_SIZE", "256K");
  const auto large = [] {
    char local[280'000];
    local[0] = 1;
    asm volatile("" : : "r"(local) : "memory"); // all of it is needed
    return static_cast<int>(local[0]);
  };
  EXPECT_DEATH(torc::start(large), "stack overflow.*TORC_STACK_SIZE");
}

TEST(stack_overflow, of_spawns) {
  const test::environment e("TORC_STACK_SIZE", "64K");
  EXPECT_DEATH(torc::start([] { depth_by_spawns(1'000'000); }), "stack overflow.*TORC_STACK_SIZE");
}

TEST(stack_overflow, other_faults_stay_what_they_are) {
  EXPECT_EXIT(torc::start([] {
                volatile int* volatile nowhere = nullptr;
                return *nowhere;
              }),
              testing::KilledBySignal(SIGSEGV), "");
}

#endif

} // namespace
