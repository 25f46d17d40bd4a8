// SPDX-License-Identifier: MIT
#include <algorithm>
#include <atomic>
#include <functional>
#include <gtest/gtest.h>
#include <list>
#include <numeric>
#include <ranges>
#include <stdexcept>
#include <string>
#include <vector>

#include "elements.hpp"
#include "session.hpp"

namespace {

using test::cotwice;
using test::even;
using test::iota;
using test::run;
using test::twice;

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

TEST(for_each, of_several_ranges_refers_to_the_elements) {
  run([] {
    const std::vector<int> xs = iota(1000);
    std::vector<int> ys(1000);
    torc::for_each([](int& y, int x) { y = 2 * x; }, ys, xs).get();
    EXPECT_EQ(ys.back(), 1998);
  });
}

} // namespace
