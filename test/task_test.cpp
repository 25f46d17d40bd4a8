// SPDX-License-Identifier: MIT
#include <array>
#include <gtest/gtest.h>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "session.hpp"

namespace {

using test::counted;
using test::run;

torc::task<long> fib(long n) {
  if (n < 2) {
    co_return n;
  }
  auto [a, b] = co_await torc::wait(fib(n - 1), fib(n - 2));
  co_return a + b;
}

torc::task<int> twice(int x) { co_return 2 * x; }

torc::task<int> sum_of_two(int x) {
  const int a = co_await twice(x);
  const int b = co_await twice(x + 1);
  co_return a + b;
}

TEST(task, recursion_gives_the_sequential_result) {
  for (const int workers : {1, 2, 4}) {
    run(workers, []() -> torc::task<> { EXPECT_EQ(co_await fib(20), test::fibonacci(20)); });
  }
}

TEST(task, co_await_is_a_sequential_call) {
  run([]() -> torc::task<> { EXPECT_EQ(co_await sum_of_two(3), 14); });
}

TEST(task, get_runs_it_from_a_plain_function) {
  run([] { EXPECT_EQ(sum_of_two(3).get(), 14); });
}

TEST(task, works_without_a_runtime) {
  EXPECT_EQ(sum_of_two(3).get(), 14);
  EXPECT_EQ(fib(15).get(), test::fibonacci(15));
}

torc::task<> set(bool& flag) {
  flag = true;
  co_return;
}

TEST(task, nothing_runs_before_it_is_awaited) {
  run([]() -> torc::task<> {
    bool ran = false;
    torc::task<> t = set(ran);
    EXPECT_FALSE(ran);
    co_await t;
    EXPECT_TRUE(ran);
  });
}

torc::task<int> value_of(counted c) { co_return c.value; }
torc::task<counted> pass(counted c) { co_return c; }

TEST(task, nothing_is_left_of_one_that_is_never_awaited) {
  run([] {
    bool ran = false;
    {
      [[maybe_unused]] torc::task<> t = set(ran);
      [[maybe_unused]] torc::task<int> u = value_of(counted(1));
    }
    EXPECT_FALSE(ran);
  });
  EXPECT_EQ(counted::alive, 0);
}

TEST(task, nothing_is_left_of_arguments_and_results) {
  for (const int workers : {1, 2, 4}) {
    run(workers, []() -> torc::task<> {
      for (int i = 0; i < 200; ++i) {
        EXPECT_EQ(co_await value_of(counted(4)), 4);
        EXPECT_EQ((co_await pass(counted(5))).value, 5);
        static_cast<void>(co_await pass(counted(6)));
        auto [a, b] = co_await torc::wait(pass(counted(7)), pass(counted(8)));
        EXPECT_EQ(a.value, 7);
        EXPECT_EQ(b.value, 8);
      }
    });
    EXPECT_EQ(counted::alive, 0);
  }
}

torc::task<int&> refer(int& x) { co_return x; }
torc::task<std::unique_ptr<int>> make(int x) { co_return std::make_unique<int>(x); }
torc::task<std::string> text() { co_return "text"; }
struct no_default {
  explicit no_default(int v) : value(v) {}
  int value;
};
torc::task<no_default> make_no_default() { co_return no_default(5); }

TEST(task, results_of_every_kind) {
  run([]() -> torc::task<> {
    int x = 0;
    EXPECT_EQ(&co_await refer(x), &x);
    EXPECT_EQ(*co_await make(3), 3);
    EXPECT_EQ(co_await text(), "text");
    EXPECT_EQ((co_await make_no_default()).value, 5);
    bool flag = false;
    co_await set(flag);
    EXPECT_TRUE(flag);
  });
}

torc::task<std::vector<int>> braces() { co_return std::vector<int>{1, 2, 3}; }

TEST(task, result_may_be_a_container) {
  run([]() -> torc::task<> { EXPECT_EQ((co_await braces()).size(), 3u); });
}

torc::task<int> moved_in(std::unique_ptr<int> p) {
  co_await twice(1);
  co_return *p;
}
torc::task<std::size_t> by_reference(const std::string& s) {
  co_await twice(1);
  co_return s.size();
}

TEST(task, temporaries_as_arguments_live_through_the_call) {
  run([]() -> torc::task<> {
    EXPECT_EQ(co_await moved_in(std::make_unique<int>(8)), 8);
    EXPECT_EQ(co_await by_reference(std::string(100, 'x')), 100u);
    auto [a, b] =
        co_await torc::wait(by_reference(std::string(10, 'x')), moved_in(std::make_unique<int>(9)));
    EXPECT_EQ(a, 10u);
    EXPECT_EQ(b, 9);
  });
}

TEST(task, a_function_may_pass_a_task_on) {
  const auto forward = [](int x) { return twice(x); };
  run([&]() -> torc::task<> { EXPECT_EQ(co_await forward(4), 8); });
}

torc::task<> thrower(int x) {
  co_await twice(1);
  throw std::out_of_range(std::to_string(x));
}

TEST(task, exceptions_pass_to_whoever_awaits) {
  run([]() -> torc::task<> {
    std::string caught;
    try {
      co_await thrower(5);
    } catch (const std::out_of_range& e) {
      caught = e.what();
    }
    EXPECT_EQ(caught, "5");
    EXPECT_THROW(thrower(6).get(), std::out_of_range);
  });
}

torc::task<int> countdown(int n) {
  counted c(n);
  if (n == 0) {
    throw std::runtime_error("bottom");
  }
  co_return co_await countdown(n - 1) + c.value;
}

TEST(task, exceptions_unwind_many_frames) {
  run([]() -> torc::task<> {
    bool caught = false;
    try {
      co_await countdown(100);
    } catch (const std::runtime_error&) {
      caught = true;
    }
    EXPECT_TRUE(caught);
    EXPECT_EQ(counted::alive, 0);
  });
}

TEST(task, a_loop_of_calls_needs_no_stack) {
  constexpr int n = test::sanitized ? 10'000 : 1'000'000;
  run([]() -> torc::task<> {
    long sum = 0;
    for (int i = 0; i < n; ++i) {
      sum += co_await twice(i);
    }
    EXPECT_EQ(sum, static_cast<long>(n) * (n - 1));
  });
}

torc::task<int> odd(int n);
torc::task<int> even(int n) {
  if (n == 0) {
    co_return 1;
  }
  co_return co_await odd(n - 1);
}
torc::task<int> odd(int n) {
  if (n == 0) {
    co_return 0;
  }
  co_return co_await even(n - 1);
}

TEST(task, coroutines_call_each_other) {
  run([]() -> torc::task<> {
    const int r = co_await odd(101);
    EXPECT_EQ(r, 1);
  });
}

TEST(task, locals_are_destroyed_in_reverse_order) {
  struct tracer {
    std::vector<int>& order;
    int id;
    tracer(std::vector<int>& o, int i) : order(o), id(i) {}
    tracer(const tracer&) = delete;
    tracer& operator=(const tracer&) = delete;
    ~tracer() { order.push_back(id); }
  };
  std::vector<int> order;
  const auto body = [](std::vector<int>& o) -> torc::task<> {
    tracer a(o, 1);
    co_await twice(1);
    tracer b(o, 2);
    co_await twice(2);
  };
  run([&]() -> torc::task<> { co_await body(order); });
  EXPECT_EQ(order, (std::vector{2, 1}));
}

TEST(task, named_tasks_are_awaited_in_any_order) {
  run([]() -> torc::task<> {
    torc::task<int> a = twice(1);
    torc::task<int> b = twice(2);
    EXPECT_EQ(co_await a, 2);
    EXPECT_EQ(co_await b, 4);
  });
}

/// Runs a task when it is moved, as into a coroutine's frame.
struct restless {
  restless() = default;
  restless(const restless&) { EXPECT_EQ(small(1).get(), 1); }
  static torc::task<long> small(long x) { co_return x; }
  static torc::task<long> with(restless, long x) { co_return x; }
};

TEST(task, a_parameter_that_runs_a_task_leaves_newer_frames_alone) {
  run([] {
    const restless r;
    auto older = std::unique_ptr<torc::task<long>>(new torc::task<long>(restless::with(r, 1)));
    torc::task<long> newer = restless::small(2);
    older.reset(); // before the newer one, which must keep its place
    torc::task<long> third = restless::small(3);
    EXPECT_EQ(newer.get(), 2);
    EXPECT_EQ(third.get(), 3);
  });
}

/// Gives the address of the awaiting coroutine's frame.
struct own_frame {
  void* frame = nullptr;
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> h) noexcept {
    frame = h.address();
    return false;
  }
  void* await_resume() const noexcept { return frame; }
};

