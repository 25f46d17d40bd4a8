// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "session.hpp"

namespace {

using test::fibonacci;
using test::run;

long fib(long n) {
  if (n < 2) {
    return n;
  }
  auto a = torc::spawn(fib, n - 1);
  const long b = fib(n - 2);
  return a.get() + b;
}

torc::task<long> cofib(long n) {
  if (n < 2) {
    co_return n;
  }
  auto [a, b] = co_await torc::wait(cofib(n - 1), cofib(n - 2));
  co_return a + b;
}

TEST(mixing, a_coroutine_spawns_plain_functions) {
  const auto body = [](long n) -> torc::task<long> {
    auto a = torc::spawn(fib, n);
    auto b = torc::spawn(fib, n + 1);
    auto [x, y] = co_await torc::wait(a, b);
    co_return x + y;
  };
  for (const int workers : {1, 2, 4}) {
    run(workers, [&]() -> torc::task<> { EXPECT_EQ(co_await body(12), fibonacci(14)); });
  }
}

TEST(mixing, a_plain_function_spawns_coroutines) {
  for (const int workers : {1, 2, 4}) {
    run(workers, [] {
      auto a = torc::spawn(cofib, 12);
      auto b = torc::spawn(cofib, 13);
      EXPECT_EQ(a.get() + b.get(), fibonacci(14));
      EXPECT_EQ(torc::wait(cofib(12), cofib(13)).get(), std::tuple(fibonacci(12), fibonacci(13)));
    });
  }
}

TEST(mixing, get_inside_a_coroutine) {
  const auto body = [](long n) -> torc::task<long> {
    auto a = torc::spawn(fib, n);
    auto b = torc::spawn(cofib, n);
    auto f = torc::submit(fib, n);
    const long x = a.get();
    const long y = f.get();
    const long z = cofib(n).get();
    co_return x + y + z + b.get();
  };
  for (const int workers : {1, 2, 4}) {
    run(workers, [&]() -> torc::task<> {
      auto [x, y] = co_await torc::wait(body(10), body(11));
      EXPECT_EQ(x, 4 * fibonacci(10));
      EXPECT_EQ(y, 4 * fibonacci(11));
    });
  }
}

TEST(mixing, sync_inside_a_coroutine) {
  run([]() -> torc::task<> {
    auto a = torc::spawn(fib, 10);
    auto b = torc::spawn(cofib, 10);
    torc::sync();
    EXPECT_EQ(a.get() + b.get(), 2 * fibonacci(10));
    co_return;
  });
}

// Every level calls the next in another way.
struct mixture {
  static long plain(int depth) {
    if (depth == 0) {
      return 1;
    }
    auto a = torc::spawn(&coroutine, depth - 1);
    auto b = torc::submit(&plain, depth - 1);
    const long c = coroutine(depth - 1).get();
    return a.get() + b.get() + c;
  }
  static torc::task<long> coroutine(int depth) {
    if (depth == 0) {
      co_return 1;
    }
    auto a = torc::spawn(&plain, depth - 1);
    auto b = torc::submit(&coroutine, depth - 1);
    const long c = co_await coroutine(depth - 1);
    const long d = co_await torc::wait(a);
    co_return c + d + co_await torc::wait(b);
  }
  static long size(int depth) { return depth == 0 ? 1 : 3 * size(depth - 1); }
};

TEST(mixing, deep_mixtures) {
  for (const int workers : {1, 2, 4, 8}) {
    run(workers, []() -> torc::task<> {
      auto [a, b] = co_await torc::wait(mixture::coroutine(7), mixture::coroutine(6));
      EXPECT_EQ(a, mixture::size(7));
      EXPECT_EQ(b, mixture::size(6));
      EXPECT_EQ(mixture::plain(7), mixture::size(7));
    });
  }
}

TEST(mixing, map_of_spawns_and_coroutines) {
  const auto row = [](int n) -> torc::task<long> {
    const auto f = [](int m) { return fib(m % 10); };
    const std::vector ms{n, n + 1, n + 2};
    co_return co_await torc::reduce(f, ms, 0L, std::plus<>{}, torc::chunk{1});
  };
  for (const int workers : {1, 2, 4}) {
    run(workers, [&]() -> torc::task<> {
      std::vector<int> xs{1, 2, 3, 4, 5, 6};
      const auto rows = co_await torc::map(row, xs, torc::chunk{1});
      for (std::size_t i = 0; i < xs.size(); ++i) {
        const long n = xs[i];
        EXPECT_EQ(rows[i], fibonacci(n) + fibonacci(n + 1) + fibonacci(n + 2));
      }
    });
  }
}

TEST(mixing, exceptions_cross_every_border) {
  struct chain {
    static void plain(int depth) {
      if (depth == 0) {
        throw std::out_of_range("bottom");
      }
      auto a = torc::spawn(&coroutine, depth - 1);
      a.get();
    }
    static torc::task<> coroutine(int depth) {
      if (depth % 3 == 0) {
        auto a = torc::submit(&plain, depth - 1);
        co_await torc::wait(a);
      } else if (depth % 3 == 1) {
        auto a = torc::spawn(&plain, depth - 1);
        co_await torc::wait(a);
      } else {
        const std::vector depths(1, depth - 1);
        co_await torc::for_each(plain, depths);
      }
    }
  };
  for (const int workers : {1, 2, 4}) {
    run(workers, [] {
      for (int i = 0; i < 20; ++i) {
        EXPECT_THROW(chain::plain(20), std::out_of_range);
      }
    });
  }
}

TEST(mixing, one_callable_for_everything) {
  const auto work = [](int x) -> torc::task<int> { co_return x + 1; };
  run([&]() -> torc::task<> {
    auto child = torc::spawn(work, 1);
    auto future = torc::submit(work, 2);
    const std::vector xs(1, 3);
    const auto mapped = co_await torc::map(work, xs);
    const int called = co_await work(4);
    EXPECT_EQ(child.get(), 2);
    EXPECT_EQ(future.get(), 3);
    EXPECT_EQ(mapped.at(0), 4);
    EXPECT_EQ(called, 5);
  });
}

} // namespace
