// SPDX-License-Identifier: MIT
#include <atomic>
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

int twice(int x) { return 2 * x; }
[[noreturn]] void fail(int x) { throw std::runtime_error("child " + std::to_string(x)); }
void fail_if_odd(int x) {
  if (x % 2 == 1) fail(x);
}

/// What f throws; empty if it does not.
template <class F>
std::string thrown_by(F f) {
  try {
    f();
  } catch (const std::exception& e) {
    return e.what();
  }
  return "";
}

TEST(children, give_the_youngest_result_first) {
  for (const int workers : {1, 2, 4}) {
    run(workers, [] {
      torc::children c(5, twice);
      for (int i = 0; i < 5; ++i)
        c.spawn(i);
      EXPECT_EQ(c.size(), 5u);
      for (int i = 5; i-- > 0;)
        EXPECT_EQ(c.get_last(), 2 * i);
      EXPECT_TRUE(c.empty());
    });
  }
}

TEST(children, are_spawned_again_after_they_have_been_joined) {
  run([] {
    torc::children c(2, twice);
    for (int i = 0; i < 100; ++i) {
      c.spawn(i);
      c.spawn(i + 1);
      EXPECT_EQ(c.get_last(), 2 * i + 2);
      c.spawn(i + 2);
      EXPECT_EQ(c.get_last(), 2 * i + 4);
      EXPECT_EQ(c.get_last(), 2 * i);
    }
  });
}

TEST(children, are_a_range) {
  run([] {
    torc::children c(4, twice);
    for (int i = 0; i < 4; ++i)
      c.spawn(i);
    EXPECT_EQ(c[2].get(), 4);
    EXPECT_EQ(c[0].get(), 0);
    EXPECT_EQ(c[3].get(), 6);
    EXPECT_EQ(c[1].get(), 2);
    torc::children d(3, twice);
    for (int i = 0; i < 3; ++i)
      d.spawn(i);
    int sum = 0;
    for (auto& child : d)
      sum += child.get();
    EXPECT_EQ(sum, 6);
  });
}

TEST(children, there_may_be_none_left) {
  run([] {
    torc::children c(1, twice);
    EXPECT_THROW(c.get_last(), std::logic_error);
    c.spawn(2);
    EXPECT_EQ(c.get_last(), 4);
    EXPECT_THROW(c.get_last(), std::logic_error);
  });
}

TEST(children, are_asked_once) {
  run([] {
    torc::children c(2, [](int x) { return std::to_string(x); });
    c.spawn(1);
    c.spawn(2);
    EXPECT_EQ(torc::wait(c).get(), (std::vector<std::string>{"1", "2"}));
    EXPECT_EQ(c.size(), 2u);
    EXPECT_THROW(c.get_last(), std::logic_error);
    EXPECT_THROW(c[0].get(), std::logic_error);
    auto one = torc::spawn(twice, 1);
    EXPECT_EQ(one.get(), 2);
    EXPECT_THROW(one.get(), std::logic_error);
  });
}

TEST(children, are_waited_for) {
  for (const int workers : {1, 2}) {
    run(workers, []() -> torc::task<> {
      torc::children c(4, twice);
      for (int i = 0; i < 4; ++i)
        c.spawn(i);
      const std::vector<int> results = co_await torc::wait(c);
      EXPECT_EQ(results, (std::vector<int>{0, 2, 4, 6}));
      torc::children mixed(3, fail_if_odd);
      for (int i = 0; i < 3; ++i)
        mixed.spawn(i);
      const auto outcomes = co_await torc::wait_all(mixed);
      EXPECT_TRUE(outcomes[0].has_value());
      EXPECT_FALSE(outcomes[1].has_value());
      EXPECT_TRUE(outcomes[2].has_value());
    });
  }
}

long leaves(int depth) {
  if (depth == 0) return 1;
  torc::children c(3, leaves);
  for (int i = 0; i < 3; ++i)
    c.spawn(depth - 1);
  long sum = 0;
  while (!c.empty())
    sum += c.get_last();
  return sum;
}

torc::task<long> coleaves(int depth) {
  if (depth == 0) co_return 1;
  torc::children c(2, coleaves);
  c.spawn(depth - 1);
  c.spawn(depth - 1);
  auto [third] = co_await torc::wait_all(coleaves(depth - 1));
  long sum = third.value();
  while (!c.empty())
    sum += c.get_last();
  co_return sum;
}

TEST(children, recur) {
  for (const int workers : {1, 2, 4}) {
    run(workers, [] {
      EXPECT_EQ(leaves(8), 6561);
      EXPECT_EQ(coleaves(6).get(), 729);
    });
  }
}

TEST(children, recur_without_a_runtime) { EXPECT_EQ(leaves(4), 81); }

TEST(children, may_be_more_than_the_fiber_has_room_for) {
  const test::environment small("TORC_STACK_SIZE", "64K");
  run([] {
    constexpr int many = 10'000;
    torc::children c(many, twice);
    for (int i = 0; i < many; ++i)
      c.spawn(i);
    long sum = 0;
    while (!c.empty())
      sum += c.get_last();
    EXPECT_EQ(sum, 1L * many * (many - 1));
  });
}

TEST(children, call_any_function) {
  run([] {
    int calls = 0;
    torc::children lambda(2, [&calls](int x) {
      ++calls;
      return x;
    });
    lambda.spawn(1);
    lambda.get_last();
    EXPECT_EQ(calls, 1);
    torc::children function(1, std::function<int(int)>(twice));
    function.spawn(3);
    EXPECT_EQ(function.get_last(), 6);
    torc::children quiet(1, [](int x) noexcept { return x; });
    quiet.spawn(7);
    EXPECT_EQ(quiet.get_last(), 7);
    int x = 0;
    torc::children referring(1, [](int& y) -> int& { return y; });
    referring.spawn(std::ref(x));
    EXPECT_EQ(&referring.get_last(), &x);
    torc::children moving(1, [](std::unique_ptr<int> p, const std::string& s) {
      return std::make_unique<std::string>(s + std::to_string(*p));
    });
    moving.spawn(std::make_unique<int>(4), "n");
    EXPECT_EQ(*moving.get_last(), "n4");
  });
}

