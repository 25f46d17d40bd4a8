// SPDX-License-Identifier: MIT
#include <array>
#include <gtest/gtest.h>
#include <list>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <type_traits>
#include <variant>
#include <vector>

#include "session.hpp"

namespace {

using test::run;

torc::task<int> twice(int x) { co_return 2 * x; }
torc::task<std::string> text(int x) { co_return std::to_string(x); }
torc::task<> add(std::atomic<int>& sum, int x) {
  sum += x;
  co_return;
}
torc::task<> fail(const char* what) {
  throw std::runtime_error(what);
  co_return;
}
int triple(int x) { return 3 * x; }

TEST(wait, one_task_gives_its_result) {
  run([]() -> torc::task<> {
    const int x = co_await torc::wait(twice(4));
    EXPECT_EQ(x, 8);
    std::atomic<int> sum{0};
    co_await torc::wait(add(sum, 1));
    EXPECT_EQ(sum, 1);
  });
}

TEST(wait, several_tasks_give_a_tuple) {
  run([]() -> torc::task<> {
    auto results = co_await torc::wait(twice(4), text(5), twice(6));
    static_assert(std::is_same_v<decltype(results), std::tuple<int, std::string, int>>);
    EXPECT_EQ(results, std::tuple(8, "5", 12));
  });
}

TEST(wait, void_counts_as_monostate_among_others) {
  run([]() -> torc::task<> {
    std::atomic<int> sum{0};
    auto results = co_await torc::wait(twice(4), add(sum, 1));
    static_assert(std::is_same_v<decltype(results), std::tuple<int, std::monostate>>);
    EXPECT_EQ(std::get<0>(results), 8);
    EXPECT_EQ(sum, 1);
  });
}

TEST(wait, void_tasks_give_nothing) {
  run([]() -> torc::task<> {
    std::atomic<int> sum{0};
    co_await torc::wait(add(sum, 1), add(sum, 2), add(sum, 4));
    EXPECT_EQ(sum, 7);
  });
}

TEST(wait, many_tasks) {
  for (const int workers : {1, 2, 4}) {
    run(workers, []() -> torc::task<> {
      for (int i = 0; i < 100; ++i) {
        const auto r = co_await torc::wait(twice(0), twice(1), twice(2), twice(3), twice(4),
                                           twice(5), twice(6), twice(7), twice(8), twice(9));
        EXPECT_EQ(r, std::tuple(0, 2, 4, 6, 8, 10, 12, 14, 16, 18));
      }
    });
  }
}

TEST(wait, get_in_a_plain_function) {
  for (const int workers : {1, 2}) {
    run(workers, [] {
      for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(torc::wait(twice(4), text(5)).get(), std::tuple(8, "5"));
        EXPECT_EQ(torc::wait(twice(4)).get(), 8);
        std::atomic<int> sum{0};
        torc::wait(add(sum, 1), add(sum, 2)).get();
        EXPECT_EQ(sum, 3);
      }
    });
  }
}

TEST(wait, get_without_a_runtime) {
  EXPECT_EQ(torc::wait(twice(4), text(5)).get(), std::tuple(8, "5"));
}

torc::task<> meet(std::atomic<int>& arrived, int all) {
  ++arrived;
  test::spin_until(arrived, all);
  co_return;
}

TEST(wait, tasks_run_in_parallel) {
  run(2, []() -> torc::task<> {
    std::atomic<int> arrived{0};
    co_await torc::wait(meet(arrived, 2), meet(arrived, 2));
  });
  run(3, []() -> torc::task<> {
    std::atomic<int> arrived{0};
    co_await torc::wait(meet(arrived, 3), meet(arrived, 3), meet(arrived, 3));
  });
}

TEST(wait, tasks_run_in_parallel_from_a_plain_function) {
  run([] {
    std::atomic<int> arrived{0};
    torc::wait(meet(arrived, 2), meet(arrived, 2)).get();
  });
}

TEST(wait, move_only_results) {
  const auto make = [](int x) -> torc::task<std::unique_ptr<int>> {
    co_return std::make_unique<int>(x);
  };
  run([&]() -> torc::task<> {
    auto [a, b] = co_await torc::wait(make(1), make(2));
    EXPECT_EQ(*a + *b, 3);
  });
}

TEST(wait, reference_results) {
  int x = 0;
  int y = 0;
  const auto refer = [](int& r) -> torc::task<int&> { co_return r; };
  run([&]() -> torc::task<> {
    auto [a, b] = co_await torc::wait(refer(x), refer(y));
    a = 1;
    b = 2;
  });
  EXPECT_EQ(x, 1);
  EXPECT_EQ(y, 2);
}

