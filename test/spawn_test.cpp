// SPDX-License-Identifier: MIT
#include <array>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "session.hpp"

namespace {

using test::counted;
using test::run;

long fib(long n) {
  if (n < 2) {
    return n;
  }
  auto a = torc::spawn(fib, n - 1);
  const long b = fib(n - 2);
  return a.get() + b;
}

TEST(spawn, a_child_can_be_awaited) {
  run([]() -> torc::task<> {
    auto a = torc::spawn([](int x) { return x + 1; }, 1);
    auto b = torc::spawn([] { throw std::runtime_error("its failure"); });
    EXPECT_THROW(co_await b, std::runtime_error);
    EXPECT_EQ(co_await a, 2);
  });
}

TEST(spawn, recursion_gives_the_sequential_result) {
  for (const int workers : {1, 2, 4}) {
    run(workers, [] { EXPECT_EQ(fib(20), test::fibonacci(20)); });
  }
}

TEST(spawn, result_may_be_void) {
  run([] {
    int x = 0;
    auto a = torc::spawn([&x] { x = 1; });
    a.get();
    EXPECT_EQ(x, 1);
  });
}

TEST(spawn, result_may_be_a_reference) {
  run([] {
    int x = 0;
    auto a = torc::spawn([&x]() -> int& { return x; });
    EXPECT_EQ(&a.get(), &x);
  });
}

TEST(spawn, result_may_be_move_only) {
  run([] {
    auto a = torc::spawn([] { return std::make_unique<int>(7); });
    EXPECT_EQ(*a.get(), 7);
  });
}

TEST(spawn, result_needs_no_default_constructor) {
  struct no_default {
    explicit no_default(int v) : value(v) {}
    int value;
  };
  run([] {
    auto a = torc::spawn([] { return no_default(3); });
    EXPECT_EQ(a.get().value, 3);
  });
}

int twice(int x) { return 2 * x; }

struct adder {
  int base;
  int operator()(int x) const { return base + x; }
  int add(int x) const { return base + x; }
};

TEST(spawn, takes_anything_that_can_be_called) {
  run([] {
    auto function = torc::spawn(twice, 2);
    auto pointer = torc::spawn(&twice, 3);
    auto functor = torc::spawn(adder{10}, 1);
    auto member = torc::spawn(&adder::add, adder{20}, 2);
    auto lambda = torc::spawn([](int x) { return -x; }, 5);
    auto wrapped = torc::spawn(std::function<int(int)>(twice), 4);
    EXPECT_EQ(function.get(), 4);
    EXPECT_EQ(pointer.get(), 6);
    EXPECT_EQ(functor.get(), 11);
    EXPECT_EQ(member.get(), 22);
    EXPECT_EQ(lambda.get(), -5);
    EXPECT_EQ(wrapped.get(), 8);
  });
}

TEST(spawn, arguments_are_copied_unless_wrapped_in_ref) {
  run([] {
    int x = 1;
    auto copied = torc::spawn([](int& y) { return &y; }, std::ref(x));
    EXPECT_EQ(copied.get(), &x);
    std::string text = "before";
    auto later = torc::spawn([](const std::string& t) { return t; }, text);
    text = "after";
    EXPECT_EQ(later.get(), "before");
  });
}

TEST(spawn, arguments_decay) {
  run([] {
    auto a = torc::spawn([](const char* text) { return std::string(text); }, "text");
    EXPECT_EQ(a.get(), "text");
  });
}

TEST(spawn, arguments_may_be_move_only) {
  run([] {
    auto a = torc::spawn([](std::unique_ptr<int> p) { return *p; }, std::make_unique<int>(9));
    EXPECT_EQ(a.get(), 9);
  });
}

TEST(spawn, nothing_is_left_of_arguments_and_results) {
  for (const int workers : {1, 2, 4}) {
    run(workers, [] {
      for (int i = 0; i < 200; ++i) {
        auto taken = torc::spawn([](counted c) { return c; }, counted(1));
        auto dropped = torc::spawn([](counted c) { return c; }, counted(2));
        auto synced = torc::spawn([](counted c) { return c; }, counted(3));
        EXPECT_EQ(taken.get().value, 1);
        torc::sync();
        EXPECT_EQ(synced.get().value, 3);
      }
    });
    EXPECT_EQ(counted::alive, 0);
  }
}

TEST(spawn, children_are_joined_in_any_order) {
  for (const int workers : {1, 2, 4}) {
    run(workers, [] {
      for (int i = 0; i < 1000; ++i) {
        auto a = torc::spawn(twice, 1);
        auto b = torc::spawn(twice, 2);
        auto c = torc::spawn(twice, 3);
        auto d = torc::spawn(twice, 4);
        EXPECT_EQ(b.get(), 4);
        EXPECT_EQ(a.get(), 2);
        EXPECT_EQ(d.get(), 8);
        EXPECT_EQ(c.get(), 6);
      }
    });
  }
}

TEST(spawn, a_child_may_be_joined_while_younger_ones_are_pending_that_spawn) {
  for (const int workers : {1, 2, 4}) {
    run(workers, [] {
      for (int i = 0; i < 50; ++i) {
        auto a = torc::spawn(fib, 8);
        auto b = torc::spawn(fib, 9);
        auto c = torc::spawn(fib, 10);
        EXPECT_EQ(a.get(), 21);
        auto d = torc::spawn(fib, 7);
        EXPECT_EQ(b.get(), 34);
        EXPECT_EQ(c.get(), 55);
        EXPECT_EQ(d.get(), 13);
      }
    });
  }
}

TEST(spawn, sync_joins_all_children) {
  for (const int workers : {1, 2, 4}) {
    run(workers, [] {
      std::atomic<int> ran{0};
      const auto body = [&ran](int x) {
        ++ran;
        return x;
      };
      auto a = torc::spawn(body, 1);
      auto b = torc::spawn(body, 2);
      auto c = torc::spawn(body, 3);
      torc::sync();
      EXPECT_EQ(ran, 3);
      EXPECT_EQ(a.get() + b.get() + c.get(), 6);
      EXPECT_EQ(ran, 3);
    });
  }
}

TEST(spawn, sync_without_children_does_nothing) {
  run([] {
    torc::sync();
    auto a = torc::spawn([] { torc::sync(); });
    a.get();
    torc::sync();
  });
}

TEST(spawn, sync_joins_children_of_the_calling_task_only) {
  run(1, [] {
    bool ran = false;
    auto mine = torc::spawn([&ran] { ran = true; });
    auto other = torc::spawn([] {
      auto inner = torc::spawn([] {});
      torc::sync();
      inner.get();
    });
    other.get();
    EXPECT_FALSE(ran); // with one worker nobody else could have run it
    mine.get();
  });
}

TEST(spawn, leaving_the_scope_joins) {
  for (const int workers : {1, 2}) {
    run(workers, [] {
      std::atomic<int> ran{0};
      {
        auto a = torc::spawn([&ran] { ++ran; });
        auto b = torc::spawn([&ran] { ++ran; });
      }
      EXPECT_EQ(ran, 2);
    });
  }
}

TEST(spawn, arguments_live_until_the_scope_has_joined_the_child) {
  for (const int workers : {1, 2}) {
    run(workers, [] {
      std::size_t size = 0;
      const auto measure = [&size](const std::shared_ptr<int>& p, const std::vector<int>& v) {
        size = v.size() + static_cast<std::size_t>(*p);
      };
      { auto a = torc::spawn(measure, std::make_shared<int>(3), std::vector<int>(100)); }
      EXPECT_EQ(size, 103u);
    });
  }
}

TEST(spawn, every_child_runs_exactly_once) {
  for (const int workers : {1, 2, 4, 16}) {
    std::vector<std::atomic<int>> runs(1 << 12);
    run(workers, [&runs] {
      std::function<void(std::size_t)> visit = [&](std::size_t i) {
        ++runs[i];
        if (2 * i + 1 < runs.size()) {
          auto left = torc::spawn(std::ref(visit), 2 * i);
          auto right = torc::spawn(std::ref(visit), 2 * i + 1);
        }
      };
      visit(1);
    });
    for (std::size_t i = 1; i < runs.size(); ++i) {
      ASSERT_EQ(runs[i], 1) << i;
    }
  }
}

TEST(spawn, children_live_in_arrays) {
  run([] {
    decltype(torc::spawn(twice, 0)) children[] = {torc::spawn(twice, 1), torc::spawn(twice, 2),
                                                  torc::spawn(twice, 3)};
    int sum = 0;
    for (auto& c : children) {
      sum += c.get();
    }
    EXPECT_EQ(sum, 12);
  });
}

int get_of(torc::child<int>& c) { return c.get(); }

TEST(spawn, a_child_is_used_without_knowing_the_callable) {
  for (const int workers : {1, 2}) {
    run(workers, [] {
      auto a = torc::spawn(twice, 4);
      EXPECT_EQ(get_of(a), 8);
    });
  }
}

TEST(spawn, a_child_is_stolen_from_a_parent_that_computes) {
  run([] {
    std::atomic<bool> ran{false};
    auto a = torc::spawn([&ran] { ran = true; });
    test::spin_until(ran); // the parent neither spawns nor waits
    a.get();
  });
}

TEST(spawn, every_child_is_stolen_from_a_parent_that_computes) {
  run(4, [] {
    std::atomic<int> ran{0};
    const auto body = [&ran] { ++ran; };
    auto a = torc::spawn(body);
    auto b = torc::spawn(body);
    auto c = torc::spawn(body);
    auto d = torc::spawn(body);
    auto e = torc::spawn(body);
    test::spin_until(ran, 5);
  });
}

TEST(spawn, an_old_child_is_stolen_from_deep_in_a_recursion) {
  run([] {
    std::atomic<bool> ran{false};
    auto a = torc::spawn([&ran] { ran = true; });
    std::function<void(int)> descend = [&](int depth) {
      if (depth == 0) {
        test::spin_until(ran);
      } else {
        auto inner = torc::spawn(std::ref(descend), depth - 1);
        inner.get();
      }
    };
    descend(100);
  });
}

TEST(spawn, waiting_for_a_stolen_child_does_not_block_the_worker) {
  run([] {
    std::atomic<bool> started{false};
    std::atomic<bool> released{false};
    auto stolen = torc::spawn([&] {
      started = true;
      test::spin_until(released);
    });
    test::spin_until(started); // by the other worker; this one is left for what follows
    const int here = torc::worker();
    auto release = torc::submit(torc::on_local_worker(here).pinned(), [&] { released = true; });
    stolen.get();
    release.get();
  });
}

TEST(spawn, a_stolen_child_gives_its_result) {
  run([] {
    for (int i = 0; i < 100; ++i) {
      std::atomic<bool> started{false};
      auto stolen = torc::spawn([&started, i] {
        started = true;
        return std::to_string(i);
      });
      test::spin_until(started);
      EXPECT_EQ(stolen.get(), std::to_string(i));
    }
  });
}

TEST(spawn, large_arguments_and_results) {
  using block = std::array<long, 1000>;
  run([] {
    block b{};
    b[999] = 5;
    auto a = torc::spawn([](const block& x) { return x; }, b);
    EXPECT_EQ(a.get()[999], 5);
  });
}

TEST(spawn, children_of_a_loop) {
  for (const int workers : {1, 2, 4}) {
    run(workers, [] {
      long sum = 0;
      for (int i = 0; i < 10000; ++i) {
        auto a = torc::spawn(twice, i);
        sum += i;
        sum += a.get();
      }
      EXPECT_EQ(sum, 3L * 9999 * 10000 / 2);
    });
  }
}

TEST(spawn, before_the_session_and_joined_in_it) {
  auto a = torc::spawn(twice, 1);
  auto b = torc::spawn(twice, 2);
  torc::init();
  torc::launch(nullptr);
  auto c = torc::spawn(twice, 3);
  EXPECT_EQ(a.get(), 2);
  EXPECT_EQ(c.get(), 6);
  EXPECT_EQ(b.get(), 4);
  torc::shutdown();
}

int add(int x, int y) { return x + y; }
const std::string constant() { return "c"; }

TEST(spawn, of_what_the_standard_library_binds_and_of_a_constant_result) {
  run([] {
    auto a = torc::spawn(std::bind_front(add, 1), 2);
    auto b = torc::spawn(std::bind(add, std::placeholders::_1, 3), 2);
    auto c = torc::spawn(constant);
    static_assert(std::is_same_v<decltype(c.get()), std::string>);
    EXPECT_EQ(c.get(), "c");
    EXPECT_EQ(b.get(), 5);
    EXPECT_EQ(a.get(), 3);
    EXPECT_EQ(torc::submit(constant).get(), "c");
  });
}

} // namespace