TEST(children, leave_nothing_of_arguments_and_results) {
  for (const int workers : {1, 2, 4}) {
    run(workers, [] {
      for (int i = 0; i < 200; ++i) {
        torc::children taken(3, [](counted c) { return c; });
        torc::children dropped(3, [](counted c) { return c; });
        torc::children synced(3, [](counted c) { return c; });
        for (int j = 0; j < 3; ++j) {
          taken.spawn(counted(j));
          dropped.spawn(counted(j));
        }
        while (!taken.empty())
          taken.get_last();
        synced.spawn(counted(1));
        torc::sync();
      }
    });
    EXPECT_EQ(counted::alive, 0);
  }
}

TEST(children, are_joined_at_the_end_of_their_scope) {
  for (const int workers : {1, 2, 4}) {
    run(workers, [] {
      std::atomic<int> ran{0};
      {
        torc::children c(50, [&ran](int) { ++ran; });
        for (int i = 0; i < 50; ++i)
          c.spawn(i);
      }
      EXPECT_EQ(ran, 50);
    });
  }
}

TEST(children, are_stolen) {
  run(4, [] {
    std::atomic<int> ran{0};
    torc::children c(5, [&ran](int) { ++ran; });
    for (int i = 0; i < 5; ++i)
      c.spawn(i);
    test::spin_until(ran, 5); // the parent neither spawns nor waits
  });
}

TEST(children, more_than_there_is_room_for_are_an_error_that_loses_none) {
  run([] {
    std::atomic<int> ran{0};
    torc::children c(2, [&ran](int) { ++ran; });
    c.spawn(0);
    c.get_last();
    c.spawn(1);
    c.spawn(2);
    EXPECT_THROW(c.spawn(3), std::length_error);
    EXPECT_EQ(c.size(), 2u);
    torc::sync();
    EXPECT_EQ(ran, 3);
    EXPECT_THROW(torc::children(std::size_t{1} << 62, twice), std::length_error);
    torc::children none(0, twice);
    EXPECT_THROW(none.spawn(1), std::length_error);
  });
}

TEST(children, throw_the_exception_of_the_one_that_is_asked) {
  for (const int workers : {1, 2}) {
    run(workers, [] {
      torc::children c(3, fail_if_odd);
      for (int i = 0; i < 3; ++i)
        c.spawn(i);
      c.get_last();
      EXPECT_EQ(thrown_by([&] { c.get_last(); }), "child 1");
      EXPECT_EQ(c.size(), 1u);
      c.get_last();
    });
  }
}

TEST(children, throw_the_first_failure_in_the_order_of_spawns_at_the_end_of_their_scope) {
  std::string thrown;
  testing::internal::CaptureStderr();
  run(4, [&thrown] {
    thrown = thrown_by([] {
      std::atomic<int> started{0};
      torc::children c(3, [&started](int i) {
        ++started;
        test::spin_until(started, 3); // or the first failure would have the others skipped
        fail_if_odd(i);
      });
      for (int i = 1; i < 4; ++i)
        c.spawn(i);
      test::spin_until(started, 3);
    });
  });
  const std::string reported = testing::internal::GetCapturedStderr();
  EXPECT_EQ(thrown, "child 1");
  EXPECT_NE(reported.find("child 3"), std::string::npos) << reported;
  EXPECT_EQ(reported.find("child 1"), std::string::npos) << reported;
}

TEST(children, that_have_not_started_are_skipped_when_one_has_failed) {
  run(1, [] {
    int ran = 0;
    EXPECT_EQ(thrown_by([&ran] {
                torc::children c(3, [&ran](int i) {
                  ++ran;
                  fail(i);
                });
                for (int i = 0; i < 3; ++i)
                  c.spawn(i);
              }),
              "child 2");
    EXPECT_EQ(ran, 1);
    auto after = torc::spawn(twice, 1); // the failure has been thrown: children start again
    EXPECT_EQ(after.get(), 2);
  });
}

TEST(children, are_skipped_when_an_exception_leaves_their_scope) {
  run(1, [] {
    int ran = 0;
    EXPECT_EQ(thrown_by([&ran] {
                torc::children c(3, [&ran](int) { ++ran; });
                for (int i = 0; i < 3; ++i)
                  c.spawn(i);
                fail(7);
              }),
              "child 7");
    EXPECT_EQ(ran, 0);
  });
}

TEST(children, whose_failure_sync_has_thrown_do_not_throw_it_again) {
  run(1, [] {
    torc::children c(1, fail_if_odd);
    c.spawn(1);
    EXPECT_EQ(thrown_by([] { torc::sync(); }), "child 1");
  });
}

TEST(children, of_a_stopped_group_end_it) {
  for (const int workers : {1, 2}) {
    run(workers, [] {
      std::atomic<int> ran{0};
      bool went_on = false;
      torc::group g;
      g.cancel();
      try {
        torc::children c(3, [&ran](int) { ++ran; });
        for (int i = 0; i < 3; ++i)
          c.spawn(i);
        c.get_last();
        went_on = true;
      } catch (const torc::cancelled&) {
      }
      EXPECT_FALSE(went_on);
      EXPECT_EQ(ran, 0);
    });
  }
}

} // namespace