TEST(wait, children) {
  for (const int workers : {1, 2}) {
    run(workers, []() -> torc::task<> {
      auto a = torc::spawn(triple, 1);
      auto b = torc::spawn(triple, 2);
      auto c = torc::spawn([] {});
      auto results = co_await torc::wait(a, b, c);
      EXPECT_EQ(results, std::tuple(3, 6, std::monostate{}));
      auto d = torc::spawn(triple, 3);
      const int one = co_await torc::wait(d);
      EXPECT_EQ(one, 9);
    });
  }
}

TEST(wait, children_of_a_plain_function) {
  run([] {
    auto a = torc::spawn(triple, 1);
    auto b = torc::spawn(triple, 2);
    EXPECT_EQ(torc::wait(a, b).get(), std::tuple(3, 6));
  });
}

TEST(wait, a_range_of_children) {
  for (const int workers : {1, 2}) {
    run(workers, []() -> torc::task<> {
      decltype(torc::spawn(triple, 0)) children[] = {torc::spawn(triple, 1), torc::spawn(triple, 2),
                                                     torc::spawn(triple, 3)};
      const auto results = co_await torc::wait(children);
      EXPECT_EQ(results, (std::vector{3, 6, 9}));
    });
  }
}

TEST(wait, a_range_of_tasks) {
  for (const int workers : {1, 2}) {
    run(workers, []() -> torc::task<> {
      torc::task<int> tasks[] = {twice(1), twice(2), twice(3), twice(4)};
      const auto results = co_await torc::wait(tasks);
      EXPECT_EQ(results, (std::vector{2, 4, 6, 8}));
    });
  }
}

TEST(wait, a_range_of_futures) {
  run([]() -> torc::task<> {
    std::vector<torc::future<int>> futures;
    std::list<torc::future<void>> others;
    std::atomic<int> sum{0};
    for (int i = 0; i < 100; ++i) {
      futures.push_back(torc::submit(triple, i));
      others.push_back(torc::submit(torc::here, [&sum, i] { sum += i; }));
    }
    const auto results = co_await torc::wait(futures);
    for (int i = 0; i < 100; ++i) {
      EXPECT_EQ(results[static_cast<std::size_t>(i)], 3 * i);
    }
    co_await torc::wait(others);
    EXPECT_EQ(sum, 4950);
  });
}

TEST(wait, an_empty_range) {
  run([]() -> torc::task<> {
    std::vector<torc::future<int>> none;
    EXPECT_TRUE((co_await torc::wait(none)).empty());
    std::vector<torc::future<void>> nothing;
    co_await torc::wait(nothing);
  });
}

TEST(wait, futures_keep_their_results) {
  run([]() -> torc::task<> {
    auto a = torc::submit(triple, 1);
    auto b = torc::submit(triple, 2);
    auto [x, y] = co_await torc::wait(a, b);
    EXPECT_EQ(x, 3);
    EXPECT_EQ(y, 6);
    EXPECT_EQ(a.result(), 3);
    EXPECT_EQ(b.get(), 6);
  });
}

TEST(wait, temporary_futures_give_their_results_away) {
  run([]() -> torc::task<> {
    const auto numbers = [] {
      std::vector<torc::future<std::unique_ptr<int>>> all;
      for (int i = 0; i < 3; ++i) {
        all.push_back(torc::submit(torc::here, [i] { return std::make_unique<int>(i); }));
      }
      return all;
    };
    auto [a, b] = torc::wait(torc::submit(triple, 3), std::move(numbers()[0])).get();
    static_assert(std::is_same_v<decltype(a), int>);
    EXPECT_EQ(a, 9);
    EXPECT_EQ(*b, 0);
    auto kept = torc::submit(triple, 5);
    auto [c, d, e] =
        co_await torc::wait(kept, torc::submit(triple, 4), torc::submit(torc::here, [] {}));
    static_assert(std::is_same_v<decltype(c), int&> && std::is_same_v<decltype(d), int>);
    EXPECT_EQ(&c, &kept.get());
    EXPECT_EQ(d, 12);
    static_assert(std::is_same_v<decltype(torc::wait(torc::submit(triple, 4)).get()), int>);
    EXPECT_EQ(*torc::wait(numbers()).get().at(2), 2);
    auto [f, g] = torc::wait_all(torc::submit(triple, 1), kept).get();
    static_assert(std::is_same_v<decltype(f), torc::result<int>>);
    static_assert(std::is_same_v<decltype(g), torc::result<int&>>);
    EXPECT_EQ(f.value(), 3);
    EXPECT_EQ(&g.value(), &c);
    const auto all = torc::wait_all(numbers()).get();
    EXPECT_EQ(all.size(), 3u);
    auto owned = numbers();
    auto seen = torc::wait_all(owned | std::views::take(2)).get(); // a view does not own them
    EXPECT_EQ(*seen.at(1).value(), 1);
    EXPECT_EQ(*owned.at(1).get(), 1);
  });
}