// A compiler may put the frame of a coroutine whose end it sees into its caller's.
TEST(task, frames_are_never_in_the_callers_frame) {
  run([] {
    void* frame = nullptr;
    char* inside = nullptr;
    const auto f = [&]() -> torc::task<std::string> {
      frame = co_await own_frame{};
      inside = static_cast<char*>(__builtin_frame_address(0));
      co_return "a result to be destroyed";
    };
    EXPECT_EQ(f().get(), "a result to be destroyed");
    EXPECT_FALSE(inside < frame && frame < __builtin_frame_address(0));
  });
}

#ifndef NDEBUG
torc::task<> awaits_twice(bool together) {
  auto t = twice(1);
  co_await t;
  if (together) {
    co_await torc::wait(twice(2), std::move(t));
  } else {
    co_await t;
  }
}

TEST(task, awaited_twice_fails_an_assertion) {
  EXPECT_DEATH(torc::start([] { return awaits_twice(false); }), "a torc::task is awaited once");
  EXPECT_DEATH(torc::start([] { return awaits_twice(true); }), "a torc::task is awaited once");
  EXPECT_DEATH(run([] {
                 auto t = twice(1);
                 t.get();
                 t.get();
               }),
               "a torc::task is awaited once");
}
#endif

TEST(task, large_frames) {
  const auto body = [](int x) -> torc::task<int> {
    std::array<int, 50000> local{};
    local[static_cast<std::size_t>(x)] = x;
    co_await twice(1);
    co_return local[static_cast<std::size_t>(x)];
  };
  run([&]() -> torc::task<> {
    auto [a, b] = co_await torc::wait(body(1), body(49999));
    EXPECT_EQ(a, 1);
    EXPECT_EQ(b, 49999);
  });
}

} // namespace
