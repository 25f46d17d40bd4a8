// SPDX-License-Identifier: MIT
#include <atomic>
#include <functional>
#include <gtest/gtest.h>
#include <iterator>
#include <list>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "elements.hpp"
#include "session.hpp"

namespace {

using test::cotwice;
using test::counted;
using test::run;
using test::twice;
using test::twice_or_throw;

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

TEST(lazy_map, reads_an_element_when_it_is_wanted) {
  run([] {
    int read = 0;
    numbers source(10, &read);
    auto results = torc::lazy_map(twice, source, torc::in_flight{1});
    for (int i = 0; i < 10; ++i) {
      EXPECT_EQ(*results.next().get(), 2 * i);
      EXPECT_EQ(read, i); // it may take its time to come
    }
    EXPECT_EQ(results.next().get(), nullptr);
  });
}

TEST(lazy_map, an_exception_of_the_range_comes_at_its_turn) {
  run([] {
    const auto read = [](int i) { return i == 3 ? throw std::out_of_range("3") : i; };
    for (const std::size_t size : {1, 2, 3, 4, 10}) {
      auto results =
          torc::lazy_map(twice, std::views::iota(0, 6) | std::views::transform(read), {}, {size});
      for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(*results.next().get(), 2 * i);
      }
      EXPECT_THROW(results.next().get(), std::out_of_range);
      EXPECT_EQ(results.next().get(), nullptr);
    }
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

/// Its fifth copy throws.
struct fragile {
  fragile() = default;
  fragile(const fragile&) {
    if (++made == 5) {
      throw std::runtime_error("copy");
    }
  }
  fragile(fragile&&) = default;
  int operator()(int x) const { return x; }
  static inline int made = 0;
};

TEST(lazy_map, a_copy_of_the_function_that_throws_ends_the_stream_at_its_turn) {
  for (const int workers : {1, 2}) {
    run(workers, [] {
      fragile::made = 0;
      auto results = torc::lazy_map(fragile(), numbers(20), torc::in_flight{2});
      int next = 0;
      try {
        while (const int* x = results.next().get()) {
          EXPECT_EQ(*x, next++);
        }
        ADD_FAILURE() << "nothing has been thrown";
      } catch (const std::runtime_error& e) {
        EXPECT_STREQ(e.what(), "copy");
      }
      EXPECT_EQ(results.next().get(), nullptr);
    });
  }
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