TEST(wait, a_tuple_of_futures) {
  run([]() -> torc::task<> {
    std::tuple futures(torc::submit(triple, 1), torc::submit([] { return std::string("x"); }));
    auto [a, b] = co_await torc::wait(futures);
    EXPECT_EQ(a, 3);
    EXPECT_EQ(b, "x");
  });
}

TEST(wait, any_mixture) {
  for (const int workers : {1, 2}) {
    run(workers, []() -> torc::task<> {
      for (int i = 0; i < 100; ++i) {
        auto c = torc::spawn(triple, i);
        auto f = torc::submit(triple, i + 1);
        torc::task<int> t = twice(i);
        auto [x, y, z] = co_await torc::wait(c, f, t);
        EXPECT_EQ(x, 3 * i);
        EXPECT_EQ(y, 3 * i + 3);
        EXPECT_EQ(z, 2 * i);
      }
    });
  }
}

TEST(wait, nothing_means_all_children) {
  for (const int workers : {1, 2}) {
    run(workers, []() -> torc::task<> {
      std::atomic<int> sum{0};
      auto c = torc::spawn([&sum] { sum += 1; });
      auto f = torc::submit(torc::here, [&sum] { sum += 2; });
      co_await torc::wait();
      EXPECT_EQ(sum, 3);
      EXPECT_TRUE(f.done());
      c.get();
    });
  }
}

TEST(wait, the_first_exception_in_order_is_thrown_after_all_have_stopped) {
  run([]() -> torc::task<> {
    std::atomic<int> arrived{0};
    bool all_stopped = false;
    std::string caught;
    const auto slow_failure = [&](const char* what) -> torc::task<> {
      ++arrived;
      test::spin_until(arrived, 2);
      throw std::runtime_error(what);
      co_return;
    };
    try {
      co_await torc::wait(slow_failure("first"), slow_failure("second"));
    } catch (const std::runtime_error& e) {
      all_stopped = arrived == 2;
      caught = e.what();
    }
    EXPECT_TRUE(all_stopped);
    EXPECT_EQ(caught, "first");
  });
}

TEST(wait, started_siblings_are_waited_for) {
  run([]() -> torc::task<> {
    std::atomic<bool> started{false};
    std::atomic<bool> ended{false};
    const auto slow = [&]() -> torc::task<> {
      started = true;
      for (int i = 0; i < 1000; ++i) {
        std::this_thread::yield();
      }
      ended = true;
      co_return;
    };
    const auto failure = [&]() -> torc::task<> {
      test::spin_until(started);
      throw std::runtime_error("x");
      co_return;
    };
    bool caught = false;
    try {
      co_await torc::wait(slow(), failure());
    } catch (const std::runtime_error&) {
      caught = true;
      EXPECT_TRUE(ended);
    }
    EXPECT_TRUE(caught);
  });
}

TEST(wait, a_failed_wait_leaves_the_task_as_it_was) {
  for (const int workers : {1, 2}) {
    run(workers, []() -> torc::task<> {
      for (int i = 0; i < 100; ++i) {
        bool caught = false;
        try {
          co_await torc::wait(fail("x"), twice(1));
        } catch (const std::runtime_error&) {
          caught = true;
        }
        EXPECT_TRUE(caught);
        auto [a, b] = co_await torc::wait(twice(1), twice(2));
        EXPECT_EQ(a + b, 6);
      }
    });
  }
}

TEST(wait, nested_groups) {
  struct tree {
    static torc::task<int> sum(int depth) {
      if (depth == 0) {
        co_return 1;
      }
      auto [a, b, c] = co_await torc::wait(sum(depth - 1), sum(depth - 1), sum(depth - 1));
      co_return a + b + c;
    }
  };
  for (const int workers : {1, 2, 4}) {
    run(workers, []() -> torc::task<> { EXPECT_EQ(co_await tree::sum(7), 2187); });
  }
}

