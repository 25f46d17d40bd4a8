// SPDX-License-Identifier: MIT
// Groups, cancelling, stop tokens, and the two ways to wait for things that fail.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <gtest/gtest.h>
#include <ranges>
#include <stdexcept>
#include <string>
#include <thread>
#include <torc/torc.hpp>
#include <vector>

#include "ranks/failing.hpp"
#include "session.hpp"

namespace {

using namespace std::chrono_literals;
using test::converged;

std::atomic<int> ran{0}, stopped{0};
std::atomic<bool> running{false};

class groups : public testing::Test {
protected:
  groups() {
    ran = stopped = 0;
    running = false;
  }
};

int count(int x) { return ++ran, x; }

/// A long computation that asks whether it is to stop.
void compute() {
  running = true;
  const std::stop_token token = torc::stop_token();
  while (!token.stop_requested()) {
    std::this_thread::yield();
  }
  ++stopped;
  torc::stop_point();
}

void fail() { throw converged("at 3"); }
void fail_when_running() {
  test::spin_until(running);
  fail();
}

TEST_F(groups, give_results_and_join_at_the_end) {
  test::run([] {
    {
      torc::group g;
      for (int i = 0; i < 100; ++i) {
        static_cast<void>(torc::submit(count, i));
      }
      auto child = torc::spawn(count, 100);
      g.wait().get();
      EXPECT_EQ(ran, 101);
      static_cast<void>(torc::submit(count, 101));
    }
    EXPECT_EQ(ran, 102);
  });
}

// One worker, so that nothing begins before the failure.
TEST_F(groups, that_fail_do_not_begin_what_has_not_begun) {
  test::run(1, [] {
    EXPECT_THROW(
        {
          const torc::group g;
          static_cast<void>(torc::submit(torc::here, fail));
          for (int i = 0; i < 100; ++i) {
            static_cast<void>(torc::submit(torc::here, count, i));
          }
        },
        converged);
    EXPECT_EQ(ran, 0);
  });
}

TEST_F(groups, of_which_two_fail_at_once_throw_one_failure_once) {
  testing::internal::CaptureStderr(); // where the other one is
  test::run(3, [] {
    for (int round = 0; round < 1000; ++round) {
      EXPECT_NO_THROW({
        torc::group g;
        for (int i = 0; i < 4; ++i) {
          static_cast<void>(torc::submit(torc::here, fail));
        }
        EXPECT_THROW(round % 2 == 0 ? g.wait().get() : torc::sync(), converged);
      });
    }
  });
  testing::internal::GetCapturedStderr();
}

TEST_F(groups, that_fail_stop_what_runs) {
  test::run([] {
    EXPECT_THROW(
        {
          torc::group g;
          auto slow = torc::submit(compute);
          static_cast<void>(torc::submit(fail_when_running));
          slow.get(); // the group's failure, not that this one was cancelled
        },
        converged);
    EXPECT_EQ(stopped, 1);
  });
}

template <class Body>
void expect_converged(Body body) {
  stopped = 0;
  running = false;
  EXPECT_THROW(
      {
        torc::group g;
        body(g);
      },
      converged);
  EXPECT_EQ(stopped, 1);
}

TEST_F(groups, fail_alike_however_their_tasks_are_started_and_joined) {
  test::run(3, [] {
    expect_converged([](torc::group&) { // spawned, and joined by their scope
      auto a = torc::spawn(compute);
      auto b = torc::spawn(fail_when_running);
      test::spin_until(running);
    });
    expect_converged([](torc::group&) {
      auto a = torc::spawn(compute);
      auto b = torc::spawn(fail_when_running);
      torc::wait(a, b).get();
    });
    expect_converged([](torc::group&) {
      auto a = torc::spawn(compute);
      auto b = torc::spawn(fail_when_running);
      b.get();
    });
    expect_converged([](torc::group&) {
      auto a = torc::spawn(compute);
      auto b = torc::spawn(fail_when_running);
      a.get();
    });
    expect_converged([](torc::group&) {
      auto a = torc::spawn(compute);
      auto b = torc::spawn(fail_when_running);
      torc::sync();
    });
    expect_converged([](torc::group& g) {
      static_cast<void>(torc::submit(compute));
      static_cast<void>(torc::submit(fail_when_running));
      g.wait().get();
    });
    expect_converged([](torc::group&) {
      auto a = torc::submit(compute);
      auto b = torc::submit(fail_when_running);
      torc::wait(a, b).get();
    });
    expect_converged([](torc::group&) {
      std::vector<torc::future<void>> all;
      all.push_back(torc::submit(compute));
      all.push_back(torc::submit(fail_when_running));
      for (auto& f : torc::as_completed(all))
        f.get();
    });
    expect_converged([](torc::group&) {
      const auto a = []() -> torc::task<> { co_return compute(); };
      const auto b = []() -> torc::task<> { co_return fail_when_running(); };
      torc::wait(a(), b()).get();
    });
    expect_converged([](torc::group&) { // the scope itself
      static_cast<void>(torc::submit(compute));
      fail_when_running();
    });
  });
}

TEST_F(groups, tell_a_failure_once) {
  test::run([] {
    testing::internal::CaptureStderr();
    EXPECT_THROW(
        {
          const torc::group g;
          auto a = torc::spawn(fail);
          torc::sync();
        },
        converged);
    EXPECT_THROW(
        {
          const torc::group g;
          auto a = torc::spawn(fail);
        },
        converged);
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  });
}

TEST_F(groups, report_a_second_failure) {
  test::run(4, [] {
    std::atomic<int> started{0};
    const auto fail_together = [&started] {
      ++started;
      test::spin_until(started, 2);
      fail();
    };
    testing::internal::CaptureStderr();
    EXPECT_THROW(
        {
          const torc::group g;
          auto a = torc::spawn(fail_together);
          auto b = torc::spawn(fail_together);
          test::spin_until(started, 2);
        },
        converged);
    const std::string reported = testing::internal::GetCapturedStderr();
    EXPECT_EQ(std::count(reported.begin(), reported.end(), '\n'), 1) << reported;
  });
}

torc::task<> group_of_coroutines() {
  const auto a = []() -> torc::task<> { co_return compute(); };
  const auto b = []() -> torc::task<> { co_return fail_when_running(); };
  torc::group g;
  co_await torc::wait(a(), b());
}

TEST_F(groups, fail_in_coroutines) {
  test::run([] {
    EXPECT_THROW(group_of_coroutines().get(), converged);
    EXPECT_EQ(stopped, 1);
  });
}

// The failure is the group's even if somebody in its scope has caught it: what was stopped stays
// so.
TEST_F(groups, stay_failed) {
  test::run([] {
    torc::group g;
    auto a = torc::submit(fail);
    EXPECT_THROW(a.get(), converged);
    auto b = torc::submit(count, 1);
    EXPECT_THROW(b.get(), converged);
    EXPECT_THROW(g.wait().get(), converged);
    EXPECT_EQ(ran, 0);
  }); // and the end throws nothing: it has been told
}

TEST_F(groups, that_converge_stop_alone) {
  test::run([] { EXPECT_EQ(test::search_grid(20), 20); });
}

TEST_F(groups, stop_those_inside) {
  test::run([] {
    EXPECT_THROW(
        {
          const torc::group outer;
          static_cast<void>(torc::submit(fail_when_running));
          const torc::group inner;
          static_cast<void>(torc::submit(compute));
        },
        converged);
    EXPECT_EQ(stopped, 1);
  });
}

// The deadline, because all workers are busy for ever.

long recursion(int n) {
  if (n < 2) return n;
  auto a = torc::spawn(recursion, n - 1);
  const long b = recursion(n - 2);
  return a.get() + b;
}

TEST_F(groups, stop_recursions_at_their_joins) {
  test::run([] {
    for (int i = 0; i < 10; ++i) {
      EXPECT_THROW(
          {
            const torc::group g(1ms * i);
            recursion(200);
          },
          torc::timed_out);
    }
  });
}

torc::task<long> recursive_coroutine(int n) {
  if (n < 2) co_return n;
  auto [a, b] = co_await torc::wait(recursive_coroutine(n - 1), recursive_coroutine(n - 2));
  co_return a + b;
}

TEST_F(groups, stop_recursions_of_coroutines) {
  test::run([] {
    for (int i = 0; i < 10; ++i) {
      EXPECT_THROW(
          {
            const torc::group g(1ms * i);
            recursive_coroutine(200).get();
          },
          torc::timed_out);
    }
  });
}

TEST_F(groups, stop_loops) {
  test::run([] {
    const std::vector<int> numbers(1'000'000);
    EXPECT_THROW(
        {
          const torc::group g(5ms);
          torc::for_each([](int) { std::this_thread::sleep_for(1ms); }, numbers, torc::chunk{1})
              .get();
        },
        torc::timed_out);
  });
}

TEST_F(groups, are_cancelled_by_hand) {
  test::run([] {
    {
      torc::group g;
      auto a = torc::submit(compute);
      test::spin_until(running);
      g.cancel();
      g.cancel();
      EXPECT_THROW(g.wait().get(), torc::cancelled);
      EXPECT_THROW(a.get(), torc::cancelled);
      auto late = torc::submit(count, 1);
      EXPECT_THROW(late.get(), torc::cancelled);
    } // throws nothing
    EXPECT_EQ(stopped, 1);
    EXPECT_EQ(ran, 0);
    EXPECT_EQ(torc::submit(count, 1).get(), 1); // afterwards all is as before
  });
}

TEST_F(groups, stop_a_loop_in_its_filter) {
  for (const int workers : {1, 2}) {
    test::run(workers, [] {
      std::atomic<int> tests{0};
      const auto never = [&tests](int) {
        ++tests;
        std::this_thread::sleep_for(1ms);
        return false;
      };
      const auto f = [&tests](int) { return tests.load(); };
      EXPECT_THROW(
          {
            const torc::group g(20ms);
            auto none = std::views::iota(0, 4000) | std::views::filter(never);
            torc::reduce(f, none, 0).get();
          },
          torc::timed_out);
      EXPECT_LT(tests, 3000);
    });
  }
}

TEST_F(groups, have_a_deadline) {
  test::run([] {
    EXPECT_THROW(
        {
          const torc::group g(10ms);
          auto a = torc::submit(compute);
          a.get();
        },
        torc::timed_out);
    EXPECT_EQ(stopped, 1);
    for (const auto limit : {0s, -1s}) {
      const auto begin_late = [limit] {
        const torc::group g(limit);
        torc::stop_point();
        ADD_FAILURE() << "its deadline has passed";
      };
      EXPECT_THROW(begin_late(), torc::timed_out);
    }
    const torc::group in_time(1h);
    EXPECT_EQ(torc::submit(count, 1).get(), 1);
  });
}

TEST_F(groups, report_what_nobody_catches) {
  testing::internal::CaptureStderr();
  test::run([] {
    EXPECT_THROW(
        {
          const torc::group g;
          auto a = torc::submit(compute);
          test::spin_until(running);
          throw std::logic_error("the scope's own");
        },
        std::logic_error);
    EXPECT_THROW(
        {
          torc::group g;
          auto a = torc::submit(fail);
          while (!a.done())
            std::this_thread::yield();
          throw std::logic_error("the scope's own");
        },
        std::logic_error);
  });
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_EQ(said.find("converged"), said.rfind("converged")) << said;
  EXPECT_NE(said.find("at 3"), std::string::npos) << said;
}

TEST_F(groups, are_misused) {
  test::run([] {
    torc::group outer;
    torc::group inner;
    EXPECT_THROW(outer.wait().get(), std::logic_error);
    EXPECT_THROW(torc::submit(torc::here, [&inner] { inner.wait().get(); }).get(),
                 std::logic_error);
    std::thread([] { EXPECT_THROW(const torc::group g, std::logic_error); }).join();
  });
}

TEST_F(groups, work_without_a_session) {
  {
    const torc::group g;
    EXPECT_EQ(torc::submit(count, 7).get(), 7);
  }
  EXPECT_THROW(
      {
        const torc::group g;
        static_cast<void>(torc::submit(fail));
        static_cast<void>(torc::submit(count, 7));
      },
      converged);
  EXPECT_EQ(ran, 1);
  torc::group g;
  const std::stop_token token = torc::stop_token();
  EXPECT_FALSE(token.stop_requested());
  g.cancel();
  EXPECT_TRUE(token.stop_requested());
  EXPECT_THROW(torc::submit(count, 7).get(), torc::cancelled);
}

TEST_F(groups, have_a_deadline_without_a_session) {
  EXPECT_THROW(
      {
        const torc::group g(10ms);
        static_cast<void>(torc::submit(compute));
      },
      torc::timed_out);
  EXPECT_EQ(stopped, 1);
  const torc::group in_time(1h);
  EXPECT_EQ(torc::submit(count, 1).get(), 1);
}

// Cancelling futures.

TEST_F(groups, a_queued_task_is_cancelled) {
  test::run(1, [] {
    auto a = torc::submit(torc::here, count, 1);
    auto b = torc::submit(torc::here.pinned(), count, 2);
    a.cancel();
    EXPECT_TRUE(a.done());
    EXPECT_THROW(a.get(), torc::cancelled);
    a.cancel();
    b.cancel();
    b.cancel();
    EXPECT_THROW(b.get(), torc::cancelled);
    EXPECT_EQ(ran, 0);
  });
}

TEST_F(groups, who_waits_for_a_cancelled_task_goes_on_while_the_canceller_is_busy) {
  test::run(2, [] {
    std::atomic<bool> waits{false}, goes_on{false};
    auto queued = torc::submit(torc::here.pinned(), count, 1);
    auto waiter = torc::submit(torc::on_local_worker(1), [&] {
      waits = true;
      EXPECT_THROW(queued.get(), torc::cancelled);
      goes_on = true;
    });
    test::spin_until(waits);
    std::this_thread::sleep_for(20ms); // so that it has left its stack, and its worker sleeps
    queued.cancel();
    test::spin_until(goes_on);
    waiter.get();
  });
}

TEST_F(groups, a_running_task_is_cancelled_with_all_below) {
  test::run(3, [] {
    auto a = torc::submit([] { torc::submit(compute).get(); });
    auto b = torc::submit(torc::here, [] {
      auto child = torc::spawn(compute);
      child.get();
    });
    test::spin_until(running);
    a.cancel();
    b.cancel();
    EXPECT_THROW(a.get(), torc::cancelled);
    EXPECT_THROW(b.get(), torc::cancelled);
    EXPECT_GE(stopped, 1);
  });
}

TEST_F(groups, a_waiting_task_is_cancelled) {
  test::run(2, [] {
    std::vector<torc::future<void>> stranger;
    stranger.push_back(torc::submit(compute));
    const auto cancelled = [](auto wait) {
      auto waiting = torc::submit(torc::here, wait);
      std::this_thread::sleep_for(2ms);
      waiting.cancel();
      EXPECT_THROW(waiting.get(), torc::cancelled);
    };
    cancelled([&] { stranger[0].get(); });
    cancelled([&] { torc::wait(stranger).get(); });
    cancelled([&] { torc::wait_any(stranger).get(); });
    cancelled([&] { torc::wait_for(1h, stranger).get(); });
    cancelled([&] { torc::as_completed(stranger).next().get(); });
    EXPECT_FALSE(stranger[0].done());
    stranger[0].cancel();
  });
}

TEST_F(groups, a_task_that_ends_well_keeps_its_result) {
  test::run([] {
    auto a = torc::submit(count, 1);
    a.wait();
    a.cancel();
    EXPECT_EQ(a.get(), 1);
    auto deaf = torc::submit([] {
      running = true;
      while (!torc::stop_token().stop_requested()) {
      }
      return 5;
    });
    test::spin_until(running);
    deaf.cancel();
    EXPECT_EQ(deaf.get(), 5);
  });
}

// A task that somebody has cancelled is no failure of its parent or group.
TEST_F(groups, a_cancelled_task_fails_nobody) {
  test::run([] {
    const torc::group g;
    auto a = torc::submit(compute);
    test::spin_until(running);
    a.cancel();
    EXPECT_EQ(torc::submit(count, 1).get(), 1);
  });
}

// One that has failed before has failed, and not been cancelled.
TEST_F(groups, a_task_that_has_failed_is_cancelled_too_late) {
  test::run([] {
    EXPECT_THROW(
        {
          auto a = torc::submit(fail);
          while (!a.done())
            std::this_thread::yield();
          a.cancel();
          torc::sync();
        },
        converged);
    // At the very moment: when its arguments are dropped it is known how it has ended.
    static torc::future<void> failing;
    struct cancels_when_dropped {
      cancels_when_dropped() = default;
      cancels_when_dropped(const cancels_when_dropped& other) noexcept : copies(other.copies + 1) {}
      ~cancels_when_dropped() {
        if (copies == 1) failing.cancel(); // what the task keeps; each try has a copy of that
      }
      int copies = 0;
    };
    EXPECT_THROW(
        {
          const torc::group g;
          running = false;
          failing = torc::submit(
              torc::here.retry(1),
              [](const cancels_when_dropped&) {
                if (++ran == 2) test::spin_until(running);
                fail();
              },
              cancels_when_dropped());
          running = true;
        },
        converged);
    EXPECT_THROW(std::exchange(failing, {}).get(), converged);
  });
}

TEST_F(groups, tokens_call_back) {
  test::run([] {
    std::atomic<bool> called{false};
    auto a = torc::submit(torc::here, [&called] {
      const std::stop_callback note(torc::stop_token(), [&called] { called = true; });
      running = true;
      test::spin_until(called);
    });
    test::spin_until(running);
    a.cancel();
    a.get();
    EXPECT_TRUE(called);
  });
  EXPECT_FALSE(torc::stop_token().stop_possible());
}

TEST_F(groups, tokens_end_with_their_tasks) {
  std::stop_token of_first, of_second;
  torc::future<void> first, second;
  test::run([&] {
    first = torc::submit(torc::here, [&] { of_first = torc::stop_token(); });
    {
      torc::group g;
      second = torc::submit(torc::here, [&] { of_second = torc::stop_token(); });
    }
    first.wait();
    torc::group g; // where the other one was
    g.cancel();
  });
  first.cancel(); // after the session
  EXPECT_FALSE(of_first.stop_requested());
  EXPECT_FALSE(of_second.stop_requested());
}

TEST_F(groups, tokens_of_direct_tasks) {
  test::run([] {
    auto a = torc::submit(torc::here.direct().time_limit(1ms), [] {
      const std::stop_token token = torc::stop_token();
      while (!token.stop_requested()) {
      }
      torc::stop_point();
    });
    EXPECT_THROW(a.get(), torc::timed_out);
  });
}

TEST_F(groups, fail_with_what_a_child_has_submitted) {
  for (const int workers : {1, 2}) {
    test::run(workers, [] {
      const auto submits = [] { static_cast<void>(torc::submit(torc::here, fail)); };
      const auto group = [&] {
        torc::group g;
        auto c = torc::spawn(submits);
        EXPECT_THROW(c.get(), converged);
        EXPECT_THROW(torc::stop_point(), converged);
      };
      group();
      const auto caught_in_time = [&] {
        torc::group g;
        auto c = torc::spawn(submits);
        try {
          c.get();
        } catch (const converged&) {
        }
        static_cast<void>(torc::submit(count, 1)); // does not run any more
      };
      caught_in_time();
    });
  }
  EXPECT_EQ(ran, 0);
}

TEST_F(groups, results_can_be_copied) {
  const auto r = torc::result<std::string>::of([] { return std::string("x"); });
  torc::result<std::string> a(r), b = a;
  std::vector<torc::result<std::string>> all;
  all.emplace_back(a);
  EXPECT_EQ(all.front().value() + b.value(), "xx");
}

// wait_all

TEST_F(groups, wait_all_gives_a_result_for_each) {
  test::run([] {
    auto good = torc::submit(count, 1);
    auto bad = torc::submit(fail);
    auto child = torc::spawn(count, 2);
    const auto coroutine = []() -> torc::task<std::string> { co_return "three"; };
    auto t = coroutine();
    auto [a, b, c, d] = torc::wait_all(good, bad, child, t).get();
    EXPECT_EQ(&a.value(), &good.get());
    EXPECT_THROW(b.value(), converged);
    EXPECT_FALSE(b);
    EXPECT_EQ(std::move(c).value(), 2);
    EXPECT_EQ(d.value(), "three");
    EXPECT_EQ(d.error(), nullptr);
  });
}

TEST_F(groups, wait_all_ends_when_its_task_is_stopped) {
  test::run(3, [] {
    static std::atomic<bool> go_on{false};
    static torc::future<void> other;
    go_on = false;
    other = torc::submit(torc::here.detached(), [] { test::spin_until(go_on); });
    auto waits = torc::submit([] {
      ++ran;
      static_cast<void>(torc::wait_all(other).get());
    });
    test::spin_until(ran, 1);
    waits.cancel();
    EXPECT_THROW(waits.get(), torc::cancelled);
    go_on = true;
    std::exchange(other, {}).get();
  });
}

TEST_F(groups, wait_all_skips_nothing) {
  test::run([] {
    for (int i = 0; i < 100; ++i) {
      ran = 0;
      auto a = torc::spawn(count, 1);
      auto b = torc::spawn(fail);
      auto c = torc::spawn(count, 2);
      const auto [x, y, z] = torc::wait_all(a, b, c).get();
      EXPECT_TRUE(x && !y && z);
      EXPECT_EQ(ran, 2);
    }
    std::vector<torc::future<int>> all;
    for (int i = 0; i < 10; ++i) {
      all.push_back(torc::submit([](int n) { return n % 2 == 0 ? n : throw converged("odd"); }, i));
    }
    auto results = torc::wait_all(all).get();
    for (int i = 0; i < 10; ++i) {
      auto& r = results[static_cast<std::size_t>(i)];
      EXPECT_EQ(r.has_value(), i % 2 == 0);
      if (r) {
        EXPECT_EQ(r.value(), i);
      }
    }
  });
}

} // namespace
