// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <forward_list>
#include <gtest/gtest.h>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <ranges>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "session.hpp"

namespace {

using test::counted;
using test::run;

std::vector<int> iota(int n) {
  std::vector<int> v(static_cast<std::size_t>(n));
  std::iota(v.begin(), v.end(), 0);
  return v;
}

int twice(int x) { return 2 * x; }
torc::task<int> cotwice(int x) { co_return 2 * x; }
int twice_or_throw(int x) {
  if (x % 10 == 3) {
    throw std::out_of_range(std::to_string(x));
  }
  return 2 * x;
}

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

TEST(for_each, changes_the_elements) {
  for (const int workers : {1, 2, 4}) {
    run(workers, [] {
      std::vector<int> xs = iota(1000);
      torc::for_each([](int& x) { x = -x; }, xs, torc::chunk{10}).get();
      EXPECT_EQ(xs.at(999), -999);
      std::list<int> list(100, 1);
      torc::for_each([](int& x) { ++x; }, list).get();
      EXPECT_EQ(std::accumulate(list.begin(), list.end(), 0), 200);
    });
  }
}

TEST(for_each, calls_once_for_every_element) {
  for (const int workers : {1, 2, 4}) {
    run(workers, []() -> torc::task<> {
      for (const int n : {0, 1, 2, 3, 17, 1000}) {
        for (const std::size_t size : {0, 1, 2, 5, 100}) {
          std::vector<std::atomic<int>> calls(static_cast<std::size_t>(n));
          co_await torc::for_each([](auto& c) { ++c; }, calls, torc::chunk{size});
          EXPECT_TRUE(std::ranges::all_of(calls, [](const auto& c) { return c == 1; }));
        }
      }
    });
  }
}

TEST(for_each, of_a_coroutine_function) {
  std::atomic<int> sum{0};
  const auto add = [&sum](int x) -> torc::task<> { sum += co_await cotwice(x); };
  run([&]() -> torc::task<> { co_await torc::for_each(add, iota(100), torc::chunk{1}); });
  EXPECT_EQ(sum, 9900);
}

TEST(reduce, sums_by_default) {
  for (const int workers : {1, 2, 4}) {
    run(workers, [] {
      EXPECT_EQ(torc::reduce(twice, iota(1000), 5L).get(), 999005L);
      EXPECT_EQ(torc::reduce(cotwice, iota(1000), 5L).get(), 999005L);
    });
  }
}

TEST(reduce, keeps_the_order) {
  for (const int workers : {1, 2, 4}) {
    run(workers, []() -> torc::task<> {
      const auto letter = [](int x) { return std::string(1, static_cast<char>('a' + x)); };
      for (const std::size_t size : {0, 1, 3, 100}) {
        const std::string word = co_await torc::reduce(letter, iota(26), std::string("<"),
                                                       std::plus<>{}, torc::chunk{size});
        EXPECT_EQ(word, "<abcdefghijklmnopqrstuvwxyz");
      }
    });
  }
}

TEST(reduce, of_an_empty_range_is_the_initial_value) {
  run([] { EXPECT_EQ(torc::reduce(twice, std::vector<int>{}, 42).get(), 42); });
}

TEST(reduce, with_another_operation) {
  run([] {
    const auto larger = [](int a, int b) { return std::max(a, b); };
    EXPECT_EQ(torc::reduce(twice, iota(100), -1, larger, torc::chunk{7}).get(), 198);
    EXPECT_FALSE(
        torc::reduce([](int x) { return x < 50; }, iota(100), true, std::logical_and<>{}).get());
  });
}

TEST(reduce, uses_the_initial_value_once) {
  run([] {
    for (const std::size_t size : {1, 2, 10}) {
      EXPECT_EQ(torc::reduce(twice, iota(10), 1000, {}, torc::chunk{size}).get(), 1090);
    }
  });
}

TEST(reduce, values_may_be_move_only) {
  run([] {
    const auto box = [](int x) { return std::make_unique<int>(x); };
    const auto add = [](std::unique_ptr<int> a, std::unique_ptr<int> b) {
      return std::make_unique<int>(*a + *b);
    };
    EXPECT_EQ(*torc::reduce(box, iota(100), std::make_unique<int>(1), add).get(), 4951);
  });
}

TEST(reduce, a_fixed_chunk_gives_the_same_sum_with_any_number_of_workers) {
  std::vector<double> sums;
  for (const int workers : {1, 2, 3, 4}) {
    run(workers, [&sums] {
      const auto f = [](int x) { return 1.0 / (x + 1); };
      sums.push_back(torc::reduce(f, iota(10000), 0.0, {}, torc::chunk{16}).get());
    });
  }
  EXPECT_EQ(std::set(sums.begin(), sums.end()).size(), 1u);
}

TEST(reduce, exceptions_of_the_operation) {
  run([] {
    const auto fails = [](int, int) -> int { throw std::out_of_range("x"); };
    EXPECT_THROW(torc::reduce(twice, iota(100), 0, fails, torc::chunk{10}).get(),
                 std::out_of_range);
    EXPECT_THROW(torc::reduce(twice_or_throw, iota(100), 0, {}, torc::chunk{1}).get(),
                 std::out_of_range);
  });
}

/// A letter for each number.
std::string letters(int first, int last) {
  std::string s;
  for (int i = first; i < last; ++i) {
    s += static_cast<char>('a' + i % 26);
  }
  return s;
}
std::string letter(int x) { return letters(x, x + 1); }

TEST(reduce, of_every_kind_of_range) {
  for (const int workers : {1, 2, 4}) {
    run(workers, [] {
      const auto even = [](int x) { return x % 2 == 0; };
      for (const int n : {0, 1, 2, 3, 100, 5000}) {
        const std::vector<int> xs = iota(n);
        const std::string all = letters(0, n);
        EXPECT_EQ(torc::reduce(letter, xs, std::string()).get(), all);
        EXPECT_EQ(torc::reduce(letter, std::list(xs.begin(), xs.end()), std::string()).get(), all);
        EXPECT_EQ(torc::reduce(letter, std::deque(xs.begin(), xs.end()), std::string()).get(), all);
        EXPECT_EQ(torc::reduce(letter, std::views::iota(0, n), std::string()).get(), all);
        EXPECT_EQ(torc::reduce(letter, std::views::iota(0L, long{n}), std::string()).get(), all);
        EXPECT_EQ(
            torc::reduce(letter, std::views::iota(0) | std::views::take(n), std::string()).get(),
            all);
        const std::vector<int> evens =
            torc::map(std::identity(), xs | std::views::filter(even)).get();
        EXPECT_EQ(torc::reduce(letter, xs | std::views::filter(even), std::string()).get(),
                  torc::reduce(letter, evens, std::string(), {}, torc::chunk{3}).get());
        EXPECT_EQ(static_cast<int>(evens.size()), (n + 1) / 2);
      }
    });
  }
}

/// What a loop is for in a recursion: a child for each safe square of a row.
long queens(std::vector<int> columns, int n) {
  const int row = static_cast<int>(columns.size());
  if (row == n) {
    return 1;
  }
  auto safe = std::views::iota(0, n) | std::views::filter([&](int x) {
                for (int above = 0; above < row; ++above) {
                  const int distance = std::abs(columns[static_cast<std::size_t>(above)] - x);
                  if (distance == 0 || distance == row - above) {
                    return false;
                  }
                }
                return true;
              });
  const auto place = [&](int x) {
    std::vector<int> next = columns;
    next.push_back(x);
    return queens(std::move(next), n);
  };
  return torc::reduce(place, safe, 0L).get();
}

/// The elements, in order, by a loop that stays in the process: what refers to something does.
template <class Range>
std::string in_order(Range&& range, torc::chunk c = {}) {
  char space = ' ';
  const auto text = [&space](int x) { return std::to_string(x) + space; };
  return torc::reduce(text, std::forward<Range>(range), std::string(), {}, c).get();
}
std::string even_in_order(int n) {
  std::string all;
  for (int i = 0; i < n; i += 2) {
    all += std::to_string(i) + ' ';
  }
  return all;
}
bool even(int x) { return x % 2 == 0; }

TEST(reduce, of_a_filter) {
  for (const int workers : {1, 2, 4}) {
    run(workers, [] {
      for (const int n : {0, 1, 2, 3, 4, 40, 100, 5000}) { // 5000: with chunks
        const auto all = std::views::iota(0, n);
        const std::vector<int> v(all.begin(), all.end());
        const std::list<int> list(all.begin(), all.end());
        EXPECT_EQ(in_order(all | std::views::filter(even)), even_in_order(n));
        EXPECT_EQ(in_order(v | std::views::filter(even)), even_in_order(n));
        EXPECT_EQ(in_order(list | std::views::filter(even)), even_in_order(n));
        EXPECT_EQ(in_order(std::vector<int>(v) | std::views::filter(even)), even_in_order(n));
        EXPECT_EQ(in_order(v | std::views::filter(even), torc::chunk{3}), even_in_order(n));
        auto small = v | std::views::filter([n](int x) { return x < n / 2; });
        EXPECT_EQ(in_order(small | std::views::filter(even)), even_in_order(n / 2));
        EXPECT_EQ(in_order(v | std::views::filter([](int) { return false; })), "");
      }
    });
  }
}

TEST(reduce, of_a_sparse_filter) {
  for (const int workers : {1, 2, 4}) {
    run(workers, [] {
      const std::vector<int> v = iota(200);
      for (const int only : {0, 15, 16, 17, 100, 199, 200}) {
        const auto keep = [only](int x) { return x == only; };
        EXPECT_EQ(in_order(v | std::views::filter(keep)),
                  only < 200 ? std::to_string(only) + ' ' : "");
      }
    });
  }
}

TEST(reduce, of_filters_that_only_their_iterators_can_test) {
  run(2, [] {
    const std::vector<int> v = iota(10);
    struct not_const {
      bool operator()(int x) { return even(x); }
    };
    EXPECT_EQ(in_order(v | std::views::filter(not_const())), even_in_order(10));
    EXPECT_EQ(in_order(v | std::views::filter([n = 0](int) mutable { return ++n > 0; })),
              "0 1 2 3 4 5 6 7 8 9 ");
    auto one = std::views::single(6) | std::views::filter(even);
    torc::for_each([](int& x) { x = 8; }, one).get();
    EXPECT_EQ(in_order(one), "8 ");
  });
}

TEST(reduce, a_filter_tests_where_elements_run) {
  run(1, [] {
    std::string order;
    const auto keep = [&order](int x) {
      order += '?';
      return even(x);
    };
    const auto f = [&order](int x) {
      order += std::to_string(x);
      return x;
    };
    auto some = std::views::iota(0, 6) | std::views::filter(keep);
    EXPECT_EQ(torc::reduce(f, some, 0).get(), 6);
    EXPECT_EQ(order, "?0??2??4?");
    order.clear();
    torc::for_each(f, some).get();
    EXPECT_EQ(order, "?0??2??4?");
  });
}

TEST(for_each, a_filter_tests_an_element_once_as_f_may_change_it) {
  for (const int workers : {1, 2, 4}) {
    run(workers, [] {
      std::vector<int> v = iota(3000);
      std::atomic<int> tests{0};
      const auto keep = [&tests](int x) {
        ++tests;
        return even(x);
      };
      for (const torc::chunk c : {torc::chunk{}, torc::chunk{7}}) {
        tests = 0;
        torc::for_each([](int& x) { x += 2; }, v | std::views::filter(keep), c).get();
        EXPECT_EQ(tests, 3000);
      }
      for (int i = 0; i < 3000; ++i) {
        EXPECT_EQ(v[static_cast<std::size_t>(i)], even(i) ? i + 4 : i);
      }
    });
  }
}

/// A sum that cannot be empty.
struct weight {
  explicit weight(int g) : grams(g) {}
  int grams;
};

TEST(reduce, of_sums_without_default) {
  run(2, [] {
    int k = 2;
    const auto f = [&k](int x) { return weight(k * x); };
    const auto add = [](weight a, weight b) { return weight(a.grams + b.grams); };
    const std::vector<int> v = iota(10);
    EXPECT_EQ(torc::reduce(f, v, weight(1), add).get().grams, 91);
    EXPECT_EQ(torc::reduce(f, v | std::views::filter(even), weight(1), add).get().grams, 41);
    EXPECT_EQ(torc::reduce(f, v, weight(1), add, torc::chunk{3}).get().grams, 91);
  });
}

TEST(reduce, what_a_filter_throws) {
  for (const int workers : {1, 2, 4}) {
    run(workers, [] {
      const auto keep = [](int x) {
        if (x == 7) {
          throw std::out_of_range("7");
        }
        return even(x);
      };
      for (int i = 0; i < 20; ++i) {
        EXPECT_THROW(in_order(std::views::iota(0, 16) | std::views::filter(keep)),
                     std::out_of_range);
      }
    });
  }
}

TEST(reduce, all_that_a_filter_keeps_may_run_at_once) {
  run(4, [] {
    std::atomic<int> arrived{0};
    const auto meet = [&](int) {
      ++arrived;
      test::spin_until(arrived, 4);
      return 1;
    };
    const auto third = [](int x) { return x % 3 == 0; };
    EXPECT_EQ(torc::reduce(meet, std::views::iota(0, 12) | std::views::filter(third), 0).get(), 4);
  });
}

/// A function object that has to stay what it is.
struct counting {
  int calls = 0;
  void operator()(int) { ++calls; }
};

TEST(for_each, calls_one_object_if_that_may_change) {
  run(1, [] {
    counting f;
    torc::for_each(std::ref(f), std::views::iota(0, 10)).get();
    EXPECT_EQ(f.calls, 10);
    int last = 0;
    const auto count = [n = 0, &last](int) mutable { last = ++n; };
    torc::for_each(count, std::views::iota(0, 10)).get();
    EXPECT_EQ(last, 10);
  });
}

TEST(reduce, a_chunk_may_be_larger_than_any_range) {
  run([] {
    const std::vector<int> xs = iota(100);
    for (const std::size_t size : {std::size_t{101}, SIZE_MAX / 2, SIZE_MAX - 1, SIZE_MAX}) {
      EXPECT_EQ(torc::reduce(twice, xs, 0, {}, torc::chunk{size}).get(), 9900);
      EXPECT_EQ(torc::map(twice, xs, torc::chunk{size}).get().at(99), 198);
      std::atomic<int> calls{0};
      torc::for_each([&](int) { ++calls; }, xs, torc::chunk{size}).get();
      torc::for_each([&](int) { ++calls; }, std::list(xs.begin(), xs.end()), torc::chunk{size})
          .get();
      EXPECT_EQ(calls, 200);
    }
  });
}

TEST(reduce, in_a_recursion) {
  for (const int workers : {1, 2, 4}) {
    run(workers, [] { EXPECT_EQ(queens({}, 8), 92); });
  }
}

TEST(reduce, all_elements_may_run_at_once) {
  for (const int workers : {2, 4, 5, 9}) { // 5: a thief halves what has four
    run(workers, [workers] {
      std::atomic<int> arrived{0};
      const auto meet = [&](int) {
        ++arrived;
        test::spin_until(arrived, workers);
        return 1;
      };
      EXPECT_EQ(torc::reduce(meet, std::views::iota(0, workers), 0).get(), workers);
    });
  }
}

TEST(reduce, of_failures_the_one_at_the_lowest_position_is_thrown) {
  for (const int workers : {1, 2, 4}) {
    run(workers, [] {
      for (int i = 0; i < 50; ++i) {
        std::atomic<int> alive{0};
        const auto f = [&](int x) -> int {
          struct alive_here {
            std::atomic<int>& n;
            ~alive_here() { --n; }
          } a{alive};
          ++alive;
          if (x >= 10) {
            throw std::out_of_range(std::to_string(x));
          }
          return x;
        };
        std::string what;
        try {
          torc::reduce(f, std::views::iota(0, 20), 0).get();
        } catch (const std::out_of_range& e) {
          what = e.what();
        }
        EXPECT_EQ(alive, 0);
        // 10, or one that another worker met before it, and then 10 has not been tried.
        EXPECT_GE(std::stoi(what), 10);
      }
    });
  }
}

TEST(reduce, after_a_failure_no_further_chunk_starts) {
  run(1, [] {
    int calls = 0;
    const auto f = [&calls](int x) {
      ++calls;
      return twice_or_throw(x);
    };
    EXPECT_THROW(torc::reduce(f, iota(100), 0).get(), std::out_of_range);
    EXPECT_EQ(calls, 4);
  });
  run([] { // the first half of what is stolen ends when the other half fails
    std::atomic<int> failed{0}, later{0};
    const auto f = [&](int x) {
      if (x == 0) {
        test::spin_until(failed, 1);
      } else if (x == 6000) {
        ++failed;
        throw std::runtime_error("6000");
      } else if (failed > 0) {
        ++later;
        std::this_thread::sleep_for(std::chrono::milliseconds(1)); // an exception takes its time
      }
      return x;
    };
    EXPECT_THROW(torc::reduce(f, std::views::iota(0, 10'000), 0, {}, torc::chunk{1}).get(),
                 std::runtime_error);
    EXPECT_LE(later, 100);
  });
}

TEST(reduce, exceptions_of_the_range) {
  for (const int workers : {1, 2, 4}) {
    run(workers, [] {
      const auto picky = [](int x) {
        if (x == 50) {
          throw std::out_of_range("50");
        }
        return true;
      };
      EXPECT_THROW(torc::reduce(twice, iota(100) | std::views::filter(picky), 0).get(),
                   std::out_of_range);
    });
  }
}

/// What a loop's body may do to the children of the task that runs the loop.
TEST(for_each, its_body_may_join_everything) {
  for (const int workers : {1, 2, 4}) {
    run(workers, [] {
      for (int i = 0; i < 20; ++i) {
        std::vector<std::atomic<int>> calls(20);
        auto older = torc::spawn(twice, 21);
        torc::for_each(
            [&](auto& c) {
              ++c;
              if (&c == &calls[3]) {
                torc::sync(); // runs what is left of the loop, if nobody else does
              }
            },
            calls)
            .get();
        EXPECT_TRUE(std::ranges::all_of(calls, [](const auto& c) { return c == 1; }));
        EXPECT_EQ(older.get(), 42);
      }
    });
  }
}

TEST(for_each, its_body_may_join_an_older_child) {
  run(1, [] {
    std::vector<int> calls(20);
    auto older = torc::spawn(twice, 21);
    torc::for_each(
        [&](int& c) {
          ++c;
          if (&c == &calls[3]) {
            EXPECT_EQ(older.get(), 42);
          }
        },
        calls)
        .get();
    EXPECT_EQ(calls, std::vector<int>(20, 1));
  });
}

TEST(for_each, its_body_may_submit) {
  for (const int workers : {1, 2, 4}) {
    run(workers, [] {
      std::atomic<int> ran{0};
      torc::for_each([&](int) { static_cast<void>(torc::submit(torc::here, [&ran] { ++ran; })); },
                     iota(100))
          .get();
      torc::sync();
      EXPECT_EQ(ran, 100);
    });
  }
}

TEST(for_each, hides_no_older_child_after_its_body_has_caught_a_failure) {
  run([] {
    std::atomic<int> busy{0}, go{0}, ran{0};
    auto other_worker = torc::submit(torc::on_local_worker(1).pinned(), [&] {
      ++busy;
      test::spin_until(go, 1);
    });
    test::spin_until(busy, 1);
    EXPECT_EQ(torc::spawn(twice, 1).get(), 2); // now nobody wants what is spawned
    auto older = torc::spawn([&ran] { ++ran; });
    auto loop = torc::spawn([&] {
      torc::for_each(
          [&](int x) {
            if (x == 3) {
              auto fails =
                  torc::spawn([x]() -> int { throw std::runtime_error(std::to_string(x)); });
              EXPECT_THROW(torc::sync(), std::runtime_error); // skips the rest of the loop
              ++go;
            } else if (x == 7) {
              test::spin_until(ran, 1); // the other worker must find the older child
            }
          },
          iota(10))
          .get();
    });
    loop.get();
    older.get();
    other_worker.get();
  });
}

TEST(for_each, goes_on_after_a_failed_sibling_that_its_body_has_caught) {
  run(1, [] {
    int calls = 0;
    torc::for_each(
        [&](int x) {
          ++calls;
          if (x == 3) {
            auto fails = torc::spawn([]() -> int { throw std::runtime_error("x"); });
            EXPECT_THROW(torc::sync(), std::runtime_error); // skips the rest of the loop
          }
        },
        iota(10))
        .get();
    EXPECT_EQ(calls, 10);
  });
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

TEST(for_each, of_several_ranges_refers_to_the_elements) {
  run([] {
    const std::vector<int> xs = iota(1000);
    std::vector<int> ys(1000);
    torc::for_each([](int& y, int x) { y = 2 * x; }, ys, xs).get();
    EXPECT_EQ(ys.back(), 1998);
  });
}

/// 0, 1, 2, ...: single-pass; counts how many have been read.
class numbers {
public:
  explicit numbers(int n, int* read = nullptr) : n_(n), read_(read) {}
  struct iterator {
    using value_type = int;
    using difference_type = std::ptrdiff_t;
    numbers* from;
    int operator*() const { return from->next_; }
    iterator& operator++() {
      ++from->next_;
      if (from->read_ != nullptr) {
        *from->read_ = from->next_;
      }
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return from->next_ == from->n_; }
  };
  iterator begin() { return {this}; }
  std::default_sentinel_t end() const { return {}; }

private:
  int n_;
  int* read_;
  int next_ = 0;
};
static_assert(std::ranges::input_range<numbers> && !std::ranges::forward_range<numbers>);

TEST(lazy_map, gives_all_results_in_order) {
  for (const int workers : {1, 2, 4}) {
    run(workers, [] {
      for (const int n : {0, 1, 2, 1000}) {
        for (const std::size_t tasks : {0, 1, 3}) {
          for (const std::size_t size : {1, 7}) {
            int expected = 0;
            for (int y :
                 torc::lazy_map(twice, numbers(n), torc::in_flight{tasks}, torc::chunk{size})) {
              ASSERT_EQ(y, 2 * expected++);
            }
            EXPECT_EQ(expected, n);
          }
        }
      }
    });
  }
}

TEST(lazy_map, of_two_ranges_goes_as_far_as_the_shorter) {
  run([] {
    const std::list<int> xs(30, 3);
    int expected = 0;
    for (int y : torc::lazy_map(std::multiplies<>(), numbers(100), xs, torc::in_flight{4},
                                torc::chunk{7})) {
      ASSERT_EQ(y, 3 * expected++);
    }
    EXPECT_EQ(expected, 30);
    for (int y : torc::lazy_map(std::plus<>(), xs, std::vector<int>())) {
      ADD_FAILURE() << y;
    }
  });
}

TEST(lazy_map, in_a_coroutine_and_of_one) {
  run([]() -> torc::task<> {
    numbers source(100);
    auto results = torc::lazy_map(cotwice, source);
    int expected = 0;
    while (int* y = co_await results.next()) {
      EXPECT_EQ(*y, 2 * expected++);
    }
    EXPECT_EQ(expected, 100);
    EXPECT_EQ(co_await results.next(), nullptr);
  });
}

TEST(lazy_map, reads_no_further_than_it_may) {
  run([] {
    int read = 0;
    std::atomic<int> alive{0}, most{0};
    numbers source(1000, &read);
    int taken = 0;
    for (int y : torc::lazy_map(
             [&](int x) {
               const int now = ++alive;
               int before = most;
               while (before < now && !most.compare_exchange_weak(before, now)) {
               }
               std::this_thread::yield();
               --alive;
               return x;
             },
             source, torc::in_flight{5}, torc::chunk{3})) {
      EXPECT_EQ(y, taken);
      ++taken;
      ASSERT_LE(read, taken + 6 * 3);
    }
    EXPECT_EQ(taken, 1000);
    EXPECT_LE(most, 5);
  });
}

TEST(lazy_map, an_exception_comes_at_its_turn_and_ends_the_stream) {
  run([] {
    int read = 0;
    numbers source(1000, &read);
    auto results = torc::lazy_map(twice_or_throw, source, torc::in_flight{20});
    std::vector<int> got;
    try {
      for (int y : results) {
        got.push_back(y);
      }
      ADD_FAILURE();
    } catch (const std::out_of_range& e) {
      EXPECT_STREQ(e.what(), "3");
    }
    EXPECT_EQ(got, (std::vector{0, 2, 4}));
    EXPECT_LE(read, 24);
    EXPECT_EQ(results.next().get(), nullptr);
    EXPECT_NO_THROW(torc::sync()); // the others' are not asked for
  });
}

TEST(lazy_map, left_early_waits_for_its_tasks) {
  run([] {
    std::atomic<int> ended{0};
    {
      auto results = torc::lazy_map(
          [&ended](int x) {
            ++ended;
            return x;
          },
          numbers(1000), torc::in_flight{8});
      EXPECT_EQ(*results.next().get(), 0);
    }
    const int at_the_end = ended;
    torc::sync();
    EXPECT_EQ(ended, at_the_end);
    EXPECT_LE(ended, 9);
  });
}

TEST(lazy_map, in_a_task_that_is_stopped) {
  for (int i = 0; i < 20; ++i) {
    run([] {
      std::atomic<int> taken{0};
      auto reader = torc::submit(torc::here, [&taken] {
        std::atomic<int> alive{0};
        const auto f = [&alive](int x) {
          const test::counted mark(++alive);
          std::this_thread::yield();
          return x;
        };
        for (int y : torc::lazy_map(f, numbers(1 << 30), torc::in_flight{8})) {
          taken = y;
        }
      });
      test::spin_until(taken, 10);
      reader.cancel();
      EXPECT_THROW(reader.get(), torc::cancelled);
    });
    EXPECT_EQ(counted::alive, 0);
  }
}

TEST(lazy_map, of_bool_move_only_and_nothing_left) {
  run([] {
    int truths = 0;
    for (bool b : torc::lazy_map([](int x) { return x % 2 == 0; }, numbers(10))) {
      truths += b;
    }
    EXPECT_EQ(truths, 5);
    int sum = 0;
    for (auto& p : torc::lazy_map([](int x) { return std::make_unique<int>(x); }, numbers(10))) {
      sum += *std::exchange(p, nullptr);
    }
    EXPECT_EQ(sum, 45);
    for (auto& c : torc::lazy_map([](int x) { return counted(x); }, numbers(10))) {
      EXPECT_GE(c.value, 0);
    }
  });
  EXPECT_EQ(counted::alive, 0);
}

TEST(lazy_map, without_a_runtime) {
  int sum = 0;
  for (int y : torc::lazy_map(twice, numbers(10))) {
    sum += y;
  }
  EXPECT_EQ(sum, 90);
}

} // namespace
