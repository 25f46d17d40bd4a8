// SPDX-License-Identifier: MIT
#include <array>
#include <atomic>
#include <deque>
#include <forward_list>
#include <functional>
#include <gtest/gtest.h>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <ranges>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "elements.hpp"
#include "session.hpp"

namespace {

using test::cotwice;
using test::counted;
using test::even;
using test::iota;
using test::run;
using test::twice;
using test::twice_or_throw;

TEST(map, keeps_the_order) {
  for (const int workers : {1, 2, 4}) {
    run(workers, [] {
      const std::vector<int> xs = iota(1000);
      for (const std::size_t size : {0, 1, 7, 1000, 5000}) {
        const std::vector<int> ys = torc::map(twice, xs, torc::chunk{size}).get();
        ASSERT_EQ(ys.size(), xs.size());
        for (std::size_t i = 0; i < xs.size(); ++i) {
          ASSERT_EQ(ys[i], 2 * xs[i]);
        }
      }
    });
  }
}

TEST(map, in_a_coroutine) {
  run([]() -> torc::task<> {
    const std::vector<int> xs = iota(100);
    const std::vector<int> ys = co_await torc::map(twice, xs);
    EXPECT_EQ(ys.at(99), 198);
    const std::vector<int> zs = co_await torc::map(twice, xs, torc::chunk{32});
    EXPECT_EQ(zs, ys);
  });
}

TEST(map, of_a_coroutine_function) {
  for (const int workers : {1, 2}) {
    run(workers, []() -> torc::task<> {
      const std::vector<int> ys = co_await torc::map(cotwice, iota(100), torc::chunk{3});
      EXPECT_EQ(ys.at(99), 198);
      EXPECT_EQ(ys.size(), 100u);
    });
  }
}

TEST(map, outside_a_task_is_sequential) {
  EXPECT_EQ(torc::map(twice, iota(4)).get(), (std::vector{0, 2, 4, 6}));
}

TEST(map, of_an_empty_range) {
  run([] {
    EXPECT_TRUE(torc::map(twice, std::vector<int>{}).get().empty());
    EXPECT_TRUE(torc::map(twice, std::list<int>{}, torc::chunk{5}).get().empty());
  });
}

TEST(map, of_one_element) {
  run([] { EXPECT_EQ(torc::map(twice, std::vector{4}).get(), (std::vector{8})); });
}

TEST(map, of_every_kind_of_range) {
  run([] {
    const std::vector expected{2, 4, 6};
    const int array[] = {1, 2, 3};
    std::list<int> list{1, 2, 3};
    EXPECT_EQ(torc::map(twice, array).get(), expected);
    EXPECT_EQ(torc::map(twice, std::array{1, 2, 3}).get(), expected);
    EXPECT_EQ(torc::map(twice, list, torc::chunk{1}).get(), expected);
    EXPECT_EQ(torc::map(twice, std::forward_list{1, 2, 3}, torc::chunk{2}).get(), expected);
    EXPECT_EQ(torc::map(twice, std::set{3, 1, 2}).get(), expected);
    EXPECT_EQ(torc::map(twice, std::deque{1, 2, 3}).get(), expected);
    EXPECT_EQ(torc::map(twice, std::span(array)).get(), expected);
    EXPECT_EQ(torc::map(twice, std::views::iota(1, 4)).get(), expected);
    EXPECT_EQ(torc::map(twice, std::views::iota(1) | std::views::take(3)).get(), expected);
    const std::map<std::string, int> dictionary{{"a", 1}, {"b", 2}, {"c", 3}};
    EXPECT_EQ(torc::map([](const auto& entry) { return 2 * entry.second; }, dictionary).get(),
              expected);
  });
}

TEST(map, of_views_whose_iterators_point_into_them) {
  run([]() -> torc::task<> {
    const std::vector<int> xs = iota(10);
    std::list<int> list(xs.begin(), xs.end());
    int k = 3;
    const auto times = [&k](int x) { return x * k; };
    const std::vector expected{0, 6, 12, 18, 24};
    auto some = xs | std::views::filter(even) | std::views::transform(times);
    EXPECT_EQ(torc::map(std::identity(), some).get(), expected);
    auto later =
        torc::map(std::identity(), list | std::views::filter(even) | std::views::transform(times),
                  torc::chunk{2});
    EXPECT_EQ(co_await std::move(later), expected);
    EXPECT_EQ(torc::map(std::plus<>(), list | std::views::transform(times), list).get().at(9), 36);
    int sum = 0;
    torc::for_each([&sum](int x, int y) { sum += x - y; }, list | std::views::transform(times),
                   list, torc::chunk{100})
        .get();
    EXPECT_EQ(sum, 90);
  });
}

TEST(map, keeps_an_rvalue_range) {
  run([] {
    auto later = torc::map(twice, iota(100));
    EXPECT_EQ(later.get().at(50), 100);
  });
}

TEST(map, results_may_be_bool) {
  run([] {
    const auto even = torc::map([](int x) { return x % 2 == 0; }, iota(1000), torc::chunk{1}).get();
    static_assert(std::is_same_v<decltype(even), const std::vector<bool>>);
    for (std::size_t i = 0; i < even.size(); ++i) {
      ASSERT_EQ(even[i], i % 2 == 0);
    }
  });
}

TEST(map, results_may_be_move_only) {
  run([] {
    const auto ys = torc::map([](int x) { return std::make_unique<int>(x); }, iota(100)).get();
    EXPECT_EQ(*ys.at(42), 42);
  });
}

TEST(map, results_need_no_default_constructor) {
  struct no_default {
    explicit no_default(int v) : value(v) {}
    int value;
  };
  run([] {
    EXPECT_EQ(torc::map([](int x) { return no_default(x); }, iota(10)).get().at(3).value, 3);
  });
}

TEST(map, takes_members) {
  run([] {
    const std::vector<std::string> words{"a", "bb", "ccc"};
    EXPECT_EQ(torc::map(&std::string::size, words).get(), (std::vector<std::size_t>{1, 2, 3}));
  });
}

TEST(map, one_chunk_is_one_task) {
  run(4, [] {
    std::mutex mutex;
    std::map<int, std::set<std::thread::id>> threads; // of each chunk
    torc::for_each(
        [&](int x) {
          const std::lock_guard guard(mutex);
          threads[x / 10].insert(std::this_thread::get_id());
        },
        iota(1000), torc::chunk{10})
        .get();
    EXPECT_EQ(threads.size(), 100u);
    for (const auto& [chunk, ids] : threads) {
      EXPECT_EQ(ids.size(), 1u) << chunk;
    }
  });
}

TEST(map, runs_in_parallel) {
  run([] {
    std::atomic<int> arrived{0};
    torc::for_each(
        [&arrived](int) {
          ++arrived;
          test::spin_until(arrived, 2);
        },
        iota(2), torc::chunk{1})
        .get();
  });
}

TEST(map, nests) {
  for (const int workers : {1, 2, 4}) {
    run(workers, [] {
      const auto row = [](int y) {
        return torc::reduce([y](int x) { return x * y; }, iota(20), 0, {}, torc::chunk{2}).get();
      };
      const std::vector<int> rows = torc::map(row, iota(20), torc::chunk{1}).get();
      for (int y = 0; y < 20; ++y) {
        ASSERT_EQ(rows[static_cast<std::size_t>(y)], 190 * y);
      }
    });
  }
}

TEST(map, nothing_is_left) {
  run([] {
    for (int i = 0; i < 20; ++i) {
      const auto ys = torc::map([](int x) { return counted(x); }, iota(50), torc::chunk{1}).get();
      EXPECT_EQ(counted::alive, 50);
      EXPECT_EQ(ys.at(7).value, 7);
      const auto fails = [](int x) { return counted(twice_or_throw(x)); };
      EXPECT_THROW(torc::map(fails, iota(50), torc::chunk{1}).get(), std::out_of_range);
    }
  });
  EXPECT_EQ(counted::alive, 0);
}

TEST(map, the_exception_at_the_lowest_position_is_thrown) {
  for (const int workers : {1, 2, 4}) {
    run(workers, [] {
      std::atomic<int> calls{0};
      std::string what;
      try {
        static_cast<void>(torc::map(
                              [&calls](int x) {
                                ++calls;
                                return twice_or_throw(x);
                              },
                              iota(100), torc::chunk{100})
                              .get());
      } catch (const std::out_of_range& e) {
        what = e.what();
      }
      EXPECT_EQ(what, "3");
      EXPECT_EQ(calls, 4);
    });
  }
}

TEST(map, after_an_exception_no_further_chunk_starts) {
  run(1, [] {
    std::atomic<int> calls{0};
    const auto f = [&calls](int) {
      ++calls;
      throw std::runtime_error("x");
    };
    EXPECT_THROW(torc::for_each(f, iota(1000), torc::chunk{1}).get(), std::runtime_error);
    EXPECT_EQ(calls, 1);
  });
}

TEST(map, exceptions_in_a_coroutine) {
  run([]() -> torc::task<> {
    bool caught = false;
    try {
      static_cast<void>(co_await torc::map(twice_or_throw, iota(100), torc::chunk{1}));
    } catch (const std::out_of_range&) {
      caught = true;
    }
    EXPECT_TRUE(caught);
  });
}

TEST(map, exceptions_of_coroutines) {
  const auto f = [](int x) -> torc::task<int> { co_return twice_or_throw(x); };
  run([&] { EXPECT_THROW(torc::map(f, iota(100)).get(), std::out_of_range); });
}

int weighted(int x, double w, const std::string& s) {
  return static_cast<int>(x * w) + static_cast<int>(s.size());
}

TEST(map, of_several_ranges_goes_as_far_as_the_shortest) {
  for (const int workers : {1, 2, 4}) {
    run(workers, [] {
      const std::vector<int> xs = iota(100);
      const std::deque<double> ws(90, 2.0);
      const std::list<std::string> names(95, "four");
      const std::vector<int> ys = torc::map(weighted, xs, ws, names).get();
      ASSERT_EQ(ys.size(), 90u);
      for (int i = 0; i < 90; ++i) {
        EXPECT_EQ(ys[static_cast<std::size_t>(i)], 2 * i + 4);
      }
      EXPECT_EQ(torc::map(weighted, xs, ws, names, torc::chunk{32}).get(), ys);
      EXPECT_TRUE(torc::map(std::plus<>(), xs, std::vector<int>()).get().empty());
      // Rvalues, coroutine functions, functions with state.
      const auto sum = [](int x, int y) -> torc::task<int> { co_return x + y; };
      EXPECT_EQ(torc::map(sum, iota(50), std::views::iota(7, 40)).get().at(32), 32 + 39);
      EXPECT_EQ(torc::map(torc::bind(weighted, 10), ws, names).get().at(0), 24);
    });
  }
}

TEST(map, of_several_ranges_one_of_which_must_end) {
  run([] {
    const std::vector<int> xs = iota(100);
    const std::forward_list<int> list(xs.begin(), xs.end());
    const std::vector<int> sums = torc::map(std::plus<>(), xs, xs).get();
    EXPECT_EQ(torc::map(std::plus<>(), xs, std::views::iota(0)).get(), sums);
    EXPECT_EQ(torc::map(std::plus<>(), std::views::iota(0), list).get(), sums);
    const auto same = [](int x) { return x; };
    const auto all = [](int) { return true; };
    // What has no end and does not say so is gone through as far as the others reach.
    EXPECT_EQ(torc::map(std::plus<>(), std::views::iota(0) | std::views::transform(same), xs).get(),
              sums);
    EXPECT_EQ(torc::map(std::plus<>(), std::views::iota(0) | std::views::filter(all), xs).get(),
              sums);
    EXPECT_EQ(torc::map(std::plus<>(), std::views::iota(0) | std::views::filter(all), list).get(),
              sums);
    std::vector<int> numbers(50);
    torc::for_each([](int& x, int i) { x = i; }, numbers, std::views::iota(7)).get();
    EXPECT_EQ(numbers.back(), 56);
  });
}

TEST(map, of_several_ranges_in_a_coroutine) {
  run([]() -> torc::task<> {
    const std::vector<int> xs = iota(100);
    const std::vector<int> ys = co_await torc::map(std::plus<>(), xs, xs, torc::chunk{3});
    EXPECT_EQ(ys.at(99), 198);
  });
}

} // namespace
