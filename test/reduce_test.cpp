// SPDX-License-Identifier: MIT
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <functional>
#include <gtest/gtest.h>
#include <list>
#include <memory>
#include <ranges>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "elements.hpp"
#include "session.hpp"

namespace {

using test::cotwice;
using test::even;
using test::iota;
using test::run;
using test::twice;
using test::twice_or_throw;

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
      const auto is_even = [](int x) { return x % 2 == 0; };
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
            torc::map(std::identity(), xs | std::views::filter(is_even)).get();
        EXPECT_EQ(torc::reduce(letter, xs | std::views::filter(is_even), std::string()).get(),
                  torc::reduce(letter, evens, std::string(), {}, torc::chunk{3}).get());
        EXPECT_EQ(static_cast<int>(evens.size()), (n + 1) / 2);
      }
    });
  }
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

} // namespace