/// Three together, of which number `failing` fails, itself or in what it submits; all that have
/// run.
torc::task<std::string> three_with(int failing, bool submitting = false) {
  std::vector<std::atomic<bool>> has_run(3);
  const auto work = [&](int i) {
    has_run[static_cast<std::size_t>(i)] = true;
    if (i == failing) {
      throw std::runtime_error(std::to_string(i));
    }
  };
  const auto one = [&](int i) -> torc::task<> {
    if (submitting) {
      static_cast<void>(torc::submit(torc::here, work, i));
    } else {
      work(i);
    }
    co_return;
  };
  std::string caught = "-1";
  try {
    co_await torc::wait(one(0), one(1), one(2));
  } catch (const std::runtime_error& e) {
    caught = e.what();
  }
  EXPECT_EQ(caught, std::to_string(failing));
  std::string ran;
  for (std::size_t i = 0; i < has_run.size(); ++i) {
    if (has_run[i]) {
      ran += std::to_string(i);
    }
  }
  co_return ran;
}

TEST(wait, siblings_that_have_not_started_are_skipped_after_a_failure) {
  run(1, []() -> torc::task<> { // youngest first
    EXPECT_EQ(co_await three_with(2), "2");
    EXPECT_EQ(co_await three_with(1), "12");
    EXPECT_EQ(co_await three_with(0), "012");
    EXPECT_EQ(co_await three_with(-1), "012");
  });
}

TEST(wait, what_its_tasks_have_submitted_has_ended_too) {
  for (const int workers : {1, 2, 4}) {
    run(workers, []() -> torc::task<> {
      for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(co_await three_with(-1, true), "012");
        for (int failing = 0; failing < 3; ++failing) { // others may have been skipped
          const std::string ran = co_await three_with(failing, true);
          EXPECT_NE(ran.find(std::to_string(failing)), std::string::npos) << ran;
        }
        std::atomic<bool> ended = false;
        const auto alone = [&]() -> torc::task<> {
          static_cast<void>(torc::submit(torc::here, [&ended] { ended = true; }));
          co_return;
        };
        co_await alone();
        EXPECT_TRUE(ended);
      }
    });
  }
}

TEST(wait, runs_what_was_skipped_and_leaves_the_stack_as_it_was) {
  run(1, []() -> torc::task<> {
    auto t = twice(1);
    auto u = twice(2);
    auto failing = fail("first");
    EXPECT_THROW(co_await torc::wait(t, u, failing), std::runtime_error);
    const auto [x, y] = co_await torc::wait(t, u);
    EXPECT_EQ(x + y, 6);
    EXPECT_EQ(torc::submit(torc::here, triple, 2).get(), 6); // looks for the running task
    torc::sync();
  });
}

/// The same where other things lie between the tasks and whoever awaits them.
torc::task<int> in_any_surroundings() {
  auto before = torc::spawn(triple, 1);
  for (int i = -1; i < 3; ++i) {
    co_await three_with(i);
    auto c = torc::spawn(triple, i);
    const auto [x, y] = co_await torc::wait(twice(i), twice(2 * i));
    EXPECT_EQ(x + y, 6 * i);
    co_await three_with(i);
    EXPECT_EQ(co_await twice(i), 2 * i);
    EXPECT_EQ(c.get(), 3 * i);
  }
  {
    torc::group g;
    EXPECT_EQ(std::get<1>(co_await torc::wait(twice(1), twice(2))), 4);
    co_await g.wait();
  }
  auto submitted = torc::submit(torc::here, triple, 2);
  EXPECT_EQ(std::get<1>(co_await torc::wait(twice(1), twice(2))), 4);
  co_await three_with(1);
  EXPECT_EQ(submitted.get(), 6);
  co_return before.get();
}

TEST(wait, works_above_other_children_in_groups_and_in_stolen_tasks) {
  for (const int workers : {1, 2, 4}) {
    run(workers, []() -> torc::task<> {
      for (int i = 0; i < 20; ++i) {
        auto [a, b, c] = co_await torc::wait(in_any_surroundings(), in_any_surroundings(),
                                             in_any_surroundings());
        EXPECT_EQ(a + b + c, 9);
        EXPECT_EQ(torc::spawn(in_any_surroundings).get(), 3);
        EXPECT_EQ(in_any_surroundings().get(), 3);
      }
    });
  }
}

TEST(wait, foreign_threads_do_not_mix_up_their_tasks) {
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < 300; ++i) {
        EXPECT_EQ(three_with(i % 4 - 1).get().size(), i % 4 == 3 ? 1U : i % 4 == 2 ? 2U : 3U);
      }
    });
  }
}

} // namespace
